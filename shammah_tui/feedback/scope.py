"""Which rules a question is in the scope of. Pure, and quick enough for every question; loads nothing heavy."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shammah_tui.conversation import Message
from shammah_tui.feedback.language import is_about_tests, named_in, of_tag, paths_in
from shammah_tui.store.rule import Rule, Scope

RULES_MAX = 10


@dataclass(frozen=True, slots=True)
class Request:
    """A question, and what is known around it."""

    text: str
    folder: str = ""
    paths: tuple[str, ...] = ()
    """Files that it names or brings."""
    languages: tuple[str, ...] = ()
    """What the conversation is about so far: counts where the question itself names no language."""


def request(text: str, history: Sequence[Message] = (), *, folder: str = "", paths: Iterable[str] = ()) -> Request:
    """The question `text` after `history`, whose last code tells the language where the question does not."""
    languages: tuple[str, ...] = ()
    for message in reversed(history):
        tags = [of_tag(line[3:]) for line in message.content.split("\n") if line.startswith("```")]
        languages = tuple(dict.fromkeys(tag for tag in tags if tag)) or named_in(message.content)
        if languages and message.role in ("user", "assistant"):
            break
    return Request(text, folder, tuple(dict.fromkeys((*paths, *paths_in(text)))), languages)


def in_scope(rules: Iterable[Rule], asked: Request) -> tuple[Rule, ...]:
    """Those that belong into the system prompt, in the order given (most important first), at most `RULES_MAX`."""
    return for_prompt(concerning(rules, asked))


def concerning(rules: Iterable[Rule], asked: Request) -> tuple[Rule, ...]:
    """Those in force that may concern the question, learned ones too."""
    return tuple(rule for rule in rules if rule.state != "off" and applies(rule.scope, asked))


def for_prompt(rules: Iterable[Rule], unlearned: Callable[[Rule], bool] = lambda rule: False) -> tuple[Rule, ...]:
    """Of rules that concern a question those for the system prompt. `unlearned` tells of a learned rule whether whoever
    answers has not learned it."""
    return tuple(rule for rule in rules if rule.state == "prompt" or unlearned(rule))[:RULES_MAX]


def applies(scope: Scope, asked: Request) -> bool:
    """Whether a rule with this scope may concern the question. What the question leaves open speaks for the rule."""
    languages = named_in(asked.text, asked.paths) or asked.languages
    if scope.languages and languages and not set(scope.languages) & set(languages):
        return False
    tests = is_about_tests(asked.text, asked.paths)
    if (scope.outside_tests and tests) or (scope.only_tests and not tests):
        return False
    return not scope.paths or not asked.paths or any(fits_path(path, scope.paths, asked.folder) for path in asked.paths)


def fits_path(path: str, globs: Sequence[str], folder: str) -> bool:
    """Whether one of the globs fits a file, seen from `folder` where it lies in it."""
    inside = path.removeprefix(f"{folder.rstrip('/')}/") if folder else path
    return any(fnmatch.fnmatchcase(inside, glob) or fnmatch.fnmatchcase(inside, f"*/{glob}") for glob in globs)
