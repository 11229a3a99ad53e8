"""Reading the conversation by key and mouse: folding, moving from block to block, copying, finding."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from shammah_tui.conversation import Entry, Message, ToolCall
from shammah_tui.events import TextArrived, ToolOutput, TurnEnded
from shammah_tui.store.session import SessionSummary, StoredSession
from shammah_tui.ui import clipboard
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.replay import replayed
from shammah_tui.ui.screens.picker import Picker
from shammah_tui.ui.widgets.find import FindBar
from shammah_tui.ui.widgets.status import Hints
from tests.ui.script import said
from tests.ui.test_chat import send, showing, shown, type_text
from tests.ui.tool_script import DIFF, EVERY_STATE, RUNNING, STARTED, WHOLE_TURN

TWO_CODES = "Look:\n\n```sh\nls\n```\n\nand\n\n```python\nprint(1)\n```\n\nDone."


def line_of(app: ShammahApp, part: str) -> int:
    return next(number for number, line in enumerate(shown(app).split("\n")) if part in line)


async def test_each_tool_call_is_a_line_that_says_how_it_stands() -> None:
    async with showing(EVERY_STATE, size=(100, 60)) as (app, _, pilot):
        await send(pilot, "hi")
        text = shown(app)
        for line in (
            "✓ Read src/greeting.py · 11 lines ▸ 4 lines",
            "✓ Edit src/greeting.py · +3 −2 lines",
            "✕ Bash pytest -q tests/test_greeting.py · exit status 1 · 2 s",
            "⊘ Bash rm -rf build · denied ▸ 1 line",
            "◇ WebFetch https://docs.python.org/3/library/sys.html",
            "! An older tool result was shortened to make room.",
            "∴ Thought · 10 words ▸",
        ):
            assert line in text
        assert "1  import sys" not in text


async def test_ctrl_o_opens_all_that_is_folded_and_closes_it_again() -> None:
    async with showing(EVERY_STATE, size=(100, 60)) as (app, _, pilot):
        await send(pilot, "hi")
        app.animation_level = "none"
        before = shown(app)
        await pilot.press("ctrl+o")
        assert "│ 4  def greet(name):" in shown(app)
        assert "│ The greeting is built by hand." in shown(app)
        await pilot.press("ctrl+o")
        assert shown(app) == before


async def test_a_running_command_shows_the_end_of_what_it_prints() -> None:
    flood = [ToolOutput("4", f"line {number}\n" * 3) for number in range(3_000)]
    async with showing([*RUNNING, *flood, ToolOutput("4", "10 %\r20 %\r\x1b[31m30 %")]) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.pause(0.2)
        assert "│ ␛[31m30 %" in shown(app)
        assert "10 %" not in shown(app)
        assert app.chat.transcript._extent.lines < 14
        await pilot.press("escape")
        assert "■ Bash pytest -q tests/test_greeting.py · stopped" in shown(app)


async def test_the_badge_says_who_answered_where_why_and_what_it_took() -> None:
    async with showing(WHOLE_TURN, size=(100, 40)) as (app, _, pilot):
        await send(pilot, "hi")
        assert "claude-opus-5-5 · claude · you asked for it · 140 tokens · 61 tok/s · $0.0231" in shown(app)


async def test_a_rating_is_shown_below_its_answer_and_goes_again() -> None:
    async with showing(said("Yes.")) as (app, _, pilot):
        await send(pilot, "hi")
        exchange = app.chat.chosen_exchange
        assert exchange is not None
        exchange.rate("yellow", "shorter, please")
        assert "● yellow · shorter, please" in shown(app)
        exchange.rate(None)
        assert "●" not in shown(app)


async def test_the_block_cursor_copies_code_answer_question_and_output() -> None:
    async with showing(said(TWO_CODES)) as (app, _, pilot):
        await send(pilot, "the question")
        copied = []
        for _ in range(4):
            await pilot.press("alt+up", "c")
            await pilot.pause()
            copied.append(app.clipboard)
        assert copied == ["print(1)", "ls", TWO_CODES, "the question"]
        await pilot.press("escape")
        assert app.chat.prompt.has_focus


async def test_enter_opens_the_tool_under_the_cursor_and_a_letter_goes_to_the_prompt() -> None:
    async with showing(WHOLE_TURN) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.press("alt+up", "up", "up", "enter")
        assert "│ 4  def greet(name):" in shown(app)
        await pilot.press("x", "z")
        assert app.chat.prompt.text == "xz"
        await pilot.press("ctrl+end", "alt+up", "down")
        assert app.chat.prompt.has_focus


async def test_a_click_opens_a_tool_and_copies_code() -> None:
    async with showing(WHOLE_TURN, said(TWO_CODES), size=(100, 40)) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.click("#transcript", offset=(6, 1 + line_of(app, "Read src")))
        await pilot.pause()
        assert "│ 4  def greet(name):" in shown(app)
        await send(pilot, "more")
        await pilot.click("#transcript", offset=(90, 1 + line_of(app, " sh ") - app.chat.transcript.scroll_offset.y))
        await pilot.pause()
        assert app.clipboard == "ls"


async def test_a_click_below_an_answer_asks_how_it_was() -> None:
    async with showing(said("A word."), size=(80, 30)) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.click("#transcript", offset=(6, 1 + line_of(app, "42 tok/s")))
        for _ in range(20):
            await pilot.pause()
        assert isinstance(app.screen, Picker)
        picture = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "10× · a critical error, never again" in picture
        await pilot.press("escape")
        assert not isinstance(app.screen, Picker)


async def test_copy_takes_numbers_and_code() -> None:
    async with showing(said("first"), said(TWO_CODES)) as (app, _, pilot):
        await send(pilot, "a")
        await send(pilot, "b")
        for command, text in (("/copy 2", "first"), ("/copy code", "print(1)"), ("/copy code 1", "ls")):
            await send(pilot, command)
            assert app.clipboard == text
        await send(pilot, "/copy 9")
        assert "no such answer" in app.chat.query_one(Hints).notice
        await send(pilot, "/copy nonsense")
        assert "takes a number" in app.chat.query_one(Hints).notice


async def test_finding_goes_through_all_places_and_opens_what_is_folded() -> None:
    async with showing(said("\n\n".join(["A word."] * 40)), EVERY_STATE) as (app, _, pilot):
        await send(pilot, "word")
        await send(pilot, "hi")
        await pilot.press("ctrl+f")
        await type_text(pilot, "word.")
        count = app.chat.query_one(FindBar).query_one("#find-count")
        assert str(count.render()) == "40 of 40"
        await pilot.press("enter", "enter")
        assert str(count.render()) == "2 of 40"
        await pilot.press("shift+enter")
        assert str(count.render()) == "1 of 40"
        assert app.chat.transcript.scroll_y < 10
        await pilot.press("ctrl+a", "ctrl+k")
        await type_text(pilot, "def greet(name):")
        assert "│ 4  def greet(name):" in shown(app)
        await pilot.press("escape")
        assert app.chat.prompt.has_focus
        assert not app.chat.query_one(FindBar).display


async def test_a_stored_conversation_of_ten_thousand_messages_is_drawn_only_where_it_is_seen() -> None:
    call = ToolCall("1", "Edit", '{"file_path": "a.py"}')
    entries = [
        Entry(Message("user", "Change it, @a.py and its content"), shown="Change it, @a.py"),
        Entry(Message("assistant", "I change it.", (call,)), "tool_calls", "Opus", "claude"),
        Entry(Message("tool", "a.py changed.", tool_call_id="1"), shown="+3 −2 lines", diff=DIFF),
        Entry(Message("assistant", "Done, more or le"), "interrupted", "Opus", "claude"),
    ] * 2_500
    turns = [4 * (number // 4) for number in range(len(entries))]
    stored = StoredSession(SessionSummary("s", "t", "/", 0, 0, 2_500), tuple(entries), tuple(turns))
    async with showing(size=(80, 50)) as (app, _, pilot):
        app.chat._show_conversation(True)
        exchanges = replayed(app.chat.transcript, stored)
        await pilot.pause()
        assert [exchange.turn for exchange in exchanges[:3]] == [0, 4, 8]
        held = [block for block in app.chat.transcript._extent.blocks if block._width]
        assert len(held) < 30
        lines = [app.chat.transcript.render_line(y).text.rstrip() for y in range(30)]
        for line in ("▌ Change it, @a.py", "✓ Edit a.py · +3 −2 lines", "  Done, more or le", "  Opus · claude"):
            assert any(line in shown_line for shown_line in lines), line


async def test_an_answer_of_an_earlier_session_still_says_which_adapter_made_it_and_why() -> None:
    said = [
        Entry(Message("user", "Write Rust")),
        Entry(Message("assistant", "One"), model="Demo", adapter="rusty", adapter_why="learned for Rust"),
        Entry(Message("user", "Write Python")),
        Entry(Message("assistant", "Two"), model="Demo", adapter_why="your choice"),
    ]
    stored = StoredSession(SessionSummary("s", "t", "/", 0, 0, 2), tuple(said), (0, 0, 2, 2))
    async with showing(size=(80, 30)) as (app, _, pilot):
        app.chat._show_conversation(True)
        replayed(app.chat.transcript, stored)
        await pilot.pause()
        assert "Demo · adapter rusty: learned for Rust" in shown(app)
        assert "Demo · no adapter: your choice" in shown(app)


async def test_an_answer_that_was_lost_says_that_it_is_cut() -> None:
    async with showing([STARTED, TextArrived("Half"), TurnEnded("lost")]) as (app, _, pilot):
        await send(pilot, "hi")
        assert "Half" in shown(app)
        assert "Cut off here" in shown(app)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
async def test_the_desktops_clipboard_gets_the_text_too(tmp_path: Path) -> None:
    program = tmp_path / "wl-copy"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    here = {"PATH": f"{tmp_path}{os.pathsep}{os.defpath}", "WAYLAND_DISPLAY": "wayland-0"}
    assert await clipboard.copy("naïve ☃", here) == ""
    assert (tmp_path / "copied").read_text(encoding="utf-8") == "naïve ☃"
    program.write_text("#!/bin/sh\nexit 3\n")
    assert "wl-copy failed with 3" in await clipboard.copy("text", here)
    assert clipboard.command({**here, "SSH_CONNECTION": "1"}) == ()
    assert await clipboard.copy("text", {"PATH": ""}) == ""
