"""Lengths of time as a person writes them: "10m", "1h 30m", "90" (seconds), "0", "always"."""

from __future__ import annotations

import re

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd]?)"
ENDLESS = ("always", "forever", "-1")


def parse_duration(text: str) -> float | None:
    """Seconds; None for "always". Raises ValueError that says what was expected."""
    words = text.strip().lower()
    if words in ENDLESS:
        return None
    if not re.fullmatch(rf"(?:{PART}\s*)+", words):
        raise ValueError('a length of time such as "30s", "10m", "1h 30m", or "0", or "always"')
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(PART, words))
