"""A small bundled set of questions and answers of many kinds: half of it is replayed, the other half measured."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

Pair = tuple[str, str]


@cache
def retention_set() -> tuple[Pair, ...]:
    """(question, answer), in the order of `retention.json`."""
    text = files("shammah_tui.learning").joinpath("retention.json").read_text("utf-8")
    return tuple((question, answer) for question, answer in json.loads(text))


def replayed() -> tuple[Pair, ...]:
    return retention_set()[::2]


def measured() -> tuple[Pair, ...]:
    return retention_set()[1::2]
