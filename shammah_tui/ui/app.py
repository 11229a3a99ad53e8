"""The full-screen program: themes, the screens and the way between them, and what commands do. Small on purpose:
screens own their layout, widgets their drawing, the runtime everything that is not on the screen.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from textual import on, work
from textual.app import App
from textual.filter import Monochrome
from textual.screen import Screen

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.errors import ShammahError
from shammah_tui.ui import clipboard, commands, keys, terminal, theme, wording
from shammah_tui.ui.attention import Attention
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.driver import TerminalDriver, driver_for, end_soon
from shammah_tui.ui.first_paint import FirstPaint
from shammah_tui.ui.late_runtime import LateRuntime
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.widgets.prompt import Prompt
from shammah_tui.ui.widgets.status import FLASH_SECONDS

if TYPE_CHECKING:
    from shammah_tui.config.load import KeyWish
    from shammah_tui.runtime.learning import Learning
    from shammah_tui.store.rating import Color
    from shammah_tui.ui.adapter_flow import AdapterFlow
    from shammah_tui.ui.rating_flow import RatingFlow
    from shammah_tui.ui.route_flow import RouteFlow
    from shammah_tui.ui.screens.model import ModelScreen
    from shammah_tui.ui.screens.settings import SettingsScreen
    from shammah_tui.ui.session_flow import SessionFlow
    from shammah_tui.ui.widgets.reading import ReadableTranscript

# A screen that is not there from the beginning brings its own.
SHEETS = ("app.tcss", "chat.tcss")
# How long the second Ctrl+C may take.
LEAVE_SECONDS = 2.0
DEFAULT_THEME = theme.DARK.name


class ShammahApp(App[None], inherit_bindings=False):
    TITLE = "Shammah"
    BINDINGS = keys.bindings("everywhere")
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        runtime: RuntimePort,
        *,
        history: History,
        theme_name: str = DEFAULT_THEME,
        paint: FirstPaint | None = None,
    ) -> None:
        """`paint`: the screen as it is already shown; it stays until this one is complete."""
        super().__init__(driver_class=driver_for(paint), css_path=[paths.styles_folder() / sheet for sheet in SHEETS])
        if self.no_color:
            from shammah_tui.ui.shades import Shades

            self._filters = [Shades() if isinstance(known, Monochrome) else known for known in self._filters]
        self.failure: ShammahError | None = None
        """Why it could not begin; to be told when the terminal is given back."""
        self.runtime = runtime
        self._history = history
        self.chat = ChatScreen(runtime, history)
        self._asked_to_leave_at = -LEAVE_SECONDS
        self.mouse_is_ours = True
        self.attention = Attention(self)
        self._learning: Learning | None = None
        keys.rebind(())
        self.restarts = False
        for own in theme.OWN:
            self.register_theme(own)
        self._begin_with(theme_name if theme_name in self.available_themes else DEFAULT_THEME)

    def _begin_with(self, name: str) -> None:
        """The theme of the first picture, set as `theme` sets it but for what has not been read or drawn yet: all
        sheets would be parsed and applied a second time."""
        self.set_reactive(App.theme, name)
        dark = self.current_theme.dark
        self.update_classes({f"-theme-{name}": True, "-dark-mode": dark, "-light-mode": not dark}, update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> Screen[None]:
        return self.chat

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.own_variables(self.current_theme.dark)

    def on_load(self) -> None:
        self._cover = self.batch_update()
        self._cover.__enter__()

    def on_ready(self) -> None:
        driver = self._driver
        if isinstance(driver, TerminalDriver):
            driver.take_keys()
        else:
            self._uncover()
        # A question that nobody may have seen is answered with no, also where the program was stopped from outside.
        self.app_suspend_signal.subscribe(self, lambda _: self.chat.deny_all(), immediate=True)
        self.app_resume_signal.subscribe(self, lambda _: self.chat.deny_all(), immediate=True)
        # After `fg` the terminal is empty, and the framework would draw only what changes from then on.
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw(), immediate=True)

    @on(TerminalDriver.KeysTaken)
    def _keys_taken(self) -> None:
        """The first picture shows what was typed before: it waits until the keys have gone their way."""
        self.chat.prompt.call_later(self.chat.call_later, self.call_later, self._uncover)

    def _uncover(self) -> None:
        # Laid out while it is covered, and drawn whole and at once: a refresh would wait for the next beat.
        screen = self.screen
        screen._refresh_layout(self.size)
        self._cover.__exit__(None, None, None)
        self._display(screen, screen._compositor.render_full_update())
        self.call_after_refresh(self._relay_states)
        self.run_worker(self.chat.complete(), group="complete")
        self.attention.title(f"{self.runtime.folder.name} · Shammah")

    @on(TerminalDriver.TerminalGone)
    def _terminal_gone(self) -> None:
        self.exit(return_code=128 + signal.SIGHUP)

    @work(group="states")
    async def _relay_states(self) -> None:
        if isinstance(self.runtime, LateRuntime):
            try:
                opened = await self.runtime.open()
            except ShammahError as error:
                typed = self.chat.prompt.text.strip()
                if typed:
                    error.hint = f"{error.hint}\nWhat you had typed: {visible(typed)}".strip()
                self.failure = error
                self.exit(return_code=error.exit_code)
                return
            if opened.theme in self.available_themes:
                self.theme = opened.theme
            self.attention.setting = opened.notifications
            for warning in (*opened.warnings, *self._bind(opened.keys)):
                self.notify(visible(warning), severity="warning", markup=False)
            if opened.resume is not None:
                self._resume(opened.resume)
        if self._history.problem:
            self.flash(f"What was sent earlier could not be read: {self._history.problem}")
        self._prepare()
        async for state in self.runtime.states():
            for screen in self.screen_stack:
                show = getattr(screen, "show_bootstrap", None)
                if show is not None and screen.is_mounted:
                    show(state)
            if self._learning is not None:
                self.chat.show_adapter(self._learning.adapter_choice.shown)
            elif state.model is not None:
                self.chat.show_adapter(state.model.adapter)

    def _bind(self, wishes: tuple[KeyWish, ...]) -> tuple[str, ...]:
        """Take the person's own keys; why some are not taken."""
        if not wishes:
            return ()
        from shammah_tui.ui import key_choice

        chosen = key_choice.choose(wishes)
        self.set_keymap(dict(chosen.keys))
        keys.rebind(key_choice.rebound(chosen.keys))
        self.chat.show_keys()
        return chosen.problems

    @work(group="sessions", exclusive=True)
    async def _resume(self, wanted: str) -> None:
        await self._sessions.begin(wanted)
        await self._rating.show(self.chat.exchanges)

    @work(group="prepare")
    async def _prepare(self) -> None:
        """What the first question needs is made ready while the person reads and types."""
        runtime = await self.runtime.whole()
        self.chat.show_mode(runtime.mode)
        self.chat.show_route(runtime.routing.asked)
        try:
            await runtime.warm()
            self.chat.show_sandbox((await runtime.guard()).sandbox)
            self._learning = learning = await runtime.learning()
            async with aclosing(learning.statuses()) as statuses:
                async for status in statuses:
                    self.chat.show_learning(status.line)
                    self.chat.show_adapter(learning.adapter_choice.shown)
                    if status.news:
                        self.attention.call(status.news)
                        self.notify(visible(status.news), title="Learning", markup=False, timeout=10)
                    if status.kept:
                        self.chat.note(status.news)
        except ShammahError as error:
            complain(self, error)

    # Ways between the screens

    def _go(self, screen: Screen[None] | None) -> None:
        """Show `screen` over the conversation, or the conversation itself."""
        while self.screen is not self.chat:
            self.pop_screen()
        if screen is not None:
            self.push_screen(screen)

    def action_show_chat(self) -> None:
        self._go(None)

    def action_show_model(self) -> None:
        from shammah_tui.ui.screens.model import ModelScreen

        if not isinstance(self.screen, ModelScreen):
            self._go(ModelScreen(self.runtime))

    def action_show_learning(self) -> None:
        from shammah_tui.ui.screens.learning import LearningScreen

        if not isinstance(self.screen, LearningScreen):
            self._go(LearningScreen(self.runtime))

    def action_show_settings(self) -> None:
        from shammah_tui.ui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            self._go(SettingsScreen())

    def on_settings_screen_changed(self, event: SettingsScreen.Changed) -> None:
        if event.name == "theme" and event.value in self.available_themes:
            self.theme = event.value

    @on(Prompt.HelpWanted)
    def action_show_help(self) -> None:
        from shammah_tui.ui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_show_palette(self) -> None:
        from shammah_tui.ui.screens.picker import Choice, Picker, among

        if isinstance(self.screen, Picker):
            return
        choices = [
            Choice(command.usage, command.help, (command.action, ("",) if command.argument else ()))
            for command in commands.TABLE
        ]
        choices += [
            Choice(f"/theme {own.name.removeprefix('shammah-')}", "Change the colours", ("theme", (own.name,)))
            for own in theme.OWN
        ]
        name_cells = max(len(choice.name) for choice in choices)
        self.push_screen(Picker(among(choices), prompt="Find a command", name_cells=name_cells), self._chosen)

    async def _chosen(self, chosen: tuple[str, tuple[str, ...]] | None) -> None:
        if chosen is not None:
            await self.run_action(("", *chosen))

    def action_close_help(self) -> None:
        # Only the help binds it.
        if self.screen is not self.chat:
            self.pop_screen()

    # Leaving

    def action_stop(self) -> None:
        """Ctrl+C: copy a selection; interrupt; clear; leave when pressed twice."""
        prompt = self.chat.prompt
        selected = self.screen.get_selected_text() or prompt.selected_text
        if selected:
            self.screen.clear_selection()
            prompt.selection = prompt.selection.cursor(prompt.cursor_location)
            self._copy(selected, "the selection")
        elif self.screen is not self.chat:
            self._go(None)
        elif self.chat.stop():
            self._asked_to_leave_at = -LEAVE_SECONDS
        elif time.monotonic() - self._asked_to_leave_at < LEAVE_SECONDS:
            self.action_leave()
        else:
            self._asked_to_leave_at = time.monotonic()
            self.flash("Press Ctrl+C again to leave", LEAVE_SECONDS)

    @on(ChatScreen.NeedsAttention)
    def _call(self, event: ChatScreen.NeedsAttention) -> None:
        self.attention.call(event.text)

    @on(ChatScreen.ActivityChanged)
    def _show_title(self, event: ChatScreen.ActivityChanged) -> None:
        what = event.activity or self.runtime.folder.name
        self.attention.title(f"{what} · Shammah" if what else "Shammah")

    @on(ChatScreen.RestartAllowed)
    def _restart(self) -> None:
        self.restarts = True
        self.exit()

    @on(Prompt.LeaveWanted)
    def action_leave(self) -> None:
        self.exit()

    # Commands

    @on(ChatScreen.Commanded)
    async def _commanded(self, event: ChatScreen.Commanded) -> None:
        command, argument = event.invocation.command, event.invocation.argument
        await self.run_action(("", command.action, (argument,) if command.argument else ()))

    # What a person decides now and then; each in its own file, which is imported when it is needed

    @cached_property
    def _rating(self) -> RatingFlow:
        from shammah_tui.ui.rating_flow import RatingFlow

        return RatingFlow(self, self.runtime)

    @cached_property
    def _route(self) -> RouteFlow:
        from shammah_tui.ui.route_flow import RouteFlow

        return RouteFlow(self, self.runtime, self.chat)

    @cached_property
    def _adapter(self) -> AdapterFlow:
        from shammah_tui.ui.adapter_flow import AdapterFlow

        return AdapterFlow(self, self.runtime, self.chat)

    @cached_property
    def _sessions(self) -> SessionFlow:
        from shammah_tui.ui.session_flow import SessionFlow

        return SessionFlow(self, self.runtime, self.chat)

    async def action_edit(self) -> None:
        self.chat.prompt.action_open_editor()

    @work(group="rating")
    async def action_rate(self, color: Color, note: str | None = None) -> None:
        await self._rating.rate(self.chat.chosen_exchange, color, note)

    def action_rate_red(self, note: str) -> None:
        self.action_rate("red", note or None)

    def action_rate_yellow(self, note: str) -> None:
        self.action_rate("yellow", note or None)

    def action_rate_green(self, note: str) -> None:
        self.action_rate("green", note or None)

    def action_feedback(self, argument: str) -> None:
        word, _, note = argument.partition(" ")
        color = commands.COLORS.get(word.lower())
        if color is None:
            self.flash("/feedback takes high, medium or normal, and a note: /feedback high use logging")
        else:
            self.action_rate(color, note.strip() or None)

    @work(group="rating")
    async def action_undo_rating(self) -> None:
        await self._rating.undo()

    @work(group="sessions", exclusive=True)
    async def action_sessions(self, session: str) -> None:
        await (self._sessions.resume(session) if session else self._sessions.choose())
        await self._rating.show(self.chat.exchanges)

    @work(group="sessions")
    async def action_rename(self, title: str) -> None:
        await self._sessions.rename(title)

    async def action_local(self, question: str) -> None:
        await self._route.local(question)

    async def action_cloud(self, question: str) -> None:
        await self._route.cloud(question)

    async def action_route(self, question: str) -> None:
        await self._route.auto()

    async def action_ask_claude(self) -> None:
        await self._route.ask_claude()

    async def action_next_mode(self) -> None:
        await self._route.next_mode()

    async def action_mode(self, name: str) -> None:
        await self._route.mode(name)

    @work(group="adapter", exclusive=True)
    async def action_adapter(self, argument: str) -> None:
        await self._adapter.adapter(argument)

    @work(group="privacy", exclusive=True)
    async def action_privacy(self) -> None:
        await self._route.privacy()

    def action_model(self, name: str) -> None:
        if name:
            self._switch_model(name)
        self.action_show_model()

    def action_theme(self, name: str) -> None:
        """Without a name: choose one, each is shown while it is looked at."""
        if not name:
            self._choose_theme()
            return
        matching = [known for known in self.available_themes if name in (known, known.removeprefix("shammah-"))]
        if matching:
            self._take_theme(matching[0])
        else:
            self.flash(f"There is no theme {name}. There are: {', '.join(sorted(self.available_themes))}")

    def _choose_theme(self) -> None:
        from shammah_tui.ui.screens.picker import Choice, Picker, among

        def look_at(name: str) -> None:
            self.theme = name

        before = self.theme
        others = sorted(set(self.available_themes) - theme.MEANINGS.keys())
        # The present one first: nothing changes before the person moves.
        names = sorted([*theme.MEANINGS, *others], key=lambda name: name != before)
        choices = [Choice(name, theme.MEANINGS.get(name, "comes with Textual"), name) for name in names]
        picker = Picker(among(choices), prompt="Find a theme; Esc keeps what was", looked_at=look_at)

        def choose(chosen: str | None) -> None:
            if chosen is None:
                self.theme = before
            else:
                self._take_theme(chosen)

        self.push_screen(picker, choose)

    def _take_theme(self, name: str) -> None:
        self.theme = name
        try:
            self.runtime.remember("theme", name)
        except ShammahError as error:
            complain(self, error)

    def action_new_conversation(self) -> None:
        self._go(None)
        self.chat.begin_anew()

    async def action_find(self, words: str) -> None:
        self._go(None)
        await self.chat.action_find(words)

    def action_copy(self, what: str) -> None:
        """The last answer, or the one before by "2", and so on; by "code" the last code block, or one by its number."""
        word, _, number = what.strip().partition(" ")
        if word == "code":
            codes, name = self.chat.code_blocks, "code block"
            index = int(number) - 1 if number.isdecimal() else len(codes) - 1
        else:
            codes, name = self.chat.answers, "answer"
            index = int(word) - 1 if word.isdecimal() else 0
        if what and not (word.isdecimal() or (word == "code" and (not number or number.isdecimal()))):
            self.flash(f"/copy takes a number, or code and a number: not {visible(what)}")
        elif 0 <= index < len(codes):
            self._copy(codes[index], f"the {name}")
        else:
            self.flash(f"There is no such {name} to copy" if codes else f"There is no {name} to copy yet")

    # Found by its name, as the conversation is brought later.
    def on_readable_transcript_copy_wanted(self, event: ReadableTranscript.CopyWanted) -> None:
        self._copy(event.text, event.what)

    @work(group="rating")
    async def on_readable_transcript_rate_wanted(self, event: ReadableTranscript.RateWanted) -> None:
        exchange = next((one for one in self.chat.exchanges if event.block in one.blocks), None)
        if exchange is not None and exchange.said_something and not exchange.answering:
            await self._rating.choose(exchange)

    def action_toggle_mouse(self) -> None:
        """Without it the terminal selects text by itself, as in any other program."""
        self.mouse_is_ours = not self.mouse_is_ours
        terminal.capture_mouse(self, self.mouse_is_ours)
        self.flash(
            "The mouse works here again" if self.mouse_is_ours else "The mouse is the terminal's: /mouse takes it back"
        )

    def action_redraw(self) -> None:
        self.refresh(repaint=True, layout=True)

    # Found by their names: the screen that sends these is imported when it is first shown.

    def on_model_screen_model_wanted(self, event: ModelScreen.ModelWanted) -> None:
        self._switch_model(event.model)

    @work(group="model", exclusive=True)
    async def on_model_screen_retry_wanted(self) -> None:
        try:
            await self.runtime.retry()
        except ShammahError as error:
            complain(self, error)

    @work(group="model", exclusive=True)
    async def _switch_model(self, name: str) -> None:
        try:
            await self.runtime.switch_model(name)
        except ShammahError as error:
            complain(self, error)

    @work(group="copy")
    async def _copy(self, text: str, what: str) -> None:
        """To the terminal's clipboard by OSC 52, and to the system's where a program for it is here."""
        if not text:
            self.flash("There is nothing to copy here")
            return
        self.copy_to_clipboard(text)
        self.flash(f"Copied {what}: {wording.count(len(text), 'character')}")
        trouble = await clipboard.copy(text)
        if trouble:
            self.flash(trouble)

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        flash = getattr(self.screen, "flash", None)
        if flash is not None:
            flash(text, seconds)


# A named tuple, as all small values here that are made before the first picture: a data class takes six times as long.
class Ending(NamedTuple):
    """`code` is 1 after a crash and 128 plus its number after a signal. `session` is the conversation to go on with,
    empty where none began; `restarts`: the program is to begin again in it."""

    code: int
    session: str = ""
    restarts: bool = False


def run(runtime: RuntimePort, *, theme_name: str = DEFAULT_THEME, paint: FirstPaint | None = None) -> Ending:
    """Show the program until the person leaves, or a signal ends it; closes the runtime.

    The terminal is restored in each case.
    Raises ShammahError where the runtime could not be opened.
    """
    app = ShammahApp(runtime, history=History(paths.home() / "history.jsonl"), theme_name=theme_name, paint=paint)

    code = 0

    def signalled(number: int) -> None:
        nonlocal code
        code = 128 + number
        end_soon()
        app.exit(return_code=code)

    async def show() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # One that whoever started this has told it not to hear is not heard.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, signalled, number)
        try:
            await app.run_async()
        finally:
            await runtime.close()

    asyncio.run(show())
    if app.failure is not None:
        raise app.failure
    return Ending(code or app.return_code or 0, app.chat.session, app.restarts)
