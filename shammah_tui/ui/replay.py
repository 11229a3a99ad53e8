"""A conversation that was kept, in the transcript again: each entry is heard as the event that it once was."""

from __future__ import annotations

from itertools import groupby

from shammah_tui.conversation import Entry
from shammah_tui.events import TextArrived, ToolFinished, ToolRequested, TurnEnded, TurnEvent, TurnStarted
from shammah_tui.store.session import StoredSession
from shammah_tui.ui.exchange import Exchange
from shammah_tui.ui.widgets.transcript import Transcript


def replayed(transcript: Transcript, stored: StoredSession) -> list[Exchange]:
    """The exchanges of `stored`, drawn below what is in `transcript`."""
    exchanges: list[Exchange] = []
    numbered = zip(stored.turns, stored.entries, strict=True)
    for turn, group in groupby(numbered, key=lambda pair: pair[0]):
        entries = [entry for _, entry in group]
        question, rest = entries[0], entries[1:]
        exchange = Exchange(transcript, question.message.content, shown=question.shown)
        for event in _events(turn, rest):
            exchange.hear(event)
        exchange.finish()
        exchanges.append(exchange)
    return exchanges


def _events(turn: int, entries: list[Entry]) -> list[TurnEvent]:
    answers = [entry for entry in entries if entry.message.role == "assistant"]
    if not answers:
        return []
    last = answers[-1]
    events: list[TurnEvent] = [TurnStarted(last.model, last.route, last.reason, turn, last.adapter)]
    for entry in entries:
        message = entry.message
        if message.role == "tool":
            events.append(
                ToolFinished(message.tool_call_id, message.content, entry.shown, message.failed, diff=entry.diff)
            )
        elif message.content:
            events.append(TextArrived(message.content))
        events += [ToolRequested(call) for call in message.tool_calls]
    return [*events, TurnEnded(last.finish_reason)]
