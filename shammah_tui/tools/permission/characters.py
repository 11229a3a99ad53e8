"""Characters that a person cannot see or that a terminal obeys: a text that holds one is never allowed by itself."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[\x20-\x7e\t\n]*\Z")

# Controls, formats (zero-width, bidi, tags), line and paragraph separators, surrogates, private use, unassigned.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Cs", "Co", "Cn"})
_VISIBLE = frozenset(" \t\n")
# These are letters or marks by category and yet show nothing: Hangul fillers, the grapheme joiner, Khmer vowels,
# the Braille blank, variation selectors.
_BLANK = re.compile("[\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def hidden_character(text: str) -> str:
    """The first such character of `text` as `U+XXXX`, or nothing."""
    if _PLAIN.match(text):
        return ""
    for character in text:
        if character not in _VISIBLE and (
            unicodedata.category(character) in _HIDDEN_CATEGORIES or _BLANK.match(character)
        ):
            return f"U+{ord(character):04X}"
    return ""


def folded(text: str) -> str:
    """`text` as the most forgiving file system would compare it: case, width and ignorable characters do not count."""
    if text.isascii():
        return text.lower()
    shown = (character for character in unicodedata.normalize("NFKC", text) if not hidden_character(character))
    return unicodedata.normalize("NFKC", "".join(shown).casefold())
