"""One question and its answer in the transcript, drawn event by event as the runtime yields them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from shammah_tui.conversation import Entry, FinishReason, ToolCall
from shammah_tui.events import (
    CloudOffered,
    Noticed,
    PermissionAsked,
    StepEnded,
    TextArrived,
    ThinkingArrived,
    ToolFinished,
    ToolOutput,
    ToolRequested,
    ToolStarted,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.ui import wording
from shammah_tui.ui.answer import Answer
from shammah_tui.ui.port import Asked
from shammah_tui.ui.widgets.block import Block, Closing, Notice, Question, Rating, Remark, Thinking
from shammah_tui.ui.widgets.tool_call import State, ToolBlock
from shammah_tui.ui.widgets.transcript import Transcript

OFFER_KEY = "Ctrl+T"
CRISIS = "Crisis"
SECONDS_SHOWN_FROM = 3
# A rate from fewer pieces than this says nothing yet.
PIECES_MIN = 8
# Drawing what arrives takes at most one part in this many of the time, however slow the machine.
REST_FACTOR = 4

ENDED_EARLY: dict[FinishReason, Remark] = {
    "interrupted": Remark("■ Interrupted. What was said stays.", "$warning"),
    "lost": Remark("■ Cut off here: the connection to the model broke.", "$warning"),
    "length": Remark("■ Stopped at the longest answer that the settings allow (max_tokens).", "$warning"),
}


class Exchange:
    """Text is gathered as it comes and drawn by `flush`, which the screen calls some fifteen times a second."""

    # There are thousands of them in a long conversation.
    __slots__ = (
        "_adapter_why",
        "_answers",
        "_asked_at",
        "_badge",
        "_blocks",
        "_clock",
        "_closing",
        "_first_at",
        "_pending",
        "_pieces",
        "_printing",
        "_rating",
        "_rest_until",
        "_restored",
        "_thinking",
        "_thinking_grew",
        "_thinking_since",
        "_tools",
        "_transcript",
        "_writing",
        "answering",
        "asked",
        "ended",
        "failed",
        "private",
        "question",
        "shown",
        "turn",
    )

    def __init__(
        self,
        transcript: Transcript,
        question: str,
        *,
        asked: Asked = "",
        shown: str = "",
        is_new: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`shown` is the question as the person typed it, where it holds more (a long paste). One that is not new is
        put together by `restore`, and into the transcript by whoever does that."""
        self.question = question
        self.asked = asked
        self.shown = shown or question
        self.turn: int | None = None
        """The question's sequence number in its session: it names this exchange for a rating. None until it is known,
        and for a command of the person's own."""
        self._transcript = transcript
        self._clock = clock
        self._asked_at = clock()
        self._first_at = 0.0
        self._thinking_since = 0.0
        self._rest_until = 0.0
        self._pieces = 0
        self._pending: list[str] = []
        self._badge = ("", "", "", "")
        self._adapter_why = ""
        self._answers: list[Answer] = []
        self._writing: Answer | None = None
        self._thinking: Thinking | None = None
        self._thinking_grew = False
        """Whether there is more of it than was drawn."""
        self._tools: dict[str, ToolBlock] = {}
        self._printing: set[str] = set()
        """The calls whose output is not drawn yet."""
        self._closing = Closing()
        self._rating: Rating | None = None
        self._blocks: list[Block] = [Question(self.shown), self._closing]
        self.ended: TurnEnded | None = None
        self.failed = False
        self.answering = False
        self.private = False
        """Nothing of it is kept."""
        self._restored: FinishReason = "stop"
        if is_new:
            transcript.add(*self._blocks)
            transcript.follow()

    # What is asked of it

    @property
    def text(self) -> str:
        """What was said last: the answer, without what was said between its tools. Empty where nothing was said."""
        pending = "".join(self._pending)
        if self._writing is not None:
            return self._writing.source + pending
        return pending or (self._answers[-1].source if self._answers else "")

    @property
    def code_blocks(self) -> list[str]:
        """What stands in all its code blocks."""
        return [code for answer in self._answers for code in answer.code_blocks]

    @property
    def said_something(self) -> bool:
        """Whether there is anything of an answer: text, thinking or a tool."""
        return bool(self._pending) or len(self._blocks) > 2

    @property
    def tokens_per_second(self) -> float:
        """Of the backend's own count when it is over; until then, of the pieces that came (a piece is a token)."""
        if self.ended is not None:
            return self.ended.tokens_per_second
        passed = self._clock() - self._first_at
        return self._pieces / passed if self._pieces >= PIECES_MIN and passed > 0 else 0.0

    @property
    def activity(self) -> str:
        """What the status line says of it; empty while it waits for the model."""
        if not self.answering:
            return ""
        states = {tool.state for tool in self._tools.values()}
        doing = "waiting for you" if State.WAITING in states else "working" if State.RUNNING in states else "answering"
        seconds = int(self._clock() - self._asked_at)
        return f"{doing} {wording.duration(seconds)}" if seconds >= SECONDS_SHOWN_FROM else doing

    @property
    def route(self) -> str:
        """Who answers, "local" or "claude"; empty while nobody has taken it."""
        return self._badge[1]

    @property
    def cloud(self) -> str:
        """The model elsewhere that answers just now; empty where none does."""
        return self._badge[0] if self.answering and self.route == "claude" else ""

    @property
    def rating(self) -> Rating | None:
        return self._rating

    def rate(self, rating: Rating | None, note: str = "") -> None:
        """Show how the person rates it; None takes the mark away."""
        self._rating = rating
        self._closing.rate(rating, note)
        self._transcript.changed(self._closing)

    @property
    def blocks(self) -> Sequence[Block]:
        """What it has in the transcript, in order."""
        return self._blocks

    # From a stored conversation

    def restore(self, entry: Entry) -> None:
        """What a model said or a tool gave, after all that was restored before."""
        message = entry.message
        if message.role == "user":
            # Within a turn: the answer above is doubted, and another follows.
            self._blocks[-1:-1] = [Notice(entry.shown)]
            return
        if message.role == "tool":
            tool = self._tools.get(message.tool_call_id)
            if tool is not None:
                tool.end(ToolFinished(tool.call.id, message.content, entry.shown, message.failed, diff=entry.diff))
            return
        self._badge = (entry.model, entry.route, entry.reason, entry.adapter)
        self._adapter_why = entry.adapter_why
        self._restored = entry.finish_reason
        if message.content.strip():
            self._answers.append(Answer(message.content))
            self._blocks[-1:-1] = self._answers[-1].passages
        for call in message.tool_calls:
            self._blocks[-1:-1] = [self._new_tool(call)]

    def end_restoring(self) -> None:
        self._stop_tools()
        remark = ENDED_EARLY.get(self._restored)
        self._closing.remark(*([remark] if remark is not None else []), self._badge_remark())

    # What happens to it

    def hear(self, event: TurnEvent) -> None:
        match event:
            case TurnWaiting(reason, offers_claude):
                self.answering = False
                offer = f" {OFFER_KEY} asks Claude now." if offers_claude else ""
                self._wait(f"◌ {reason} The answer begins by itself.{offer}")
            case TurnStarted():
                self._start(event)
            case TextArrived(text):
                self._first_at = self._first_at or self._clock()
                self._pieces += 1
                self._pending.append(text)
            case ThinkingArrived(text):
                self._think(text)
            case StepEnded():
                self._end_step()
                self._wait("…")
            case Noticed(text):
                self._end_step()
                self._add(Notice(text))
            case CloudOffered(reason):
                self._end_step()
                self._add(Notice(f"{reason} {OFFER_KEY} asks Claude the same."))
            case TurnEnded():
                self._end(event)
            case TurnFailed(message, hint):
                self.failed = True
                self._close(Remark(f"✕ {message}", "$error"), Remark(hint))
            case _:
                self._hear_of_tool(event)

    def _hear_of_tool(self, event: TurnEvent) -> None:
        match event:
            case ToolRequested(call):
                self._end_step()
                previous = self._blocks[-2]
                tool = self._new_tool(call)
                if isinstance(previous, ToolBlock):
                    self._transcript.changed(previous)
                self._add(tool)
            case PermissionAsked(call):
                self._change(call.id, lambda tool: tool.become(State.WAITING))
            case ToolStarted(call):
                self._change(call.id, lambda tool: tool.become(State.RUNNING))
            case ToolOutput(call_id, text):
                if call_id in self._tools:
                    self._tools[call_id].print(text)
                    self._printing.add(call_id)
            case ToolFinished(call_id):
                self._change(call_id, lambda tool: tool.end(event))

    def _new_tool(self, call: ToolCall) -> ToolBlock:
        """To stand before the closing; calls stand in a list, one below the other."""
        previous = self._blocks[-2]
        if isinstance(previous, ToolBlock):
            previous.gap = 0
        # A command of the person's own was run to see what it prints.
        is_open = self._transcript.is_open or self.shown.startswith("!")
        self._tools[call.id] = tool = ToolBlock(call, is_open=is_open)
        return tool

    def flush(self) -> None:
        """Draw what arrived since the last time, unless drawing took too much of the time until now."""
        began = self._clock()
        if began >= self._rest_until:
            self._draw_pending()
            self._draw_thinking()
            printing, self._printing = self._printing, set()
            for call_id in printing:
                self._transcript.changed(self._tools[call_id])
            self._rest_until = self._clock() + REST_FACTOR * (self._clock() - began)
        if not self._transcript.is_still:
            for tool in self._tools.values():
                if tool.turn_spinner(began - self._asked_at):
                    self._transcript.changed(tool)

    def answer_permission(self, call_id: str) -> None:
        """The person has answered the question about a call."""
        self._change(call_id, lambda tool: tool.become(State.ASKED))

    def finish(self) -> None:
        """There is nothing to say about how it ended: the person's own command."""
        self._close()

    def interrupt(self) -> None:
        self._close(ENDED_EARLY["interrupted"])

    def withdraw(self) -> None:
        """Take the question out of the transcript again."""
        self._transcript.take_out(*self._blocks)

    def _draw_pending(self) -> None:
        if not self._pending:
            return
        text, self._pending = "".join(self._pending), []
        self._end_thinking()
        if self._writing is None:
            self._writing = Answer()
            self._answers.append(self._writing)
            text = text.lstrip("\n")
            self._add(*self._writing.passages)
        self._wait("")
        last = self._writing.passages[-1]
        added = self._writing.append(text)
        self._transcript.changed(last)
        self._add(*added)

    def _draw_thinking(self) -> None:
        if self._thinking is not None and self._thinking_grew:
            self._transcript.changed(self._thinking)
        self._thinking_grew = False

    def _start(self, event: TurnStarted) -> None:
        self.answering = True
        self.turn = event.turn
        self.private = event.reason == CRISIS
        self._badge = (event.model, event.route, event.reason, event.adapter)
        self._adapter_why = event.adapter_why
        self._asked_at = self._clock()
        self._wait("…")

    def _think(self, text: str) -> None:
        if self._thinking is None:
            self._end_step()
            self._thinking = Thinking(is_open=self._transcript.is_open)
            self._thinking_since = self._clock()
            self._wait("")
            self._add(self._thinking)
        self._thinking.append(text)
        self._thinking_grew = True

    def _end_thinking(self) -> None:
        thinking, self._thinking = self._thinking, None
        if thinking is not None:
            thinking.finish(self._clock() - self._thinking_since)
            self._transcript.changed(thinking)

    def _end_step(self) -> None:
        """Text and thinking before this are whole; what comes next stands below."""
        self._draw_pending()
        self._end_thinking()
        writing, self._writing = self._writing, None
        if writing is not None:
            *above, last = writing.finish()
            self._transcript.doubt(*above)
            self._transcript.changed(last)

    def _wait(self, reason: str) -> None:
        # Hardly ever new while an answer is written: what changes then is to be the answer's last lines alone.
        if self._closing.wait_for(reason):
            self._transcript.changed(self._closing)

    def _add(self, *blocks: Block) -> None:
        if blocks:
            self._blocks[-1:-1] = blocks
            self._transcript.add(*blocks, before=self._closing)

    def _change(self, call_id: str, change: Callable[[ToolBlock], None]) -> None:
        tool = self._tools.get(call_id)
        if tool is not None:
            self._wait("")
            change(tool)
            self._transcript.changed(tool)

    def _end(self, event: TurnEnded) -> None:
        self.ended = event
        if event.adapter:
            self._badge = (*self._badge[:3], event.adapter)
        remark = ENDED_EARLY.get(event.finish_reason)
        if event.notice:
            remark = Remark(f"■ {event.notice}", "$warning")
        usage = event.usage
        facts = []
        if usage.completion_tokens:
            facts.append(wording.count(usage.completion_tokens, "token"))
        if event.tokens_per_second:
            facts.append(wording.speed(event.tokens_per_second))
        if usage.cost_usd is not None:
            facts.append(wording.dollars(usage.cost_usd))
        self._close(*([remark] if remark is not None else []), self._badge_remark(*facts))

    def _badge_remark(self, *facts: str) -> Remark:
        """Who answered, where and why, and what it took."""
        model, route, reason, adapter = self._badge
        used = f"adapter {adapter}" if adapter else "no adapter" if self._adapter_why else ""
        why = f"{used}: {self._adapter_why}" if self._adapter_why else used
        known = (model, route, reason, why, *facts)
        return Remark(" · ".join(fact for fact in known if fact))

    def _close(self, *remarks: Remark) -> None:
        self._end_step()
        self.answering = False
        for tool in self._stop_tools():
            self._transcript.changed(tool)
        self._closing.remark(*remarks)
        self._transcript.changed(self._closing)

    def _stop_tools(self) -> list[ToolBlock]:
        """Those that are not over never will be."""
        stopped = [tool for tool in self._tools.values() if tool.state in (State.ASKED, State.WAITING, State.RUNNING)]
        for tool in stopped:
            tool.become(State.STOPPED)
        return stopped
