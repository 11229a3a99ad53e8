"""A conversation that was kept, in the transcript again: nothing is drawn before it is seen, however long it is."""

from __future__ import annotations

from shammah_tui.store.session import StoredSession
from shammah_tui.ui.exchange import Exchange
from shammah_tui.ui.widgets.transcript import Transcript


def replayed(transcript: Transcript, stored: StoredSession) -> list[Exchange]:
    """The exchanges of `stored`, below what is in `transcript`."""
    exchanges: list[Exchange] = []
    for entry, turn in zip(stored.entries, stored.turns, strict=True):
        is_of_last = bool(exchanges) and exchanges[-1].turn == turn
        if entry.message.role == "user" and not is_of_last:
            exchanges.append(Exchange(transcript, entry.message.content, shown=entry.shown, is_new=False))
            exchanges[-1].turn = turn
        elif exchanges and entry.message.role != "system":
            exchanges[-1].restore(entry)
    for exchange in exchanges:
        exchange.end_restoring()
    transcript.extend(block for exchange in exchanges for block in exchange.blocks)
    transcript.follow()
    return exchanges
