"""Lengths of time as a person writes them: "10m", "1h", "90" (seconds), "always"."""

from __future__ import annotations

import re

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd]?)")


def parse_duration(text: str) -> float | None:
    """Seconds; None for "always". Raises ValueError that says what was expected."""
    text = text.strip().lower()
    if text == "always":
        return None
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError('a length of time such as "30s", "10m", "1h", or "0", or "always"')
    return float(match[1]) * UNITS[match[2]]
