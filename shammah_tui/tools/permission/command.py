"""Judges what Bash is asked to run: each simple command by itself, in every folder that it may find itself in."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from shammah_tui.tools.permission.address import names_metadata
from shammah_tui.tools.permission.below import trouble_below
from shammah_tui.tools.permission.command_rule import CommandRule, compile_rule, exact_pattern, open_pattern
from shammah_tui.tools.permission.decision import Context, Finding, Verdict, strictest
from shammah_tui.tools.permission.file_pattern import reached, trouble_of_glob
from shammah_tui.tools.permission.path_rule import denies
from shammah_tui.tools.permission.place import (
    Place,
    is_credential,
    is_guarded,
    is_kernel,
    is_sensitive,
    is_within,
    locate,
)
from shammah_tui.tools.permission.profiles.shape import Refused, Use, words_of
from shammah_tui.tools.permission.profiles.table import JUDGES, RUN_THE_PROJECT
from shammah_tui.tools.permission.syntax import Command, NotUnderstood, Word, parse

_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\Z|\[\Z")
# Bash gives these a meaning of their own where a command may begin.
_RESERVED = words_of(
    "if then else elif fi case esac for select while until do done in function time coproc eval exec source alias "
    "unalias export declare typeset local readonly set unset shopt trap enable hash builtin let read mapfile readarray "
    "ulimit umask pushd popd bind complete compgen history fc"
)
_SPLIT = re.compile(r"[\s;|&<>(){},`$]+")
_FIXED_DENIAL = "it touches a credential file"


def judge(text: str, patterns: Sequence[str], context: Context, *, closed: Sequence[str] = ()) -> Finding:
    """Judge a whole command line under the allow rules `patterns`; `closed` are path rules that the person denies."""
    if not text.strip() or "\0" in text:
        return Finding(Verdict.DENY, "the command is empty or not a text", is_fixed=True)
    try:
        commands = parse(text)
    except NotUnderstood as error:
        if _text_touches_floor(text, context):
            return Finding(Verdict.DENY, _FIXED_DENIAL, is_fixed=True)
        return Finding(Verdict.ASK, f"not understood: {error}")
    rules = [rule for rule in map(compile_rule, patterns) if rule is not None]
    judgement = _Judgement(rules, context, closed)
    for place, command in enumerate(commands):
        following = commands[place + 1].operator if place + 1 < len(commands) else ""
        judgement.take(command, following)
    return strictest(judgement.findings)


def is_named(text: str, patterns: Sequence[str]) -> bool:
    """Whether a deny rule names a command of `text`, or may: behind a program that is not known, or in a shape that is
    not understood, its first word is enough."""
    rules = [rule for rule in map(compile_rule, patterns) if rule is not None]
    try:
        commands = parse(text)
    except NotUnderstood:
        words = set(_SPLIT.split(re.sub(r"[\"'\\]", "", text)))
        return any(rule.program in words for rule in rules)
    for command in commands:
        argv = [word.text for word in command.words]
        starts = range(1 if argv[0] in JUDGES else len(argv))
        if any(rule.begins(argv[start:]) for rule in rules for start in starts):
            return True
    return False


class _Judgement:
    """One walk over a command line. `here` is where the next command may run, `ever` wherever any later one may."""

    def __init__(self, rules: list[CommandRule], context: Context, closed: Sequence[str]) -> None:
        self.rules = rules
        self.closed = closed
        self.context = context
        self.here = [context.real_cwd]
        self.ever = [context.real_cwd]
        self.has_moved = False
        self.came_by_link = False
        self.findings: list[Finding] = []

    def take(self, command: Command, following: str) -> None:
        if command.operator != "&&":
            self.here = self.ever
        words = command.words
        if words[0].text == "cd":
            self.findings.append(self._change_folder(words, following, command.operator))
        else:
            self.findings.append(self._judge(words, is_fed=command.operator == "|"))

    def _change_folder(self, words: Sequence[Word], following: str, operator: str) -> Finding:
        rest = words[2:] if len(words) > 1 and words[1].text == "--" else words[1:]
        if len(rest) != 1 or rest[0].is_glob or not rest[0].text or rest[0].text.startswith("-"):
            return Finding(Verdict.ASK, "`cd` here leads to a folder that is not written out")
        target = rest[0].text
        leads_up = ".." in target.split("/")
        if (self.has_moved or self.came_by_link) and leads_up:
            return Finding(Verdict.ASK, "it changes the folder twice")
        moved = [locate(target, folder) for folder in self.here]
        is_linked = any(place.written != place.real for place in moved)
        if is_linked and leads_up:
            # For bash `..` takes the last name off the path as it is written, links and all.
            return Finding(Verdict.ASK, f"`{target}` leads up again from behind a link")
        self.came_by_link |= is_linked
        finding = self._passes(words, [(moved_to, target) for moved_to in moved], Use(reads_folder=False))
        # A command that says once more where it runs anyhow (`cd PROJECT && git log`) has not moved.
        self.has_moved |= any(place.real != folder for place, folder in zip(moved, self.here, strict=True))
        self.ever = list(dict.fromkeys([*self.ever, *(place.real for place in moved)]))
        is_certain = following == "&&" and operator != "|"
        self.here = [place.real for place in moved] if is_certain else self.ever
        return finding

    def _judge(self, words: Sequence[Word], *, is_fed: bool) -> Finding:
        name = words[0].text
        if words[0].is_glob or not _PROGRAM.match(name) or name in _RESERVED:
            return self._floor(words) or Finding(Verdict.ASK, f"`{name}` is not the plain name of a program")
        found = self.context.resolve(name)
        is_inside = found is not None and is_within(found, self.context.real_project)
        if is_inside and name not in RUN_THE_PROJECT:
            return self._floor(words) or Finding(Verdict.ASK, f"`{name}` is a file of the project itself")
        judge_of = JUDGES.get(name)
        try:
            if judge_of is None:
                raise Refused(f"`{name}` is not among the programs whose arguments are known")
            use = judge_of(words)
            use.reads_below &= not (is_fed and use.prefers_input)
        except Refused as refused:
            return self._by_exact_rule(words, str(refused), is_fed=is_fed)
        places: list[tuple[Place, str]] = []
        for word in use.paths:
            if not word.is_glob:
                places += [(locate(word.text, folder), word.text) for folder in self.here]
                continue
            if trouble := trouble_of_glob(word.text):
                return trouble
            for folder in self.here:
                matches = reached(word.text, folder)
                if matches is None:
                    return Finding(Verdict.ASK, f"`{word.text}` reaches more files than can be looked at")
                if word.text[0] in "*?[" and any(place.written.startswith(f"{folder}/-") for place in matches):
                    return Finding(Verdict.ASK, f"`{word.text}` matches a file that would be taken for a flag")
                places += [(place, place.written) for place in matches]
        return self._passes(words, places, use)

    def _passes(self, words: Sequence[Word], places: list[tuple[Place, str]], use: Use) -> Finding:
        """Whether a command whose arguments are understood stays inside the project, and a rule covers it."""
        argv = [word.text for word in words]
        for place, text in places:
            if is_credential(place):
                return Finding(Verdict.DENY, f"{_FIXED_DENIAL} (`{text}`)", is_fixed=True)
            if denies(self.closed, place, self.context):
                return Finding(Verdict.DENY, f"a rule of yours denies `{text}`", is_fixed=True)
        is_plain = not any(word.is_glob for word in words)
        if is_plain and not self.has_moved and self._is_named(argv):
            return Finding(Verdict.ALLOW, "a rule names exactly this", reads_only=not (use.changes or use.runs_project))

        def asks(reason: str) -> Finding:
            """A question that a rule with exactly these words would answer."""
            return Finding(Verdict.ASK, reason, (exact_pattern(argv),) if is_plain and not self.has_moved else ())

        project = self.context.real_project
        for place, text in places:
            if not text or (is_kernel(text) and text != "/dev/null"):
                return asks(f"`{text}` is not a plain file")
            if text != "/dev/null" and not is_within(place.real, project):
                return asks(f"`{text}` is outside the project")
            if is_sensitive(place):
                return asks(f"`{text}` often holds secrets")
        if use.reads_below:
            folders = [place.real for place, _ in places] + (self.here if use.reads_folder else [])
            if trouble := trouble_below(folders, use, self.here):
                return trouble
        for word in use.writes:
            if any(is_guarded(locate(word.text, folder), self.context) for folder in self.here):
                return Finding(Verdict.ASK, f"`{word.text}` is run or read by other programs by itself")
        for word in use.not_paths:
            if any(os.path.lexists(f"{folder}/{word.text}") for folder in self.here):
                return Finding(Verdict.ASK, f"`{word.text}` is a file or folder here, whose changes would go")
        if use.reads_folder and not all(is_within(folder, project) for folder in self.here):
            return asks("it would work outside the project")
        if self.has_moved and use.runs_project and argv[0] == "git":
            return Finding(Verdict.ASK, "git in another folder may be another repository, with settings of its own")
        if not any(rule.begins(argv) and rule.literal_words >= use.literal_words for rule in self.rules):
            return Finding(
                Verdict.ASK, f"no rule covers `{' '.join(argv[: use.grant])}`", (open_pattern(argv[: use.grant]),)
            )
        is_reader = not (use.changes or use.runs_project) or (argv[0] == "git" and not use.changes)
        return Finding(
            Verdict.ALLOW, "a rule covers it, and its arguments are known to be harmless", reads_only=is_reader
        )

    def _by_exact_rule(self, words: Sequence[Word], refusal: str, *, is_fed: bool) -> Finding:
        floor = self._floor(words)
        if floor is not None:
            return floor
        argv = [word.text for word in words]
        if any(word.is_glob for word in words) or self.has_moved:
            return Finding(Verdict.ASK, refusal)
        if is_fed:
            # `python` alone may be a rule; what is piped into it is a program that no rule has seen.
            return Finding(Verdict.ASK, f"{refusal}, and it is given its input by another command")
        if self._is_named(argv):
            return Finding(Verdict.ALLOW, "a rule names exactly this")
        return Finding(Verdict.ASK, refusal, (exact_pattern(argv),))

    def _is_named(self, argv: Sequence[str]) -> bool:
        """Whether a rule names exactly these arguments, with nothing left open."""
        named = tuple(argv)
        return any(rule.exact == named for rule in self.rules)

    def _floor(self, words: Sequence[Word]) -> Finding | None:
        for word in words:
            if _word_touches_floor(word.text, self.here, self.context):
                return Finding(Verdict.DENY, f"{_FIXED_DENIAL} or a metadata address (`{word.text}`)", is_fixed=True)
        return None


def _word_touches_floor(text: str, folders: Sequence[str], context: Context) -> bool:
    """Whether a word of any program, or its tail after `=`, `@` or `:`, names a credential or a metadata address."""
    candidates = [text, *re.split(r"[=@:]", text)[1:]]
    flag = re.match(r"-[A-Za-z](.+)", text)
    if flag:
        candidates.append(flag[1])
    if names_metadata(text):
        return True
    for candidate in candidates:
        if not candidate or candidate.startswith("-"):
            continue
        path = context.home + candidate[1:] if candidate == "~" or candidate.startswith("~/") else candidate
        if any(is_credential(locate(path, folder)) for folder in folders if "\0" not in path):
            return True
    return False


def _text_touches_floor(text: str, context: Context) -> bool:
    """The same for a text whose shape is not understood: quotes and backslashes are taken away, words looked at."""
    plain = text.replace("$HOME", context.home).replace("${HOME}", context.home)
    plain = re.sub(r"[\"'\\]", "", plain)[:20_000]
    return any(_word_touches_floor(word, [context.real_cwd], context) for word in _SPLIT.split(plain) if word)
