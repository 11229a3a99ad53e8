"""How a profile is written, and how arguments are read against it.

Flags are those of GNU or of the program's own manual; a flag with a value is listed with the kind of the value, because
a value taken for an operand (or the reverse) would hide a path. Abbreviations and unknown glued letters are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from shammah_tui.tools.permission.place import may_pick_credential
from shammah_tui.tools.permission.syntax import Word


class Kind(Enum):
    """What an operand or a value is."""

    TEXT = "text"
    NUMBER = "number"
    NAME = "name"
    PATH = "path"
    REVISION = "revision"
    """git's: a commit, a range, or a path; judged as a path too."""
    NODE = "node"
    """pytest's: a path with `::name` after it."""
    FILTER = "filter"
    """A pattern of file names to take, which the program itself matches."""
    FOLDERS = "folders"
    """What grep does with a folder: with `recurse` it would read all below."""
    NONE = "none"


class Refused(Exception):
    """The profile does not accept an argument; the message says which."""


@dataclass(slots=True)
class Use:
    """What a command would touch: the paths it reads, and whether it changes anything."""

    paths: list[Word] = field(default_factory=list)
    writes: list[Word] = field(default_factory=list)
    """Those of the paths that it makes or changes: what other programs run or read by themselves asks."""
    not_paths: list[Word] = field(default_factory=list)
    """Words that must not be a path: git would take one for a file whose changes are to go."""
    reads_folder: bool = False
    """Whether it reads the working folder without naming it."""
    reads_below: bool = False
    """Whether it reads every file below the folders that it is given (`grep -r`)."""
    skips_hidden: bool = False
    """Whether it passes over the hidden ones among them."""
    prefers_input: bool = False
    """Whether it reads what it is fed, if anything, rather than the working folder."""
    values: list[tuple[str, Word]] = field(default_factory=list)
    """Its flags that take a value, with it, in their order."""
    changes: bool = False
    runs_project: bool = False
    """Whether it runs code of the project or depends on its repository (tests, builds, git)."""
    literal_words: int = 1
    """How many words a rule must name outright, so that `git *` does not cover `git push`."""
    grant: int = 1
    """How many words the rule that "always" saves names."""


Judge = Callable[[Sequence[Word]], Use]

NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[bkKmMgG]?i?B?\Z")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:/+@=-]*\Z")
_WILD = re.compile(r"[*?\[]")
_COUNT = re.compile(r"-[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Profile:
    """A program, or a sub-command of one, whose arguments follow the usual conventions.

    `flags` take no value; `optional` take one only after `=`; `valued` take one after `=`, glued or as the next word.
    """

    flags: frozenset[str] = frozenset()
    valued: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    operands: Kind = Kind.PATH
    first: Kind | None = None
    """The kind of the first operand, where it differs (grep's pattern); flags of `replaces_first` stand in for it."""
    replaces_first: frozenset[str] = frozenset()
    operands_max: int = 1_000
    operands_min: int = 0
    has_count: bool = False
    """`-20` is a number of lines."""
    is_glob_safe: bool = False
    """No flag can do harm, so a file pattern may come to stand where a flag would."""
    reads_folder: bool = False
    """Without operands it reads the working folder."""
    folder_flags: frozenset[str] = frozenset()
    """The same, only with one of these (grep -r)."""
    searches_below: bool = False
    """It reads all below a folder without a flag, less what is hidden, and what it is fed if that is all (rg)."""
    lists_only: frozenset[str] = frozenset()
    """With one of these it reads no file."""
    changes: bool = False
    runs_project: bool = False

    def read(self, words: Sequence[Word], use: Use) -> Use:
        """Take `words` (after the program's name) into `use`. Raises Refused."""
        use.changes |= self.changes
        use.runs_project |= self.runs_project
        first, is_first_taken = self.first, False
        operands = 0
        only_operands = False
        seen_folder_flag = not self.folder_flags
        is_search = self.searches_below
        remaining = iter(words)
        for word in remaining:
            text = word.text
            if only_operands or text == "-" or not text.startswith("-"):
                if word.is_glob and text[0] in "*?[" and not (self.is_glob_safe or only_operands):
                    raise Refused(f"`{text}` could become a flag")
                if first is None:
                    self._take(self.operands, word, use)
                    operands += 1
                else:
                    self._take(first, word, use)
                    first, is_first_taken = None, True
                continue
            if word.is_glob:
                self._check_flag_pattern(text, use)
                continue
            if text == "--":
                only_operands = True
                continue
            name = self._take_flag(text, remaining, use, after_operand=operands > 0)
            if name & self.replaces_first:
                if is_first_taken:
                    raise Refused("whether the pattern or a file comes first is not clear")
                first = None
            seen_folder_flag = seen_folder_flag or bool(name & self.folder_flags)
            is_search = is_search and not name & self.lists_only
        if not self.operands_min <= operands <= self.operands_max:
            raise Refused("it has too many or too few operands")
        if operands == 0 and self.reads_folder and seen_folder_flag:
            use.reads_folder = True
        use.reads_below |= is_search or (bool(self.folder_flags) and seen_folder_flag)
        use.skips_hidden |= self.searches_below
        use.prefers_input |= self.searches_below and operands == 0
        return use

    def _check_flag_pattern(self, text: str, use: Use) -> None:
        """`--include=*.py` without quotes: whatever file it meets, it stays this flag with some text."""
        name, sign, value = text.partition("=")
        kind = self.valued.get(name) or self.optional.get(name)
        if not sign or not name.startswith("--") or kind not in (Kind.TEXT, Kind.FILTER) or "/" in value or "*" in name:
            raise Refused(f"`{text}` is a flag with a file pattern")
        if kind is Kind.FILTER and may_pick_credential(value):
            raise Refused(f"`{text}` picks credential files")
        use.values.append((name, Word(value, is_glob=True)))

    def _take_flag(self, text: str, remaining: Iterator[Word], use: Use, *, after_operand: bool) -> set[str]:
        """Accept one word that begins with a hyphen, with its value; the flags that it was."""
        if text in self.flags or text in self.optional or (self.has_count and _COUNT.match(text)):
            return {text}
        if text in self.valued:
            value_word = next(remaining, None)
            self._take_value(text, value_word, use)
            if after_operand and value_word is not None and self.valued[text] in (Kind.TEXT, Kind.FILTER):
                # BSD's programs read no flags after the first operand: there this is a file.
                use.paths.append(value_word)
            return {text}
        name, sign, value = text.partition("=")
        if sign and name.startswith("--"):
            kind = self.valued.get(name) or self.optional.get(name)
            if kind is None:
                raise Refused(f"the flag `{name}` is not known to be harmless")
            self._take(kind, Word(value), use)
            use.values.append((name, Word(value)))
            return {name}
        if text.startswith("--"):
            raise Refused(f"the flag `{name}` is not known to be harmless")
        return self._take_cluster(text, remaining, use)

    def _take_cluster(self, text: str, remaining: Iterator[Word], use: Use) -> set[str]:
        taken: set[str] = set()
        for place, letter in enumerate(text[1:], start=2):
            flag = f"-{letter}"
            if flag in self.flags:
                taken.add(flag)
                continue
            kind = self.valued.get(flag) or self.optional.get(flag)
            if kind is None:
                raise Refused(f"the flag `{flag if len(text) == 2 else text}` is not known to be harmless")
            taken.add(flag)
            rest = text[place:]
            if rest:
                self._take(kind, Word(rest), use)
                use.values.append((flag, Word(rest)))
            elif flag in self.valued:
                self._take_value(flag, next(remaining, None), use)
            break
        return taken

    def _take_value(self, flag: str, word: Word | None, use: Use) -> None:
        if word is None:
            raise Refused(f"`{flag}` lacks its value")
        kind = self.valued[flag]
        if word.is_glob or (word.text.startswith("-") and kind not in (Kind.TEXT, Kind.NUMBER, Kind.FILTER)):
            raise Refused(f"the value of `{flag}` is not plain")
        self._take(kind, word, use)
        use.values.append((flag, word))

    def _take(self, kind: Kind, word: Word, use: Use) -> None:
        text = word.text
        if kind is Kind.PATH:
            if text != "-":
                use.paths.append(word)
        elif kind is Kind.FILTER:
            if may_pick_credential(text):
                raise Refused(f"`{text}` picks credential files")
        elif kind is Kind.REVISION:
            if _WILD.search(text) and may_pick_credential(text):
                raise Refused(f"`{text}` picks credential files")
            use.paths += [Word(path, word.is_glob) for path in _paths_of_revision(text)]
        elif kind is Kind.NODE:
            if text.startswith("@") or word.is_glob:
                raise Refused(f"`{text}` is not a plain test")
            use.paths.append(Word(text.partition("::")[0]))
        elif kind is Kind.NONE:
            raise Refused(f"`{text}` is not expected here")
        elif kind is Kind.FOLDERS:
            if text not in ("read", "skip"):
                raise Refused(f"`{text}` may lead it into folders; -r says so plainly")
        elif word.is_glob:
            raise Refused(f"`{text}` would be matched against file names")
        elif (kind is Kind.NUMBER and not NUMBER.match(text)) or (kind is Kind.NAME and not NAME.match(text)):
            raise Refused(f"`{text}` is not plain")


def _paths_of_revision(text: str) -> list[str]:
    """What git may take for a path: the word itself, the part after `REV:`, and a pathspec without its magic."""
    magic = re.match(r":(?:\([a-z,]*\)|[!^/]+)", text)
    if magic:
        return [text[magic.end() :] or "."]
    _, colon, path = text.partition(":")
    return [text, path or "."] if colon else [text]


def words_of(text: str) -> frozenset[str]:
    """A table's row: flags separated by blanks."""
    return frozenset(text.split())


def kinds_of(**rows: str) -> dict[str, Kind]:
    """A table of flags by the kind of their value: `kinds_of(number="-n --lines")`."""
    return {flag: Kind(kind) for kind, row in rows.items() for flag in row.split()}


def version_only(words: Sequence[Word]) -> bool:
    return len(words) == 2 and words[1].text in ("--version", "-V")
