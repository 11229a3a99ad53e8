"""`shammah --plain`: the conversation line by line, for screen readers and terminals that can do no more.

Nothing moves and nothing is coloured: what was printed stays, and each line begins with who says it.
"""

from __future__ import annotations

import signal
from argparse import Namespace
from collections import deque
from collections.abc import Mapping
from contextlib import aclosing, closing
from types import FrameType
from typing import NoReturn

from shammah_tui import __version__, paths
from shammah_tui.agent.crisis import detect
from shammah_tui.agent.history import History
from shammah_tui.cli.beside import Beside
from shammah_tui.cli.configured import configured, flags_of, wanted_model
from shammah_tui.cli.plain_answer import PlainAnswer
from shammah_tui.cli.plain_command import PlainCommands
from shammah_tui.cli.plain_input import LineInput
from shammah_tui.cli.screen import restart, tell_way_back
from shammah_tui.cli.session import resume
from shammah_tui.errors import ShammahError
from shammah_tui.events import HelpShown, Noticed, RestartWanted, ToolFinished, ToolOutput
from shammah_tui.runtime import Runtime
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui import commands
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import Asked

BEAT_SECONDS = 2.0
WELCOME = "Ask anything. /help lists the commands, Ctrl+C interrupts an answer, Ctrl+D leaves."


class Leave(Exception):
    """The person leaves, or a signal ends it (`code`)."""

    def __init__(self, code: int = 0) -> None:
        super().__init__()
        self.code = code


def run(options: Namespace) -> int:
    """Ask and answer until the person leaves. Raises ConfigError, HomeError."""
    configuration = configured(options)
    runtime = Runtime(
        configuration.settings,
        model=wanted_model(configuration),
        asked=getattr(options, "asked", ""),
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    beside = Beside()
    line = PlainLine(runtime, beside, flags_of(options))
    code = 0
    try:
        line.run(getattr(options, "resume", None))
    except Leave as leaving:
        code = leaving.code
    finally:
        beside.call(runtime.close())
        beside.close()
    if line.restarts:
        restart(line.session)
    tell_way_back(line.session)
    return code


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise Leave(128 + number)


class PlainLine:
    """One conversation, read and written by lines. `flags`: the settings that were given with the command."""

    def __init__(self, runtime: Runtime, beside: Beside, flags: Mapping[str, object]) -> None:
        self.restarts = False
        self._runtime = runtime
        self._beside = beside
        self._input = LineInput(History(paths.home() / "history.jsonl"), runtime.folder)
        self._news: deque[str] = deque()
        self._commands = PlainCommands(runtime, beside, self._input, self.send, self._leave, flags)

    @property
    def session(self) -> str:
        """The conversation to go on with; empty where none began."""
        return self._runtime.record.session if self._runtime.record.entries else ""

    def run(self, wanted: str | None) -> None:
        """Until the person leaves. `wanted`: the session to go on with; empty lists them."""
        print(f"Shammah {__version__}, line by line. {WELCOME}")
        self._beside.begin(self._warm())
        try:
            if wanted:
                self._beside.call(resume(self._runtime, wanted))
                self._commands.replay()
            elif wanted is not None:
                self._commands.sessions("")
        except ShammahError as error:
            tell(error)
        while not self.restarts:
            while self._news:
                print(f"Learning: {visible(self._news.popleft())}")
            try:
                text = self._input.read(self._prompt)
            except KeyboardInterrupt:
                print("\nCtrl+D leaves.")
                continue
            except EOFError:
                print()
                return
            if text:
                self._take(text)

    @property
    def _prompt(self) -> str:
        mode = self._runtime.mode
        return "You: " if mode is Mode.ASK else f"You ({mode.value}): "

    def _take(self, text: str) -> None:
        try:
            if not detect(text):
                # Such words are kept nowhere.
                self._input.keep(text)
        except OSError as error:
            print(f"This message could not be kept for later sessions: {error.strerror or error}")
        try:
            match commands.parse(text):
                case commands.Unknown(name, closest):
                    meant = f"Did you mean /{closest}?" if closest else "/help lists them."
                    print(f"There is no command /{visible(name)}. {meant}")
                case commands.Invocation() as invocation:
                    self._commands.run(invocation)
                case _ if text.startswith("!"):
                    self._run(text[1:].strip())
                case _:
                    self.send(text)
        except ShammahError as error:
            tell(error)
        except KeyboardInterrupt:
            print("\nInterrupted.")

    def send(self, question: str, asked: Asked = "") -> None:
        """Ask it, and print what comes; Ctrl+C interrupts, and what was said stays in the conversation."""
        answer = PlainAnswer(self._runtime, self._beside, self._input)
        stream = self._beside.events(self._runtime.ask(question, asked=asked), BEAT_SECONDS)
        try:
            with closing(stream):
                for event in stream:
                    answer.hear(event)
                    if isinstance(event, RestartWanted):
                        self.restarts = True
                    elif isinstance(event, HelpShown):
                        print("Your words were not sent. Sent once more, they go to the model on this machine alone.")
        except KeyboardInterrupt:
            answer.finish()
            print("Interrupted; what was said stays.")
        answer.finish()
        if answer.turn is not None:
            self._commands.answered(answer.turn, private=answer.private)

    def _run(self, command: str) -> None:
        """A command of the person's own, after `!`."""
        if not command:
            print("! takes a command, such as !git status")
            return
        stream = self._beside.events(self._runtime.run_command(command), BEAT_SECONDS)
        with closing(stream):
            for event in stream:
                if isinstance(event, ToolOutput):
                    print(visible(event.text), end="", flush=True)
                elif isinstance(event, ToolFinished):
                    print(f"Command: {visible(event.summary)}")
                elif isinstance(event, Noticed):
                    print(f"Note: {visible(event.text)}")

    async def _warm(self) -> None:
        """Have ready what the first question needs; from then on hear what was learned, for the next prompt."""
        try:
            await self._runtime.warm()
            async with aclosing((await self._runtime.learning()).statuses()) as statuses:
                async for status in statuses:
                    if status.news:
                        self._news.append(status.news)
        except ShammahError as error:
            tell(error)

    def _leave(self) -> NoReturn:
        raise Leave


def tell(error: ShammahError) -> None:
    print(f"Error: {visible(error.message)}")
    if error.hint:
        print(f"  {visible(error.hint)}")
