"""The full-screen program: how it begins, follows the runtime, and ends. What its keys and commands do is in
`ui.commanded_app`; screens own their layout, widgets their drawing, the runtime everything that is not on the screen.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from textual import on, work
from textual.app import App
from textual.filter import Monochrome
from textual.screen import Screen

from shammah_tui import paths
from shammah_tui.agent.history import History
from shammah_tui.errors import ShammahError
from shammah_tui.ui import keys, terminal, theme
from shammah_tui.ui.attention import Attention
from shammah_tui.ui.commanded_app import CommandedApp
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.driver import TerminalDriver, driver_for, end_soon
from shammah_tui.ui.first_paint import FirstPaint
from shammah_tui.ui.late_runtime import LateRuntime
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from shammah_tui.config.load import KeyWish
    from shammah_tui.runtime.learning import Learning

# A screen that is not there from the beginning brings its own.
SHEETS = ("app.tcss", "chat.tcss")
# How long the second Ctrl+C may take.
LEAVE_SECONDS = 2.0
DEFAULT_THEME = theme.DARK.name


class ShammahApp(CommandedApp, inherit_bindings=False):
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
        # The driver takes the mouse each time.
        self.app_resume_signal.subscribe(
            self, lambda _: terminal.capture_mouse(self, self.mouse_is_ours), immediate=True
        )

    @on(TerminalDriver.KeysTaken)
    def _keys_taken(self) -> None:
        """The first picture shows what was typed before: it waits until the keys have gone their way."""
        self.chat.prompt.call_later(self.chat.call_later, self.call_later, self._uncover)

    def _uncover(self) -> None:
        # Laid out while nothing is drawn, and drawn whole and at once: a refresh would wait for the next beat.
        screen = self.screen
        self.chat.covered = False
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
                typed = self.chat.unanswered
                if typed:
                    error.hint = f"{error.hint}\nWhat you had typed: {visible(typed)}".strip()
                self.failure = error
                self.exit(return_code=error.exit_code)
                return
            if opened.resume is not None:
                self.chat.hold()
                self._resume(opened.resume)
            if opened.theme in self.available_themes:
                self.theme = opened.theme
            self.attention.setting = opened.notifications
            self.flags = opened.flags
            for warning in (*opened.warnings, *self._bind(opened.keys)):
                self.notify(visible(warning), severity="warning", markup=False)
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
        try:
            await self._sessions.begin(wanted)
        finally:
            self.chat.release()
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
