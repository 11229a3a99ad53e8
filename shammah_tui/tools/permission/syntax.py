"""A shell command, read by two parsers that must agree: a strict lexer of our own, and tree-sitter's bash grammar.

Only a small shell is understood: simple commands of plain words, joined by `&& || ; |` and newlines, with redirects to
`/dev/null` and between descriptors. The grammar's tree is accepted by an allow-list of node kinds, never by collecting
its command nodes: it hides commands (a backtick inside `${x:=…}` yields neither an error nor a command node).
All else is not understood, and asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import tree_sitter
import tree_sitter_bash

from shammah_tui.tools.permission.characters import hidden_character

CHARACTERS_MAX = 10_000
COMMANDS_MAX = 50


class Word(NamedTuple):
    """One argument after quotes are removed; `is_glob` where bash would still match it against file names."""

    text: str
    is_glob: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command; `operator` is what joins it to the one before it, empty for the first."""

    words: tuple[Word, ...]
    operator: str
    source: str


class NotUnderstood(Exception):
    """The command has a shape outside the small shell; the message says which, in the person's words."""


class _Token(NamedTuple):
    """A word, redirect or operator at its place, in bytes, so that both parsers can be compared."""

    kind: str
    start: int
    end: int


# The text is read as one character a byte: what is not ASCII takes part in words and is nothing else.
_BLANK = re.compile(r"[ \t]+")
_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"&&|\|\||\|(?![|&])|;(?!;)|\n")
_BOUNDARY = r"(?=[ \t\n;|&]|\Z)"
_REDIRECT = re.compile(rf"(?:[0-9]*>&[0-9]+|(?:[0-9]*>>?|&>>?|[0-9]*<)[ \t]*/dev/null){_BOUNDARY}")
_PLAIN = re.compile(r"[A-Za-z0-9_./:=@%+,\-^#!\]~\x80-\xff]+")
_SIMPLE_WORD = re.compile(rf"[A-Za-z0-9_./:@%+,\-][A-Za-z0-9_./:=@%+,\-^~]*{_BOUNDARY}")
_GLOB = re.compile(r"[*?\[]+")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\$`]|\\[^\n]|\$(?="))*)"')
_DOUBLE_ESCAPE = re.compile(r'\\([$`"\\])')
_ESCAPE = re.compile(r"\\([ .*?()\[\]{}+^$'\"\\!])")
# The one use of braces that bash leaves alone and people type: HEAD@{1}, @{upstream}, HEAD^{commit}.
_REFLOG = re.compile(r"(?<=[@^])\{[A-Za-z0-9-]*\}")
_TILDE = re.compile(r"(?:\A|[:=])~")
_END_OF_WORD = frozenset(" \t\n;|&<>")

_NODES = frozenset({"program", "list", "pipeline", "redirected_statement", "command"})
_WORDS = frozenset({"word", "number", "raw_string", "string", "concatenation"})
_PARTS = frozenset({"word", "number", "raw_string", "string", "string_content", '"', "$"})
_OPERATORS = frozenset({"&&", "||", ";", "|", "\n"})


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parse(text: str) -> tuple[Command, ...]:
    """The simple commands of `text`, in order. Raises NotUnderstood."""
    if len(text) > CHARACTERS_MAX:
        raise NotUnderstood(f"it is longer than {CHARACTERS_MAX} characters")
    hidden = hidden_character(text)
    if hidden:
        raise NotUnderstood(f"it holds a character that cannot be seen ({hidden})")
    data = text.encode()
    commands, tokens = _Lexer(data.decode("latin-1")).read()
    if _outline(data) != tokens:
        raise NotUnderstood("two readings of it do not agree")
    return commands


class _Lexer:
    """Reads the small shell from left to right, and stops at the first thing that is not in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[_Token] = []
        self.commands: list[Command] = []
        self.words: list[Word] = []
        self.operator = ""
        self.is_open = False
        self.start = 0

    def read(self) -> tuple[tuple[Command, ...], list[_Token]]:
        text = self.text
        while self.at < len(text):
            character = text[self.at]
            if character in " \t":
                self.at = self._end(_BLANK)
            elif character == "#":
                self.at = self._end(_COMMENT)
            elif found := _REDIRECT.match(text, self.at):
                self._take_redirect(found)
            elif character in "&|;\n":
                self._take_operator()
            else:
                self._take_word()
        self._end_command()
        if not self.commands:
            raise NotUnderstood("there is no command in it")
        if self.is_open:
            raise NotUnderstood("it ends in the middle")
        return tuple(self.commands), self.tokens

    def _end(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        return found.end() if found else self.at

    def _take_redirect(self, found: re.Match[str]) -> None:
        if not self.words:
            raise NotUnderstood("a redirect stands before the command")
        self.tokens.append(_Token("redirect", found.start(), found.end()))
        self.at = found.end()

    def _take_operator(self) -> None:
        found = _OPERATOR.match(self.text, self.at)
        if found is None:
            raise NotUnderstood(f"`{self.text[self.at : self.at + 2].strip()}` is not understood here")
        self.at = found.end()
        if found[0] == "\n" and not self.words:
            return
        if not self.words:
            raise NotUnderstood(f"`{found[0]}` stands without a command before it")
        self._end_command()
        if found[0] != "\n":
            self.tokens.append(_Token(found[0], found.start(), found.end()))
        self.operator = found[0]
        self.is_open = found[0] in ("&&", "||", "|")

    def _end_command(self) -> None:
        if not self.words:
            return
        source = self.text[self.start : self.tokens[-1].end].encode("latin-1").decode()
        self.commands.append(Command(tuple(self.words), self.operator, source))
        if len(self.commands) > COMMANDS_MAX:
            raise NotUnderstood(f"it has more than {COMMANDS_MAX} commands")
        self.words = []

    def _take_word(self) -> None:
        start = self.at
        if not self.words:
            self.start = start
            self.is_open = False
        simple = _SIMPLE_WORD.match(self.text, start)
        if simple and "=" not in simple[0] and "~" not in simple[0]:
            self.at = simple.end()
            self.words.append(Word(simple[0]))
        else:
            self.words.append(self._spelled_word(start))
        self.tokens.append(_Token("word", start, self.at))

    def _spelled_word(self, start: int) -> Word:
        text, parts, is_glob, is_quoted = self.text, [], False, False
        while self.at < len(text) and text[self.at] not in _END_OF_WORD:
            if found := _PLAIN.match(text, self.at):
                # Bash expands a tilde at the start of a word, and after `=` or `:` in what looks like an assignment.
                if _TILDE.search(found[0] if self.at == start else f" {found[0]}"):
                    raise NotUnderstood("`~` would be expanded by the shell; write the path out")
                parts.append(found[0])
            elif found := _GLOB.match(text, self.at):
                is_glob = True
                parts.append(found[0])
            elif found := _SINGLE.match(text, self.at):
                is_quoted = True
                parts.append(found[1])
            elif found := _DOUBLE.match(text, self.at):
                is_quoted = True
                parts.append(_DOUBLE_ESCAPE.sub(r"\1", found[1]))
            elif found := _ESCAPE.match(text, self.at):
                is_quoted = True
                parts.append(found[1])
            elif found := _REFLOG.match(text, self.at):
                parts.append(found[0])
            else:
                raise NotUnderstood(_blame(text, self.at))
            self.at = found.end()
        if self.at == start or (self.at < len(text) and text[self.at] in "<>"):
            raise NotUnderstood(_blame(text, self.at))
        if is_glob and is_quoted:
            raise NotUnderstood("a file pattern is mixed with quotes")
        value = "".join(parts)
        return Word(value if value.isascii() else value.encode("latin-1").decode(), is_glob)


_BLAMES = {
    "$": "it uses a variable or substitution (`$`)",
    "`": "it runs a command inside another (a backtick)",
    "{": "it uses braces",
    "}": "it uses braces",
    "(": "it uses a subshell or group",
    ")": "it uses a subshell or group",
    "<": "it redirects input",
    ">": "it redirects output",
    "\\": "it uses a backslash",
    "'": "a quote is not closed, or `$'…'` is used",
    '"': "it has an open quote, a variable or a substitution inside quotes",
    "&": "it starts something in the background",
}


def _blame(text: str, at: int) -> str:
    character = text[at] if at < len(text) else ""
    return _BLAMES.get(character, "it has a part that is not understood")


def _outline(data: bytes) -> list[_Token]:
    """Words, redirects and operators of the grammar's tree, in order. Raises NotUnderstood at any other node."""
    tree = _parser().parse(data)
    root = tree.root_node
    if root.has_error:
        raise NotUnderstood("it is not complete, or not correct")
    tokens: list[_Token] = []
    _walk(root, tokens)
    return tokens


def _walk(node: tree_sitter.Node, tokens: list[_Token]) -> None:
    for child in node.children:
        kind = child.type
        if kind in _WORDS:
            _check_word(child)
            tokens.append(_Token("word", child.start_byte, child.end_byte))
        elif kind == "command_name":
            inner = child.children
            if len(inner) != 1 or inner[0].type not in _WORDS:
                raise NotUnderstood("the name of the program is not plain")
            _check_word(inner[0])
            tokens.append(_Token("word", child.start_byte, child.end_byte))
        elif kind in _NODES:
            _walk(child, tokens)
        elif kind in _OPERATORS:
            if kind != "\n":
                tokens.append(_Token(kind, child.start_byte, child.end_byte))
        elif kind == "file_redirect":
            tokens.append(_Token("redirect", child.start_byte, child.end_byte))
        elif kind != "comment":
            raise NotUnderstood(f"it holds a {kind.replace('_', ' ')}")


def _check_word(node: tree_sitter.Node) -> None:
    for part in node.children:
        if part.type not in _PARTS:
            raise NotUnderstood(f"it holds a {part.type.replace('_', ' ')}")
        _check_word(part)
