"""Questions and answers as material for learning: `metrics/YYYY-MM-DD.jsonl` in the home, never sent anywhere.

`metrics.enabled = false` keeps none. Secrets are masked before anything is written. What was said in a crisis is not
to be given here at all.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from shammah_tui.conversation import Usage
from shammah_tui.journal import lines
from shammah_tui.journal.secret import mask

_FILE = re.compile(r"\d{4}-\d\d-\d\d\.jsonl")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer. Latencies in seconds."""

    query: str
    response: str
    route: str
    """ "local" or "claude"."""
    model: str
    reason: str = ""
    """Why this route; empty for the usual one."""
    finish_reason: str = "stop"
    usage: Usage = Usage()
    first_token_seconds: float = 0.0
    total_seconds: float = 0.0
    tokens_per_second: float = 0.0
    session: str = ""
    seq: int = 0
    """The sequence number of the question in its session."""
    kind: str = ""
    """The kind of task, as the router saw it."""
    tools: tuple[str, ...] = ()
    """The names of the tools that were called, in order."""
    adapter: str = ""
    signals: Mapping[str, float] = field(default_factory=dict)
    """What the answer told of its own certainty."""


class Metrics:
    """Raises HomeError where the folder or a file in it cannot be used."""

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self.folder = folder
        self.enabled = enabled

    async def record(self, exchange: Exchange, *secrets: str) -> None:
        """Keep `exchange`, in the file of today (UTC). `secrets`: what must not be kept, whatever its form."""
        if not self.enabled:
            return
        now = datetime.now(UTC)
        fields = {
            **asdict(exchange),
            "query": mask(exchange.query, *secrets),
            "response": mask(exchange.response, *secrets),
            "at": now.isoformat(timespec="milliseconds"),
        }
        await asyncio.to_thread(lines.append, self._file(now.date()), fields)

    def read(self, skipped: lines.Skipped | None = None) -> Iterator[dict[str, Any]]:
        """All that was kept, the oldest day first. Blocks for the disk."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            if _FILE.fullmatch(path.name):
                yield from lines.read(path, skipped)

    def _file(self, day: date) -> Path:
        return self.folder / f"{day.isoformat()}.jsonl"
