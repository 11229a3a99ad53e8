"""Prompts like a given one: other names, numbers, types and phrasings; and prompts that only look alike. Pure.

The same seed gives the same prompts. Which of them lie in a rule's scope is for `variants` to find out.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shammah_tui.feedback.language import LANGUAGES

_VERBS = (
    *("load", "save", "open", "find", "read", "send", "move", "merge", "check", "update", "build", "count", "parse"),
    *("sort", "scan", "split", "start", "fetch", "store", "clean", "copy", "drop", "fill", "group", "hide", "index"),
)
_NOUNS = (
    *("user", "order", "file", "message", "item", "record", "ticket", "report", "account", "invoice", "image", "event"),
    *("folder", "letter", "number", "player", "price", "queue", "score", "signal", "table", "task", "token", "window"),
)
_WORD = re.compile(r"[A-Za-z]+")
# A name as code has them: in backticks, with an underscore, in camel case, or after "called".
_NAME = re.compile(
    r"(?<=`)[A-Za-z_]\w*(?=`|\()|\b[a-z]+(?:_[a-z0-9]+)+\b|\b[a-z]+(?:[A-Z][a-z0-9]+)+\b|"
    r"(?<=\bcalled )[A-Za-z_]\w*|(?<=\bnamed )[A-Za-z_]\w*|(?<=\bfunction )[a-z_]\w{2,}(?= that| which|\()"
)
_THING = re.compile(r"\b(?:the|each|every)\s+([a-z]{3,}?)(?=s?\b)(?!\w*[_(`])")
# What is said of code rather than of things.
_NO_THINGS = frozenset(
    (
        *("list", "string", "number", "function", "name", "value", "type", "item", "index", "result", "error", "text"),
        *("path", "file", "folder", "line", "word", "letter", "class", "method", "test", "first", "last", "other"),
        *("same", "sum", "length", "size", "code", "argument", "following", "environment", "variable", "bytes"),
    )
)
_NUMBER = re.compile(r"(?<![\w.])\d{1,6}(?![\w.])")
_TYPES = (("list", "tuple"), ("integer", "float"), ("array", "set"), ("int", "float"))
_OPENING = re.compile(
    r"^(?:please )?(?:(?:can|could|would) you (?:please )?)?(?:write|create|make|give me|show me|i need|i want|"
    r"implement|add|build)(?: me)?\s+(?:an?|the|some)\s+",
    re.IGNORECASE,
)
_OPENINGS = (
    "Write a {}.",
    "Please write a {}.",
    "I need a {}.",
    "Give me a {}.",
    "Can you write a {}?",
    "Could you give me a {}?",
    "Create a {}.",
    "Show me a {}.",
    "write a {}",
    "I want a {}, please.",
)
_TESTS = {
    "python": ("Write a pytest test for {}.", "Write a Python test that checks {}.", "I need a pytest test of {}."),
    "rust": ("Write a Rust test for {}.", "I need a Rust test that checks {}.", "Give me a Rust test of {}."),
}
_DOES = re.compile(r"\b(?:that|which) (.+?)[.?!]*(?:, please[.!]*)?$")
_ANY_TEST = ("Write a {language} test for {name}.", "I need a {language} unit test that checks {name}.")
_OTHER_LANGUAGES = ("JavaScript", "Rust", "Go", "Python", "TypeScript", "Java")


def alike(prompt: str, count: int, seed: str) -> tuple[str, ...]:
    """At most `count` different prompts that ask for the same kind of thing; fewer where there is nothing to change."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    for _ in range(count * 8):
        made = _renamed(prompt, draw)
        for change in (_about_other_things, _renumbered, _retyped, _rephrased):
            made = change(made, draw)
        if made.strip().lower() != prompt.strip().lower():
            found.setdefault(made)
        if len(found) == count:
            break
    return tuple(found)


def in_other_languages(prompt: str, language: str, count: int, seed: str) -> tuple[str, ...]:
    """The same wish for other languages; none where the prompt does not name its own."""
    words = LANGUAGES[language].words if language in LANGUAGES else ""
    named = re.compile(rf"(?<![\w.#+/-])(?:{words})(?![\w#+/-])", re.IGNORECASE) if words else None
    if named is None or not named.search(prompt):
        return ()
    others = [name for name in _OTHER_LANGUAGES if name.lower() != language]
    draw = random.Random(f"{seed} languages")
    made = [named.sub(others[at % len(others)], _renamed(prompt, draw)) for at in range(count)]
    return tuple(dict.fromkeys(made))


def tests_of(prompt: str, name: str, language: str, count: int, seed: str) -> tuple[str, ...]:
    """Requests for tests of functions such as `name`, which `prompt` asked for; half of them say what it does."""
    draw = random.Random(f"{seed} tests")
    shown = LANGUAGES[language].shown if language in LANGUAGES else ""
    forms = _TESTS.get(language, tuple(form.replace("{language}", shown).replace("{name}", "{}") for form in _ANY_TEST))
    does = _DOES.search(prompt)
    made: list[str] = []
    for number in range(count):
        tested = name if number == 0 else _fresh_name(name, draw)
        form = draw.choice(forms).format(draw.choice((tested, f"`{tested}`")))
        made.append(f"{form.rstrip('.')}, which {does[1]}." if does and number % 2 else form)
    return tuple(" ".join(each.split()) for each in dict.fromkeys(made))


def tasks(language: str, count: int, seed: str) -> tuple[str, ...]:
    """Requests for functions of all kinds in a language."""
    draw = random.Random(f"{seed} tasks")
    shown = LANGUAGES[language].shown if language in LANGUAGES else ""
    chosen = draw.sample(bundled()["tasks"], min(count, len(bundled()["tasks"])))
    style = "doIt" if language in ("javascript", "typescript", "java", "go") else "do_it"
    made = [f"{shown} function `{_fresh_name(style, draw)}` that {task}".strip() for task in chosen]
    return tuple(draw.choice(_OPENINGS).format(each) for each in made)


def general(count: int, seed: str) -> tuple[str, ...]:
    """Questions of all kinds that no rule about code speaks of."""
    every = bundled()["general"]
    return tuple(random.Random(f"{seed} general").sample(every, min(count, len(every))))


@cache
def bundled() -> dict[str, list[str]]:
    texts: dict[str, list[str]] = json.loads(Path(__file__).with_name("prompts.json").read_text("utf-8"))
    return texts


def names_in(prompt: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_NAME.findall(prompt)))


def _renamed(prompt: str, draw: random.Random) -> str:
    """Each name by a fresh one of the same style; a word of the sentence that was a part of it changes along."""
    for name in names_in(prompt):
        fresh = _fresh_name(name, draw)
        old, new = list(_parts(name)), list(_parts(fresh))
        prompt = re.sub(rf"(?<![\w]){re.escape(name)}(?!\w)", fresh, prompt)
        if len(old) > 1 and len(old[-1]) > 2:
            prompt = re.sub(rf"\b{re.escape(old[-1])}(?=s?\b)", new[-1], prompt)
    return prompt


def _fresh_name(name: str, draw: random.Random) -> str:
    verb, noun = draw.choice(_VERBS), draw.choice(_NOUNS)
    if "_" in name.strip("_"):
        return f"{verb}_{noun}"
    if re.search(r"[a-z][A-Z]", name):
        fresh = f"{verb}{noun.capitalize()}"
        return fresh[:1].upper() + fresh[1:] if name[:1].isupper() else fresh
    return noun.capitalize() if name[:1].isupper() else f"{verb}_{noun}"


def _parts(name: str) -> Iterator[str]:
    for part in name.split("_"):
        yield from (found.lower() for found in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", part))


def _about_other_things(prompt: str, draw: random.Random) -> str:
    """Things that the sentence is about, each by another one: "the box" and "boxes" become "the ticket", "tickets"."""
    things = [thing for thing in dict.fromkeys(_THING.findall(prompt)) if thing not in _NO_THINGS]
    for thing in things[:2]:
        if draw.random() < 0.7:
            prompt = re.sub(rf"(?<![\w`]){thing}(?=s?\b)(?![\w]*[_(])", draw.choice(_NOUNS), prompt)
    return prompt


def _renumbered(prompt: str, draw: random.Random) -> str:
    def other(match: re.Match[str]) -> str:
        digits = len(match[0])
        return str(draw.randint(2 if digits == 1 else 10 ** (digits - 1), 10**digits - 1))

    return _NUMBER.sub(other, prompt)


def _retyped(prompt: str, draw: random.Random) -> str:
    for one, other in _TYPES:
        if draw.random() < 0.3:
            prompt = re.sub(rf"\b{one}\b", other, prompt)
    return prompt


def _rephrased(prompt: str, draw: random.Random) -> str:
    opening = _OPENING.match(prompt)
    if opening is None or draw.random() < 0.2:
        return prompt
    rest = prompt[opening.end() :].strip().rstrip(".?!").removesuffix(", please")
    return draw.choice(_OPENINGS).format(rest)
