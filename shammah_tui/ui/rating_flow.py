"""Rating an answer by a key: kept at once, then a panel takes what was wrong, and a toast says what it became."""

from __future__ import annotations

from textual.app import App

from shammah_tui.errors import ShammahError
from shammah_tui.feedback.service import Feedback, Rated
from shammah_tui.store.rating import Color, Rating
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.exchange import Exchange
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.screens.picker import Choice, Picker, among
from shammah_tui.ui.screens.rating import MEANINGS, Given, RatingPanel


class RatingFlow:
    """Of one screen. Every method shows its own errors; nothing of a rating is lost by them."""

    def __init__(self, app: App[None], runtime: RuntimePort) -> None:
        self._app = app
        self._runtime = runtime
        self._last: tuple[int, Exchange] | None = None

    async def rate(self, exchange: Exchange | None, color: Color, note: str | None = None) -> None:
        """`note` None asks for one by the panel."""
        if exchange is None or exchange.turn is None or not exchange.said_something:
            self._app.notify("There is no answer to rate yet.", markup=False)
            return
        if exchange.private:
            self._app.notify("Nothing is kept of this answer, so it cannot be rated.", markup=False)
            return
        try:
            runtime = await self._runtime.whole()
            feedback = await runtime.feedback()
            rated = await runtime.rate(exchange.turn, color, note or "")
        except ShammahError as error:
            complain(self._app, error)
            return
        self._last = (rated.rating.id, exchange)
        exchange.rate(color, rated.rating.note)
        if note is not None:
            self._tell(rated)
            return
        panel = RatingPanel(
            Given(color, rated.rating.note, rated.rating.correction), question=exchange.question, answer=exchange.text
        )
        given = await self._app.push_screen_wait(panel)
        await self._settle(feedback, rated.rating, exchange, given)

    async def choose(self, exchange: Exchange) -> None:
        """Ask for the colour, as somebody does who has no hand at the keys."""
        choices: list[Choice[Color]] = [
            Choice(color, f"{MEANINGS[color][0]} · {MEANINGS[color][1]}", color) for color in ("red", "yellow", "green")
        ]
        color = await self._app.push_screen_wait(Picker(among(choices), prompt="How was this answer?"))
        if color is not None:
            await self.rate(exchange, color)

    async def undo(self) -> None:
        """Take back what was done last to a rating."""
        if self._last is None:
            self._app.notify(
                "Nothing was rated since the start. `shammah feedback` lists what was before.", markup=False
            )
            return
        identity, exchange = self._last
        try:
            runtime = await self._runtime.whole()
            before = await (await runtime.feedback()).undo(identity)
        except ShammahError as error:
            complain(self._app, error)
            return
        if before is None:
            self._last = None
            exchange.rate(None)
            self._app.notify("The rating is taken back.", markup=False)
        else:
            exchange.rate(before.color, before.note)
            self._app.notify(f"The rating is as it was: {before.color}.", markup=False)

    async def show(self, exchanges: list[Exchange]) -> None:
        """Mark what was rated in an earlier session."""
        try:
            rated = await (await self._runtime.whole()).ratings()
        except ShammahError as error:
            complain(self._app, error)
            return
        for exchange in exchanges:
            rating = rated.get(exchange.turn) if exchange.turn is not None else None
            if rating is not None:
                exchange.rate(rating.color, rating.note)

    async def _settle(self, feedback: Feedback, rating: Rating, exchange: Exchange, given: Given) -> None:
        try:
            if given.removed:
                await feedback.remove(rating.id)
                exchange.rate(None)
                self._last = None
                self._app.notify("The rating is taken back.", markup=False)
                return
            rated: Rated | None = Rated(rating, None)
            if (given.color, given.note, given.correction) != (rating.color, rating.note, rating.correction):
                rated = await feedback.edit(rating.id, color=given.color, note=given.note, correction=given.correction)
        except ShammahError as error:
            complain(self._app, error)
            return
        if rated is not None:
            exchange.rate(rated.rating.color, rated.rating.note)
            self._tell(rated)

    def _tell(self, rated: Rated) -> None:
        title = f"Rated {rated.rating.color}"
        if rated.rating.masked:
            title += f" ({', '.join(rated.rating.masked)} masked)"
        if rated.rule is not None:
            text = f"From now on: {visible(rated.rule.line)}\n/undo takes it back."
        elif rated.rating.color == "green":
            text = "The next training learns it as it stands. /undo takes it back."
        else:
            text = "Without a note there is no rule yet. /undo takes it back."
        self._app.notify(text, title=title, markup=False, timeout=8)
