"""Rules for Bash in the person's notation: words, of which `*` stands for what may vary.

A rule matches the beginning of the arguments, word by word: `git log` covers `git log -5` and never `git logout`.
A `*` alone stands for one word, at the end for any number. `ls*` is `ls` with anything after it, never `lsof`; only
after one of `/:=._-` does a glued `*` stand for the rest of its own word (`tests/*`, `test:*`). Quotes take the meaning
from a `*`. The name of the program is always literal.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shammah_tui.tools.permission.characters import hidden_character

_TOKEN = re.compile(r"\s*((?:[^\s'\"]|'[^']*'|\"[^\"]*\")+)")
_PIECE = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^'\"]+)")
_JOINT = "/:=._-"


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a rule: `text` literally; with `is_prefix` any word that begins so, with `is_any` any word at all."""

    text: str
    is_prefix: bool = False
    is_any: bool = False

    def matches(self, word: str) -> bool:
        return self.is_any or (word.startswith(self.text) if self.is_prefix else word == self.text)


@dataclass(frozen=True, slots=True)
class CommandRule:
    """A rule, taken apart once: it is asked thousands of times a second."""

    program: str
    tokens: tuple[_Token, ...]
    """What the arguments must begin with, the program first; a closing `*` is left out, for it asks nothing."""
    exact: tuple[str, ...] | None
    """The arguments that it names, where it leaves nothing open."""
    literal_words: int
    """How many words from the start are named outright: `git *` names one, `git push *` two."""

    def begins(self, argv: Sequence[str]) -> bool:
        """Whether the rule covers these arguments as a prefix."""
        if argv[0] != self.program or len(argv) < len(self.tokens):
            return False
        return all(token.matches(word) for token, word in zip(self.tokens, argv, strict=False))


@lru_cache(maxsize=4096)
def compile_rule(pattern: str) -> CommandRule | None:
    """The rule that `pattern` spells, or None where it spells none."""
    if hidden_character(pattern) or "\n" in pattern:
        return None
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern.rstrip()):
        found = _TOKEN.match(pattern, at)
        if found is None:
            return None
        at = found.end()
        tokens += _read_token(found[1])
    if not tokens or tokens[0].is_any or tokens[0].is_prefix or not tokens[0].text:
        return None
    is_open = [token.is_any or token.is_prefix for token in tokens]
    exact = None if any(is_open) else tuple(token.text for token in tokens)
    literal = is_open.index(True) if any(is_open) else len(tokens)
    if tokens[-1].is_any:
        tokens.pop()
    return CommandRule(tokens[0].text, tuple(tokens), exact, literal)


def _read_token(source: str) -> list[_Token]:
    if source == "*":
        return [_Token("", is_any=True)]
    pieces = [
        (found[3] is None, next(group for group in found.groups() if group is not None))
        for found in _PIECE.finditer(source)
    ]
    text = "".join(piece for _, piece in pieces)
    is_quoted, last = pieces[-1]
    if is_quoted or not last.endswith("*"):
        return [_Token(text)]
    stem = text[:-1]
    if stem and stem[-1] in _JOINT:
        return [_Token(stem, is_prefix=True)]
    return [_Token(stem), _Token("", is_any=True)]


def exact_pattern(argv: Iterable[str]) -> str:
    """The rule that names exactly these arguments."""
    return " ".join(f"'{word}'" if "*" in word and "'" not in word else shlex.quote(word) for word in argv)


def open_pattern(argv: Iterable[str]) -> str:
    """The rule that names these first words and leaves the rest to the profile."""
    return f"{exact_pattern(argv)} *"
