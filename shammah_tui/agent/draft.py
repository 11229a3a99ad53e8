"""What one turn has said so far, and the conversation that it becomes: valid after every event, interrupted or not.

A `Record` never changes; a turn gathers its answer in a `Draft` and gives the next `Record` when it is over. So an
interruption at any point leaves a conversation that every backend accepts: each tool call has its result, and a
question that nothing was said to is not kept (it goes back to the person's prompt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shammah_tui.conversation import Entry, FinishReason, Message, ToolCall
from shammah_tui.events import TextArrived, ToolRequested, TurnEnded, TurnEvent

NOT_RUN = "Not run: the turn was over before this tool was."


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation: the session it belongs to, the system prompt, and what was said."""

    session: str
    system: str
    entries: tuple[Entry, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        return (Message("system", self.system), *(entry.message for entry in self.entries))

    @property
    def last_answer(self) -> str:
        """The text of the newest answer; empty when there is none."""
        for entry in reversed(self.entries):
            if entry.message.role == "assistant" and entry.message.content:
                return entry.message.content
        return ""

    def extended(self, entries: Sequence[Entry]) -> Record:
        return replace(self, entries=(*self.entries, *entries))


class Draft:
    """The turn that is being answered: the question, and everything heard since."""

    def __init__(self, record: Record, question: str) -> None:
        self.record = record
        self._entries = [Entry(Message("user", question))]
        self._parts: list[str] = []
        self._calls: list[ToolCall] = []
        self._finish_reason: FinishReason | None = None
        self.model = ""
        self.route = ""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the next request to a backend holds."""
        return (*self.record.messages, *(entry.message for entry in self._entries))

    @property
    def said_something(self) -> bool:
        return bool(self._parts or self._calls) or len(self._entries) > 1

    def hear(self, event: TurnEvent) -> None:
        match event:
            case TextArrived(text):
                self._parts.append(text)
            case ToolRequested(call):
                self._calls.append(call)
            case TurnEnded():
                self._finish_reason = event.finish_reason
            case _:
                pass

    def close(self, reason: FinishReason) -> Record:
        """The conversation with this turn in it. `reason` counts only where no backend gave one."""
        if not self.said_something:
            return self.record
        entries = list(self._entries)
        if self._parts or self._calls:
            answer = Message("assistant", "".join(self._parts), tuple(self._calls))
            entries.append(Entry(answer, self._finish_reason or reason, self.model, self.route))
            entries.extend(Entry(Message("tool", NOT_RUN, tool_call_id=call.id)) for call in self._calls)
        return self.record.extended(entries)
