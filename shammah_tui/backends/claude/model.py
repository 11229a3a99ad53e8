"""What is known of a model: its limits, how it is told to think, and what it costs. The facts are in `models.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from shammah_tui.conversation import Usage

TABLE = Path(__file__).with_name("models.toml")
_MILLION = 1_000_000
# A model's id may end in the date of its snapshot.
_SNAPSHOT = re.compile(r"-\d{8}$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float
    cache_write: float
    cache_read: float


@dataclass(frozen=True, slots=True)
class ClaudeModel:
    """Numbers are 0, texts empty and prices None where nothing is known."""

    id: str
    name: str
    context_tokens: int = 0
    output_tokens: int = 0
    thinking: str = ""
    thinking_off: str = ""
    efforts: tuple[str, ...] = ()
    price: Price | None = None
    long_prompt_tokens: int = 0
    long_price: Price | None = None
    """The price of a request, answer included, whose prompt is longer than `long_prompt_tokens`."""

    def cost_usd(self, usage: Usage) -> float | None:
        """What a request with this usage costs; None where the price is not known."""
        price = self.price
        if self.long_price is not None and usage.prompt_tokens > self.long_prompt_tokens:
            price = self.long_price
        if price is None:
            return None
        fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
        dollars = (
            fresh * price.input
            + usage.cached_tokens * price.cache_read
            + usage.cache_write_tokens * price.cache_write
            + usage.completion_tokens * price.output
        )
        return dollars / _MILLION


def find(model: str) -> ClaudeModel:
    """What is known of `model`; a snapshot by its date is like the model itself."""
    known = _table().get(_SNAPSHOT.sub("", model))
    if known is None:
        return ClaudeModel(model, model)
    fields = {**known, "efforts": tuple(known.get("efforts", ()))}
    for name in ("price", "long_price"):
        if name in fields:
            fields[name] = Price(**fields[name])
    return ClaudeModel(model, **fields)


def known() -> tuple[str, ...]:
    """The ids in the table, the first the one to prefer."""
    return tuple(_table())


def prices_read_on() -> date:
    found: date = _document()["read_on"]
    return found


def _table() -> dict[str, dict[str, Any]]:
    return {name: value for name, value in _document().items() if isinstance(value, dict)}


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text("utf-8"))
