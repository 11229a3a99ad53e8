"""The colours of our themes can be read, and are chosen by looking at them."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from shammah_tui.agent.history import History
from shammah_tui.ui import theme
from shammah_tui.ui.app import ShammahApp
from tests.ui.script import Scripted

READABLE = 4.5  # WCAG 2.2, 1.4.3 for text of normal size
WRITTEN = ("foreground", "primary", "secondary", "accent", "warning", "error", "success")
WRITTEN_TOO = ("quiet", "code-keyword", "code-name", "code-function", "code-string", "code-number", "code-type")


def contrast(front: str, back: str) -> float:
    one, other = (_luminance(Color.parse(colour)) for colour in (front, back))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


@pytest.mark.parametrize("own", theme.OWN, ids=lambda own: own.name)
def test_every_text_can_be_read_on_every_ground(own: Theme) -> None:
    texts = {name: getattr(own, name) for name in WRITTEN} | {name: own.variables[name] for name in WRITTEN_TOO}
    grounds = [str(own.background), str(own.surface), str(own.panel)]
    wanted = 7.0 if "contrast" in own.name else READABLE
    poor = {
        (name, ground): round(contrast(text, ground), 2)
        for name, text in texts.items()
        for ground in grounds
        if contrast(text, ground) < wanted
    }
    assert poor == {}


async def test_a_theme_is_shown_while_it_is_looked_at_and_esc_brings_the_old_one_back() -> None:
    runtime = Scripted()
    app = ShammahApp(runtime, history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.theme
        app.chat.prompt.put("/theme")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press(*"light")
        await pilot.pause(0.1)
        assert app.theme != before
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert app.theme == before
        assert runtime.remembered == {}
        app.chat.prompt.put("/theme contrast-dark")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert runtime.remembered == {"theme": "shammah-contrast-dark"}
