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
from shammah_tui.learning.child import Measurer, TokenRow, token_row
from shammah_tui.learning.encoder import Encoded, Encoder
from shammah_tui.learning.enrich import enriched
from shammah_tui.learning.example import Example
from shammah_tui.learning.gate import FOREIGN_SHARE, Case, Cases
from shammah_tui.learning.rows import REPLAY, Row, RowsError, with_held_out
from shammah_tui.learning.template import ChatTemplate, template_of_folder

ANSWER_TOKENS_MIN, ANSWER_TOKENS_MAX = 64, 512
# Of each replay kind so many rows are answered again in the gate.
CASES_MAX = 120
RETENTION_ROWS_MAX = 40
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Dataset:
    examples: list[Example]
    cases: Cases
    notes: tuple[str, ...]
    """What a person should know about the rows, in sentences."""


async def prepare(measurer: Measurer, base: Path, rows: Sequence[Row], arguments: TrainArguments) -> Dataset:
    """Raises `RowsError` where no row fits the model's context, and `ModelError` where no chat template is known."""
    source = measurer.chat_template or template_of_folder(base) or await _chatml(measurer)
    if not source:
        raise ModelError(f"{base.name} has no chat template.", "Training needs the template that inference uses.")
    encoder = Encoder(measurer, ChatTemplate(source, bos=measurer.bos))
    notes: list[str] = []
    fitting, max_tokens = await _fitting(encoder, rows, notes)
    own = await encoder.encode(with_held_out(fitting), max_tokens)
    added, said = await enriched(encoder, own, arguments, max_tokens)
    notes.append(said)
    pairs, more = (_examples(rows, arguments, measurer.end_tokens) for rows in (own, added))
    made_up = [_case(each, example) for each, example in more if example.replay and example.held_out]
    cases = Cases(
        rated=[_case(each, example) for each, example in pairs if not example.replay],
        replay=_limited([_case(each, example) for each, example in pairs if example.replay]),
        made_up=made_up,
        variants=[_case(each, example) for each, example in more if not example.replay and example.held_out],
        retention=await _retention(encoder, own, made_up, max_tokens),
        max_tokens=max_tokens,
        agreement=_agreement(base, encoder.template, own),
        sense=[_makes_sense(each) for each in own if each.row.rated and each.row.color != "green"],
    )
    examples = [example for _, example in (*pairs, *more)] + _given(pairs, measurer.end_tokens)
    return Dataset(examples, cases, tuple(notes))


async def _chatml(measurer: Measurer) -> str:
    """Qwen's plain form, for a model without a template that has its marks; else empty."""
    marks = await measurer.tokenize(["<|im_start|>", "<|im_end|>"])
    return CHATML if all(len(tokens) == 1 for tokens in marks) else ""


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


def _examples(encoded: Sequence[Encoded], arguments: TrainArguments, end: list[int]) -> list[tuple[Encoded, Example]]:
    """Each row with what is learned or measured of it. Rows to which the base says nothing are left out."""
    found: list[tuple[Encoded, Example]] = []
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
        if example.answer:
            found.append((each, example))
    return found


def _given(pairs: Sequence[tuple[Encoded, Example]], end: list[int]) -> list[Example]:
    """Answers that the file gives to replayed rows, where they are not the base's: KL holds the model there too."""
    return [
        replace(example, answer=each.chosen + end)
        for each, example in pairs
        if example.replay and each.chosen and each.chosen != each.base.tokens and not example.held_out
    ]


def _case(encoded: Encoded, example: Example) -> Case:
    shown = str(encoded.row.messages[-1].get("content") or "")
    return Case(example, shown, encoded.base, encoded.chosen, encoded.contrast, encoded.row.chosen)


def _makes_sense(encoded: Encoded) -> bool:
    """What a criticised row asks for is neither what was criticised nor what the base says anyway."""
    wanted = encoded.row.chosen.split()
    return wanted not in (encoded.row.rejected.split(), encoded.base.text.split())


def _limited(cases: Sequence[Case]) -> list[Case]:
    """At most `CASES_MAX` of each kind, held-out ones first."""
    ordered = sorted(cases, key=lambda case: not case.example.held_out)
    return [case for kind in REPLAY for case in [c for c in ordered if c.example.kind == kind][:CASES_MAX]]


async def _retention(
    encoder: Encoder, own: Sequence[Encoded], made_up: Sequence[Case], max_tokens: int
) -> list[TokenRow]:
    """What must not be unlearned: bundled texts as far as they are in the base's language, the base's own answers to
    those questions, and its answers out of scope and to made-up prompts."""
    pairs = retention.measured()
    answers = await encoder.measurer.tokenize([answer for _, answer in pairs])
    prompts = await encoder.prompts([replay.question_row(question) for question, _ in pairs])
    bundled = [token_row(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    scores = await encoder.measurer.scores(bundled)
    foreign = FOREIGN_SHARE * math.log(encoder.measurer.vocabulary)
    known = [row for row, score in zip(bundled, scores, strict=True) if -score.logprob / score.tokens < foreign]
    said = await encoder.measurer.answers([row["prompt"] for row in known], max_tokens=max_tokens)
    asked = [token_row(row["prompt"], answer.tokens) for row, answer in zip(known, said, strict=True)]
    others = [token_row(each.prompt, each.base.tokens) for each in own if each.row.kind == "out_of_scope"]
    variants = [token_row(case.example.prompt, case.base.tokens) for case in made_up]
    rows = [*known, *asked, *others[:RETENTION_ROWS_MAX], *variants[:RETENTION_ROWS_MAX]]
    return [row for row in rows if row["answer"]]


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
