"""One answer of the line mode: each event as a line of text, and the questions about tools."""

from __future__ import annotations

import sys
from asyncio import Future

from shammah_tui.cli.beside import Beside
from shammah_tui.cli.plain_input import LineInput
from shammah_tui.events import (
    Approval,
    CloudOffered,
    HelpShown,
    Noticed,
    PermissionAsked,
    Phase,
    StepEnded,
    TextArrived,
    ThinkingArrived,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.runtime import Runtime
from shammah_tui.ui import wording
from shammah_tui.ui.plain import first_line, visible
from shammah_tui.ui.subject import subject

CRISIS = "Crisis"
# How much of what a tool printed is read out; the model has the rest.
OUTPUT_LINES = 20
PROGRESS_STEP = 10


class PlainAnswer:
    """`turn` names the answer for a rating, once it began; of a `private` one nothing is kept."""

    def __init__(self, runtime: Runtime, beside: Beside, line: LineInput) -> None:
        self.turn: int | None = None
        self.private = False
        self._runtime = runtime
        self._beside = beside
        self._input = line
        self._in_line = False
        self._thinks = False
        self._percent = -PROGRESS_STEP

    def hear(self, event: TurnEvent | None) -> None:
        """`event` is None where nothing came for a while."""
        match event:
            case None:
                self._show_progress()
            case TurnWaiting(reason):
                self._print(f"Waiting: {visible(reason)} Ctrl+C stops waiting.")
            case TurnStarted(model, route, reason, turn):
                self.turn, self.private = turn, reason == CRISIS
                where = "Claude" if route == "claude" else "on this machine"
                self._print(f"{visible(model)} ({where}):")
            case ThinkingArrived() if not self._thinks:
                self._thinks = True
                self._print("It thinks.")
            case TextArrived(text):
                sys.stdout.write(visible(text))
                sys.stdout.flush()
                self._in_line = not text.endswith("\n")
            case PermissionAsked():
                self._ask(event)
            case ToolStarted(call):
                self._print(f"Tool {call.name} runs: {visible(subject(call))}")
            case ToolFinished():
                self._show_result(event)
            case StepEnded():
                self.finish()
            case Noticed(text):
                self._print(f"Note: {visible(text)}")
            case CloudOffered(reason):
                self._print(
                    f"Claude could be asked: {visible(reason)} Begin your question with /cloud to send it there."
                )
            case HelpShown(title, text):
                self._print(f"{title}\n\n{text}\n")
            case TurnEnded():
                self._show_end(event)
            case TurnFailed(message, hint):
                self._print(f"Error: {visible(message)}" + (f"\n  {visible(hint)}" if hint else ""))
            case _:
                pass

    def finish(self) -> None:
        """Whatever comes next begins a line."""
        if self._in_line:
            print()
        self._in_line = False

    def _print(self, text: str) -> None:
        self.finish()
        print(text, flush=True)

    def _show_end(self, ended: TurnEnded) -> None:
        self.finish()
        if ended.finish_reason == "length":
            self._print("Note: the answer was cut at its longest length (model.max_tokens).")
        if ended.notice:
            self._print(f"Note: {visible(ended.notice)}")
        if ended.usage.cost_usd:
            self._print(f"Cost: {wording.dollars(ended.usage.cost_usd)}")

    def _show_result(self, finished: ToolFinished) -> None:
        how = "was refused" if finished.refused else "failed" if finished.failed else "is done"
        self._print(f"Tool {how}: {visible(finished.summary)}")
        lines = visible(finished.diff or ("" if finished.refused else finished.text)).splitlines()
        for line in lines[:OUTPUT_LINES]:
            print(f"  {line}")
        if len(lines) > OUTPUT_LINES:
            print(f"  … and {wording.count(len(lines) - OUTPUT_LINES, 'more line')}")

    def _show_progress(self) -> None:
        """Now and then, where a model is on its way."""
        state = self._runtime.state
        if state.phase is Phase.DOWNLOADING and state.progress is not None:
            percent = wording.percent(state.progress)
            if percent >= self._percent + PROGRESS_STEP:
                self._percent = percent
                self._print(f"{wording.headline(state)}: {percent} %, {wording.amount(state.progress)}")

    # Questions about tools

    def _ask(self, asked: PermissionAsked) -> None:
        """Ask; whatever is no clear yes denies, and words are the reason that the model is told."""
        self._print(f"Question: may {asked.call.name} do this?")
        print(f"  {visible(asked.display)}")
        print(f"  In: {visible(str(self._runtime.folder))}")
        if asked.reach:
            print(f"  It would run {visible(asked.reach)}")
        print(f"  Why it is asked: {visible(first_line(asked.reason))}")
        for line in visible(asked.preview).splitlines():
            print(f"  {line}")
        print("  1 or y: yes, this once")
        if asked.rules:
            print("  2: yes, for this session")
            print(f"  3: always; this is saved: {visible('; '.join(asked.rules))}")
        print("  4, n or Enter: no. Anything else: no, and the model is told your words.")
        approval = Approval("deny")
        try:
            approval = approval_of(self._input.ask("Your answer (Enter denies): "), can_last=bool(asked.rules))
        finally:
            answer = asked.answer
            self._beside.soon(lambda: _settle(answer, approval))


def approval_of(typed: str, *, can_last: bool) -> Approval:
    """What an answer means. `can_last`: for the session and always are offered."""
    match typed.lower():
        case "1" | "y" | "yes":
            return Approval("once")
        case "2" if can_last:
            return Approval("session")
        case "3" if can_last:
            return Approval("always")
        case "" | "4" | "n" | "no" | "2" | "3":
            return Approval("deny")
        case _:
            return Approval("deny", typed)


def _settle(answer: Future[Approval], approval: Approval) -> None:
    if not answer.done():
        answer.set_result(approval)
