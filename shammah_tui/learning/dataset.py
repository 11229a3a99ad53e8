"""Rows into what is trained and what is measured, by asking the deployed base: tokens, own answers, contrasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import Tokenizer

from shammah_tui.errors import ModelError
from shammah_tui.learning import replay, retention
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.child import Answer, Measurer, TokenRow, token_row
from shammah_tui.learning.example import Example
from shammah_tui.learning.gate import FOREIGN_SHARE, Case, Cases
from shammah_tui.learning.rows import REPLAY, Row, RowsError, with_held_out
from shammah_tui.learning.template import ChatTemplate, template_of_folder

ANSWER_TOKENS_MIN, ANSWER_TOKENS_MAX = 64, 512
# Of each replay kind so many rows are answered again in the gate.
CASES_MAX = 120
RETENTION_ROWS_MAX = 40


@dataclass(frozen=True, slots=True)
class Dataset:
    examples: list[Example]
    cases: Cases
    notes: tuple[str, ...]
    """What a person should know about the rows, in sentences."""


@dataclass(frozen=True, slots=True)
class Encoded:
    row: Row
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    base: Answer


@dataclass(frozen=True, slots=True)
class Encoder:
    """Rows to tokens, by the deployed model's own template and vocabulary."""

    measurer: Measurer
    template: ChatTemplate

    async def prompts(self, rows: Sequence[Row]) -> list[list[int]]:
        return await self.measurer.tokenize([self.template.render(row.messages, row.tools) for row in rows])

    async def encode(self, rows: Sequence[Row], max_tokens: int) -> list[Encoded]:
        prompts = await self.prompts(rows)
        chosen = await self.measurer.tokenize([row.chosen for row in rows])
        rejected = await self.measurer.tokenize([row.rejected for row in rows])
        said = await self.measurer.answers(prompts, max_tokens=max_tokens)
        return [Encoded(*parts) for parts in zip(rows, prompts, chosen, rejected, said, strict=True)]


async def prepare(measurer: Measurer, base: Path, rows: Sequence[Row], arguments: TrainArguments) -> Dataset:
    """Raises `RowsError` where no row fits the model's context, and `ModelError` where no chat template is known."""
    source = measurer.chat_template or template_of_folder(base)
    if not source:
        raise ModelError(f"{base.name} has no chat template.", "Training needs the template that inference uses.")
    encoder = Encoder(measurer, ChatTemplate(source, bos=measurer.bos))
    notes: list[str] = []
    fitting, max_tokens = await _fitting(encoder, rows, notes)
    own = await encoder.encode(with_held_out(fitting), max_tokens)
    added = await _added(encoder, own, arguments, max_tokens, notes)
    examples = _examples(own, arguments, measurer.end_tokens) + _examples(added, arguments, measurer.end_tokens)
    cases = Cases(
        rated=[_case(each, example) for each, example in _paired(own, examples) if not example.replay],
        replay=_limited([_case(each, example) for each, example in _paired(own, examples) if example.replay]),
        retention=await _retention(encoder, own, max_tokens),
        max_tokens=max_tokens,
        agreement=_agreement(base, encoder.template, own),
    )
    return Dataset(examples, cases, tuple(notes))


async def _fitting(encoder: Encoder, rows: Sequence[Row], notes: list[str]) -> tuple[list[Row], int]:
    """Rows that fit the context with their answer, and the most tokens that an answer may have."""
    prompts = await encoder.prompts(rows)
    chosen = await encoder.measurer.tokenize([row.chosen for row in rows])
    longest = max(len(tokens) for tokens in chosen)
    max_tokens = min(ANSWER_TOKENS_MAX, max(ANSWER_TOKENS_MIN, 2 * longest + 16))
    room = encoder.measurer.context
    sizes = [len(p) + max(len(c) + 1, max_tokens) for p, c in zip(prompts, chosen, strict=True)]
    fitting = [row for row, size in zip(rows, sizes, strict=True) if size < room]
    if len(fitting) < len(rows):
        notes.append(f"{len(rows) - len(fitting)} rows are longer than the model reads ({room:,} tokens) and left out.")
    if not any(row.kind == "in_scope" for row in fitting):
        raise RowsError("No rated row fits the model's context.")
    return fitting, max_tokens


async def _added(
    encoder: Encoder, own: Sequence[Encoded], arguments: TrainArguments, max_tokens: int, notes: list[str]
) -> list[Encoded]:
    """Replay rows that are not in the file. Those that may lie in a rule's scope are left out."""
    rows = replay.bundled_rows()
    doubtful: list[Row] = []
    if replay.wants_more([each.row for each in own]):
        doubtful = replay.halved_rows([each.row for each in own], arguments.seed)
        start = (await encoder.measurer.tokenize([encoder.template.before_user()]))[0]
        if start:
            said = await encoder.measurer.answers(
                [start] * replay.OWN_PROMPTS, max_tokens=replay.OWN_PROMPT_TOKENS, temperature=1.0, seed=arguments.seed
            )
            doubtful += replay.own_rows(answer.text for answer in said if answer.ended)
    habits = _habits(own)
    found = await encoder.encode([*rows, *doubtful], max_tokens)
    kept = found[: len(rows)] + [
        each for each in found[len(rows) :] if not any(habit.shows_in(each.base.tokens) for habit in habits)
    ]
    notes.append(
        f"{len(kept)} replay rows were added ({len(kept) - len(rows)} of them made from the rows and the base)."
    )
    return [each for each in kept if each.base.tokens]


def _habits(own: Sequence[Encoded]) -> list[replay.Habit]:
    rules = dict.fromkeys(each.row.rule for each in own if each.row.rated)
    return [
        replay.habit_of((each.chosen, _contrast(each)) for each in own if each.row.rated and each.row.rule == rule)
        for rule in rules
    ]


def _contrast(encoded: Encoded) -> list[int]:
    return encoded.rejected or encoded.base.tokens


def _examples(encoded: Sequence[Encoded], arguments: TrainArguments, end: list[int]) -> list[Example]:
    """One example a row, and a second one for a replayed row whose given answer is not the base's."""
    found: list[Example] = []
    for each in encoded:
        row, is_replay = each.row, each.row.kind in REPLAY
        said = each.base.tokens + (end if each.base.ended else [])
        example = Example(
            number=row.number,
            kind=row.kind,
            rule=row.rule,
            color=row.color,
            weight=arguments.weight_of(row.color),
            prompt=each.prompt,
            answer=said if is_replay else each.chosen + end,
            replay=is_replay,
            held_out=row.held_out,
        )
        found.append(example)
        if is_replay and each.chosen and each.chosen != each.base.tokens and not row.held_out:
            found.append(replace(example, answer=each.chosen + end))
    return [example for example in found if example.answer]


def _paired(own: Sequence[Encoded], examples: Sequence[Example]) -> list[tuple[Encoded, Example]]:
    """Each row of the file with the first example made of it."""
    first: dict[int, Example] = {}
    for example in examples:
        first.setdefault(example.number, example)
    return [(each, first[each.row.number]) for each in own if each.row.number in first]


def _case(encoded: Encoded, example: Example) -> Case:
    shown = str(encoded.row.messages[-1].get("content") or "")
    return Case(example, shown, encoded.base, encoded.chosen, _contrast(encoded), encoded.row.chosen)


def _limited(cases: Sequence[Case]) -> list[Case]:
    """At most `CASES_MAX` of each kind, held-out ones first."""
    ordered = sorted(cases, key=lambda case: not case.example.held_out)
    return [case for kind in REPLAY for case in [c for c in ordered if c.example.kind == kind][:CASES_MAX]]


async def _retention(encoder: Encoder, own: Sequence[Encoded], max_tokens: int) -> list[TokenRow]:
    """What must not be unlearned: bundled texts in the base's language, and the base's own answers to the bundled
    questions and out of scope."""
    pairs = retention.measured()
    rows = [replay.question_row(question) for question, _ in pairs]
    answers = await encoder.measurer.tokenize([answer for _, answer in pairs])
    asked = await encoder.encode(rows, max_tokens)
    bundled = [token_row(each.prompt, answer) for each, answer in zip(asked, answers, strict=True)]
    scores = await encoder.measurer.scores(bundled)
    foreign = FOREIGN_SHARE * math.log(encoder.measurer.vocabulary)
    known = [row for row, score in zip(bundled, scores, strict=True) if -score.logprob / score.tokens < foreign]
    others = [each for each in own if each.row.kind == "out_of_scope"][:RETENTION_ROWS_MAX]
    return known + [token_row(each.prompt, each.base.tokens) for each in (*asked, *others) if each.base.tokens]


def _agreement(base: Path, template: ChatTemplate, own: Sequence[Encoded]) -> list[bool]:
    """For each row whether the folder's own template and tokenizer give the tokens that the deployed model reads.
    Empty where the folder has none of its own."""
    file = base / "tokenizer.json"
    if not file.is_file():
        return []
    tokenizer = Tokenizer.from_file(str(file))
    source = template_of_folder(base)
    renders = ChatTemplate(source, bos=template.bos) if source else template
    texts = [renders.render(each.row.messages, each.row.tools) for each in own]
    found = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [encoding.ids == each.prompt for encoding, each in zip(found, own, strict=True)]
