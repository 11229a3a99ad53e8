"""The gate: nothing is used that was not measured on the deployed file, in llama.cpp, against the base as it was.

`measure` asks the measurer, `judged` decides; the limits are those of `learning.md`. A rate passes with one miss
where its n is so small that a single miss would break the limit, and of the answers that shall stay as they are the
share that may change is rounded up to whole answers; each rate is shown with its n.

Adherence needs no verifier of a rule: an answer adheres when it is the chosen one (whitespace aside), or when it has
at least half of the n-grams that set the chosen answer apart from the criticised one (or from the base's answer where
none was criticised), and a larger share of them than of those that set the criticised one apart.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from pathlib import Path

from shammah_tui.learning.child import Answer, Measurer, token_row
from shammah_tui.learning.event import Criterion, GateJudged
from shammah_tui.learning.example import Example
from shammah_tui.learning.replay import grams

ADHERENCE_MIN, ADHERENCE_GAIN = 0.90, 0.40
VARIANTS_MIN = 0.60
PAIRS_MIN = 0.80
NLL_RISE_MAX = 0.01
# Where the base is nearly certain of its own answers, 1 % of its NLL is less than quantisation noise.
NLL_RISE_NATS = 0.01
KL_MAX = 0.02
UNCHANGED_MIN = {"near_scope": 0.90, "out_of_scope": 0.95}
# Made-up prompts are odd now and then, and on odd ones the base wavers between two words.
MADE_UP_UNCHANGED_MIN = 0.85
SOUND_MIN = 0.98
AGREEMENT_MIN = 0.98
# Now and then the base's likeliest answer is already right where the one that was rated was not.
SENSE_MIN = 0.6
# From here on a smaller scale is not looked for: what still changes would be noise.
UNCHANGED_GOOD = 0.995
SCALES = (1.0, 0.75, 0.5)
# Retention texts on which the base does no better than this share of a uniform guess are none of its language.
FOREIGN_SHARE = 0.35
EXAMPLES_MAX = 12


@dataclass(frozen=True, slots=True)
class Case:
    """A row with what the base said to it. `contrast`: the criticised answer, else the base's own."""

    example: Example
    shown: str
    base: Answer
    chosen: list[int]
    contrast: list[int]
    chosen_text: str

    @property
    def is_replay(self) -> bool:
        return self.example.replay


@dataclass(frozen=True, slots=True)
class Cases:
    rated: list[Case]
    replay: list[Case]
    made_up: list[Case]
    """Variants of the replayed prompts that were not learned: many, so that scales can be told apart."""
    variants: list[Case]
    """Variants of the rated prompts that were not learned, for the same reason."""
    retention: list[dict[str, list[int]]]
    """Token rows of texts that the adapter must not unlearn."""
    max_tokens: int
    agreement: list[bool]
    """For each row whether the folder's tokenizer and template agree with the deployed model's."""
    sense: list[bool]
    """For each criticised row whether it asks for something else than what was criticised and what the base says."""

    @property
    def all(self) -> list[Case]:
        """In the order in which they are answered."""
        return [*self.rated, *self.replay, *self.made_up, *self.variants]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured at one scale; `answers` are in the order of `Cases.all`. Both are empty
    where the retention set alone says that the scale is none: answers of a broken model take long."""

    scale: float
    answers: list[Answer]
    pairs: list[bool]
    base_nll: float
    nll: float
    kl: float
    retention_tokens: int


async def try_scales(measurer: Measurer, adapter: Path, cases: Cases) -> AsyncGenerator[GateJudged, None]:
    """A table of each scale as soon as it is measured. The first that is accepted and changes nothing else is the
    last one tried; `best` picks from all of them."""
    for scale in SCALES:
        table = judged(await measure(measurer, adapter, scale, cases), cases)
        yield table
        if table.accepted and _kept(table) >= UNCHANGED_GOOD:
            break


def best(tables: Sequence[GateJudged]) -> GateJudged:
    """Of the accepted ones that which adheres and keeps most (the stronger on a tie); else the first."""
    accepted = [table for table in tables if table.accepted]
    return max(accepted, key=lambda table: _adherence(table) + _kept(table)) if accepted else tables[0]


async def measure(measurer: Measurer, adapter: Path, scale: float, cases: Cases) -> Measured:
    """Everything that the gate asks of one scale; leaves the measurer without an adapter."""
    divergence = await measurer.divergence(cases.retention, adapter, [scale])
    found = divergence["scales"][0]
    retained = (divergence["nll"], found["nll"], found["kl"], divergence["tokens"])
    cheap = Measured(scale, [], [], *retained)
    if not all(criterion.passed for criterion in _retention(cheap)):
        return cheap
    await measurer.set_adapter(adapter, scale)
    prompts = [case.example.prompt for case in cases.all]
    answers = await measurer.answers(prompts, max_tokens=cases.max_tokens)
    pairs = [case for case in cases.rated if case.contrast != case.chosen and case.contrast]
    chosen = await measurer.scores([token_row(case.example.prompt, case.chosen) for case in pairs])
    contrast = await measurer.scores([token_row(case.example.prompt, case.contrast) for case in pairs])
    await measurer.set_adapter(None)
    likelier = [a.logprob / a.tokens > b.logprob / b.tokens for a, b in zip(chosen, contrast, strict=True)]
    return Measured(scale, answers, likelier, *retained)


def judged(measured: Measured, cases: Cases) -> GateJudged:
    """The table at one scale. Pure."""
    if not measured.answers:
        return GateJudged(measured.scale, False, tuple(_retention(measured)))
    answers = iter(measured.answers)
    rated, replay, made_up, variants = (
        list(islice(answers, len(part))) for part in (cases.rated, cases.replay, cases.made_up, cases.variants)
    )
    criteria = [
        *_adherences(cases.rated, rated),
        *_variants(cases.variants, variants),
        *_rate("pairs: chosen likelier than criticised", measured.pairs, PAIRS_MIN),
        *_unchanged(cases.replay, replay),
        *_rate("made-up prompts' answers unchanged", _same(cases.made_up, made_up), MADE_UP_UNCHANGED_MIN),
        *_soundness(cases.all, measured.answers),
        *_retention(measured),
        *_rate("criticised rows ask for another answer", cases.sense, SENSE_MIN),
        *_rate("format agreement of folder and GGUF", cases.agreement, AGREEMENT_MIN),
    ]
    accepted = all(criterion.passed for criterion in criteria)
    return GateJudged(measured.scale, accepted, tuple(criteria), tuple(_examples(cases, rated, replay)))


def adheres(case: Case, answer: Answer) -> bool:
    if answer.text.split() == case.chosen_text.split():
        return True
    chosen, contrast, said = grams(case.chosen), grams(case.contrast), grams(answer.tokens)
    wanted, unwanted = chosen - contrast, contrast - chosen
    if not wanted:
        return False
    has = len(wanted & said) / len(wanted)
    has_not = len(unwanted & said) / len(unwanted) if unwanted else 0.0
    return has >= 0.5 and has > has_not


def _adherences(cases: Sequence[Case], answers: Sequence[Answer]) -> list[Criterion]:
    """A line for each rule on rows that were not learned, and one for each rule without such rows on learned ones."""
    found: list[Criterion] = []
    for rule in dict.fromkeys(case.example.rule for case in cases):
        own = [(case, answer) for case, answer in zip(cases, answers, strict=True) if case.example.rule == rule]
        held = [pair for pair in own if pair[0].example.held_out]
        name = "adherence, held out" if held else "adherence, learned rows"
        before = [adheres(case, case.base) for case, _ in held or own]
        now = [adheres(case, answer) for case, answer in held or own]
        was, value = _share(before), _share(now)
        passed = _passes(now, ADHERENCE_MIN) or value >= was + ADHERENCE_GAIN
        limit = f"≥ {ADHERENCE_MIN:.0%} or +{100 * ADHERENCE_GAIN:.0f} points"
        found.append(Criterion(name, was, value, limit, len(now), passed, rule))
    return found


def _variants(cases: Sequence[Case], answers: Sequence[Answer]) -> list[Criterion]:
    """Over all rules; their wanted answers were made by a program, so that some cannot be reached."""
    if not cases:
        return []
    was, value = (
        _share([adheres(case, answer) for case, answer in zip(cases, said, strict=True)])
        for said in ([case.base for case in cases], answers)
    )
    passed = value >= VARIANTS_MIN or value >= was + ADHERENCE_GAIN
    limit = f"≥ {VARIANTS_MIN:.0%} or +{100 * ADHERENCE_GAIN:.0f} points"
    return [Criterion("adherence, made-up prompts", was, value, limit, len(cases), passed)]


def _unchanged(cases: Sequence[Case], answers: Sequence[Answer]) -> list[Criterion]:
    found: list[Criterion] = []
    for kind, limit in UNCHANGED_MIN.items():
        of_kind = [case.example.kind == kind for case in cases]
        same = _same(list(compress(cases, of_kind)), list(compress(answers, of_kind)))
        found += _rate(f"{kind.replace('_', '-')} answers unchanged", same, limit, rounded=math.ceil)
    return found


def _same(cases: Sequence[Case], answers: Sequence[Answer]) -> list[bool]:
    return [
        answer.text == case.base.text and answer.ended == case.base.ended
        for case, answer in zip(cases, answers, strict=True)
    ]


def _soundness(cases: Sequence[Case], answers: Sequence[Answer]) -> list[Criterion]:
    """Answers that are not empty and come to an end, where the base's are and do."""
    sound = [
        (answer.ended or not case.base.ended) and bool(answer.text.strip() or not case.base.text.strip())
        for case, answer in zip(cases, answers, strict=True)
    ]
    return _rate("answers neither empty nor endless", sound, SOUND_MIN)


def _retention(measured: Measured) -> list[Criterion]:
    before, after, n = measured.base_nll, measured.nll, measured.retention_tokens
    if not n:
        return []
    finite = math.isfinite(after) and math.isfinite(measured.kl)
    rise = finite and after <= before * (1 + NLL_RISE_MAX) + NLL_RISE_NATS
    near = finite and measured.kl <= KL_MAX
    return [
        Criterion("retention NLL a token", before, after, f"≤ +{NLL_RISE_MAX:.0%}", n, rise, is_share=False),
        Criterion("retention KL a token", None, measured.kl, f"≤ {KL_MAX}", n, near, is_share=False),
    ]


def _rate(
    name: str, held: Sequence[bool], limit: float, rounded: Callable[[float], int] = math.floor
) -> list[Criterion]:
    if not held:
        return []
    return [Criterion(name, None, _share(held), f"≥ {limit:.0%}", len(held), _passes(held, limit, rounded))]


def _passes(held: Sequence[bool], limit: float, rounded: Callable[[float], int] = math.floor) -> bool:
    """`rounded` makes a number of answers of the share that may miss: of 33 answers 5 % are one or two."""
    misses, allowed = len(held) - sum(held), round((1 - limit) * len(held), 9)
    return (len(held) > 1 and misses <= max(rounded(allowed), 1)) or not misses


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held) if held else 0.0


def _adherence(table: GateJudged) -> float:
    return _pooled([c for c in table.criteria if c.name.startswith("adherence")], empty=0.0)


def _kept(table: GateJudged) -> float:
    return _pooled([c for c in table.criteria if c.name.endswith("unchanged")], empty=1.0)


def _pooled(rates: Sequence[Criterion], *, empty: float) -> float:
    total = sum(rate.n for rate in rates)
    return sum(rate.value * rate.n for rate in rates) / total if total else empty


def _examples(cases: Cases, rated: Sequence[Answer], replay: Sequence[Answer]) -> list[dict[str, str]]:
    """Rows that do not adhere, then rows that changed, as a person would look at them."""
    missed = [(case, answer) for case, answer in zip(cases.rated, rated, strict=True) if not adheres(case, answer)]
    changed = [
        (case, answer)
        for case, answer in zip(cases.replay, replay, strict=True)
        if case.example.number and answer.text != case.base.text
    ]
    return [
        {"kind": case.example.kind, "prompt": case.shown, "before": case.base.text, "after": answer.text}
        for case, answer in [*missed[: EXAMPLES_MAX // 2], *changed[: EXAMPLES_MAX // 2]]
    ]
