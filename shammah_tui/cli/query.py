"""`shammah query`: one question, one answer, no screen.

The answer goes to standard output as it comes; what is waited for, and what there is to say about the answer, goes to
standard error, and only where that is a terminal. Errors always do.
"""

from __future__ import annotations

import asyncio
import signal
from argparse import Namespace
from contextlib import aclosing
from pathlib import Path

from shammah_tui.cli.answer import Answer, Interrupted, OutOfTime
from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.configured import configured, wanted_model
from shammah_tui.cli.question import Question, read_question
from shammah_tui.cli.session import resume
from shammah_tui.cli.sink import Sink, sink_for
from shammah_tui.cli.terminal import StatusLine
from shammah_tui.events import Phase
from shammah_tui.runtime import Runtime
from shammah_tui.ui import wording
from shammah_tui.ui.port import RuntimePort

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(options: Namespace) -> int:
    """Answer the question of `options`. Raises ShammahError before a question was asked; later errors are told by the
    sink, and are in the exit code."""
    question = read_question(" ".join(options.text))
    if not question.text:
        raise UsageError("There is no question.", 'Write one: shammah query "…", or pipe one in.')
    configuration = configured(options)
    model = wanted_model(configuration)
    streaming = configuration.settings.streaming_enabled and "no_stream" not in options
    sink = sink_for(getattr(options, "output_format", "text"), streaming=streaming)
    timeout = getattr(options, "timeout", None)

    async def ask() -> Answer:
        runtime = Runtime(
            configuration.settings,
            folder=Path.cwd(),
            model=model,
            asked=getattr(options, "asked", ""),
            attended=False,
        )
        try:
            if "resume" in options:
                await resume(runtime, options.resume)
            return await answer(runtime, question, sink, timeout)
        finally:
            await runtime.close()

    return asyncio.run(ask()).exit_code


async def answer(runtime: RuntimePort, question: Question, sink: Sink, timeout_seconds: float | None) -> Answer:
    """Ask, and tell the sink what happens. A signal or the end of the time stops the generation, and what was said so
    far is kept. A reader of the output that went away (BrokenPipeError) stops it too, and is raised."""
    found = Answer()
    line = StatusLine()
    loop = asyncio.get_running_loop()
    asking = asyncio.ensure_future(_ask(runtime, question, sink, found, line))
    watching = asyncio.ensure_future(_watch(runtime, line, found))
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        # A second one ends the process as it always would.
        loop.remove_signal_handler(number)
        asking.cancel()

    # What is ignored stays so: nohup, and jobs in the background of a script.
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, stop, number)
    try:
        done, _ = await asyncio.wait({asking}, timeout=timeout_seconds)
        if not done:
            found.failure = OutOfTime(timeout_seconds or 0.0)
            asking.cancel()
            await asyncio.wait({asking})
        elif received:
            found.failure = Interrupted(received[0])
        if not asking.cancelled():
            asking.result()
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        if not watching.cancelled():
            watching.exception()  # whatever it was, the answer met it too
        line.clear()
        for number in heeded:
            loop.remove_signal_handler(number)
    sink.finish(found)
    return found


async def _ask(runtime: RuntimePort, question: Question, sink: Sink, found: Answer, line: StatusLine) -> None:
    async with aclosing(runtime.ask(question.text, shown=question.shown)) as events:
        async for event in events:
            found.hear(event, runtime.state)
            if found.has_text:
                line.clear()
            sink.hear(event)


async def _watch(runtime: RuntimePort, line: StatusLine, found: Answer) -> None:
    """Show the engine's way to the model, until the answer begins."""
    async with aclosing(runtime.states()) as states:
        async for state in states:
            if found.has_text:
                return
            if state.phase is Phase.READY:
                line.show(f"{wording.model_name(state.model)} is reading …")
            else:
                parts = [
                    wording.headline(state),
                    wording.amount(state.progress) if state.progress else "",
                    state.reason,
                ]
                line.show(" · ".join(part for part in parts if part))
