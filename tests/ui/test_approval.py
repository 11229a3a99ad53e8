"""A tool asks: nothing happens but by an answer that was meant, and whatever takes the question away means no."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.events import Resize
from textual.pilot import Pilot

from shammah_tui.events import Approval, PermissionAsked, TurnEnded
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.screens.approval import GRACE_SECONDS, Answers, ApprovalScreen, Asked, Reason
from shammah_tui.ui.screens.chat import ChatScreen
from tests.ui.test_chat import send, showing, shown, type_text
from tests.ui.tool_script import ASK_COMMIT, ASK_EDIT, ASK_HOSTILE, ASK_SCRIPT, asking


async def listening(pilot: Pilot[None]) -> ApprovalScreen:
    """Wait until the question takes keys."""
    async with asyncio.timeout(10):
        while not (isinstance(screen := pilot.app.screen, ApprovalScreen) and screen.is_listening):
            await pilot.pause(0.05)
    return screen


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        (["y"], Approval("once")),
        (["s"], Approval("session")),
        (["a"], Approval("always")),
        (["n"], Approval("deny")),
        (["escape"], Approval("deny")),
        (["enter"], Approval("deny")),
        (["1"], Approval("once")),
        (["4"], Approval("deny")),
        (["up", "enter"], Approval("always")),
        (["k", "k", "k", "enter"], Approval("once")),
        (["r", *"yes", "enter"], Approval("deny", "yes")),
        (["tab", *"no", "escape", "n"], Approval("deny")),
    ],
)
async def test_every_answer_has_its_keys(pressed: list[str], answer: Approval) -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        await listening(pilot)
        await pilot.press(*pressed)
        await pilot.pause()
        assert runtime.approved == [answer]
        assert isinstance(app.screen, ChatScreen)
        assert "All done." in shown(app)


async def test_it_says_what_where_why_and_which_rules_always_would_save() -> None:
    async with showing(asking(ASK_COMMIT)) as (_, _, pilot):
        await send(pilot, "hi")
        text = seen(await listening(pilot))
        for part in (
            'git add -A && git commit -m "Mend it"',
            "/home/ada/project",
            "Keep the change",
            "inside the sandbox, with the repository (.git)",
            "no rule allows git add, git commit",
            "Bash(git add -A)",
            'Bash(git commit -m "Mend it")',
        ):
            assert part in text


async def test_keys_that_were_typed_before_it_was_seen_are_dropped_and_restart_the_wait() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        for key in ("g", "o", "enter", "y", "e", "s", "enter"):
            app.simulate_key(key)
        await pilot.pause()
        screen = await listening(pilot)
        screen._quiet_since = screen._clock() - GRACE_SECONDS / 2
        await pilot.press("y", "a", "1", "enter")
        assert runtime.approved == []
        assert not screen.is_listening
        await listening(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert runtime.approved == [Approval("once")]


async def test_the_draft_in_the_prompt_stays() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, _, pilot):
        await send(pilot, "hi")
        app.chat.prompt.put("a draft")
        await listening(pilot)
        await pilot.press("n")
        await type_text(pilot, "!")
        assert app.chat.prompt.text == "a draft!"


async def test_where_no_rule_could_be_saved_only_once_and_no_are_offered() -> None:
    async with showing(asking(ASK_SCRIPT)) as (_, runtime, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        assert [option.choice for option in screen.query_one(Answers).options] == ["once", "deny", "reason"]
        await pilot.press("s", "a", "5")
        await pilot.pause()
        assert runtime.approved == []
        await pilot.press("2")
        await pilot.pause()
        assert runtime.approved == [Approval("deny")]


async def test_a_long_command_is_whole_and_scrolls_while_the_answers_stay() -> None:
    async with showing(asking(ASK_SCRIPT)) as (_, _, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        assert "print(59)" in seen(screen)
        assert "without a sandbox: bubblewrap is not installed" in seen(screen)
        assert screen.query_one(Answers).region.bottom <= 24
        assert "more lines: PgDn" in str(screen.query_one("#more").render())
        await pilot.press(*["pagedown"] * 10)
        await pilot.pause()
        assert screen._scroll.scroll_y == screen._scroll.max_scroll_y


async def test_a_change_is_shown_as_a_diff() -> None:
    async with showing(asking(ASK_EDIT)) as (_, _, pilot):
        await send(pilot, "hi")
        assert "4 + def greet(name: str) -> None:" in seen(await listening(pilot))


async def test_hostile_text_is_seen_and_never_obeyed() -> None:
    async with showing(asking(ASK_HOSTILE)) as (_, _, pilot):
        await send(pilot, "hi")
        text = seen(await listening(pilot)).replace("\n", " ")
        assert "␛]52;c;YQ==␇ [@click=app.quit]x[/] ⟨U+202E⟩gpj.exe⟨U+202C⟩; rm -rf zero⟨U+200B⟩width" in text


async def test_a_click_answers_and_one_that_comes_too_early_does_not() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        screen._quiet_since = screen._clock()
        await pilot.click(Answers, offset=(5, 0))
        assert runtime.approved == []
        await listening(pilot)
        await pilot.click(Answers, offset=(5, 0))
        await pilot.pause()
        assert runtime.approved == [Approval("once")]
        assert isinstance(app.screen, ChatScreen)


async def test_several_questions_come_one_after_the_other_each_with_its_own_wait() -> None:
    async with showing((TurnEnded("stop"),)) as (app, _, pilot):
        questions = [_with_future(question) for question in (ASK_COMMIT, ASK_EDIT, ASK_SCRIPT)]
        for question in questions:
            app.chat.approvals.ask(question)
        for number, key in enumerate(("y", "n", "y"), 1):
            screen = await listening(pilot)
            assert screen.query_one("#approval").border_subtitle == f"{number} of 3"
            await pilot.press(key, "y")
            await pilot.pause()
        assert [question.answer.result().choice for question in questions] == ["once", "deny", "once"]
        assert isinstance(app.screen, ChatScreen)


async def test_ctrl_c_denies_and_ends_the_turn_at_once() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert isinstance(app.screen, ChatScreen)
        assert not app.chat.busy
        assert all(approval.choice == "deny" for approval in runtime.approved)
        assert "Interrupted" in shown(app)
        assert "All done." not in shown(app)


async def test_a_question_whose_turn_is_cancelled_goes_away() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        await listening(pilot)
        app.chat.action_interrupt()
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, ChatScreen)
        assert not app.chat.approvals.is_open
        assert runtime.approved == []


async def test_suspending_the_program_means_no() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        await listening(pilot)
        app.app_suspend_signal.publish(app)
        await pilot.pause()
        await pilot.pause()
        assert runtime.approved == [Approval("deny")]
        assert isinstance(app.screen, ChatScreen)


async def test_a_question_that_goes_while_the_terminal_changes_its_size() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        app.app_suspend_signal.publish(app)
        for _ in range(200):
            screen.post_message(Resize(app.size, app.size))
            await asyncio.sleep(0)
        await pilot.pause()
        assert runtime.approved == [Approval("deny")]


async def test_leaving_the_program_means_no() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        app.exit()
        await pilot.pause()
    assert screen.asked.answer.cancelled() or screen.asked.answer.result() == Approval("deny")
    assert runtime.approved in ([], [Approval("deny")])


async def test_the_reason_field_takes_every_letter() -> None:
    async with showing(asking(ASK_COMMIT)) as (app, runtime, pilot):
        await send(pilot, "hi")
        screen = await listening(pilot)
        await pilot.press("r")
        await pilot.pause()
        await type_text(pilot, "yes san 12345 jk")
        assert screen.query_one(Reason).value == "yes san 12345 jk"
        await pilot.press("enter")
        await pilot.pause()
        assert runtime.approved == [Approval("deny", "yes san 12345 jk")]
        assert isinstance(app, ShammahApp)


def seen(screen: ApprovalScreen) -> str:
    """What is asked, whole, as text."""
    asked = screen.query_one(Asked)
    return "\n".join(line.plain.rstrip() for line in asked.lines(asked.size.width))


def _with_future(question: PermissionAsked) -> PermissionAsked:
    return replace(question, answer=asyncio.get_running_loop().create_future())
