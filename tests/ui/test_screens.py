"""A picture of every screen and state. Look at the pictures before you accept them (`pytest --snapshot-update`)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.conversation import Entry, Message
from shammah_tui.events import (
    BootstrapState,
    ModelSummary,
    Phase,
    Progress,
    TextArrived,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.runtime import ContextUse, Runtime
from shammah_tui.store.rating import Color
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.rating import Given, RatingPanel
from shammah_tui.ui.widgets.status import Status
from tests.ui import tool_script
from tests.ui.script import READY, Scripted, said

SMALL, LARGE, NARROW = (80, 24), (120, 40), (40, 10)
DARK, LIGHT, NO_COLOR = "shammah-dark", "shammah-light", "no-color"

ANSWER = """Here is a function that adds two numbers:

```python
def add(first: int, second: int) -> int:
    \"\"\"Return the sum.\"\"\"
    return first + second
```

It works for:

- **integers** and `float`
- anything with `__add__`, see [the docs](https://docs.python.org/3/)

| key | meaning          |
|-----|------------------|
| F6  | exactly right    |
| F8  | a critical error |
"""
HOSTILE = "\x1b[31mred\x1b]52;c;YQ==\x07 \u202eright to left\u202c zero\u200bwidth [/bold] [@click=app.quit]x[/] ![p](http://x.y/p.png)"

QWEN = ModelSummary(
    id="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    name="Qwen2.5-Coder 1.5B",
    reason="It is the largest of the family that leaves room for the context in 8 GB of memory.",
    file="qwen2.5-coder-1.5b-instruct-q8_0.gguf",
    quantization="Q8_0",
    size_bytes=1_646_573_312,
)
DOWNLOADING = BootstrapState(Phase.DOWNLOADING, QWEN, Progress(QWEN.file, 693_000_000, QWEN.size_bytes, 12_300_000))
FAILED = BootstrapState(
    Phase.FAILED,
    QWEN,
    None,
    "The download broke off: the hub answered 401 Unauthorized.",
    "Set HF_TOKEN to a token that may read this model, or use the demo model.",
)
NOT_AVAILABLE = BootstrapState(
    Phase.NOT_AVAILABLE,
    None,
    None,
    "This machine is offline and no model is cached.",
    "Connect once to download a model, or press F3 and D for the demo model.",
)


@dataclass(frozen=True)
class Shot:
    """A state to take a picture of: what the engine is, what was typed (each a line to send), and keys after that."""

    state: BootstrapState = READY
    scripts: Sequence[Sequence[TurnEvent]] = ()
    sent: Sequence[str] = ()
    typed: str = ""
    pasted: str = ""
    keys: Sequence[str] = ()
    earlier: Sequence[str] = ()
    """What the conversations of two days ago began with."""
    use: ContextUse | None = field(default_factory=lambda: ContextUse(512, 4096))
    rated: Sequence[tuple[Color, str]] = ()
    """What the person said of each answer."""
    panel: Color | None = None
    """The rating that the panel asks about."""


QUESTION = "Write a Python function that adds two numbers"
STREAMING = (TurnStarted("Shammah Demo", "local"), TextArrived("Here is a function:\n\n```python\ndef add(a, b):\n"))
SHOTS = {
    "initializing": Shot(BootstrapState(Phase.INITIALIZING), use=None),
    "downloading": Shot(DOWNLOADING, use=None),
    "loading": Shot(BootstrapState(Phase.LOADING, QWEN), use=None),
    "welcome": Shot(),
    "failed": Shot(FAILED, use=None),
    "not_available": Shot(NOT_AVAILABLE, use=None),
    "conversation": Shot(scripts=[said(ANSWER)], sent=[QUESTION]),
    "hostile": Shot(scripts=[said(HOSTILE)], sent=["Show \x1b[31m control characters"]),
    "waiting": Shot(DOWNLOADING, [[TurnWaiting("The model is downloading.")]], [QUESTION, "And a test"], use=None),
    "streaming": Shot(scripts=[STREAMING], sent=[QUESTION]),
    "interrupted": Shot(scripts=[STREAMING], sent=[QUESTION], keys=["escape"]),
    "lost": Shot(
        scripts=[[*STREAMING, TurnFailed("The engine went away.", "It is started again: send it once more.")]],
        sent=[QUESTION],
    ),
    "queued": Shot(scripts=[STREAMING], sent=[QUESTION, "Add type hints", "Now\nin Rust"], keys=["up"]),
    "tools": Shot(scripts=[tool_script.EVERY_STATE], sent=["Mend the greeting"]),
    "tools_open": Shot(scripts=[tool_script.EVERY_STATE], sent=["Mend the greeting"], keys=["ctrl+o"]),
    "tools_done": Shot(scripts=[tool_script.WHOLE_TURN], sent=["Mend the greeting"]),
    "tools_stopped": Shot(scripts=[tool_script.RUNNING], sent=["Run the tests"], keys=["escape"]),
    "block_cursor": Shot(scripts=[said(ANSWER)], sent=[QUESTION], keys=["alt+up"]),
    "finding": Shot(scripts=[said(ANSWER)], sent=[QUESTION], keys=["ctrl+f", *"adds"]),
    "approval": Shot(scripts=[tool_script.asking(tool_script.ASK_COMMIT)], sent=["Commit it"], typed="a draft"),
    "approval_edit": Shot(scripts=[tool_script.asking(tool_script.ASK_EDIT)], sent=["Mend it"]),
    "approval_long": Shot(scripts=[tool_script.asking(tool_script.ASK_SCRIPT)], sent=["Count"]),
    "approval_hostile": Shot(scripts=[tool_script.asking(tool_script.ASK_HOSTILE)], sent=["Do it"]),
    "approval_reason": Shot(
        scripts=[tool_script.asking(tool_script.ASK_COMMIT)],
        sent=["Commit it"],
        keys=["wait:600", "r", *"tests", "space", *"first"],
    ),
    "several_lines": Shot(typed="first line\nsecond line\nthird line"),
    "unknown_command": Shot(sent=["/hlep"]),
    "pasted": Shot(typed="Explain ", pasted="\n".join(f"line {number}" for number in range(1, 61))),
    "commands": Shot(keys=["/", "s", "wait:200", "down"]),
    "leaving": Shot(keys=["ctrl+c"]),
    "help": Shot(keys=["f1"]),
    "model": Shot(keys=["f3", "wait:300"]),
    "model_downloading": Shot(DOWNLOADING, keys=["f3", "wait:300"], use=None),
    "palette": Shot(keys=["ctrl+p"]),
    "settings": Shot(keys=["f5", "wait:200", "down", "down", "down", "down"]),
    "settings_change": Shot(keys=["f5", "wait:200", *["down"] * 12, "enter", "wait:200"]),
    "themes": Shot(sent=["/theme"], keys=["wait:100", "down"]),
    "rated": Shot(
        scripts=[tool_script.WHOLE_TURN, said("It is done."), said("Yes.")],
        sent=["Mend the greeting", "Is it done?", "Sure?"],
        rated=[("red", "use logging instead of print"), ("yellow", "say what was done"), ("green", "")],
    ),
    "rating": Shot(scripts=[said(ANSWER)], sent=[QUESTION], panel="red"),
    "sessions": Shot(
        sent=["/sessions"],
        keys=["wait:300", "down"],
        earlier=[
            "Why does the test hang?",
            "Write a parser for dates, with every form that a mail may have in its head",
        ],
    ),
    "sessions_empty": Shot(sent=["/sessions"], keys=["wait:200"]),
    "privacy": Shot(sent=["/privacy"], keys=["wait:300"]),
    "palette_nothing": Shot(keys=["ctrl+p", "wait:100", *"qqq", "wait:200"]),
}
# Where a shade alone would tell too little, were it not for a sign or a word.
SHADES = ("rated", "rating", "tools", "approval", "approval_edit", "settings", "themes", "palette", "failed", "finding")
PICTURES = [
    *product(SHOTS, (SMALL, LARGE), (DARK, LIGHT)),
    *(("conversation", size, f"shammah-contrast-{kind}") for size in (SMALL, LARGE) for kind in ("dark", "light")),
    *((name, size, NO_COLOR) for name in SHADES for size in (SMALL, LARGE)),
    *((name, NARROW, DARK) for name in ("welcome", "downloading", "conversation", "queued", "help", "model")),
]


def _run(shot: Shot) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ShammahApp)
        async with asyncio.timeout(20):
            while app.chat.query_one(Status).sandbox is None:
                await pilot.pause(0.02)
        await _hold(await app.runtime.whole(), shot.earlier)
        for line in shot.sent:
            app.chat.prompt.put(line)
            await pilot.press("enter")
            await pilot.pause()
        for exchange, (color, note) in zip(app.chat.exchanges, shot.rated, strict=False):
            exchange.rate(color, note)
        app.chat.prompt.put(shot.typed)
        if shot.pasted:
            app.chat.prompt.post_message(Paste(shot.pasted))
        if shot.panel is not None:
            await pilot.pause()
            await app.push_screen(RatingPanel(Given(shot.panel), question=QUESTION, answer=ANSWER))
        await pilot.press(*shot.keys)
        await pilot.pause(0.2)

    return run


async def _hold(runtime: Runtime, questions: Sequence[str]) -> None:
    """Conversations of two days ago, that began so."""
    for number, question in enumerate(questions):
        entries = [Entry(Message("user", question)), Entry(Message("assistant", "Let me see."))]
        await runtime.sessions.write(f"earlier-{number}", "/home/ada/project", 0, entries, 0)
    if questions:
        with closing(sqlite3.connect(paths.database())) as connection, connection:
            connection.execute("UPDATE session SET updated_at = updated_at - 2 * 86400")


@pytest.mark.parametrize(
    ("name", "size", "theme"),
    PICTURES,
    ids=[f"{name}-{size[0]}x{size[1]}-{theme.removeprefix('shammah-')}" for name, size, theme in PICTURES],
)
def test_screen(
    snap_compare: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, size: tuple[int, int], theme: str
) -> None:
    shot = SHOTS[name]
    if theme == NO_COLOR:
        monkeypatch.setenv("NO_COLOR", "1")
        theme = DARK
    app = ShammahApp(Scripted(shot.scripts, shot.state, use=shot.use), history=History(None), theme_name=theme)
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=_run(shot))
