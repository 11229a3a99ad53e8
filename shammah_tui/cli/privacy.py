"""`shammah privacy`: what may leave this machine, what did, to whom, how much, and why."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import datetime
from typing import Any

from shammah_tui import paths
from shammah_tui.backends.claude.key import near_key
from shammah_tui.cli.configured import configured
from shammah_tui.cli.terminal import table, tell_warning
from shammah_tui.config.settings import Settings
from shammah_tui.journal.ledger import Ledger, Listing, Sent, by_host
from shammah_tui.ui.plain import first_line

HEADING = ("WHEN", "TO", "SENT", "WHY", "COST", "OUTCOME", "WHAT")
CELL_CHARACTERS = 40
CLOUD = {
    "ask": "Shammah asks before a question goes to Claude by itself (router.cloud = ask)",
    "allow": "questions may go to Claude by themselves (router.cloud = allow)",
    "never": "nothing is sent to Claude (router.cloud = never)",
}


def run(options: Namespace) -> int:
    """Raises ConfigError, HomeError."""
    settings = configured(options).settings
    listing = Ledger(paths.privacy_ledger()).read()
    if options.json:
        print(json.dumps(_as_json(settings, listing), ensure_ascii=False, indent=2))
        return 0
    if listing.skipped_lines:
        tell_warning(f"{listing.skipped_lines} damaged lines in {paths.privacy_ledger()} were passed over.")
    for line in _rules(settings):
        print(line)
    print()
    if not listing.sent:
        print("Nothing has left this machine.")
        return 0
    shown = listing.sent[-options.number :]
    if len(shown) < len(listing.sent):
        print(f"The last {len(shown)} of {len(listing.sent)} requests (-n shows more):")
    print(table([HEADING, *(_row(item) for item in shown)], sys.stdout))
    print()
    for host, (requests, size) in sorted(by_host(listing.sent).items()):
        print(f"{host}: {requests} {'request' if requests == 1 else 'requests'}, {size:,} bytes in all")
    return 0


def _rules(settings: Settings) -> list[str]:
    """What may leave, in sentences."""
    if settings.offline:
        return ["Offline: nothing leaves this machine (offline = true)."]
    key = near_key(settings)
    where = f"the key is in {key.source}" if key else "no key is in the settings or the environment"
    kept = "are kept" if settings.metrics.enabled else "are not kept"
    return [
        f"Claude: {CLOUD[settings.router.cloud]}; {where}.",
        f"Questions and answers {kept} in {paths.metrics_folder()}; they are never sent.",
    ]


def _row(item: Sent) -> tuple[str, ...]:
    departure = item.departure
    return (
        _when(item.at),
        first_line(departure.to),
        f"{departure.sent_bytes:,}",
        first_line(departure.why),
        "" if item.cost_usd is None else f"${item.cost_usd:.4f}",
        _cut(item.outcome),
        _cut(departure.question),
    )


def _cut(text: str) -> str:
    line = first_line(text)
    return line if len(line) <= CELL_CHARACTERS else f"{line[: CELL_CHARACTERS - 1]}…"


def _when(at: str) -> str:
    """In the person's own time zone."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return first_line(at)


def _as_json(settings: Settings, listing: Listing) -> dict[str, Any]:
    return {
        "offline": settings.offline,
        "cloud": settings.router.cloud,
        "metrics": settings.metrics.enabled,
        "sent_bytes": listing.sent_bytes,
        "skipped_lines": listing.skipped_lines,
        "sent": [
            {
                "at": item.at,
                "to": item.departure.to,
                "sent_bytes": item.departure.sent_bytes,
                "received_bytes": item.received_bytes,
                "why": item.departure.why,
                "session": item.departure.session,
                "turn": item.departure.turn,
                "model": item.departure.model,
                "question": item.departure.question,
                "contents": dict(item.departure.contents or {}),
                "outcome": item.outcome,
                "cost_usd": item.cost_usd,
            }
            for item in listing.sent
        ],
    }
