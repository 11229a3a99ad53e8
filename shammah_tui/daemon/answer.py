"""A generation as the parts of a chat completion: text, tool calls, and the end with its numbers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal

from shammah_tui.engine.request import Generation, GenerationEnded, TextGenerated
from shammah_tui.engine.tool_calls import Arguments, CallBegun, Part, Text, ToolCallParser
from shammah_tui.errors import EngineError


@dataclass(frozen=True, slots=True)
class Ended:
    reason: Literal["stop", "length", "tool_calls"]
    end: GenerationEnded

    def usage(self) -> dict[str, Any]:
        """As OpenAI counts."""
        usage = self.end.usage
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        }

    def logprobs(self) -> dict[str, Any] | None:
        """As OpenAI has them, of the first tokens alone, with each one's `entropy` (nats) besides; None where they were
        not asked for."""
        if not self.end.certainty:
            return None
        content = [
            {
                "token": found.piece.decode("utf-8", "replace"),
                "bytes": list(found.piece),
                "logprob": round(found.logprob, 5),
                "entropy": round(found.entropy, 5),
                "top_logprobs": [],
            }
            for found in self.end.certainty
        ]
        return {"content": content, "refusal": None}

    def timings(self) -> dict[str, Any]:
        """As llama-server names them; milliseconds, and tokens a second."""
        end, usage = self.end, self.end.usage
        computed = usage.prompt_tokens - usage.cached_tokens
        reading = max(0.0, end.first_token_seconds - end.queued_seconds)
        # The first token is part of reading the prompt.
        written = max(0, usage.completion_tokens - 1)
        return {
            "cache_n": usage.cached_tokens,
            "prompt_n": computed,
            "prompt_ms": round(reading * 1000, 3),
            "prompt_per_second": round(computed / reading, 2) if reading else 0.0,
            "predicted_n": usage.completion_tokens,
            "predicted_ms": round(end.decode_seconds * 1000, 3),
            "predicted_per_second": round(written / end.decode_seconds, 2) if end.decode_seconds else 0.0,
            "queued_ms": round(end.queued_seconds * 1000, 3),
            "first_token_ms": round(end.first_token_seconds * 1000, 3),
        }


AnswerPart = Part | Ended


async def answer(generation: Generation, *, with_tools: bool) -> AsyncGenerator[AnswerPart, None]:
    """Parts in order, `Ended` last. Raises EngineError where the model was taken away in the middle."""
    parser = ToolCallParser() if with_tools else None
    async for event in generation:
        if isinstance(event, TextGenerated):
            if parser is None:
                yield Text(event.text)
            else:
                for part in parser.feed(event.text):
                    yield part
            continue
        if parser is not None:
            for part in parser.finish():
                yield part
        if event.reason == "cancelled":
            raise EngineError("The answer was broken off: the model is being exchanged or closed.", "Ask again.")
        # A stop string may end the answer in the middle of a call.
        called = parser is not None and parser.calls and not parser.is_cut and event.reason == "stop"
        yield Ended("tool_calls" if called else event.reason, event)


class ToolCallIds:
    """OpenAI's ids of one answer's calls, by index."""

    def __init__(self) -> None:
        self._ids: list[str] = []

    def __getitem__(self, index: int) -> str:
        while len(self._ids) <= index:
            self._ids.append(f"call_{secrets.token_hex(12)}")
        return self._ids[index]


__all__ = ["AnswerPart", "Arguments", "CallBegun", "Ended", "Text", "ToolCallIds", "answer"]
