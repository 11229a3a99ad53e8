"""The events of one streamed answer, as ours (platform.claude.com, streaming messages)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from shammah_tui.backends.claude import trouble
from shammah_tui.backends.claude.form import Block, Verbatim
from shammah_tui.backends.claude.model import ClaudeModel
from shammah_tui.conversation import FinishReason, ToolCall, Usage
from shammah_tui.events import TextArrived, ThinkingArrived, ToolRequested, TurnEnded

if TYPE_CHECKING:
    from anthropic.types import RawMessageStreamEvent

AnswerEvent = TextArrived | ThinkingArrived | ToolRequested | TurnEnded

_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


class Reading:
    """Blocks of an answer as they grow. `usage` is what the API counted so far."""

    def __init__(self, model: ClaudeModel, max_tokens: int) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self._began = time.perf_counter()
        self._first = 0.0
        self._blocks: list[Block] = []
        self._arguments: list[str] = []
        self._stop_reason: str | None = None
        self._stop_details: Any = None
        self._over = False
        self.usage = Usage()

    @property
    def said_something(self) -> bool:
        return bool(self._first)

    def read(self, event: RawMessageStreamEvent) -> list[AnswerEvent]:
        """Kinds of events and of blocks that are not known are passed over, as the API asks of its clients."""
        match event.type:
            case "message_start":
                self._count(event.message.usage)
            case "content_block_start":
                self._blocks.append(event.content_block.model_dump(mode="json", exclude_unset=True))
                self._arguments.append("")
                if text := self._blocks[-1].get("text"):
                    return self._heard(TextArrived(text))
            case "content_block_delta":
                return self._grow(event.index, event.delta)
            case "content_block_stop":
                return self._finish_block(event.index)
            case "message_delta":
                self._count(event.usage)
                self._stop_reason = event.delta.stop_reason or self._stop_reason
                self._stop_details = event.delta.stop_details
            case "message_stop":
                self._over = True
        return []

    def finish(self) -> TurnEnded:
        """Raises CloudError where the answer is not whole, or Claude declined to give one."""
        if not self._over or self._stop_reason is None:
            raise trouble.cut()
        if self._stop_reason == "refusal":
            details = self._stop_details
            raise trouble.refused(getattr(details, "category", "") or "", getattr(details, "explanation", "") or "")
        now = time.perf_counter()
        first = self._first or now
        tokens = self.usage.completion_tokens
        return TurnEnded(
            _REASONS.get(self._stop_reason, "stop"),
            self.usage,
            first - self._began,
            now - self._began,
            tokens / (now - first) if tokens > 1 and now > first else 0.0,
            verbatim=self._verbatim(),
            notice=self._notice(),
        )

    def _grow(self, index: int, delta: Any) -> list[AnswerEvent]:
        block = self._blocks[index]
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                return self._heard(TextArrived(delta.text)) if delta.text else []
            case "thinking_delta":
                block["thinking"] += delta.thinking
                return self._heard(ThinkingArrived(delta.thinking)) if delta.thinking else []
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._arguments[index] += delta.partial_json
        return []

    def _finish_block(self, index: int) -> list[AnswerEvent]:
        block = self._blocks[index]
        if block["type"] != "tool_use":
            return []
        arguments = self._arguments[index] or json.dumps(block.get("input") or {})
        try:
            block["input"] = json.loads(arguments)
        except ValueError:
            # The answer was cut inside the call; the caller sees the text as it is, and refuses it.
            block["input"] = {}
        return self._heard(ToolRequested(ToolCall(block["id"], block["name"], arguments)))

    def _heard(self, event: AnswerEvent) -> list[AnswerEvent]:
        self._first = self._first or time.perf_counter()
        return [event]

    def _verbatim(self) -> str:
        """Thinking has to be sent back as it came; without any, text and calls say all."""
        if not any(block["type"] in ("thinking", "redacted_thinking") for block in self._blocks):
            return ""
        kept = [block for block in self._blocks if block["type"] != "text" or block["text"].strip()]
        # The API takes no answer back that ends in thinking: it was cut there.
        while kept and kept[-1]["type"] in ("thinking", "redacted_thinking"):
            kept.pop()
        return Verbatim(self._model.id, tuple(kept)).encode() if kept else ""

    def _notice(self) -> str:
        if self._stop_reason == "max_tokens":
            return f"Claude stopped at the limit of {self._max_tokens:,} tokens (claude.max_tokens)."
        if self._stop_reason == "model_context_window_exceeded":
            return f"The answer was cut: the conversation fills all that {self._model.name} can read."
        return ""

    def _count(self, usage: Any) -> None:
        """Counts come at the start and, of all so far, at the end; what the end leaves out keeps the start's value."""
        before = self.usage
        cached = _number(usage.cache_read_input_tokens, before.cached_tokens)
        written = _number(usage.cache_creation_input_tokens, before.cache_write_tokens)
        fresh = _number(usage.input_tokens, before.prompt_tokens - before.cached_tokens - before.cache_write_tokens)
        counted = Usage(fresh + cached + written, _number(usage.output_tokens, 0), cached, written)
        self.usage = Usage(
            counted.prompt_tokens,
            counted.completion_tokens,
            cached,
            written,
            self._model.cost_usd(counted),
        )


def _number(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
