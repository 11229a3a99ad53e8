"""The conversation screen under the real keys."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import OptionList, Static
from textual.worker import WorkerFailed

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.agent.mention import attach
from shammah_tui.conversation import Entry, Message
from shammah_tui.errors import ConfigError
from shammah_tui.events import (
    BootstrapState,
    CloudOffered,
    Noticed,
    Phase,
    TextArrived,
    TurnEvent,
    TurnFailed,
    TurnStarted,
    TurnWaiting,
)
from shammah_tui.tools.sandbox.sandbox import Sandbox, SandboxState
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.late_runtime import LateRuntime, Opened
from shammah_tui.ui.opening import EXAMPLES
from shammah_tui.ui.port import Asked
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.help import HelpScreen
from shammah_tui.ui.screens.model import ModelScreen
from shammah_tui.ui.widgets.queue import Queue
from shammah_tui.ui.widgets.status import Hints, Status
from tests.ui.script import Scripted, said
from tests.ui.test_real_engine import until

OPEN: Sequence[TurnEvent] = (TurnStarted("Demo", "local"), TextArrived("It begins"))
SILENT: Sequence[TurnEvent] = (TurnStarted("Demo", "local"),)


@asynccontextmanager
async def showing(
    *scripts: Sequence[TurnEvent],
    runtime: Scripted | None = None,
    history: History | None = None,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[ShammahApp, Scripted, Pilot[None]]]:
    runtime = runtime or Scripted(scripts)
    app = ShammahApp(runtime, history=history or History(None))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, runtime, pilot


async def send(pilot: Pilot[None], text: str) -> None:
    await type_text(pilot, text)
    await pilot.press("enter")
    await pilot.pause()


async def type_text(pilot: Pilot[None], text: str) -> None:
    names = {" ": "space", "?": "question_mark", "/": "slash", ".": "full_stop", ",": "comma", "\n": "ctrl+j"}
    await pilot.press(*(names.get(character, character) for character in text))


def shown(app: ShammahApp) -> str:
    """The transcript as text, all of it."""
    transcript = app.chat.transcript
    return "\n".join(transcript.plain_lines())


def queued(app: ShammahApp) -> tuple[str, ...]:
    return tuple(message.written for message in app.chat.query_one(Queue).messages)


async def test_enter_sends_and_the_answer_is_shown() -> None:
    async with showing(said("Hello **there**.")) as (app, runtime, pilot):
        await send(pilot, "hi")
        assert runtime.asked == ["hi"]
        assert app.chat.prompt.text == ""
        assert "hi" in shown(app)
        assert "Hello there." in shown(app)
        assert "42 tok/s" in shown(app)


async def test_ctrl_j_makes_a_new_line_and_enter_sends_both() -> None:
    async with showing() as (_, runtime, pilot):
        await type_text(pilot, "one\ntwo")
        await pilot.press("enter")
        await pilot.pause()
        assert runtime.asked == ["one\ntwo"]


async def test_keys_typed_ahead_keep_their_order() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        for key in ["a", "b", "enter", "c", "x", "backspace", "d", "enter", "e"]:
            app.simulate_key(key)
        await pilot.pause()
        await pilot.pause()
        assert runtime.asked == ["ab"]
        assert queued(app) == ("cd",)
        assert app.chat.prompt.text == "e"


async def test_escape_interrupts_at_once_and_keeps_what_was_said() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        await send(pilot, "hi")
        await pilot.press("escape")
        assert not app.chat.busy
        assert "It begins" in shown(app)
        assert "Interrupted" in shown(app)
        await pilot.pause()
        assert runtime.interrupted == 1


async def test_interrupting_before_anything_was_said_gives_the_question_back() -> None:
    async with showing(SILENT) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.press("escape")
        await pilot.pause()
        assert app.chat.prompt.text == "hi"
        assert app.chat.transcript.block_count == 0


async def test_what_is_typed_while_it_answers_is_queued_and_sent_in_turn() -> None:
    async with showing([TurnWaiting("Loading.")]) as (app, runtime, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await send(pilot, "three")
        assert queued(app) == ("two", "three")
        assert runtime.asked == ["one"]
        await pilot.press("escape")
        await send(pilot, "")
        assert app.chat.prompt.text == ""


async def test_the_queue_goes_on_when_an_answer_is_over() -> None:
    runtime = Scripted([said("A" * 400)])
    async with showing(runtime=runtime) as (app, _, pilot):
        app.simulate_key("a")
        app.simulate_key("enter")
        app.simulate_key("b")
        app.simulate_key("enter")
        for _ in range(20):
            await pilot.pause(0.02)
        assert runtime.asked == ["a", "b"]
        assert queued(app) == ()


async def test_an_interruption_pauses_the_queue_until_enter() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await pilot.press("escape")
        await pilot.pause()
        assert queued(app) == ("two",)
        assert runtime.asked == ["one"]
        await pilot.press("enter")
        await pilot.pause()
        assert runtime.asked == ["one", "two"]


async def test_up_on_an_empty_prompt_edits_and_del_removes_what_is_queued() -> None:
    async with showing(OPEN) as (app, _, pilot):
        for text in ("one", "two", "three", "four"):
            await send(pilot, text)
        await pilot.press("up", "up", "delete")
        assert queued(app) == ("two", "four")
        await pilot.press("enter")
        await pilot.pause()
        assert queued(app) == ("two",)
        assert app.chat.prompt.text == "four"
        assert app.chat.prompt.has_focus
        await pilot.press("enter")
        assert queued(app) == ("two", "four")


async def test_enter_on_an_empty_prompt_begins_no_second_answer_beside_the_first() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert (runtime.asked, queued(app)) == (["one"], ("two",))
        await pilot.press("escape")
        await pilot.pause()
        assert (app.chat.busy, runtime.interrupted) == (False, 1)


@pytest.mark.parametrize("text", ["keep it here", "keep it\nhere"])
async def test_a_question_for_this_machine_only_stays_one_in_the_queue_and_in_the_prompt(text: str) -> None:
    async with showing(OPEN, [TurnFailed("No model.")]) as (app, runtime, pilot):
        await send(pilot, "one")
        await send(pilot, f"/local {text}")
        await until(pilot, lambda: queued(app) == (f"/local {text}",))
        await pilot.press("up", "enter")
        await pilot.pause()
        assert app.chat.prompt.text == f"/local {text}"
        await pilot.press("enter")
        await until(pilot, lambda: queued(app) == (f"/local {text}",))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: app.chat.prompt.text == f"/local {text}")
        assert (runtime.asked, runtime.wished) == (["one", text], ["", "local"])


async def test_what_is_selected_in_the_queue_stays_so_when_the_next_is_sent() -> None:
    async with showing(OPEN, OPEN) as (app, _, pilot):
        for text in ("one", "two", "three", "four"):
            await send(pilot, text)
        await pilot.press("up", "up")
        app.chat._start(*app.chat.queue.pop())
        await pilot.press("delete")
        assert queued(app) == ("four",)


async def test_keys_that_reach_a_queue_just_emptied_do_nothing() -> None:
    async with showing(OPEN) as (app, _, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await pilot.press("up")
        app.chat.queue.pop()
        app.chat.queue.action_edit()
        app.chat.queue.action_remove()
        await pilot.pause()
        assert app.chat.prompt.has_focus
        assert app.chat.prompt.text == ""


async def test_a_new_conversation_leaves_the_keys_to_the_prompt() -> None:
    async with showing(said("Hello.")) as (app, runtime, pilot):
        await send(pilot, "hi")
        await pilot.press("alt+up")
        assert app.chat.transcript.has_focus
        app.chat.begin_anew()
        await until(pilot, lambda: runtime.anew == 1)
        await pilot.press("x")
        assert app.chat.prompt.text == "x"


async def test_esc_closes_the_list_and_leaves_the_answer_alone() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        await send(pilot, "one")
        await type_text(pilot, "/l")
        completion = app.chat.prompt.completion
        assert completion is not None
        assert completion.is_open
        await pilot.press("escape")
        await pilot.pause()
        assert (completion.is_open, app.chat.busy, runtime.interrupted) == (False, True, 0)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.chat.busy


async def test_what_is_written_after_a_recalled_message_is_not_lost_by_up() -> None:
    async with showing() as (app, _, pilot):
        for text in ("first", "second"):
            await send(pilot, text)
        await pilot.press("up", "ctrl+c")
        await type_text(pilot, "new")
        await pilot.press("up")
        assert app.chat.prompt.text == "second"
        await pilot.press("up")
        assert app.chat.prompt.text == "first"
        await pilot.press("down", "down")
        assert app.chat.prompt.text == "new"
        await pilot.press("up")
        await type_text(pilot, "!")
        await pilot.press("up", "down")
        assert app.chat.prompt.text == "second!"


async def test_a_database_that_cannot_be_used_is_said_and_the_screen_goes_on() -> None:
    paths.database().mkdir(parents=True)
    async with showing() as (app, _, pilot):
        await send(pilot, "!echo out")
        await until(pilot, lambda: not app.chat.busy)
        assert "may not be kept for later" in shown(app)
        await send(pilot, "/sessions")
        await until(pilot, lambda: bool(app.screen.query("#none")))
        await until(pilot, lambda: app.screen.query_one("#none").display)
        told = str(app.screen.query_one("#none", Static).render())
        assert "cannot be used" in told
        assert "Check the free space" in told
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)
        await type_text(pilot, "more")
        assert app.chat.prompt.text == "more"


async def test_a_command_of_ones_own_is_no_answer_to_rate() -> None:
    async with showing(said("Hello.")) as (app, _, pilot):
        await send(pilot, "hi")
        await send(pilot, "!echo out")
        await until(pilot, lambda: not app.chat.busy)
        assert "out" in shown(app)
        chosen = app.chat.chosen_exchange
        assert chosen is not None
        assert chosen.question == "hi"


async def test_removing_the_last_queued_message_returns_to_the_prompt() -> None:
    async with showing(OPEN) as (app, _, pilot):
        await send(pilot, "one")
        await send(pilot, "two")
        await pilot.press("up", "delete")
        await pilot.pause()
        assert queued(app) == ()
        assert app.chat.prompt.has_focus
        assert app.chat.busy


async def test_ctrl_c_interrupts_then_clears_then_asks_then_leaves() -> None:
    async with showing(OPEN) as (app, _, pilot):
        await send(pilot, "hi")
        await type_text(pilot, "draft")
        await pilot.press("ctrl+c")
        assert not app.chat.busy
        assert app.chat.prompt.text == "draft"
        await pilot.press("ctrl+c")
        assert app.chat.prompt.text == ""
        await pilot.press("ctrl+c")
        assert app.chat.query_one(Hints).notice == "Press Ctrl+C again to leave"
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not app.is_running


async def test_ctrl_d_deletes_in_a_text_and_leaves_on_an_empty_prompt() -> None:
    async with showing() as (app, _, pilot):
        await type_text(pilot, "ab")
        await pilot.press("home", "ctrl+d")
        assert app.chat.prompt.text == "b"
        await pilot.press("ctrl+d", "ctrl+d")
        await pilot.pause()
        assert not app.is_running


@pytest.mark.parametrize("word", ["/quit", "/exit", "exit", ":q"])
async def test_words_that_mean_to_leave(word: str) -> None:
    async with showing() as (app, runtime, pilot):
        app.chat.prompt.put(word)
        await pilot.press("enter")
        await pilot.pause()
        assert not app.is_running
        assert runtime.asked == []


async def test_ctrl_q_and_tab_do_nothing_surprising() -> None:
    async with showing() as (app, _, pilot):
        await type_text(pilot, "abc")
        await pilot.press("ctrl+q", "tab", "shift+tab", "f4", "f5", "f6", "f7", "f8")
        assert app.is_running
        assert app.chat.prompt.text == "abc"
        assert app.chat.prompt.has_focus


async def test_up_and_down_go_through_what_was_sent(tmp_path: Path) -> None:
    file = tmp_path / "home" / "history.jsonl"
    async with showing(history=History(file)) as (_, _, pilot):
        await send(pilot, "first")
        await send(pilot, "second\nline")
    async with showing(history=History(file)) as (app, _, pilot):
        await type_text(pilot, "draft")
        await pilot.press("up")
        assert app.chat.prompt.text == "second\nline"
        await pilot.press("up")
        assert app.chat.prompt.text == "first"
        await pilot.press("down", "down", "down")
        assert app.chat.prompt.text == "draft"


async def test_tab_offers_the_examples_one_after_the_other() -> None:
    async with showing() as (app, _, pilot):
        for example in (*EXAMPLES, EXAMPLES[0]):
            await pilot.press("tab")
            await pilot.pause()
            assert app.chat.prompt.text == example


async def test_an_example_is_sent_by_tab_and_enter_at_once() -> None:
    async with showing() as (app, runtime, pilot):
        app.simulate_key("tab")
        app.simulate_key("enter")
        await pilot.pause()
        await pilot.pause()
        assert runtime.asked == [EXAMPLES[0]]


async def test_function_keys_and_question_mark_reach_every_screen() -> None:
    async with showing() as (app, _, pilot):
        for key, reached in (
            ("question_mark", HelpScreen),
            ("escape", ChatScreen),
            ("f3", ModelScreen),
            ("f1", HelpScreen),
            ("f2", ChatScreen),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert type(app.screen) is reached
        assert app.chat.prompt.has_focus
        await type_text(pilot, "a?")
        assert app.chat.prompt.text == "a?"


async def test_the_model_screen_retries_and_takes_the_demo() -> None:
    failed = BootstrapState(Phase.FAILED, reason="It broke.", hint="Do this.")
    runtime = Scripted(state=failed)
    async with showing(runtime=runtime) as (app, _, pilot):
        await pilot.press("f3", "r", "d")
        await pilot.pause()
        assert runtime.retried == 1
        assert runtime.switched == ["demo"]
        await pilot.press("f2")
        app.chat.prompt.put("/model 1.5b")
        await pilot.press("enter")
        await pilot.pause()
        assert runtime.switched == ["demo", "1.5b"]
        assert isinstance(app.screen, ModelScreen)


async def test_states_of_the_engine_reach_the_status_line() -> None:
    runtime = Scripted(state=BootstrapState(Phase.INITIALIZING))
    async with showing(runtime=runtime) as (app, _, pilot):
        await type_text(pilot, "typed before it was ready")
        loading = BootstrapState(Phase.LOADING)
        runtime.become(loading)
        await pilot.pause()
        assert app.chat.query_one(Status).bootstrap == loading
        assert app.chat.prompt.text == "typed before it was ready"


@pytest.mark.parametrize(
    ("state", "size", "told"),
    [
        (SandboxState.ON, (80, 24), "? ask · sandbox"),
        (SandboxState.OFF, (80, 24), "? ask · no sandbox"),
        (SandboxState.OFF, (120, 40), "? ask · no sandbox: bubblewrap is not installed"),
        (SandboxState.MISSING, (80, 24), "? ask · commands refused"),
    ],
)
async def test_the_status_line_tells_whether_commands_run_in_a_sandbox(
    state: SandboxState, size: tuple[int, int], told: str
) -> None:
    async with showing(said("Yes."), size=size) as (app, _, pilot):
        await send(pilot, "hi")
        async with asyncio.timeout(20):
            while (status := app.chat.query_one(Status)).sandbox is None:
                await pilot.pause(0.02)
        app.chat.show_sandbox(Sandbox(state, "bubblewrap is not installed; `apt install bubblewrap`, or the like"))
        assert str(status.render()).endswith(told)
        assert re.search(r"(context|ctx) ", str(status.render()))


async def test_the_model_screen_shows_the_mode_that_holds() -> None:
    async with showing() as (app, _, pilot):
        app.chat.prompt.put("/mode plan")
        await pilot.press("enter")
        async with asyncio.timeout(20):
            while not app.chat.query_one(Hints).notice:
                await pilot.pause(0.02)
            await pilot.press("f3")
            while (status := app.screen.query_one("#status", Status)).sandbox is None:
                await pilot.pause(0.02)
        assert "◇ plan · no sandbox" in str(status.render())


async def test_auto_says_what_it_is_worth_without_a_sandbox() -> None:
    async with showing() as (app, _, pilot):
        app.chat.prompt.put("/mode auto")
        await pilot.press("enter")
        async with asyncio.timeout(20):
            while not (notice := app.chat.query_one(Hints).notice):
                await pilot.pause(0.02)
        assert notice == "auto: as accept edits, for there is no sandbox: it is switched off in the settings"


async def test_a_failed_question_comes_back_to_the_prompt_and_pauses_the_queue() -> None:
    async with showing([TurnFailed("No model.", "Press F3.")]) as (app, runtime, pilot):
        app.simulate_key("a")
        app.simulate_key("enter")
        app.simulate_key("b")
        app.simulate_key("enter")
        await pilot.pause()
        await pilot.pause()
        assert runtime.asked == ["a"]
        assert "No model." in shown(app)
        assert "Press F3." in shown(app)
        assert app.chat.prompt.text == "a"


async def test_the_same_question_again_takes_the_place_of_the_one_that_failed() -> None:
    async with showing([TurnFailed("No model.")], said("There it is.")) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.press("enter")
        await pilot.pause()
        assert "No model." not in shown(app)
        assert "There it is." in shown(app)


class Keeping(Scripted):
    """What was said is written down for as long as the test wants, after the answer and before the turn is over."""

    kept: asyncio.Event

    async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
        async for event in super().ask(question, shown=shown, asked=asked):
            yield event
        if not asked:
            await self.kept.wait()


async def test_ctrl_t_asks_claude_also_while_the_answer_that_offers_it_is_not_over() -> None:
    runtime = Keeping([[*said("I cannot.")[:-1], CloudOffered("It is doubtful."), said("")[-1]]])
    runtime.kept = asyncio.Event()
    async with showing(runtime=runtime) as (app, _, pilot):
        await send(pilot, "prove it")
        await send(pilot, "and another thing")
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert app.chat.busy
        assert runtime.asked == ["prove it"]
        assert "Claude is asked as soon as this is over" in app.chat.query_one(Hints).notice
        runtime.kept.set()
        await until(pilot, lambda: len(runtime.asked) == 3)
        assert runtime.asked == ["prove it", "prove it", "and another thing"]
        assert runtime.wished == ["", "cloud", ""]


async def test_an_interruption_while_a_whole_answer_is_written_down_leaves_it_whole() -> None:
    runtime = Keeping([said("It is done.")])
    runtime.kept = asyncio.Event()
    async with showing(runtime=runtime) as (app, _, pilot):
        await send(pilot, "do it")
        await pilot.press("ctrl+t", "escape")
        await pilot.pause()
        assert not app.chat.busy
        assert runtime.asked == ["do it"]
        assert "Interrupted" not in shown(app)


async def test_another_theme_recolours_what_is_on_screen() -> None:
    async with showing(said("text")) as (app, _, pilot):
        await send(pilot, "hi")
        transcript = app.chat.transcript
        dark = [segment.style for segment in transcript.render_line(0)]
        await send(pilot, "/theme light")
        await pilot.pause()
        assert [segment.style for segment in transcript.render_line(0)] != dark


async def test_new_begins_another_conversation() -> None:
    async with showing(OPEN) as (app, runtime, pilot):
        await send(pilot, "hi")
        await send(pilot, "queued")
        await send(pilot, "/new")
        await pilot.pause()
        assert runtime.anew == 1
        assert queued(app) == ()
        assert app.chat.transcript.block_count == 0
        await send(pilot, "again")
        assert runtime.asked == ["hi", "again"]


class Lingering(Scripted):
    """An interrupted turn lets go when the test wants it."""

    let_go: asyncio.Event

    async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
        try:
            async for event in super().ask(question, shown=shown, asked=asked):
                yield event
        finally:
            await self.let_go.wait()


async def kept_session(runtime: Scripted) -> str:
    """The name of a conversation that was held before."""
    entries = [Entry(Message("user", "An earlier question")), Entry(Message("assistant", "An earlier answer"))]
    await (await runtime.whole()).sessions.write("abcdef12" * 4, str(runtime.folder), 0, entries, 0)
    return "abcdef12" * 4


@pytest.mark.parametrize("command", ["/new", "/sessions"])
async def test_what_is_sent_on_the_way_to_another_conversation_is_asked_there(command: str) -> None:
    runtime = Lingering([OPEN])
    runtime.let_go = asyncio.Event()
    if command == "/sessions":
        command = f"/sessions {await kept_session(runtime)}"
    async with showing(runtime=runtime) as (app, _, pilot):
        await send(pilot, "hi")
        await send(pilot, "for the old one")
        app.chat.prompt.put(command)
        await pilot.press("enter")
        await until(pilot, lambda: not app.chat.busy)
        await send(pilot, "again")
        await send(pilot, "and more")
        await pilot.press("enter")
        assert (runtime.asked, queued(app)) == (["hi"], ("again", "and more"))
        runtime.let_go.set()
        await until(pilot, lambda: runtime.asked == ["hi", "again", "and more"] and not app.chat.busy)
        assert queued(app) == ()
        assert "You said: again" in shown(app)
        assert "You said: and more" in shown(app)
        assert "It begins" not in shown(app)
        assert ("An earlier answer" in shown(app)) == command.startswith("/sessions")


@pytest.mark.parametrize("kept", [True, False])
async def test_what_is_typed_ahead_is_asked_in_the_conversation_that_is_gone_on_with(kept: bool) -> None:
    runtime = Scripted()
    wanted = await kept_session(runtime) if kept else "nosuch"
    ready = threading.Event()

    def load() -> Opened:
        ready.wait()
        return Opened(runtime, "shammah-dark", wanted)

    app = ShammahApp(LateRuntime(load), history=History(None))
    async with app.run_test() as pilot:
        await send(pilot, "hi")
        await send(pilot, "and more")
        assert runtime.asked == []
        ready.set()
        await until(pilot, lambda: runtime.asked == ["hi", "and more"] and not app.chat.busy)
        assert app.chat.prompt.text == ""
        lines = shown(app)
        assert "You said: and more" in lines
        assert lines.find("An earlier answer") < lines.index("You said: hi")
        assert ("An earlier answer" in lines) == kept


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (["ask this", "/local and that"], "ask this\n/local and that\na thought"),
        (["!ls"], "!ls\na thought"),
        (["/local"], "a thought"),
        (["/sessions"], "a thought"),
        (["/rename it"], "a thought"),
        (["/adapter"], "a thought"),
        (["/privacy"], "a thought"),
    ],
)
async def test_a_wrong_setting_ends_it_with_the_reason_and_all_that_was_typed(sent: list[str], told: str) -> None:
    wrong = ConfigError("This setting cannot be used.", "Mend it.")
    ready = threading.Event()

    def load() -> Opened:
        ready.wait()
        raise wrong

    app = ShammahApp(LateRuntime(load), history=History(None))
    async with app.run_test() as pilot:
        for text in sent:
            app.chat.prompt.put(text)
            app.simulate_key("enter")
            await asyncio.sleep(0.1)
        app.chat.prompt.put("a thought")
        ready.set()
        await until(pilot, lambda: app.failure is not None)
    # A fault would have been raised by the end of the block.
    assert app.failure is wrong
    lines = wrong.hint.removeprefix("Mend it.\nWhat you had typed: ").split("\n")
    assert sorted(lines) == sorted(told.split("\n"))


async def test_theme_command_changes_and_names_unknown_ones() -> None:
    async with showing() as (app, runtime, pilot):
        await send(pilot, "/theme light")
        assert app.theme == "shammah-light"
        assert runtime.remembered == {"theme": "shammah-light"}
        await send(pilot, "/theme dark")
        assert app.theme == "shammah-dark"
        await send(pilot, "/theme nord")
        assert app.theme == "nord"
        await send(pilot, "/theme nosuch")
        assert "no theme nosuch" in app.chat.query_one(Hints).notice


async def test_unknown_command_suggests_and_stays_in_the_prompt() -> None:
    async with showing() as (app, runtime, pilot):
        await send(pilot, "/hepl")
        assert "Did you mean /help?" in app.chat.query_one(Hints).notice
        assert app.chat.prompt.text == "/hepl"
        assert runtime.asked == []


async def test_copy_gives_the_answer_as_it_was_written() -> None:
    async with showing(said("**Bold** `code`")) as (app, _, pilot):
        await pilot.press("ctrl+y")
        assert "no answer" in app.chat.query_one(Hints).notice
        await send(pilot, "hi")
        await pilot.press("ctrl+y")
        assert app.clipboard == "**Bold** `code`"


async def test_a_paste_of_several_lines_is_text_and_sends_nothing() -> None:
    async with showing() as (app, runtime, pilot):
        app.post_message(Paste("one\ntwo\n"))
        await pilot.pause()
        assert app.chat.prompt.text == "one\ntwo\n"
        assert runtime.asked == []


async def test_a_paste_replaces_the_selection_and_hides_nothing() -> None:
    async with showing() as (app, _, pilot):
        await type_text(pilot, "abc")
        await pilot.press("shift+left")
        app.post_message(Paste("\x1b[31m\u202e\tx"))
        await pilot.pause()
        assert app.chat.prompt.text == "ab␛[31m⟨U+202E⟩\tx"
        await type_text(pilot, "y")
        assert app.chat.prompt.text.endswith("xy")


PASTED = "\n".join(["the log", *(f"line {number}" for number in range(20)), "see @.env", ""])
FOLDED = "explain [Pasted #1: 23 lines]"


async def type_and_paste(app: ShammahApp, pilot: Pilot[None], text: str) -> None:
    await type_text(pilot, text)
    app.post_message(Paste(PASTED))
    await pilot.pause()


@pytest.mark.parametrize("command", ["", "/cloud ", "/local "])
@pytest.mark.parametrize("way", ["escape", "failure", "queue", "up", "ctrl+r", "undo", "editor"])
async def test_a_long_paste_that_comes_back_is_sent_as_a_paste_again(
    command: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no file: one that it mentions would go away from this machine without being asked for."""
    (tmp_path / ".env").write_text("TOKEN=1")
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setattr(App, "suspend", nullcontext)
    first = {"escape": SILENT, "failure": [TurnFailed("No model.")]}.get(way, said("It is a log."))
    async with showing(OPEN if way == "queue" else first) as (app, runtime, pilot):
        if way == "queue":
            await send(pilot, "one")
        await type_and_paste(app, pilot, f"{command}explain ")
        if way == "editor":
            await pilot.press("ctrl+g")
            await until(pilot, lambda: app.chat.prompt.text == f"{command}{FOLDED}")
        await pilot.press("enter")
        await pilot.pause()
        await until(pilot, lambda: bool(queued(app) if way == "queue" else runtime.asked))
        keys = {"escape": ["escape"], "queue": ["up", "enter"], "up": ["up"], "ctrl+r": ["ctrl+r"]}
        await pilot.press(*keys.get(way, []))
        await pilot.pause()
        if way == "ctrl+r":
            await until(pilot, lambda: bool(app.screen.query_one(OptionList).option_count))
            await pilot.press("enter")
        elif way == "undo":
            await pilot.press("ctrl+underscore")
        if way != "editor":
            await until(pilot, lambda: app.chat.prompt.text.endswith(FOLDED))
            await pilot.press("escape") if way == "queue" else None
            await pilot.press("enter")
            await pilot.pause()
            await until(pilot, lambda: len(runtime.asked) == 2)
        assert runtime.asked[-1] == f"explain {PASTED.rstrip()}"
        assert runtime.shown[-1] == FOLDED
        assert attach(runtime.asked[-1], tmp_path, typed=runtime.shown[-1]).files == ()


async def test_a_long_paste_is_one_in_the_next_session_too(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    async with showing(history=History(file)) as (app, _, pilot):
        await type_and_paste(app, pilot, "explain ")
        await pilot.press("enter")
        await pilot.pause()
    async with showing(history=History(file)) as (app, runtime, pilot):
        app.post_message(Paste("\n".join("another log" * 2 for _ in range(23))))
        await pilot.pause()
        await pilot.press("ctrl+c", "up", "enter")
        await pilot.pause()
        assert runtime.asked == [f"explain {PASTED.rstrip()}"]
        assert runtime.shown == ["explain [Pasted #2: 23 lines]"]


async def test_a_question_with_a_paste_of_an_earlier_session_comes_back_as_a_paste() -> None:
    async with showing(SILENT) as (app, _, pilot):
        app.chat.send("explain the log @.env", "cloud", shown="explain [Pasted #4: 60 lines]")
        await pilot.press("escape")
        await pilot.pause()
        assert app.chat.prompt.text == "[Pasted #1: 21 characters]"
        assert app.chat.prompt.whole_text == "explain the log @.env"


async def test_a_command_in_what_was_pasted_is_none() -> None:
    async with showing() as (app, runtime, pilot):
        app.post_message(Paste(f"/cloud {PASTED}"))
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert (len(runtime.asked), runtime.wished) == (1, [""])


async def test_the_palette_finds_a_command_and_bears_finding_none() -> None:
    async with showing() as (app, _, pilot):
        app.simulate_key("ctrl+p")
        app.simulate_key("pagedown")
        await pilot.pause()
        await type_text(pilot, "zzzz")
        await pilot.pause(0.3)
        await pilot.press("pagedown", "down", "enter", "ctrl+end")
        await pilot.press("escape", "ctrl+p")
        await type_text(pilot, "theme light")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause()
        assert app.theme == "shammah-light"


async def test_clicking_the_transcript_leaves_the_focus_in_the_prompt() -> None:
    async with showing(said("Hello there.")) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.click("#transcript", offset=(5, 3))
        await type_text(pilot, "more")
        assert app.chat.prompt.text == "more"


async def test_ctrl_c_copies_a_selection_before_anything_else() -> None:
    async with showing(OPEN) as (app, _, pilot):
        await send(pilot, "hi")
        app.screen.text_select_all()
        await pilot.press("ctrl+c")
        assert "It begins" in app.clipboard
        assert app.chat.busy
        await pilot.press("ctrl+c")
        assert not app.chat.busy


async def test_a_fault_of_ours_ends_the_program_with_1() -> None:
    class Faulty(Scripted):
        async def ask(self, question: str, *, shown: str = "", asked: Asked = "") -> AsyncGenerator[TurnEvent, None]:
            yield TextArrived("Hello")
            raise ZeroDivisionError

    app = ShammahApp(Faulty(), history=History(None))
    with pytest.raises(WorkerFailed):
        async with app.run_test() as pilot:
            await send(pilot, "hi")
    assert app.return_code == 1


async def test_it_follows_the_end_only_while_the_person_is_there() -> None:
    long = "\n\n".join(f"Paragraph {number}" for number in range(60))
    async with showing(said(long), [*OPEN, TextArrived("\n\nmore\n\nmore")]) as (app, _, pilot):
        await send(pilot, "hi")
        transcript = app.chat.transcript
        assert transcript.scroll_y == transcript.max_scroll_y
        await pilot.press("pageup")
        await pilot.pause()
        read = transcript.scroll_y
        assert read < transcript.max_scroll_y
        await pilot.press("ctrl+end")
        await send(pilot, "again")
        await pilot.press("ctrl+home")
        await pilot.pause()
        assert transcript.scroll_y == 0


async def test_what_arrives_below_is_counted_and_ctrl_end_goes_there() -> None:
    runtime = Scripted([said("\n\n".join(["Word"] * 40))])
    async with showing(runtime=runtime) as (app, _, pilot):
        await send(pilot, "hi")
        transcript = app.chat.transcript
        await pilot.press("pageup")
        exchange = app.chat._exchange
        assert exchange is not None
        exchange.hear(Noticed("more"))
        exchange.hear(Noticed("and more"))
        await pilot.pause()
        assert transcript.unseen_lines == 4
        assert app.chat.query_one("#unseen").display
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert transcript.unseen_lines == 0
        assert transcript.scroll_y == transcript.max_scroll_y


@pytest.mark.parametrize("size", [(40, 10), (20, 6), (300, 90)])
async def test_it_holds_at_any_size(size: tuple[int, int]) -> None:
    async with showing(said("# A\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx\n```"), size=size) as (app, _, pilot):
        await send(pilot, "hi")
        await pilot.press("f1", "escape", "f3", "f2")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.chat.prompt.has_focus
        assert app.chat.prompt.region.bottom <= 24


async def test_no_color_leaves_only_shades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with showing(said("`code`")) as (app, _, pilot):
        await send(pilot, "hi")
        assert app.no_color
