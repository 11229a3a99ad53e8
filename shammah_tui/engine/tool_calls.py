"""Tool calls in a model's text, found while it is written: Qwen's form, one JSON object between `<tool_call>` tags.

    Let me look.
    <tool_call>
    {"name": "Read", "arguments": {"file_path": "a.py"}}
    </tool_call>

Pure: pieces of text in, parts of the answer out; how the text was cut into pieces changes nothing but how the parts
are cut. A call is given as soon as its name is known, its arguments as they come, each character checked by JSON's
grammar. Text that turns out to be no call is given back as text, and nothing is ever dropped but the tags, the frame
around a call and the line breaks between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shammah_tui.engine.json_scan import JsonScan

OPEN = "<tool_call>"
CLOSE = "</tool_call>"

_HEADER = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)')


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The `index`-th call of this answer, counted from 0."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """More of the JSON text of a call's arguments."""

    index: int
    fragment: str


Part = Text | CallBegun | Arguments


class ToolCallParser:
    """Feed it the answer; `finish` gives what was held back. `calls` counts those begun."""

    def __init__(self) -> None:
        self.calls = 0
        self._held = ""
        self._step = self._outside
        self._scan = JsonScan()
        self._after_call = False

    @property
    def is_cut(self) -> bool:
        """Whether the last call's arguments are not over yet: JSON that nobody can read."""
        return self._step == self._arguments

    def feed(self, text: str) -> Iterator[Part]:
        self._held += text
        while (part := self._step()) is not None:
            yield from part

    def finish(self) -> Iterator[Part]:
        """The answer is over: what is held back is no tag, or a call that was cut short."""
        if self._step == self._inside:
            whole = self._whole(self._held)
            yield from whole if whole is not None else self._plain(OPEN + self._held)
        elif self._step == self._closing:
            if self._held.strip(" \n\t\r}"):
                yield from self._plain(self._held)
        elif self._held and not (self._after_call and not self._held.strip()):
            yield from self._plain(self._held)
        self._held = ""

    # Each step takes what it can from `_held` and gives the parts, or None where it needs more text.

    def _outside(self) -> list[Part] | None:
        at = self._held.find(OPEN)
        if at >= 0:
            before, self._held = self._held[:at], self._held[at + len(OPEN) :]
            self._step = self._inside
            return self._plain(before.removesuffix("\n"))
        keep = _overlap(self._held, OPEN)
        if self._held[: len(self._held) - keep].endswith("\n"):
            keep += 1
        if self._after_call and not self._held[: len(self._held) - keep].strip():
            return None
        ready = self._held[: len(self._held) - keep]
        if not ready:
            return None
        self._held = self._held[len(ready) :]
        return self._plain(ready)

    def _inside(self) -> list[Part] | None:
        end = self._held.find(CLOSE)
        body = self._held if end < 0 else self._held[:end]
        header = _HEADER.match(body)
        name = _unquote(header[1]) if header else None
        if header is not None and name is not None:
            self._held = self._held[header.end() :]
            self._scan = JsonScan()
            self._step = self._arguments
            self._after_call = True
            self.calls += 1
            return [CallBegun(self.calls - 1, name)]
        if end < 0:
            return None
        self._held = self._held[end + len(CLOSE) :]
        self._step = self._outside
        whole = self._whole(body)
        return whole if whole is not None else self._plain(OPEN + body + CLOSE)

    def _arguments(self) -> list[Part] | None:
        if not self._held:
            return None
        taken = self._scan.feed(self._held)
        fragment, self._held = self._held[:taken], self._held[taken:]
        if self._scan.done:
            self._step = self._closing
        elif self._held:
            self._step = self._outside
            self._after_call = False
        return [Arguments(self.calls - 1, fragment)] if fragment else []

    def _closing(self) -> list[Part] | None:
        """After the arguments: the object's brace and the tag. Anything else there is not lost."""
        end = self._held.find(CLOSE)
        if end < 0:
            return None
        between, self._held = self._held[:end], self._held[end + len(CLOSE) :]
        self._step = self._outside
        return self._plain(between) if between.strip(" \n\t\r") not in ("}", "") else []

    def _whole(self, body: str) -> list[Part] | None:
        """A call whose keys stand in another order, or None where it is no call."""
        try:
            call = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            return None
        arguments = call.get("arguments", {})
        if not isinstance(arguments, dict):
            return None
        self.calls += 1
        self._after_call = True
        index = self.calls - 1
        return [CallBegun(index, call["name"]), Arguments(index, json.dumps(arguments, ensure_ascii=False))]

    def _plain(self, text: str) -> list[Part]:
        if self._after_call and not text.strip():
            return []
        if text:
            self._after_call = False
        return [Text(text)] if text else []


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0


def _unquote(quoted: str) -> str | None:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return None
