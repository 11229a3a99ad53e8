"""The two forms of a chat completion on the wire: one object, or Server-Sent Events of chunks.

What is the same in every chunk is written once an answer; a token then costs one JSON string and one concatenation.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from shammah_tui.daemon.answer import AnswerPart, Arguments, CallBegun, Ended, Text, ToolCallIds

DONE = b"data: [DONE]\n\n"
_quote = json.encoder.encode_basestring_ascii


class Chunks:
    """Parts of an answer as chunks, ready to be sent."""

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._ids = ToolCallIds()
        self._include_usage = include_usage
        head: dict[str, Any] = {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": "chat.completion.chunk"}
        head |= {"created": int(time.time()), "model": model}
        self._head = json.dumps(head)[:-1]
        before = f'data: {self._head}, "choices": [{{"index": 0, "delta": '
        usage = ', "usage": null' if include_usage else ""
        after = f', "logprobs": null, "finish_reason": null}}]{usage}}}\n\n'
        self._before_text = f'{before}{{"content": '
        self._after_text = f"}}{after}"
        self._before = before
        self._after = after
        self.begin = f'{before}{{"role": "assistant", "content": ""}}{after}'.encode()
        """Goes out before all parts."""

    def encode(self, part: AnswerPart) -> bytes:
        match part:
            case Text(text):
                return f"{self._before_text}{_quote(text)}{self._after_text}".encode()
            case Arguments(index, fragment):
                delta = f'{{"tool_calls": [{{"index": {index}, "function": {{"arguments": {_quote(fragment)}}}}}]}}'
            case CallBegun(index, name):
                function = f'"function": {{"name": {_quote(name)}, "arguments": ""}}'
                call = f'{{"index": {index}, "id": "{self._ids[index]}", "type": "function", {function}}}'
                delta = f'{{"tool_calls": [{call}]}}'
            case Ended():
                return self._end(part)
        return f"{self._before}{delta}{self._after}".encode()

    def _end(self, ended: Ended) -> bytes:
        numbers = f'"timings": {json.dumps(ended.timings())}'
        logprobs = json.dumps(ended.logprobs())
        choice = f'{{"index": 0, "delta": {{}}, "logprobs": {logprobs}, "finish_reason": "{ended.reason}"}}'
        if not self._include_usage:
            return f'data: {self._head}, "choices": [{choice}], {numbers}}}\n\n'.encode()
        usage = f'"usage": {json.dumps(ended.usage())}'
        last = f'data: {self._head}, "choices": [{choice}], "usage": null}}\n\n'
        return f'{last}data: {self._head}, "choices": [], {usage}, {numbers}}}\n\n'.encode()


class Whole:
    """Gathers an answer into one object."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._texts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._ids = ToolCallIds()
        self._ended: Ended | None = None

    def add(self, part: AnswerPart) -> None:
        match part:
            case Text(text):
                self._texts.append(text)
            case CallBegun(index, name):
                function = {"name": name, "arguments": ""}
                self._calls.append({"id": self._ids[index], "type": "function", "function": function})
            case Arguments(index, fragment):
                self._calls[index]["function"]["arguments"] += fragment
            case Ended():
                self._ended = part

    def encode(self) -> bytes:
        """Call it after `Ended` was added."""
        assert self._ended is not None
        text = "".join(self._texts)
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if self._calls else "")}
        message["refusal"] = None
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {
            "index": 0,
            "message": message,
            "logprobs": self._ended.logprobs(),
            "finish_reason": self._ended.reason,
        }
        completion = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self._model,
            "choices": [choice],
            "usage": self._ended.usage(),
            "timings": self._ended.timings(),
        }
        return json.dumps(completion).encode()
