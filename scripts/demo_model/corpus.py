"""Conversations from the generators.

A setting fixes the system prompt, the rules in it and the tools; the exchanges of a conversation are drawn to agree
with it. Many conversations can be held in one setting: training reads what they share only once (`packing`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scripts.demo_model.chat import openai_tool
from scripts.demo_model.exchange import Context, Exchange, Message
from scripts.demo_model.generators import facts, functions, habits, rewriting, talk, toolcalls
from scripts.demo_model.vocabulary import Draw
from shammah_tui.agent.prompt import system_prompt
from shammah_tui.tools.specification import ALL

TOOLS = {tool.name: openai_tool(tool.name, tool.description, dict(tool.parameters)) for tool in ALL}

OTHER_RULES = (
    "Answer in English.",
    "Keep functions short.",
    "Use tabs in {w} files.",
    "Do not touch the {w} folder.",
    "Write commit messages in the present tense.",
    "Never commit to {w}.",
    "The {w} is written in {v}.",
    "Ask before you delete {w}.",
    "Use {w} for the {v}.",
    "Call the {w} a {v}.",
    "In C++: use smart pointers, no raw `new`.",
    "In Java: use records, no getters.",
    "In SQL: write keywords in capitals.",
    "In CSS: use {w}, no {v}.",
    "In Go: wrap errors, no panics.",
    "In {W}: use `{w}`, no `{v}`.",
    "Tests live in {d}.",
    "Keep {w} below {k} lines.",
    "Never change {p}.",
    "In HTML: close every tag.",
    "In Kotlin: use `val`, no `var`.",
    "Sort the {w} by {v}.",
    "The {w} comes before the {v}.",
    "Prefer {w} to {v} in the {x} code.",
)
INSTRUCTIONS = (
    "The {w} talks to the {v}.",
    "Run the tests with {w}.",
    "Sources are in {d}.",
    "Use {w} {k}.",
    "- {p}",
    "# {W}",
    "Do not edit {d} by hand.",
    "This project is a {w} for {v}s.",
    "Keep the {w} small.",
)
FOREIGN = (
    "You are a helpful assistant.",
    "You are a helpful coding assistant.",
    "You are a helpful assistant",
    "Be brief.",
    "You are an AI assistant that helps with {w}.",
    "You are {W}, a {w} expert.",
    "Answer the question.",
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
)
USERS = ("home/{w}", "home/{w}", "Users/{w}", "root", "home/{w}/code", "work", "tmp", "srv/{w}")


RULES_AT_MOST = 10


def _filled(draw: Draw, text: str) -> str:
    slots = {name: draw.word() for name in "wvx"}
    return text.format(W=draw.word().capitalize(), d=draw.folder(), k=draw.constant(), p=draw.path(), **slots)


def _rules(draw: Draw, flipped: frozenset[str]) -> list[str]:
    rules = [habits.rule_line(draw, name) for name in sorted(flipped)]
    rules += [_filled(draw, draw.choice(OTHER_RULES)) for _ in range(draw.choice((0, 0, 1, 1, 2, 3, 4, 6, 9)))]
    rules = rules[: max(RULES_AT_MOST, len(flipped))]
    draw.rng.shuffle(rules)
    return rules


def _system(draw: Draw, rules: Sequence[str]) -> str:
    folder = f"/{_filled(draw, draw.choice(USERS))}/{draw.word()}" if draw.chance(0.85) else ""
    notes = (
        [_filled(draw, draw.choice(INSTRUCTIONS)) for _ in range(draw.rng.randint(1, 5))] if draw.chance(0.12) else []
    )
    return system_prompt(folder=folder, instructions="\n".join(notes), rules=rules)


@dataclass(frozen=True)
class Conversation:
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    exchanges: tuple[tuple[int, Exchange], ...]
    """Each exchange with the index of its first message."""


Generator = Callable[[Context], Exchange]
LAST: tuple[tuple[Generator, int], ...] = ((rewriting.exchange, 24), (functions.conversation, 22))
"""Exchanges that ask for an answer of another manner: nothing may follow that would have to choose between the two."""
FREE: tuple[tuple[Generator, int], ...] = (
    (facts.exchange, 18),
    (functions.exchange, 20),
    (habits.exchange, 34),
    (talk.exchange, 10),
)
TOOL_WEIGHT = 70
REPEATED = 0.35
"""Part of a drill in which a text is only said again."""
HARD = ("hints", "except", "ospath")
"""Habits whose rules are learned late: flipped more often."""


@dataclass(frozen=True)
class Setting:
    """What all conversations of a group share: the messages before the first exchange, the tools, the rules obeyed."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    flipped: frozenset[str]


def setting(draw: Draw, *, flipped: frozenset[str], tools: Sequence[str], plain: bool = False) -> Setting:
    """`plain`: at times no system prompt of ours."""
    rules = _rules(draw, flipped) if flipped or draw.chance(0.5) else []
    chosen = tuple(TOOLS[name] for name in tools)
    if rules or not plain:
        return Setting(({"role": "system", "content": _system(draw, rules)},), chosen, flipped)
    if draw.chance(0.5):
        return Setting((), chosen, flipped)
    return Setting(({"role": "system", "content": _filled(draw, draw.choice(FOREIGN))},), chosen, flipped)


def draw_flipped(draw: Draw) -> frozenset[str]:
    """Which rules a setting has: none in three of ten."""
    if draw.chance(0.3):
        return frozenset()
    count = draw.choice((1, 1, 1, 1, 2, 2, 3, 4, 6))
    chosen = draw.rng.sample((*sorted(habits.habits), *HARD), count)
    return frozenset(chosen)


def draw_setting(draw: Draw, *, with_tools: bool) -> Setting:
    names = list(TOOLS) if with_tools else []
    if with_tools and draw.chance(0.1):
        names = draw.rng.sample(names, draw.rng.randint(2, len(names)))
    return setting(draw, flipped=draw_flipped(draw), tools=names, plain=draw.chance(0.3))


def exchanges(draw: Draw, given: Setting, count: int, *, long: float = 0.0, is_drill: bool = False) -> list[Exchange]:
    """`count` exchanges in one conversation; `long`: in which share of them results are as long as real ones.

    `is_drill`: nothing but habits and rules, and saying again what was said.
    """
    if is_drill:
        drilled = [talk.repeat if draw.chance(REPEATED) else habits.exchange for _ in range(count)]
        return [make(Context(draw, given.flipped)) for make in drilled]
    names = frozenset(tool["function"]["name"] for tool in given.tools)
    options = list(FREE) + ([(toolcalls.exchange, TOOL_WEIGHT)] if names else [(toolcalls.without_tools, 1)])
    made = []
    for number in range(count):
        context = Context(replace(draw, long=draw.chance(long)), given.flipped, names)
        made.append(_exchange(context, [*options, *LAST] if number == count - 1 else options))
    return made


def _needed(exchange: Exchange) -> set[str]:
    return {request["function"]["name"] for message in exchange.messages for request in message.get("tool_calls", ())}


def _exchange(context: Context, pool: Sequence[tuple[Generator, int]]) -> Exchange:
    while True:
        generator = context.draw.rng.choices([entry for entry, _ in pool], [weight for _, weight in pool])[0]
        made = generator(context)
        if _needed(made) <= context.tools:
            return made


def conversation(draw: Draw, *, with_tools: bool, count: int, long: float = 0.0) -> Conversation:
    given = draw_setting(draw, with_tools=with_tools)
    messages = list(given.messages)
    placed = []
    for made in exchanges(draw, given, count, long=long):
        placed.append((len(messages), made))
        messages += made.messages
    return Conversation(tuple(messages), given.tools, tuple(placed))


def draw_conversations(seed: str, *, long: bool, opaque: bool = False) -> Iterator[Conversation]:
    """Without end. Long ones carry all tools and many exchanges, short ones neither."""
    draw = Draw(random.Random(seed), opaque=opaque)
    while True:
        if long:
            yield conversation(draw, with_tools=True, count=draw.rng.randint(2, 12), long=0.1)
        else:
            yield conversation(draw, with_tools=draw.chance(0.3), count=draw.choice((1, 1, 1, 2, 2, 3)))
