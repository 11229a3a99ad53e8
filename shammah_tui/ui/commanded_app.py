"""What the keys and commands of the whole program do: the ways between the screens, ratings, sessions, routes, colours,
copying. How it begins, follows the runtime and ends is in `ui.app`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import App
from textual.screen import Screen

from shammah_tui.errors import ShammahError
from shammah_tui.ui import clipboard, commands, terminal, theme, wording
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.widgets.prompt import Prompt
from shammah_tui.ui.widgets.status import FLASH_SECONDS

if TYPE_CHECKING:
    from textual.actions import ActionParseResult
    from textual.dom import DOMNode

    from shammah_tui.store.rating import Color
    from shammah_tui.ui.adapter_flow import AdapterFlow
    from shammah_tui.ui.rating_flow import RatingFlow
    from shammah_tui.ui.route_flow import RouteFlow
    from shammah_tui.ui.screens.model import ModelScreen
    from shammah_tui.ui.screens.settings import SettingsScreen
    from shammah_tui.ui.session_flow import SessionFlow
    from shammah_tui.ui.theme_flow import ThemeFlow
    from shammah_tui.ui.widgets.reading import ReadableTranscript


class CommandedApp(App[None], inherit_bindings=False):
    """A subclass makes the runtime and the conversation."""

    runtime: RuntimePort
    chat: ChatScreen
    flags: Mapping[str, object] | None = None
    """The settings that were given with the command."""
    mouse_is_ours = True

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
            self._go(SettingsScreen(self.flags))

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

    # Commands

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """As Textual does; what cannot be done is told."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except ShammahError as error:
            complain(self, error)
            return True

    @on(ChatScreen.Commanded)
    async def _commanded(self, event: ChatScreen.Commanded) -> None:
        command, argument, shown = event.invocation
        given = (argument, shown) if command.argument == commands.QUESTION else (argument,)
        await self.run_action(("", command.action, given if command.argument else ()))

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

    @cached_property
    def _theme(self) -> ThemeFlow:
        from shammah_tui.ui.theme_flow import ThemeFlow

        return ThemeFlow(self, self.runtime, self.chat)

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
    async def action_sessions(self, words: str) -> None:
        await self._sessions.look_for(words)
        await self._rating.show(self.chat.exchanges)

    @work(group="sessions")
    async def action_rename(self, title: str) -> None:
        await self._sessions.rename(title)

    async def action_local(self, question: str, shown: str = "") -> None:
        await self._route.local(question, shown)

    async def action_cloud(self, question: str, shown: str = "") -> None:
        await self._route.cloud(question, shown)

    async def action_route(self, question: str, shown: str = "") -> None:
        await self._route.auto()

    async def action_ask_claude(self) -> None:
        await self.chat.ask_claude()

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
        if name:
            self._theme.named(name)
        else:
            self._theme.choose()

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

    # Found by their names, as the conversation is brought later.

    @work(group="rating")
    async def on_readable_transcript_rate_wanted(self, event: ReadableTranscript.RateWanted) -> None:
        exchange = next((one for one in self.chat.exchanges if event.block in one.blocks), None)
        if exchange is not None and exchange.said_something and not exchange.answering:
            await self._rating.choose(exchange)

    def on_readable_transcript_copy_wanted(self, event: ReadableTranscript.CopyWanted) -> None:
        self._copy(event.text, event.what)

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
