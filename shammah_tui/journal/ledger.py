"""What left this machine: to whom, how many bytes, why, and how it went. `privacy.jsonl` in the home.

A departure is on the disk before its first byte is sent; where that fails, nothing is sent. Its end is a second line,
so that one whose end is missing was ended from outside (a kill, a loss of power).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shammah_tui.journal import lines
from shammah_tui.journal.secret import mask

QUESTION_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Departure:
    """One request that leaves the machine; `turn` counts the questions of the session from 1."""

    to: str
    """The host, and the port where it is not the usual one."""
    why: str
    """The router's reason, or the tool's name."""
    sent_bytes: int
    session: str = ""
    turn: int = 0
    model: str = ""
    question: str = ""
    """What the person asked, cut and with secrets masked."""
    contents: Mapping[str, int] | None = None
    """What it holds, counted: {"messages": 5, "characters": 8210, "tools": 8}."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A departure as it is listed."""

    at: str
    """UTC, as ISO 8601 has it."""
    departure: Departure
    outcome: str = "unknown"
    """ "answered", "failed: …", or "unknown" where its end was never written."""
    received_bytes: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    sent: tuple[Sent, ...]
    """The oldest first."""
    skipped_lines: int = 0

    @property
    def sent_bytes(self) -> int:
        return sum(item.departure.sent_bytes for item in self.sent)


@dataclass(frozen=True, slots=True)
class Spent:
    """What Claude took since the program began, whoever asked: answers, broken ones, rewrites for learning."""

    tokens: int = 0
    cost_usd: float = 0.0


class Ledger:
    """Raises HomeError where the file cannot be written or read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent = Spent()

    async def depart(self, departure: Departure) -> str:
        """Write down what is about to leave; the name to end it by."""
        name = secrets.token_hex(8)
        fields = {key: value for key, value in asdict(departure).items() if value}
        fields["question"] = _short(departure.question)
        await asyncio.to_thread(lines.append, self.path, {"id": name, "at": _now(), **fields})
        return name

    async def end(
        self, name: str, outcome: str, *, received_bytes: int = 0, tokens: int = 0, cost_usd: float | None = None
    ) -> None:
        """`outcome`: "answered", or what went wrong. `tokens`: those that are paid for, read and written."""
        self.spent = Spent(self.spent.tokens + tokens, self.spent.cost_usd + (cost_usd or 0.0))
        record = {"ends": name, "at": _now(), "outcome": outcome, "received_bytes": received_bytes}
        if cost_usd is not None:
            record["cost_usd"] = cost_usd
        await asyncio.to_thread(lines.append, self.path, record)

    def read(self) -> Listing:
        """All that left. Blocks for the disk."""
        skipped = lines.Skipped()
        found: dict[str, dict[str, Any]] = {}
        for record in lines.read(self.path, skipped):
            if isinstance(record.get("id"), str):
                found[record["id"]] = record
            elif (begun := found.get(str(record.get("ends")))) is not None:
                begun.update({key: record.get(key) for key in ("outcome", "received_bytes", "cost_usd")})
        sent = [item for record in found.values() if (item := _sent(record)) is not None]
        return Listing(tuple(sent), skipped.lines + len(found) - len(sent))


def by_host(sent: Sequence[Sent]) -> dict[str, tuple[int, int]]:
    """For each host how many requests and how many bytes went to it."""
    totals: dict[str, tuple[int, int]] = {}
    for item in sent:
        requests, size = totals.get(item.departure.to, (0, 0))
        totals[item.departure.to] = (requests + 1, size + item.departure.sent_bytes)
    return totals


def _sent(record: Mapping[str, Any]) -> Sent | None:
    try:
        departure = Departure(
            str(record["to"]),
            str(record["why"]),
            int(record.get("sent_bytes") or 0),
            str(record.get("session") or ""),
            int(record.get("turn") or 0),
            str(record.get("model") or ""),
            str(record.get("question") or ""),
            {str(key): int(value) for key, value in (record.get("contents") or {}).items()},
        )
        cost = record.get("cost_usd")
        return Sent(
            str(record["at"]),
            departure,
            str(record.get("outcome") or "unknown"),
            int(record.get("received_bytes") or 0),
            None if cost is None else float(cost),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _short(question: str) -> str:
    words = " ".join(mask(question).split())
    return words if len(words) <= QUESTION_CHARACTERS else f"{words[: QUESTION_CHARACTERS - 1]}…"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
