"""Rows that are not in the file: bundled questions, variants of the file's prompts, prompts that the base makes up.

Few rows are rated, and the rest of the model shall stay as it is: so what is learned is shown in more prompts than
those that were rated, and what is kept is looked at in more places than the file has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shammah_tui.learning import replay
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.child import token_row
from shammah_tui.learning.encoder import Encoded, Encoder
from shammah_tui.learning.rows import REPLAY, Row
from shammah_tui.learning.variant import at_the_border, edited, variants

# Of the variants every fourth is only measured, never learned.
MEASURED_EVERY = 4
VARIANTS_A_ROW = 6
# Of the budget for variants so much goes to prompts just outside of a rule.
BORDER_SHARE = 2
# A made-up prompt may be measured where the base's NLL of its own answer is within this share of the file's replayed
# rows; with fewer of them than so many, below this many nats a token.
PLAIN_SHARE, SURE_ROWS, PLAIN_NATS = 0.8, 10, 0.02


async def enriched(
    encoder: Encoder, own: Sequence[Encoded], arguments: TrainArguments, max_tokens: int
) -> tuple[list[Encoded], str]:
    """The rows that are added, and a sentence that counts them. Those whose scope is doubtful are left out."""
    rows = [each.row for each in own if not each.row.held_out]
    budget, seed = arguments.chosen_variants(encoder.measurer.parameters), arguments.seed
    kept = [row for row in rows if row.kind in REPLAY]
    bundled = await encoder.encode(replay.bundled_rows(), max_tokens)
    varied = await encoder.encode([variant.row for variant in variants(kept, budget, seed)], max_tokens)
    moved = at_the_border(rows, budget // BORDER_SHARE, seed)
    doubtful = await encoder.encode([*moved, *await _doubtful(encoder, rows, seed, budget)], max_tokens)
    habits = habits_of(own)
    safe = [each for each in doubtful if not any(habit.shows_in(each.base.tokens) for habit in habits)]
    limit = await _usual_doubt(encoder, own)
    varied, safe = [await _split_plain(encoder, part, limit) for part in (varied, safe)]
    rated = await _rated_variants(encoder, own, seed, budget, max_tokens)
    added = [each for each in (*bundled, *varied, *safe) if each.base.tokens]
    said = (
        f"{len(added)} replay rows were added ({len(bundled)} bundled, {len(varied)} variants of the file's, "
        f"{len(safe)} at the border of a rule or made by the base), and {len(rated)} variants of rated rows."
    )
    return added + rated, said


async def _usual_doubt(encoder: Encoder, own: Sequence[Encoded]) -> float:
    """How unsure the base is of its answers to the file's replayed rows, nats a token."""
    known = sorted(await _doubts(encoder, [each for each in own if each.row.kind in REPLAY and each.base.tokens]))
    return known[int(PLAIN_SHARE * len(known))] if len(known) >= SURE_ROWS else PLAIN_NATS


async def _split_plain(encoder: Encoder, made_up: Sequence[Encoded], limit: float) -> list[Encoded]:
    """All that the base answers, with some marked as measured: those on which it does not waver. On odd prompts any
    change tips it over, which says nothing of an adapter; to learn from they are as good as others."""
    said = [each for each in made_up if each.base.tokens]
    found: list[Encoded] = []
    plain = 0
    for each, doubt in zip(said, await _doubts(encoder, said), strict=True):
        held_out = doubt <= limit and plain % MEASURED_EVERY == 0
        plain += doubt <= limit
        found.append(replace(each, row=replace(each.row, held_out=held_out)))
    return found


async def _doubts(encoder: Encoder, rows: Sequence[Encoded]) -> list[float]:
    """The base's NLL of its own answers, nats a token."""
    said = await encoder.measurer.scores([token_row(each.prompt, each.base.tokens) for each in rows])
    return [-score.logprob / score.tokens for score in said]


def habits_of(own: Sequence[Encoded]) -> list[replay.Habit]:
    """One for each rule: what marks the answers that it turns round."""
    rules = dict.fromkeys(each.row.rule for each in own if each.row.rated)
    return [
        replay.habit_of((each.chosen, each.contrast) for each in own if each.row.rated and each.row.rule == rule)
        for rule in rules
    ]


def _split(rows: Iterable[Row]) -> list[Row]:
    return [replace(row, held_out=number % MEASURED_EVERY == 0) for number, row in enumerate(rows)]


async def _doubtful(encoder: Encoder, rows: Sequence[Row], seed: int, budget: int) -> list[Row]:
    """Halves of rated prompts, and prompts that the base makes up; only where the file has little of its own."""
    if not replay.wants_more(rows):
        return []
    found = replay.halved_rows(rows, seed)[:budget]
    start = (await encoder.measurer.tokenize([encoder.template.before_user()]))[0]
    if start:
        said = await encoder.measurer.answers(
            [start] * replay.OWN_PROMPTS, max_tokens=replay.OWN_PROMPT_TOKENS, temperature=1.0, seed=seed
        )
        found += replay.own_rows(answer.text for answer in said if answer.ended)
    return found


async def _rated_variants(
    encoder: Encoder, own: Sequence[Encoded], seed: int, budget: int, max_tokens: int
) -> list[Encoded]:
    """Variants of rated rows, with the base's answers to them edited as those to the rows were."""
    rated = {each.row.number: each for each in own if each.row.kind == "in_scope" and not each.row.held_out}
    made = variants([each.row for each in rated.values()], min(budget, VARIANTS_A_ROW * len(rated)), seed)
    asked = await encoder.encode([variant.row for variant in made], max_tokens)
    found: list[Encoded] = []
    for each, variant in zip(asked, made, strict=True):
        source = rated[variant.source.number]
        wanted = edited(each.base.text, source.base.text, source.row.chosen, variant.change) if each.base.ended else ""
        if wanted and wanted != each.base.text:
            found.append(replace(each, row=replace(variant.row, chosen=wanted, rejected=""), rejected=[]))
    tokens = await encoder.measurer.tokenize([each.row.chosen for each in found])
    marked = _split(each.row for each in found)
    return [replace(each, row=row, chosen=ids) for each, row, ids in zip(found, marked, tokens, strict=True)]
