"""From a note and the answer it is about to a rule: one line, where it applies, and checks proved on that answer.

Deterministic: the forms that `note` understands. What it does not is asked of the local model (`naming`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shammah_tui.feedback import code, construct, verifier
from shammah_tui.feedback.construct import Construct
from shammah_tui.feedback.language import LANGUAGES, is_test_code, named_in
from shammah_tui.feedback.note import Reading, read, split_place
from shammah_tui.store.rule import Check, RuleDraft, Scope, Source, Verifier

LINE_CHARACTERS_MAX = 200
_IDENTIFIER = re.compile(r"[.]?[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*(?:\(\))?!?")
_PROSE = re.compile(
    r"(?:long |the |any )?(?:explanations?|prose|text (?:around|beside) (?:the )?code|explaining|comments around .*)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Term:
    """What a note calls something, and what that is in code."""

    words: str = ""
    construct: Construct | None = None
    checks: tuple[Check, ...] = ()
    good: str = ""
    bad: str = ""
    """The clause of a line that asks for it, or forbids it."""


def infer(note: str, answer: str, language: str = "") -> RuleDraft | None:
    """The rule of a note on `answer`, whose code is of `language`; None where the note has no usual form."""
    return _best(read(note), answer, language)


def _best(readings: Sequence[Reading], answer: str, language: str) -> RuleDraft | None:
    drafts = [draft for reading in readings if (draft := _draft(reading, answer, language))]
    return max(drafts, key=lambda draft: draft[0])[1] if drafts else None


def _draft(reading: Reading, answer: str, language: str) -> tuple[int, RuleDraft] | None:
    """The rule of one way to read a note, and how much of it is understood; the first of the best is taken."""
    languages = reading.languages or ((language,) if language else ())
    scope = Scope(languages=languages)
    good, bad = (_term(words, languages) for words in (reading.good, reading.bad))
    if reading.bare and good.construct is None:
        return None
    # "return early", "I do not know": words of English, no names in code.
    if _is_word(good) and not (bad.words or _USES.match(reading.text)):
        good = Term(good.words)
    if _is_word(bad) and not _is_in(bad, answer, scope):
        bad = Term(bad.words)
    # "X instead of Y" may tell what was done. "Use X instead of Y" is a wish, whatever the answer holds.
    tells = reading.either_way and not _USES.match(reading.text)
    if tells and _is_in(good, answer, scope) and not _is_in(bad, answer, scope):
        good, bad = bad, good
    unknown = sum(bool(term.words) and not term.checks for term in (good, bad))
    understood = sum(term.construct is not None for term in (good, bad))
    if bad.construct is not None and not good.words and bad.construct.opposite:
        # The line says what to do instead; an answer need not have it.
        good = replace(_of(construct.named(bad.construct.opposite)), checks=())
    if good.construct is not None and not bad.words:
        bad = next((term for term in _replaced(good.construct) if _is_in(term, answer, scope)), bad)
    scope = _scope(scope, reading, bad, answer)
    clauses = [clause for clause in (good.good, bad.bad) if clause]
    # Words that nobody knows here are left as the person put them.
    own = reading.text if re.match(r"I\b", reading.text) else reading.text[:1].lower() + reading.text[1:]
    said = own if unknown else ", ".join(clauses)
    topic = next((term.construct.topic for term in (good, bad) if term.construct and term.construct.topic), "")
    draft = proved(
        RuleDraft(one_line(_with_place(scope, topic, said)), scope, Verifier(bad.checks, good.checks)), answer
    )
    return 3 * bool(draft.proof) + understood - 2 * unknown, draft


def proved(draft: RuleDraft, flagged: str, rewrite: str = "") -> RuleDraft:
    """The draft with what its verifier tells apart: the flagged answer must fail, the rewrite pass.

    A check that fails to fire where it should is worth nothing: then there is no proof.
    """
    if not verifier.can_check(draft.verifier) or verifier.passes(draft.verifier, draft.scope, flagged):
        return replace(draft, proof="")
    if rewrite and verifier.passes(draft.verifier, draft.scope, rewrite):
        return replace(draft, proof="both")
    return replace(draft, proof="flagged")


def from_line(line: str, answer: str, language: str = "", *, source: Source = "person") -> RuleDraft:
    """A rule as a person (or the model) worded it. Its line stays as it is; scope and checks are read from it, and
    checks are kept only where they prove themselves on `answer` (where there is one)."""
    line = one_line(line)
    head, colon, rest = line.partition(":")
    if not (colon and rest.strip() and (_SCOPED.match(head) or named_in(head))):
        head, rest = "", line
    place, _ = split_place(f"{head if not head or _SCOPED.match(head) else f'in {head}'} {rest}")
    # A line says itself where it does not hold.
    place = replace(place, languages=named_in(head) or place.languages, everywhere=not place.outside_tests)
    draft = _best(read(rest, place), answer, language)
    if draft is None:
        languages = place.languages or ((language,) if language else ())
        scope = Scope(languages, place.outside_tests, place.in_tests and not place.outside_tests, place.paths)
        return RuleDraft(line, scope, source=source)
    draft = replace(draft, line=line, source=source)
    return replace(draft, verifier=Verifier()) if answer and not draft.proof else draft


def is_credible(draft: RuleDraft, note: str, flagged: str) -> bool:
    """Whether a rule that a model named is the note's: a small model may name any. What it forbids must be in the
    flagged answer, and the note must speak of it; where it forbids nothing, of what it asks for."""
    forbidden = [check for check in draft.verifier.forbid if verifier.found(check, flagged, draft.scope)]
    if not draft.proof or (draft.verifier.forbid and not forbidden):
        return False
    named = " ".join(check.value for check in forbidden or draft.verifier.require).lower()
    stems = {word[:STEM] for word in re.findall(r"[a-z]{4,}", named)}
    return any(word[:STEM] in stems for word in re.findall(r"[a-z]{4,}", note.lower()))


STEM = 5
_SCOPED = re.compile(r"^(?:in|for|outside|when)\b", re.IGNORECASE)


def one_line(text: str) -> str:
    """The first line that says something, without marks of a list, at most `LINE_CHARACTERS_MAX` long."""
    for line in text.splitlines():
        if words := " ".join(line.strip().lstrip("-*•> ").split()):
            return words[:LINE_CHARACTERS_MAX].rstrip()
    return ""


def _term(words: str, languages: tuple[str, ...]) -> Term:
    if not words:
        return Term()
    for language in languages or ("",):
        for said in dict.fromkeys((words, _PURPOSE.sub("", words))):
            if found := construct.known(said, language):
                return replace(_of(found), words=words)
    if _PROSE.fullmatch(words):
        return Term(words, None, (Check("prose"),), "explain the code", "no words beside the code")
    plain = words.strip("`'\" ")
    if not _IDENTIFIER.fullmatch(plain) or (plain == words and plain.isalpha() and plain.lower() in _PLAIN_WORDS):
        return Term(words)
    return Term(
        words, None, (Check("name", plain.rstrip("()!").replace("::", ".")),), f"use `{plain}`", f"no `{plain}`"
    )


def _is_word(term: Term) -> bool:
    """Whether a name that nobody knows here might as well be a word of the sentence."""
    return term.construct is None and term.words.isalpha() and term.words.islower()


def _of(found: Construct | None) -> Term:
    if found is None:
        return Term()
    return Term(found.name, found, (Check("construct", found.name),), found.good, found.bad)


def _replaced(wanted: Construct) -> list[Term]:
    return [_of(construct.named(name)) for name in wanted.replaces]


def _is_in(term: Term, answer: str, scope: Scope) -> bool:
    return any(verifier.found(check, answer, scope) for check in term.checks)


def _scope(scope: Scope, reading: Reading, bad: Term, answer: str) -> Scope:
    """As wide as the note says; where it says nothing, tests keep what is usual in them."""
    is_test = any(is_test_code(block.code) for block in code.blocks(answer))
    spared = bad.construct is not None and bad.construct.usual_in_tests and not is_test
    outside = reading.outside_tests or (spared and not reading.everywhere)
    return replace(
        scope,
        outside_tests=outside and not reading.in_tests,
        only_tests=reading.in_tests and not reading.outside_tests,
        paths=reading.paths,
    )


def _with_place(scope: Scope, topic: str, said: str) -> str:
    shown = " and ".join(LANGUAGES[name].shown for name in scope.languages)
    place = f"In {shown}{topic}" if shown else topic.lstrip(", ").capitalize()
    parts = [place] if place else []
    if scope.paths:
        parts.append("in " + " and ".join(f"`{path}`" for path in scope.paths))
    if scope.outside_tests:
        parts.append("outside tests")
    if scope.only_tests:
        parts.append("in tests")
    where = ", ".join(parts)
    return f"{where[:1].upper()}{where[1:]}: {said}." if where else f"{said[:1].upper()}{said[1:]}."


_USES = re.compile(r"(?:always |only |please )*(?:use|using|import|take|prefer|switch to|go with)\b", re.IGNORECASE)
_PURPOSE = re.compile(r" (?:for|in|on|with|to) .+$", re.IGNORECASE)
# Words that a note may consist of and that name nothing in code.
_PLAIN_WORDS = frozenset(
    (
        *("a", "an", "the", "it", "that", "this", "them", "one", "ones", "something", "anything", "everything"),
        *("nothing", "better", "shorter", "longer", "simpler", "faster", "clearer", "more", "less", "code", "words"),
        *("names", "english", "german", "no", "not", "never", "do", "please", "you", "i", "we", "wrong", "right"),
        *("good", "bad", "here", "there", "first", "last", "only", "always"),
    )
)
