"""What the person decides for the whole conversation: who answers, how tools are judged. And what left the machine."""

from __future__ import annotations

from datetime import datetime

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui import wording
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.plain import first_line
from shammah_tui.ui.port import Asked, RuntimePort
from shammah_tui.ui.screens.chat import ChatScreen
from shammah_tui.ui.screens.picker import Choice, Picker, among


class RouteFlow:
    def __init__(self, app: App[None], runtime: RuntimePort, chat: ChatScreen) -> None:
        self._app = app
        self._runtime = runtime
        self._chat = chat

    async def local(self, question: str, shown: str) -> None:
        """One question for the local model, or from now on all. `shown`: as it stands in the transcript."""
        if question:
            self._chat.send(question, "local", shown=shown)
            return
        await self._want("local")
        self._chat.flash("The local model answers from now on; /auto leaves it to Shammah again")

    async def cloud(self, question: str, shown: str) -> None:
        """One question for Claude, or from now on all. `shown`: as it stands in the transcript."""
        if question:
            self._chat.send(question, "cloud", shown=shown)
            return
        await self._want("cloud")
        self._chat.flash("Claude answers from now on, away from this machine; /auto ends it")

    async def auto(self) -> None:
        await self._want("")
        self._chat.flash("Shammah chooses again: the local model first")

    async def _want(self, asked: Asked) -> None:
        (await self._runtime.whole()).routing.asked = asked
        self._chat.show_route(asked)

    async def next_mode(self) -> None:
        runtime = await self._runtime.whole()
        await self.set_mode(runtime.mode.following)

    async def mode(self, name: str) -> None:
        wanted = name.strip().lower().replace("-", " ")
        if wanted in {mode.value for mode in Mode}:
            await self.set_mode(Mode(wanted))
        else:
            self._chat.flash(f"The modes are: {', '.join(mode.value for mode in Mode)}")

    async def set_mode(self, mode: Mode) -> None:
        runtime = await self._runtime.whole()
        runtime.set_mode(mode)
        self._chat.show_mode(mode)
        sandbox = (await runtime.guard()).sandbox
        self._chat.flash(f"{mode.value}: {wording.mode(mode, sandbox)}")

    async def privacy(self) -> None:
        """The ledger, the newest first."""
        try:
            listing = (await self._runtime.whole()).ledger.read()
        except ShammahError as error:
            complain(self._app, error)
            return
        choices = [
            Choice(
                f"{_when(sent.at)} {sent.departure.why}",
                f"{sent.outcome.partition(':')[0]}  {sent.departure.sent_bytes:,} bytes  {sent.departure.to}  "
                f"{first_line(sent.departure.question)}",
                "",
            )
            for sent in reversed(listing.sent)
        ]
        prompt = f"What left this machine: {len(choices)} requests, {listing.sent_bytes:,} bytes"
        empty = "Nothing has left this machine." if not choices else "Nothing has these letters."
        await self._app.push_screen_wait(Picker(among(choices), prompt=prompt, empty=empty))


def _when(at: str) -> str:
    """To the minute, in the person's own time zone: 11-26 22:41."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%m-%d %H:%M")
    except ValueError:
        return first_line(at)[:11]
