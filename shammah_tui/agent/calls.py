"""The middle of a turn: what the model asked for is judged, asked of the person where it must be, and run.

Calls are taken in the model's order. Neighbours that only read run beside one another, everything else by itself.
Closing the generator stops what runs, with all that it started, and withdraws a question that is still open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby

from shammah_tui.agent.draft import Draft
from shammah_tui.agent.repetition import ADVICE, REPETITIONS_MAX, Repetition
from shammah_tui.conversation import FileChange, ToolCall
from shammah_tui.errors import HomeError
from shammah_tui.events import (
    Approval,
    Noticed,
    PermissionAsked,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEvent,
)
from shammah_tui.tools.guard import Guard, refusal
from shammah_tui.tools.permission.decision import Decision, Verdict
from shammah_tui.tools.preview import Preview
from shammah_tui.tools.tool import Output, Piece, Result


@dataclass(frozen=True, slots=True)
class _Permitted:
    call: ToolCall
    decision: Decision


@dataclass(frozen=True, slots=True)
class _Asked:
    call: ToolCall
    decision: Decision
    question: PermissionAsked


class Calls:
    """Runs the calls of one turn. `stuck` once the model runs in a circle; `restart` once a tool asked for that."""

    def __init__(self, guard: Guard, draft: Draft) -> None:
        self._guard = guard
        self._draft = draft
        self._repetition = Repetition()
        self.stuck: ToolCall | None = None
        self.restart = ""

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[TurnEvent, None]:
        """Every call gets exactly one `ToolFinished`, which the draft has heard before it is yielded."""
        for reads_only, group in groupby(calls, self._guard.reads_only):
            if reads_only:
                async with aclosing(self._run_group(tuple(group))) as events:
                    async for event in events:
                        yield event
            else:
                for call in group:
                    async with aclosing(self._run_group((call,))) as events:
                        async for event in events:
                            yield event

    async def refuse(self, calls: Sequence[ToolCall], reason: str) -> AsyncGenerator[TurnEvent, None]:
        """None of them is run; the model is told why."""
        for call in calls:
            yield self._finished(call, Result(reason, "not run", failed=True), 0.0, refused=True)

    async def _run_group(self, calls: Sequence[ToolCall]) -> AsyncGenerator[TurnEvent, None]:
        """All that is to be asked is asked at once, so that the person sees how much waits for them."""
        permitted: list[_Permitted] = []
        asked: list[_Asked] = []
        for call in calls:
            decision = self._judge(call)
            if notice := self._guard.take_notice():
                yield Noticed(notice)
            if decision.verdict is Verdict.ALLOW:
                permitted.append(_Permitted(call, decision))
            elif decision.verdict is Verdict.DENY:
                yield self._finished(call, refusal(decision), 0.0, refused=True)
            else:
                preview = await self._guard.preview(call, decision)
                if preview.trouble:
                    # It cannot work, so there is nothing to ask.
                    yield self._finished(call, Result(preview.trouble, preview.trouble, failed=True), 0.0)
                else:
                    asked.append(_Asked(call, decision, _question(call, decision, preview)))
        async with aclosing(self._ask(asked, permitted)) as events:
            async for event in events:
                yield event
        async with aclosing(self._run_permitted(permitted)) as events:
            async for event in events:
                yield event

    async def _ask(self, asked: Sequence[_Asked], permitted: list[_Permitted]) -> AsyncGenerator[TurnEvent, None]:
        """Put the questions, and what the person allows into `permitted`. One that an answer before it covers goes away
        by itself, or is not put at all."""
        waiting: list[_Asked] = []
        try:
            for one in asked:
                while waiting and waiting[0].question.answer.done():
                    for event in await self._settled(waiting.pop(0), permitted):
                        yield event
                waiting.append(one)
                if self._judge(one.call).verdict is not Verdict.ALLOW:
                    yield one.question
            while waiting:
                for event in await self._settled(waiting.pop(0), permitted):
                    yield event
        finally:
            for one in asked:
                one.question.answer.cancel()

    async def _settled(self, one: _Asked, permitted: list[_Permitted]) -> Sequence[TurnEvent]:
        """Wait for the answer, and tell what comes of it; `permitted` grows where it is yes."""
        approval, trouble = Approval("deny"), ""
        decision = self._judge(one.call)
        if decision.verdict is Verdict.ALLOW and not one.question.answer.done():
            one.question.answer.cancel()
        else:
            approval = await one.question.answer
            decision, trouble = self._granted(one.decision, approval)
        events: list[TurnEvent] = [Noticed(trouble)] if trouble else []
        if decision.verdict is Verdict.ALLOW:
            permitted.append(_Permitted(one.call, decision))
        else:
            events.append(self._finished(one.call, refusal(decision, approval.note), 0.0, refused=True))
        return events

    def _judge(self, call: ToolCall) -> Decision:
        try:
            return self._guard.judge(call)
        except HomeError as error:
            return Decision(Verdict.DENY, f"the saved rules cannot be read: {error.message}")

    def _granted(self, decision: Decision, approval: Approval) -> tuple[Decision, str]:
        """The decision after the person's answer, and what they should know about it."""
        match approval.choice:
            case "deny":
                return decision, ""
            case "session" if decision.grants:
                return self._guard.grant_session(decision), ""
            case "always" if decision.grants:
                try:
                    return self._guard.grant_always(decision), ""
                except HomeError as error:
                    return self._guard.grant_once(decision), f"Allowed once; it could not be saved. {error.message}"
            case _:
                return self._guard.grant_once(decision), ""

    async def _run_permitted(self, permitted: Sequence[_Permitted]) -> AsyncGenerator[TurnEvent, None]:
        """Run them beside one another; results come as they are ready."""
        heard: asyncio.Queue[tuple[ToolCall, Piece]] = asyncio.Queue()
        tasks: list[asyncio.Task[None]] = []
        began = time.perf_counter()
        try:
            for one in permitted:
                yield ToolStarted(one.call)
                tasks.append(asyncio.create_task(self._pump(one, heard)))
            waiting = len(tasks)
            while waiting:
                call, piece = await _next(heard, tasks)
                if isinstance(piece, Output):
                    yield ToolOutput(call.id, piece.text)
                else:
                    waiting -= 1
                    yield self._finished(call, piece, time.perf_counter() - began)
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _pump(self, one: _Permitted, heard: asyncio.Queue[tuple[ToolCall, Piece]]) -> None:
        async with aclosing(self._guard.run(one.call, one.decision)) as pieces:
            async for piece in pieces:
                heard.put_nowait((one.call, piece))

    def _finished(self, call: ToolCall, result: Result, seconds: float, *, refused: bool = False) -> ToolFinished:
        text = result.text
        count = self._repetition.observe(call, text, changed=bool(result.changes))
        if count >= REPETITIONS_MAX:
            self.stuck = self.stuck or call
            text = f"{text}\n[{ADVICE.format(count=count)}]"
        self.restart = self.restart or result.restart
        event = ToolFinished(
            call.id, text, result.summary, result.failed, refused, result.diff, result.truncated, seconds
        )
        self._draft.finish(
            event, [FileChange(str(change.path), change.before, change.after) for change in result.changes]
        )
        return event


def _question(call: ToolCall, decision: Decision, preview: Preview) -> PermissionAsked:
    rules = tuple(f"{rule.tool}({rule.pattern})" for rule in decision.grants)
    answer: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()
    diff = preview.text if preview.kind == "diff" else ""
    return PermissionAsked(call, decision.display, decision.reason, rules, diff, answer, preview.reach)


async def _next(
    heard: asyncio.Queue[tuple[ToolCall, Piece]], tasks: Sequence[asyncio.Task[None]]
) -> tuple[ToolCall, Piece]:
    """What comes next of any of them; raises what one of them raised."""
    getting = asyncio.ensure_future(heard.get())
    try:
        while True:
            pending = [task for task in tasks if not task.done()]
            await asyncio.wait([getting, *pending], return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            for task in tasks:
                if task.done():
                    task.result()
            if not pending:
                raise AssertionError("a tool ended without a result")
    finally:
        getting.cancel()
