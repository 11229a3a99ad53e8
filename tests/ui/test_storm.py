"""Whatever keys, pastes, sizes and events come in whatever order: the program stays up and the prompt in its place."""

from __future__ import annotations

import random

import pytest
from textual.events import Paste

from shammah_tui.agent.history import History
from shammah_tui.events import BootstrapState, Phase, TextArrived, TurnFailed, TurnStarted, TurnWaiting
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.keys import TABLE
from tests.ui.script import READY, Scripted, said

# All but those that leave.
LEAVING = {"ctrl+c", "ctrl+d", "ctrl+z"}
KEYS = (
    *sorted({key for entry in TABLE for key in entry.keys.split(",")} - LEAVING),
    *("a", "space", "slash", "question_mark", "backspace", "left", "right", "home", "end", "shift+left", "ctrl+w"),
    *("ctrl+u", "ctrl+k", "ctrl+a", "delete", "1", "é", "日"),
)
PASTES = ("/model demo", "/theme", "/new", "/nosuch", "one\ntwo\n", "\x1b[31m", "x" * 500, "# A\n\n| a |\n|--|\n| b |")
STATES = (READY, *(BootstrapState(phase, reason="Because.", hint="Do.") for phase in Phase if phase is not Phase.READY))
SIZES = ((80, 24), (40, 10), (12, 4), (200, 60), (1, 1))
LONG = "\n\n".join(f"Paragraph {number} with `code` and **more**" for number in range(30))
SCRIPTS = (
    said(LONG),
    (TurnStarted("Demo", "local"), TextArrived("It begins")),
    (TurnWaiting("Loading."),),
    (TurnStarted("Demo", "local"), TurnFailed("Broken.", "Do.")),
    said("```python\n" + "line = 1\n" * 80),
)


class Staying(ShammahApp):
    """The palette holds a way to leave, which a storm finds."""

    def action_leave(self) -> None:
        self.flash("Stayed")


@pytest.mark.parametrize("seed", range(4))
async def test_a_storm_of_events(seed: int) -> None:
    chance = random.Random(seed)
    runtime = Scripted([chance.choice(SCRIPTS) for _ in range(500)])
    app = Staying(runtime, history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(100):
            kind = chance.random()
            if kind < 0.7:
                for _ in range(chance.randint(1, 4)):
                    app.simulate_key(chance.choice(KEYS))
            elif kind < 0.85:
                app.post_message(Paste(chance.choice(PASTES)))
            elif kind < 0.93:
                runtime.become(chance.choice(STATES))
            else:
                await pilot.resize_terminal(*chance.choice(SIZES))
            await pilot.pause()
        assert app.is_running
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape", "f2")
        await pilot.pause()
        assert app.screen is app.chat
        assert app.chat.prompt.region.bottom <= 24
        transcript = app.chat.transcript
        assert transcript.scroll_y <= transcript.max_scroll_y
