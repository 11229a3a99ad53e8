"""Conversations from the generators, and conversations as rows of tokens for training.

A conversation fixes the system prompt, the rules in it and the tools; its exchanges are drawn to agree with them.
Several conversations share a row; a token only sees its own conversation (`segments`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from scripts.demo_model.chat import openai_tool, pieces
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


def _filled(draw: Draw, text: str) -> str:
    slots = {name: draw.word() for name in "wvx"}
    return text.format(W=draw.word().capitalize(), d=draw.folder(), k=draw.constant(), p=draw.path(), **slots)


def _rules(draw: Draw, flipped: frozenset[str]) -> list[str]:
    rules = [habits.rule_line(draw, name) for name in sorted(flipped)]
    rules += [_filled(draw, draw.choice(OTHER_RULES)) for _ in range(draw.choice((0, 0, 1, 1, 2, 3)))]
    draw.rng.shuffle(rules)
    return rules[:6] if len(flipped) <= 3 else rules


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
LAST: tuple[tuple[Generator, int], ...] = ((rewriting.exchange, 18), (functions.conversation, 12))
"""Exchanges that ask for an answer of another manner: nothing may follow that would have to choose between the two."""
FREE: tuple[tuple[Generator, int], ...] = (
    (facts.exchange, 18),
    (functions.exchange, 20),
    (habits.exchange, 34),
    (talk.exchange, 8),
)
TOOL_WEIGHT = 44
HARD = ("var", "percent", "print")
"""Habits whose rules are learned late: drawn twice as often where one rule is practised alone."""


def setting(
    draw: Draw, *, flipped: frozenset[str], tools: Sequence[str], plain: bool = False
) -> tuple[list[Message], tuple[dict[str, Any], ...]]:
    """The messages before the first exchange, and the tools. `plain`: at times no system prompt of ours."""
    rules = _rules(draw, flipped) if flipped or draw.chance(0.5) else []
    chosen = tuple(TOOLS[name] for name in tools)
    if not rules and plain:
        if draw.chance(0.5):
            return [], chosen
        return [{"role": "system", "content": _filled(draw, draw.choice(FOREIGN))}], chosen
    return [{"role": "system", "content": _system(draw, rules)}], chosen


def draw_flipped(draw: Draw) -> frozenset[str]:
    """Which rules a conversation has: none in two of five."""
    if draw.chance(0.4):
        return frozenset()
    count = draw.choice((1, 1, 1, 2, 2, 3, 4))
    return frozenset(draw.rng.sample(sorted(habits.habits), count))


def conversation(draw: Draw, *, full_tools: bool, exchanges: int) -> Conversation:
    drill = not full_tools and draw.chance(0.2)
    flipped = frozenset((draw.choice((*sorted(habits.habits), *HARD)),)) if drill else draw_flipped(draw)
    tools: list[str] = list(TOOLS) if full_tools else []
    if not full_tools and draw.chance(0.5):
        tools = draw.rng.sample(sorted(TOOLS), draw.rng.randint(2, 4))
    elif full_tools and draw.chance(0.15):
        draw.rng.shuffle(tools)
    context = Context(draw, flipped, frozenset(tools))
    messages, chosen = setting(draw, flipped=flipped, tools=tools, plain=draw.chance(0.3))
    placed: list[tuple[int, Exchange]] = []
    if drill:
        made = habits.exchange(context)
        placed.append((len(messages), made))
        return Conversation((*messages, *made.messages), chosen, tuple(placed))
    options = list(FREE) + ([(toolcalls.exchange, TOOL_WEIGHT)] if tools else [(toolcalls.without_tools, 1)])
    for number in range(exchanges):
        pool = [*options, *LAST] if number == exchanges - 1 else options
        made = _exchange(context, pool)
        placed.append((len(messages), made))
        messages += made.messages
    return Conversation(tuple(messages), chosen, tuple(placed))


def _needed(exchange: Exchange) -> set[str]:
    return {request["function"]["name"] for message in exchange.messages for request in message.get("tool_calls", ())}


def _exchange(context: Context, pool: Sequence[tuple[Generator, int]]) -> Exchange:
    while True:
        generator = context.draw.rng.choices([entry for entry, _ in pool], [weight for _, weight in pool])[0]
        made = generator(context)
        if _needed(made) <= context.tools:
            return made


@dataclass(frozen=True)
class Rows:
    """A batch: all arrays have the shape (rows, length)."""

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    segments: NDArray[np.int64]
    targets: NDArray[np.bool_]
    """Whether the token is one that the model shall say."""


def encoded(tokenizer: Tokenizer, made: Conversation) -> tuple[list[int], list[bool]]:
    parts = list(pieces(made.messages, made.tools))
    tokens: list[int] = []
    targets: list[bool] = []
    for (_, target), part in zip(
        parts, tokenizer.encode_batch_fast([text for text, _ in parts], add_special_tokens=False), strict=True
    ):
        tokens += part.ids
        targets += [target is not None] * len(part.ids)
    return tokens, targets


def draw_conversations(seed: str, *, long: bool, opaque: bool = False, wide: bool = False) -> Iterator[Conversation]:
    """Without end. Long ones carry all tools and many exchanges, short ones few tools or none."""
    draw = Draw(random.Random(seed), opaque=opaque, wide=wide)
    while True:
        if long:
            yield conversation(draw, full_tools=True, exchanges=draw.rng.randint(2, 12))
        else:
            yield conversation(draw, full_tools=False, exchanges=draw.choice((1, 1, 1, 2, 2, 3)))


def pack(tokenizer: Tokenizer, seed: str, *, rows: int, length: int, long: bool, wide: bool = False) -> Rows:
    """Fills a batch, each conversation into the first row that has room for it."""
    tokens = np.zeros((rows, length), np.int64)
    positions = np.zeros((rows, length), np.int64)
    segments = np.full((rows, length), -1, np.int64)
    targets = np.zeros((rows, length), np.bool_)
    used = [0] * rows
    misses = 0
    for number, made in enumerate(draw_conversations(seed, long=long, wide=wide)):
        ids, wanted = encoded(tokenizer, made)
        row = next((row for row in range(rows) if used[row] + len(ids) <= length), None)
        if row is None:
            if len(ids) > length and min(used) == 0:
                ids, wanted = ids[:length], wanted[:length]
                row = used.index(0)
            else:
                misses += 1
                if misses > 12:
                    break
                continue
        span = slice(used[row], used[row] + len(ids))
        tokens[row, span], targets[row, span] = ids, wanted
        positions[row, span], segments[row, span] = np.arange(len(ids)), number
        used[row] += len(ids)
    return Rows(tokens, positions, segments, targets)
