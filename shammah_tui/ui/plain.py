"""Text from a model, a tool, a file or a paste, made safe to show: what a terminal would obey becomes visible.

Escape sequences, other control characters, bidirectional overrides, zero-width and tag characters are shown as
what they are; the text is otherwise unchanged. This says nothing about markup: such text is only ever `Content`.
"""

from __future__ import annotations

import re
from functools import cache

TAB_CELLS = 4

_KEPT_JOINER = "\ue000"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What is hidden, a joiner between pictures, half a character. Compiled with the first text that may have them."""
    # C0 without tab and newline, DEL, C1; soft hyphen, Arabic letter mark, Hangul fillers, Mongolian vowel separator;
    # zero-width and directional marks; line and paragraph separators; bidi embeddings; invisible operators and
    # isolates; byte-order mark, interlinear annotation; tags.
    hidden = re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
        "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
    )
    # A joiner between two pictures makes one picture, which is what its writer meant.
    pictures = re.compile(
        "(?<=[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f])\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf])"
    )
    return hidden, pictures, re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` with nothing in it that a terminal obeys or hides; newlines stay, tabs become spaces."""
    return typed(text).replace("\t", " " * TAB_CELLS)


def typed(text: str) -> str:
    """The same for a text that is edited and sent: its tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    hidden, pictures, surrogate = _patterns()
    text = surrogate.sub("\ufffd", text.replace("\r\n", "\n"))
    text = text.replace(_KEPT_JOINER, "\ufffd")
    text = hidden.sub(_name, pictures.sub(_KEPT_JOINER, text))
    return text.replace(_KEPT_JOINER, "\u200d")


def first_line(text: str) -> str:
    """The first line that says something, for a list; an ellipsis tells that there is more."""
    lines = [line.strip() for line in visible(text).split("\n") if line.strip()]
    if not lines:
        return ""
    return lines[0] + (" …" if len(lines) > 1 else "")


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
