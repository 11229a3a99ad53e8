"""`/adapter` on the screen: what it takes is completed, and chosen from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.ui.adapter_command import listed, names, obey
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.picker import Choice, Picker, among

if TYPE_CHECKING:
    from shammah_tui.runtime.learning import Learning


class AdapterFlow:
    def __init__(self, app: App[None], runtime: RuntimePort, chat: ChatScreen) -> None:
        self._app = app
        self._runtime = runtime
        self._chat = chat

    async def adapter(self, argument: str) -> None:
        """See `adapter_command.obey`; nothing lists them."""
        try:
            learning = await (await self._runtime.whole()).learning()
            wanted = argument or await self._chosen(learning)
            if wanted:
                self._chat.flash(await obey(learning, wanted))
        except ShammahError as error:
            complain(self._app, error)

    async def names(self) -> list[str]:
        """See `adapter_command.names`."""
        return await names(await (await self._runtime.whole()).learning())

    async def _chosen(self, learning: Learning) -> str | None:
        choices = [
            Choice(one.name, f"● {one.mark} · {one.about}" if one.mark else one.about, one.name)
            for one in await listed(learning)
        ]
        return await self._app.push_screen_wait(Picker(among(choices), prompt="Which adapter answers"))
