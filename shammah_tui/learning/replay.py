"""More rows for the KL replay, so that it never is empty: bundled questions, halves of the rated prompts, and prompts
that the base itself makes up (Magpie, arXiv 2406.08464: let it go on after the template's start of a user's turn).

Whether such a prompt lies in a rule's scope is not known. So it is taken only where the base's answer has nothing of
the habit that the rule turns round: no n-gram that criticised answers have in common and chosen ones never have.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shammah_tui.learning import retention
from shammah_tui.learning.rows import REPLAY, Row

GRAM = tuple[int, ...]
# With this many replay rows of its own a file needs none that were made up.
ENOUGH_ROWS = 48
OWN_PROMPTS = 24
OWN_PROMPT_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Habit:
    """What marks the criticised answers of a rule."""

    grams: frozenset[GRAM]

    def shows_in(self, answer: Sequence[int]) -> bool:
        return not self.grams.isdisjoint(grams(answer))


def habit_of(pairs: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Habit:
    """From (chosen, criticised) answers of one rule: n-grams in at least half of the criticised, in no chosen."""
    held = list(pairs)
    counts = Counter(gram for _, rejected in held for gram in grams(rejected))
    wanted = {gram for chosen, _ in held for gram in grams(chosen)}
    return Habit(frozenset(gram for gram, count in counts.items() if 2 * count >= len(held) and gram not in wanted))


def grams(tokens: Sequence[int]) -> set[GRAM]:
    """The answer's single tokens, pairs and triples."""
    return {tuple(tokens[at : at + size]) for size in (1, 2, 3) for at in range(len(tokens) - size + 1)}


def bundled_rows() -> list[Row]:
    return [question_row(question) for question, _ in retention.replayed()]


def wants_more(rows: Sequence[Row]) -> bool:
    return sum(row.kind in REPLAY for row in rows) < ENOUGH_ROWS


def halved_rows(rows: Sequence[Row], seed: int) -> list[Row]:
    """For each rated row two prompts with half of its words, in their order, under the same system prompt."""
    shuffle = random.Random(seed)
    found: list[Row] = []
    for row in rows:
        words = str(row.messages[-1].get("content") or "").split()
        if row.kind != "in_scope" or len(words) < 4:
            continue
        for _ in range(2):
            kept = sorted(shuffle.sample(range(len(words)), len(words) // 2))
            last = {**row.messages[-1], "content": " ".join(words[at] for at in kept)}
            found.append(_row([*row.messages[:-1], last]))
    return found


def own_rows(texts: Iterable[str]) -> list[Row]:
    """Rows of prompts that the base made up, without empty and repeated ones."""
    prompts = dict.fromkeys(text.strip() for text in texts)
    return [question_row(prompt) for prompt in prompts if prompt]


def question_row(question: str) -> Row:
    return _row([{"role": "user", "content": question}])


def _row(messages: Sequence[dict[str, object]]) -> Row:
    return Row(0, tuple(messages), "", "", "green", "out_of_scope", "")
