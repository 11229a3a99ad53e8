"""Text on its way into SQLite."""

from __future__ import annotations


def storable(text: str) -> str:
    """SQLite's text is UTF-8: half a surrogate pair, which a broken name of a file can hold, is no text there."""
    return text.encode("utf-8", "replace").decode()


def pattern(word: str) -> str:
    """For `LIKE ? ESCAPE '\\'`: anything with `word` in it."""
    return "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
