"""`!` in the prompt: a command of the person's own, run at once; what it prints joins the conversation."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from shammah_tui.agent.own_output import told
from shammah_tui.conversation import Entry, Message, ToolCall
from shammah_tui.events import ToolFinished, ToolOutput, ToolStarted
from shammah_tui.tools import toolbox
from shammah_tui.tools.tool import Context, Output, Result, bare

CommandEvent = ToolStarted | ToolOutput | ToolFinished
INTERRUPTED = "[interrupted by the person]"


class OwnCommand:
    """One command. `entry` is what the conversation keeps of it, also where it was closed before its end."""

    def __init__(self, command: str, ground: Context) -> None:
        self._command = command
        # The person's own environment, outside the sandbox and for as long as they want: it is their hand, not the
        # model's.
        limits = replace(ground.limits, bash_seconds=math.inf, bash_seconds_max=math.inf)
        self._ground = replace(ground, environment=dict(os.environ), wrap=bare, limits=limits)
        self._said: list[str] = []
        self._result: Result | None = None

    async def run(self) -> AsyncGenerator[CommandEvent, None]:
        call = ToolCall("own", "Bash", json.dumps({"command": self._command}))
        began = time.perf_counter()
        yield ToolStarted(call)
        async with aclosing(toolbox.run("Bash", {"command": self._command}, self._ground)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Output):
                    self._said.append(piece.text)
                    yield ToolOutput(call.id, piece.text)
                else:
                    self._result = piece
                    yield ToolFinished(
                        call.id,
                        piece.text,
                        piece.summary,
                        piece.failed,
                        truncated=piece.truncated,
                        seconds=time.perf_counter() - began,
                    )

    @property
    def entry(self) -> Entry:
        output = self._result.text if self._result is not None else "".join([*self._said, INTERRUPTED])
        return Entry(Message("user", told(self._command, output)), shown=f"!{self._command}")
