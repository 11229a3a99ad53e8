"""`/adapter`: which adapter answers, now or in this project; and the list of those there are, with who is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.picker import Choice, Picker, among

if TYPE_CHECKING:
    from shammah_tui.runtime.learning import Learning

OFF, AUTO, PROJECT = "off", "auto", "project"


class AdapterFlow:
    def __init__(self, app: App[None], runtime: RuntimePort, chat: ChatScreen) -> None:
        self._app = app
        self._runtime = runtime
        self._chat = chat

    async def adapter(self, argument: str) -> None:
        """NAME, off or auto; the same after "project"; nothing lists them."""
        learning = await (await self._runtime.whole()).learning()
        word, _, rest = argument.partition(" ")
        try:
            if not argument:
                await self._list(learning)
            elif word == PROJECT:
                await self._for_project(learning, rest.strip())
            else:
                await self._take(learning, argument)
        except ShammahError as error:
            complain(self._app, error)

    async def names(self) -> list[str]:
        """What `/adapter` can be completed with; empty while no engine can tell."""
        learning = await (await self._runtime.whole()).learning()
        try:
            adapters = [adapter.name for adapter in await learning.adapters() if adapter.fits]
        except ShammahError:
            adapters = []
        return [*adapters, OFF, AUTO, PROJECT]

    async def _take(self, learning: Learning, name: str) -> None:
        await learning.choose(None if name == AUTO else name)
        if name == AUTO:
            self._chat.flash("The adapter is chosen by what you ask about; every answer tells which")
        else:
            who = "The model as it came answers" if name == OFF else f"{name} answers"
            self._chat.flash(f"{who} from now on; /adapter auto leaves it to Shammah")

    async def _for_project(self, learning: Learning, name: str) -> None:
        root = learning.adapter_choice.root
        if not name:
            chosen = (await learning.choices()).projects.get(str(root))
            said = f"{root.name} has {chosen}" if chosen else f"{root.name} has no adapter of its own"
            self._chat.flash(f"{said}; /adapter project NAME, off or auto changes it")
            return
        await learning.choose_for_project(None if name == AUTO else name)
        if name == AUTO:
            self._chat.flash(f"{root.name} has no adapter of its own any more")
        else:
            who = "the model as it came answers" if name == OFF else f"{name} answers"
            self._chat.flash(f"In {root.name} {who} from now on; /adapter project auto ends it")

    async def _list(self, learning: Learning) -> None:
        adapters = await learning.adapters()
        choices = await learning.choices()
        chooser = learning.adapter_choice
        project = choices.projects.get(str(chooser.root))
        answers = chooser.shown
        listed: list[Choice[str]] = []
        for adapter in adapters:
            marks = ["● answers"] if adapter.name == answers else []
            if adapter.name == project:
                marks.append("this project's")
            back = choices.taken_back.get(adapter.name)
            if back is not None and not back.again:
                marks.append("taken back")
            if adapter.problem or not adapter.fits:
                marks.append(visible(adapter.problem) or "made for another model")
            about = "; ".join(visible(rule) for rule in adapter.rules)
            listed.append(Choice(adapter.name, " · ".join([*marks, about]), adapter.name))
        alone = "● answers · " if not answers else ""
        listed.append(Choice(OFF, f"{alone}The model as it came, without any", OFF))
        chosen = "● " if chooser.session is None else ""
        listed.append(Choice(AUTO, f"{chosen}By project, path, language and rules of the question", AUTO))
        name = await self._app.push_screen_wait(Picker(among(listed), prompt="Which adapter answers"))
        if name is not None:
            await self._take(learning, name)
