"""Reads a person's note: what is wanted, what is not, and where. Words alone; what they mean in code is not its matter.

Understood are the usual forms: "use G instead of B", "don't use B", "no B, use G", "G, not B", "always G", "never B",
"replace B by G", "B is wrong, use G", "in Rust …", "outside tests", "in src/*.py". Of all else `read` gives nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shammah_tui.feedback.language import LANGUAGES, named_in

NOTE_CHARACTERS_MAX = 400
TERM_WORDS_MAX = 6


@dataclass(frozen=True, slots=True)
class Reading:
    good: str = ""
    bad: str = ""
    """What is wanted and what is not, in the note's own words; at least one of them."""
    languages: tuple[str, ...] = ()
    outside_tests: bool = False
    in_tests: bool = False
    """The note speaks of tests alone."""
    everywhere: bool = False
    """The note says that there is no exception."""
    paths: tuple[str, ...] = ()
    text: str = ""
    """The note without its place, and without words of politeness."""
    either_way: bool = False
    """Without a verb: "X instead of Y" may also tell what was seen."""
    bare: bool = False
    """Nothing but the name of a thing, which is wanted where it is not there."""


_OPENING = re.compile(
    r"^(?:(?:no|hm+|oh|ok(?:ay)?|well|wrong|bad|critical|important|remember|note|rule|always|please|again|sorry)\s*"
    r"[:,.!]\s*"
    r"|(?:i (?:said|told you)|this is (?:wrong|bad)|that is (?:wrong|bad)|not good|next time|from now on|in future|"
    r"please|you (?:should|must|have to|used? to)|(?:it|this|that) (?:should|must|needs? to))\s*[:,]?\s+)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:[\s,]*(?:please|thanks|thank you|here|there|for (?:this|that|it)|instead|again|next time|in future|"
    r"from now on))+$",
    re.IGNORECASE,
)
_USE = (
    r"(?:always |only |just |better |rather |to |be |i |we |let it )*(?:use|using|take|prefer|choose|want|write|like|"
    r"call|do|need|have|be|add|give|say|put|try|return|name|catch|annotate|work with|stick to|go with|switch to|"
    r"pass on|log(?= with)|(?:format|handle|build|write|log|declare)(?: .{1,30})? with)"
)
_AVOID = (
    r"(?:never|do not|don'?t|dont|stop|avoid|no more|not|must not|should not|shouldn'?t|cannot|without)(?: ever)?"
    r"(?: (?:use|using|call|calling|write|writing|do|doing|put|putting|add|adding|take|like|want|have|declare with))?"
)
_BUT = (
    r"(?:,? (?:instead of|rather than|over|in place of|and not|and never|and no|but not|but no|not|never|no)|"
    r"[,;] ?(?:not|never|no))"
)
_THEN = r"(?:[,;:]|\.(?= ))\s*"
_WRONG = (
    r"(?:is|are|was|were) (?:wrong|bad|old|forbidden|outdated|ugly|unsafe|dangerous|"
    r"not (?:allowed|wanted|good|ok|welcome))(?: here)?"
)
# What is wanted and what is not, in every order in which people say it. `True`: no verb tells which is which.
_FORMS: tuple[tuple[str, bool], ...] = (
    (r"(?:replace|change|exchange|swap) (?P<bad>.+?) (?:by|with|for|to|into) (?P<good>.+)", False),
    (r"(?:replace|remove|drop) (?P<bad>.+)", False),
    (r"(?P<bad>.+?) should (?:be|have been) (?P<good>.+)", False),
    (rf"(?P<bad>.+?) {_WRONG}(?:{_THEN}(?:it (?:must|should) )?(?:{_USE} )?(?P<good>.+))?", False),
    (r"(?P<bad>.+?) (?:is|are) (?:wrong|bad)[,;] (?P<good>.+?) (?:is|are) (?:better|right|good)", False),
    (rf"{_AVOID} (?P<bad>.+?){_THEN}(?:(?:but|and|please) )*(?:{_USE} )?(?P<good>.+)", False),
    (rf"{_AVOID} (?P<bad>.+?) (?:but|and) (?:{_USE} )?(?P<good>.+)", False),
    (rf"no (?P<bad>.+?){_THEN}(?:(?:but|and|please) )*(?:{_USE} )?(?P<good>.+)", False),
    (r"prefer (?P<good>.+?) (?:to|over) (?P<bad>.+)", False),
    (rf"{_USE} (?P<good>.+?){_BUT} (?:{_USE} )?(?P<bad>.+)", False),
    (rf"you (?:used|wrote|took) (?P<bad>.+?){_THEN}(?:i )?(?:{_USE} )?(?P<good>.+)", False),
    (rf"you \w+ed{_THEN}(?:i )?{_USE} (?P<good>.+)", False),
    (r"(?P<good>.+?) (?:is|are) (?:better|preferred|preferable) (?:than|to|over) (?P<bad>.+)", False),
    (rf"(?P<good>.+?){_BUT} (?P<bad>.+)", True),
    (rf"{_AVOID} (?P<bad>.+)", False),
    (r"no (?P<bad>.+)", False),
    (r"(?:the |there (?:is|are) no )?(?P<good>.+?) (?:is|are) (?:missing|required|needed|preferred)", False),
    (r"(?:there (?:is|are) no|you forgot|missing) (?P<good>.+)", False),
    (r"(?:functions?|variables?) (?:should|must)? ?(?:have|need) (?P<good>.+)", False),
    (r"give (?:the |every |all )?parameters? (?:a )?(?P<good>types?)", False),
    (rf"{_USE} (?P<good>.+)", False),
    (r"(?P<good>.+?) (?:only|everywhere|always)", False),
    (r"(?P<bare>[^,;:]{2,40})", True),
)
_COMPILED = tuple((re.compile(rf"^{form}$", re.IGNORECASE | re.DOTALL), either) for form, either in _FORMS)

_LANGUAGE_WORDS = "|".join(f"(?:{language.words})" for language in LANGUAGES.values())
_IN_LANGUAGE = re.compile(
    rf"(?:^|[,;]?\s+)(?:in|for)\s+(?:{_LANGUAGE_WORDS})(?:\s+(?:code|functions?|files?|programs?|scripts?|projects?))?"
    rf"(?=[\s,.:;!]|$)[,:;]?|^(?:{_LANGUAGE_WORDS})\s*:\s*",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"[,(]?\s*\b(?:outside(?: of)?|except in|but not in|not in)\s+(?:the )?(?:unit )?tests?\b\)?[,:]?", re.I
)
_INSIDE = re.compile(r"[,(]?\s*\b(?:only )?in\s+(?:the )?(?:unit )?tests?\b\)?[,:]?", re.I)
_EVERYWHERE = re.compile(
    r",?\s*\b(?:everywhere|(?:also|even|and) in tests?|in tests? (?:too|either|as well)|anywhere)\b", re.I
)
_IN_PATH = re.compile(
    r"(?:^|[,;]?\s+)(?:in|under|inside|for)\s+(?P<path>`?(?=[\w.*/-]*[/*])[\w.*?/\[\]{}@-]+`?)(?=[\s,.:;!]|$)[,:;]?"
)


def read(note: str, place: Reading | None = None) -> tuple[Reading, ...]:
    """All ways to understand it, the likelier ones first; none where no form fits. `place` stands for what the note
    itself says of where it applies."""
    text = " ".join(note.split())
    if not text or len(text) > NOTE_CHARACTERS_MAX:
        return ()
    own, text = split_place(text)
    place = place or own
    text = _CLOSING.sub("", text.strip(" .,;:!")).strip(" .,;:!")
    found: list[Reading] = []
    for candidate in dict.fromkeys((_OPENING.sub("", text).strip(" .,;:!"), text)):
        for form, either in _COMPILED:
            if match := form.match(candidate):
                groups = match.groupdict()
                bare = bool(groups.get("bare"))
                good, bad = _term(groups.get("good") or groups.get("bare") or ""), _term(groups.get("bad") or "")
                if (good or bad) and max(len(good.split()), len(bad.split())) <= TERM_WORDS_MAX:
                    found.append(replace(place, good=good, bad=bad, text=candidate, either_way=either, bare=bare))
    return tuple(found)


def split_place(text: str) -> tuple[Reading, str]:
    """Where the rule applies, and the text without the words that said so."""
    languages = named_in(" ".join(found[0] for found in _IN_LANGUAGE.finditer(text)))
    paths = tuple(found["path"].strip("`") for found in _IN_PATH.finditer(text))
    place = Reading(
        languages=languages,
        outside_tests=bool(_OUTSIDE.search(text)),
        in_tests=bool(_INSIDE.search(_EVERYWHERE.sub(" ", _OUTSIDE.sub(" ", text)))),
        everywhere=bool(_EVERYWHERE.search(text)),
        paths=paths,
    )
    for words in (_EVERYWHERE, _OUTSIDE, _INSIDE, _IN_PATH, _IN_LANGUAGE):
        text = words.sub(" ", text)
    return place, " ".join(text.split())


def _term(text: str) -> str:
    text = _CLOSING.sub("", text.strip(" .,;:!"))
    text = re.sub(rf"^(?:{_USE}|it is|it's|by|to)\s+", "", text, flags=re.IGNORECASE)
    return re.sub(r"^(?:any|some|more)\s+", "", text.strip(" .,;:!"), flags=re.IGNORECASE)
