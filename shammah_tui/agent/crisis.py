"""Whether a person's own words tell clearly, in the first person, of danger to them; and what they are then shown.

It is a set of forms, not an understanding: it misses some and errs on some, and `scripts/bench/crisis` prints how many
of the labelled lines. It looks only at what the person wrote, never at code, quotations, files or answers; it sends,
stores and learns nothing.
"""

from __future__ import annotations

import os
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shammah_tui.agent.crisis_form import FOREIGN, SIGNS, VETOES, WHOLE_VETOES

TEXT = Path(__file__).with_name("crisis.toml")
# What is longer was pasted, and what is pasted is not the person's own; the beginning and the end may be.
CHARACTERS_MAX = 4000
# A sentence without an end is looked at in pieces that overlap: the forms cost the square of its length.
SENTENCE_CHARACTERS = 240
OVERLAP_CHARACTERS = 100

_FENCE = re.compile(r"(?:^|\n)[ \t]*(```|~~~).*?(?:\n[ \t]*\1|\Z)", re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_QUOTED_LINE = re.compile(r"^(?:[ \t]*>|\t| {4}).*$", re.MULTILINE)
_QUOTATION = re.compile(r"\"[^\"\n]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|(?<![\w'])'[^'\n]{4,}'(?!\w)")
_SENTENCE = re.compile(
    r"[.!?;\n…]+(?=\s|$)|,?\s+(?:but|aber|mais|pero|ma|но|אבל)\s+(?=(?:i|i'm|my|ich|je|j'|yo|io|я|אני)\b)"
)


@dataclass(frozen=True, slots=True)
class HelpLine:
    country: str
    line: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What is shown, in this order."""

    title: str
    text: str
    lines: tuple[HelpLine, ...]
    """The person's country first, where it is known."""
    elsewhere: str
    after: str


def detect(text: str) -> bool:
    """Whether `text`, as the person wrote it, tells clearly of danger to them."""
    return any(_is_sign(sentence) for sentence in _sentences(own_words(text)))


def own_words(text: str) -> str:
    """`text` without code, quoted lines and quotations; a text that is one quotation is the person's all the same."""
    if len(text) > CHARACTERS_MAX:
        half = CHARACTERS_MAX // 2
        text = f"{text[:half]}\n{text[-half:]}"
    text = _QUOTED_LINE.sub("\n", _CODE.sub(" ", _FENCE.sub("\n", text)))
    said = _QUOTATION.sub(" … ", text)
    return said if any(letter.isalpha() for letter in said) else text


def panel(country: str = "") -> Panel:
    """The panel for a country by its code, such as "IL"; for an unknown one all lines are equal."""
    document = _document()
    own = next((entry for entry in document["country"] if entry["code"] == country), None)
    listed = sorted(document["country"], key=lambda entry: entry is not own)
    emergency = own["emergency"] if own else document["emergency_elsewhere"]
    return Panel(
        document["title"],
        document["text"].strip().format(emergency=emergency),
        tuple(HelpLine(entry["name"], entry["line"]) for entry in listed),
        document["elsewhere"],
        document["after"].strip(),
    )


def country_of(environment: Mapping[str, str] | None = None) -> str:
    """The country of the person's locale, "GB" for en_GB.UTF-8; empty where none is told."""
    environment = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        found = re.match(r"[a-z]{2,3}_([A-Z]{2})\b", environment.get(name, ""))
        if found:
            return found[1]
    return ""


def _sentences(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    plain = plain.replace("my self", "myself")
    whole = (" ".join(part.split()) for part in _SENTENCE.split(plain))
    step = SENTENCE_CHARACTERS - OVERLAP_CHARACTERS
    return [part[at : at + SENTENCE_CHARACTERS] for part in whole for at in range(0, len(part), step)]


def _is_sign(sentence: str) -> bool:
    forms = _forms()
    if any(form.search(sentence) for form in forms.foreign):
        return True
    if any(form.search(sentence) for form in forms.whole_vetoes):
        return False
    for form in forms.signs:
        for found in form.finditer(sentence):
            before, after = sentence[: found.start()], sentence[found.end() :]
            if not any(veto.search(f"{before}⟦{found[0]}⟧{after}") for veto in forms.vetoes):
                return True
    return False


@dataclass(frozen=True, slots=True)
class _Forms:
    signs: tuple[re.Pattern[str], ...]
    vetoes: tuple[re.Pattern[str], ...]
    whole_vetoes: tuple[re.Pattern[str], ...]
    foreign: tuple[re.Pattern[str], ...]


@cache
def _forms() -> _Forms:
    """Compiled at the first question, not at the start of the program."""
    return _Forms(*(tuple(map(re.compile, forms)) for forms in (SIGNS, VETOES, WHOLE_VETOES, FOREIGN)))


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(TEXT.read_text("utf-8"))
