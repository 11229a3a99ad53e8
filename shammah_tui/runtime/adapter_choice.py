"""Which adapter answers a question, and why in one phrase. Pure.

A person's choice comes before everything: the one of this session (`/adapter NAME`), that of the project, that of the
whole home. Only where nobody chose, the adapter that learned most of what the question is about answers: by the path
it names, then by its language, then by how many rules apply. Without a winner it is the one that is active anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shammah_tui.feedback.language import LANGUAGES, named_in
from shammah_tui.feedback.scope import Request, applies, fits_path
from shammah_tui.store.rule import Scope

# No adapter at all: what a person may choose as well as a name.
OFF = "off"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An adapter that was made for the model which answers."""

    name: str
    scopes: tuple[Scope, ...] = ()
    """Where the rules that it learned apply."""
    taken_back: bool = False
    """It was rated worse than what was before it: never chosen by itself."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Names of adapters; None where nobody wished, `OFF` for the model as it came."""

    session: str | None = None
    project: str | None = None
    active: str = ""
    """What the home's pointer names; empty for the model as it came."""
    active_by_person: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """`name` is empty for the model as it came."""

    name: str
    why: str = ""
    by: Literal["session", "project", "question", "active"] = "active"


def choose_adapter(candidates: Sequence[Candidate], wishes: Wishes, asked: Request) -> Chosen:
    """A wish of this session is taken as it is, also where no candidate has the name: the engine says what is wrong.
    A project's whose adapter is gone gives way, and the phrase says so."""
    known = {candidate.name: candidate for candidate in candidates}
    if wishes.session is not None:
        return Chosen(_plain(wishes.session), "your choice", "session")
    missing = ""
    if wishes.project is not None:
        if wishes.project == OFF or wishes.project in known:
            return Chosen(_plain(wishes.project), "this project's", "project")
        missing = f"this project's {wishes.project} is not here, or not for this model"
    active = Chosen(wishes.active, missing)
    if wishes.active_by_person:
        return active
    best = _match(known.get(wishes.active), asked)
    for candidate in candidates:
        match = _match(candidate, asked)
        if not candidate.taken_back and match > best:
            best = match
            active = Chosen(candidate.name, "; ".join(filter(None, (missing, match.why))), "question")
    return active


@dataclass(frozen=True, slots=True)
class _Match:
    """How much of what a question is about an adapter has learned; the first that differs decides."""

    by_path: bool = False
    by_language: bool = False
    rules: int = 0
    why: str = ""

    def __gt__(self, other: _Match) -> bool:
        return (self.by_path, self.by_language, self.rules) > (other.by_path, other.by_language, other.rules)


def _match(candidate: Candidate | None, asked: Request) -> _Match:
    """A rule in the prompt may concern what a question leaves open; an adapter is preferred only for what is named."""
    languages = named_in(asked.text, asked.paths) or asked.languages
    path = language = ""
    rules = 0
    for scope in candidate.scopes if candidate else ():
        named_path = next((path for path in asked.paths if fits_path(path, scope.paths, asked.folder)), "")
        named_language = next((name for name in languages if name in scope.languages), "")
        is_named = (named_path or not scope.paths) and (named_language or not scope.languages)
        if is_named and applies(scope, asked):
            path, language, rules = path or named_path, language or named_language, rules + 1
    why = f"learned for {path or LANGUAGES[language].shown}" if path or language else "its rules apply"
    return _Match(bool(path), bool(language), rules, why)


def _plain(wish: str) -> str:
    return "" if wish == OFF else wish
