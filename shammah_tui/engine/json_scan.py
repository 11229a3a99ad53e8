"""Checks a JSON object character by character (RFC 8259), to know where it ends and where it stops being JSON."""

from __future__ import annotations

import re

_SPACE = " \t\n\r"
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_NUMBER_PREFIX = re.compile(r"-?(0|[1-9]\d*)?((?<=\d)\.\d*)?((?<=\d)[eE][+-]?\d*)?")
_WORDS = ("true", "false", "null")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_DEPTH_MAX = 200
_TOKEN_MAX = 400


class JsonScan:
    """Feed it the text of one object; `done` once its last brace was read."""

    def __init__(self) -> None:
        self.done = False
        self._stack: list[str] = []
        self._expect = "object"
        self._token = ""

    def feed(self, text: str) -> int:
        """How many characters of `text` belong to the object. Fewer than all: it is done, or the next is no JSON."""
        at = 0
        while at < len(text) and not self.done:
            if self._expect == "string" and not self._token and (plain := _PLAIN.match(text, at)):
                at = plain.end()
                continue
            if not self._accept(text[at]):
                break
            at += 1
        return at

    def _accept(self, char: str) -> bool:
        if self._expect == "string":
            return self._in_string(char)
        if self._token:
            if self._in_word(char):
                return True
            if not self._word_is_whole():
                return False
            self._token = ""
            self._expect = "next"
        if char in _SPACE:
            return True
        return self._structure(char)

    def _structure(self, char: str) -> bool:
        expect = self._expect
        if char in "}]":
            return self._close(char)
        if char == "," and expect == "next":
            self._expect = "key" if self._stack[-1] == "}" else "value"
            return True
        if char == ":" and expect == "colon":
            self._expect = "value"
            return True
        if char == '"' and expect in ("key", "first key", "value", "first value"):
            self._stack.append("key" if "key" in expect else "text")
            self._expect = "string"
            return True
        if expect in ("value", "first value", "object"):
            return self._begin_value(char)
        return False

    def _begin_value(self, char: str) -> bool:
        if char in "{[":
            if len(self._stack) >= _DEPTH_MAX or (self._expect == "object" and char == "["):
                return False
            self._stack.append("}" if char == "{" else "]")
            self._expect = "first key" if char == "{" else "first value"
            return True
        if self._expect == "object" or char not in "-0123456789tfn":
            return False
        self._token = char
        return True

    def _close(self, char: str) -> bool:
        allowed = ("next", "first key") if char == "}" else ("next", "first value")
        if self._expect not in allowed or self._stack[-1] != char:
            return False
        self._stack.pop()
        self._expect = "next"
        self.done = not self._stack
        return True

    def _in_string(self, char: str) -> bool:
        """`_token` holds an escape that is not complete: a backslash, or one and `u` and some digits."""
        if self._token:
            return self._in_escape(char)
        if char == "\\":
            self._token = char
        elif char == '"':
            self._expect = "colon" if self._stack.pop() == "key" else "next"
        else:
            return char >= " "
        return True

    def _in_escape(self, char: str) -> bool:
        if self._token == "\\" and char in '"\\/bfnrt':
            self._token = ""
            return True
        wanted = "u" if self._token == "\\" else "0123456789abcdefABCDEF"
        if char not in wanted:
            return False
        self._token += char
        if len(self._token) == 6:
            self._token = ""
        return True

    def _in_word(self, char: str) -> bool:
        token = self._token + char
        if len(token) > _TOKEN_MAX:
            return False
        if any(word.startswith(token) for word in _WORDS) or (
            token[0] in "-0123456789" and _NUMBER_PREFIX.fullmatch(token)
        ):
            self._token = token
            return True
        return False

    def _word_is_whole(self) -> bool:
        return self._token in _WORDS or _NUMBER.fullmatch(self._token) is not None
