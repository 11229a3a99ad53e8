"""What one turn has said so far, and the conversation that it becomes: valid after every event, interrupted or not.

A `Record` never changes; a turn gathers its answer in a `Draft` and gives the next `Record` when it is over. So an
interruption at any point leaves a conversation that every backend accepts: each tool call has its result, and a
question that nothing was said to is not kept (it goes back to the person's prompt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shammah_tui.agent.prompt import with_rules
from shammah_tui.conversation import Entry, FileChange, FinishReason, Message, ToolCall
from shammah_tui.events import TextArrived, ToolFinished, ToolRequested, TurnEnded, TurnEvent, TurnStarted

# What follows a doubted answer, for the model that is asked next; and as the person sees it.
ASK_AGAIN = "That answer is doubted: {doubt} Answer my question anew, and do not rely on it."
DOUBTED = "The answer above is doubtful: {doubt} Claude answers below."
NOT_RUN = "Not run: the turn was over before this tool was."


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation: the session it belongs to, the system prompt without the person's rules, what was said."""

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
    """The turn that is being answered: the question, and everything heard since.

    `shown` is what the person typed, where the question holds more (attached files); `rules` are the person's that
    are in scope, a line each.
    """

    def __init__(self, record: Record, question: str, *, shown: str = "", rules: Sequence[str] = ()) -> None:
        self.record = record
        self.turn = len(record.entries)
        self.rules = tuple(rules)
        self.started = TurnStarted("", "")
        self._said = [Entry(Message("user", question), shown=shown)]
        self._parts: list[str] = []
        self._calls: list[ToolCall] = []
        self._again: list[Entry] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the next request to a backend holds."""
        system = Message("system", with_rules(self.record.system, self.rules))
        return (system, *(entry.message for entry in (*self.record.entries, *self._said, *self._again)))

    @property
    def question(self) -> str:
        """As the person typed it."""
        return self._said[0].shown or self._said[0].message.content

    @property
    def said_something(self) -> bool:
        return bool(self._parts or self._calls) or len(self._said) > 1

    @property
    def settled(self) -> int:
        """How many of `entries()` will not change any more."""
        return len(self._said)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """What the request that just ended asks for."""
        last = self._said[-1].message
        return last.tool_calls if last.role == "assistant" else ()

    def hear(self, event: TurnEvent) -> None:
        match event:
            case TurnStarted():
                self.started = event
            case TextArrived(text):
                self._parts.append(text)
            case ToolRequested(call):
                self._calls.append(call)
            case TurnEnded():
                if event.adapter:
                    self.started = replace(self.started, adapter=event.adapter)
                self._settle(event.finish_reason, event.verbatim)
            case _:
                pass

    def ask_again(self, doubt: str) -> None:
        """The answer so far stays and is doubted; the same is asked of another backend, whose word comes below it."""
        self._again = [Entry(Message("user", ASK_AGAIN.format(doubt=doubt)), shown=DOUBTED.format(doubt=doubt))]

    def withdraw(self) -> None:
        """Forget what the request under way said so far: it was declined, or failed, and may not be sent again."""
        self._parts, self._calls, self._again = [], [], []

    def finish(self, event: ToolFinished, changes: Sequence[FileChange] = ()) -> None:
        """The result of one call; results may come in any order."""
        message = Message("tool", event.text, tool_call_id=event.call_id, failed=event.failed)
        self._said.append(Entry(message, shown=event.summary, diff=event.diff, changes=tuple(changes)))

    def entries(self, reason: FinishReason) -> tuple[Entry, ...]:
        """The whole turn as it would be kept if it ended now; `reason` counts where the answer is not whole."""
        said = [*self._said, *self._unsettled(reason)]
        asked = [call.id for entry in said for call in entry.message.tool_calls]
        answered = {entry.message.tool_call_id for entry in said}
        missing = [Entry(_not_run(identity)) for identity in asked if identity not in answered]
        return (*said, *missing)

    def close(self, reason: FinishReason) -> Record:
        """The conversation with this turn in it. `reason` counts only where no backend gave one."""
        return self.record.extended(self.entries(reason)) if self.said_something else self.record

    def _settle(self, reason: FinishReason, verbatim: str) -> None:
        self._said += self._unsettled(reason, verbatim)
        self._parts, self._calls, self._again = [], [], []

    def _unsettled(self, reason: FinishReason, verbatim: str = "") -> list[Entry]:
        if not self._parts and not self._calls:
            return []
        begun = self.started
        message = Message("assistant", "".join(self._parts), tuple(self._calls), verbatim=verbatim)
        said = Entry(
            message,
            reason,
            begun.model,
            begun.route,
            begun.reason,
            begun.adapter,
            adapter_why=begun.adapter_why,
        )
        return [*self._again, said]


def _not_run(call_id: str) -> Message:
    return Message("tool", NOT_RUN, tool_call_id=call_id, failed=True)
