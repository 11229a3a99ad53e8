"""How long an engine that nobody uses stays: "10m", "1h 30m", "90", "0" (at once), "always"."""

from __future__ import annotations

import re

from shammah_tui.errors import ConfigError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)\s*([smhd]?)"


def parse_keep_alive(text: str) -> float | None:
    """Seconds, or None for always. Raises ConfigError."""
    words = text.strip().lower()
    if words in ("always", "forever", "-1"):
        return None
    if not re.fullmatch(rf"(?:{_PART}\s*)+", words):
        raise ConfigError(f'keep_alive "{text}" is no time.', 'Write "10m", "1h", "0" or "always".')
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, words))
