"""Conversations as batches of tokens.

A group is one setting (system prompt, rules, tools: the head) and the conversations that are held in it. The head is
read once a group and not once a conversation: with all tools it is longer than most conversations. What follows it
lies in blocks of one length, several conversations in each; a token sees the head and its own conversation.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from scripts.demo_model.chat import head, turns
from scripts.demo_model.corpus import Setting, draw_setting, exchanges
from scripts.demo_model.exchange import Exchange
from scripts.demo_model.vocabulary import Draw

GIVEN_WEIGHT = 0.1
"""What a token that is given counts in the loss on the average, where one that the model shall say counts 1.

In prompts and results the same names come again and again: to foresee them is to learn to copy.
"""
GIVEN_EVERY = 4
"""One in so many of them counts, by so much more: the same on the average, for a tenth less work."""
_MISSES = 4
"""How many conversations may find no room before a group is closed."""


@dataclass(frozen=True)
class Kind:
    """What a batch consists of; `length` is a block's in tokens."""

    groups: int
    blocks: int
    length: int
    with_tools: bool
    counts: tuple[int, ...]
    """How many exchanges a conversation has: one of these."""
    is_drill: bool = False
    """Whether nothing but habits, rules and saying again is practised."""
    long: float = 0.0
    """In which share of the exchanges the results of tools are as long as real ones."""
    given_weight: float = GIVEN_WEIGHT


KINDS = {
    "plain": Kind(groups=14, blocks=2, length=256, with_tools=False, counts=(1, 1, 1, 1, 2)),
    "drill": Kind(groups=16, blocks=2, length=192, with_tools=False, counts=(1,), is_drill=True),
    "tools": Kind(groups=4, blocks=7, length=256, with_tools=True, counts=(1, 1, 1, 1, 2)),
    "long": Kind(groups=1, blocks=2, length=3072, with_tools=True, counts=(1, 2, 4, 8, 12), long=0.4, given_weight=0.0),
}


@dataclass(frozen=True)
class Batch:
    """`heads`: (groups, longest head), padded at the end; the other arrays: (groups, blocks, length)."""

    heads: NDArray[np.int64]
    head_lengths: NDArray[np.int64]
    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    segments: NDArray[np.int64]
    """The number of the conversation in its group, -1 where nothing stands."""
    targets: NDArray[np.bool_]
    """Whether the token is one that the model shall say."""
    given_weight: float

    @property
    def size(self) -> int:
        """How many tokens the network computes."""
        return self.heads.size + self.tokens.size

    @property
    def weights(self) -> NDArray[np.float32]:
        """What each token of the blocks counts in the loss; nothing, where a conversation begins or none stands."""
        found = np.zeros(self.segments.shape, np.float32)
        follows = (self.segments[..., 1:] == self.segments[..., :-1]) & (self.segments[..., 1:] >= 0)
        # Heads are of many lengths, so it is other tokens in every group.
        chosen = follows & (self.positions[..., 1:] % GIVEN_EVERY == 0)
        found[..., 1:][chosen] = self.given_weight * GIVEN_EVERY
        found[self.targets] = 1
        return found

    def parts(self, count: int) -> list[Batch]:
        """The same in at most `count` batches: of groups with heads of about the same length, which spares padding; of
        blocks where there is one group, whose head is then read in each."""
        groups, blocks = self.tokens.shape[:2]
        by_group = groups > 1
        found = []
        for places in np.array_split(np.argsort(self.head_lengths) if by_group else np.arange(blocks), count):
            if len(places):
                chosen = places if by_group else np.arange(1)
                lengths = self.head_lengths[chosen]
                where = (places,) if by_group else (slice(None), places)
                found.append(
                    Batch(
                        self.heads[chosen, : lengths.max()],
                        lengths,
                        self.tokens[where],
                        self.positions[where],
                        self.segments[where],
                        self.targets[where],
                        self.given_weight,
                    )
                )
        return found


def encoded(tokenizer: Tokenizer, made: Sequence[Exchange]) -> tuple[list[int], list[bool], list[int]]:
    """Tokens of what follows the head, which of them are targets, and how many there are after each exchange."""
    parts = list(turns([message for exchange in made for message in exchange.messages]))
    lasts = set(accumulate(len(exchange.messages) for exchange in made))
    tokens: list[int] = []
    targets: list[bool] = []
    ends: list[int] = []
    found = tokenizer.encode_batch_fast([text for text, _ in parts], add_special_tokens=False)
    for (_, answer), part in zip(parts, found, strict=True):
        tokens += part.ids
        targets += [answer is not None] * len(part.ids)
        if answer is not None and answer + 1 in lasts:
            ends.append(len(tokens))
    return tokens, targets, ends


def pack(tokenizer: Tokenizer, seed: str, kind: Kind) -> Batch:
    """One batch, drawn from the seed alone."""
    draw = Draw(random.Random(seed))
    settings = [draw_setting(draw, with_tools=kind.with_tools) for _ in range(kind.groups)]
    heads = [tokenizer.encode(head(given.messages, given.tools), add_special_tokens=False).ids for given in settings]
    lengths = np.array([len(tokens) for tokens in heads])
    padded = np.zeros((kind.groups, lengths.max()), np.int64)
    for row, tokens in zip(padded, heads, strict=True):
        row[: len(tokens)] = tokens
    shape = (kind.groups, kind.blocks, kind.length)
    batch = Batch(
        padded,
        lengths,
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.full(shape, -1),
        np.zeros(shape, bool),
        kind.given_weight,
    )
    for group, given in enumerate(settings):
        _fill(tokenizer, draw, given, kind, batch, group)
    return batch


def _fill(tokenizer: Tokenizer, draw: Draw, given: Setting, kind: Kind, batch: Batch, group: int) -> None:
    """Each conversation into the first block that has room for it."""
    used = [0] * kind.blocks
    misses = number = 0
    while misses < _MISSES:
        tokens, targets = _fitting(tokenizer, _made(draw, given, kind), kind)
        block = next((at for at, length in enumerate(used) if length + len(tokens) <= kind.length), None)
        if block is None or not tokens:
            misses += 1
            continue
        span = slice(used[block], used[block] + len(tokens))
        batch.tokens[group, block, span], batch.targets[group, block, span] = tokens, targets
        batch.positions[group, block, span] = np.arange(len(tokens)) + batch.head_lengths[group]
        batch.segments[group, block, span] = number
        used[block] += len(tokens)
        number += 1


def _made(draw: Draw, given: Setting, kind: Kind) -> list[Exchange]:
    return exchanges(draw, given, draw.choice(kind.counts), long=kind.long, is_drill=kind.is_drill)


def _fitting(tokenizer: Tokenizer, made: list[Exchange], kind: Kind) -> tuple[list[int], list[bool]]:
    """As many of the exchanges as fit into a block; none where not even the first does."""
    tokens, targets, ends = encoded(tokenizer, made)
    fitting = max((end for end in ends if end <= kind.length), default=0)
    return tokens[:fitting], targets[:fitting]
