"""What learning brings and what it costs, on the demo model, as anyone can run it.

For each seed: ten red flags on one habit, thirty near-scope and thirty out-of-scope prompts → `learn` (train, convert,
gate) → the adapter that was accepted, measured in llama.cpp on prompts that are in no row: adherence in scope (greedy
and sampled), near-scope and out-of-scope answers unchanged letter by letter, other skills right. Beside it the same
figures of the base, of the base with the rule in its prompt, and of the older design, which learns the criticised
answers. Then: four rules learned one after another, and runs that must be refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import shlex
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.demo_model.exchange import Context
from scripts.demo_model.generators import facts, functions, habits, rewriting
from scripts.demo_model.vocabulary import Draw
from shammah_tui import paths
from shammah_tui.agent.prompt import system_prompt
from shammah_tui.errors import ShammahError
from shammah_tui.learning import child, convert
from shammah_tui.learning.adapter import AdapterRefused, verify
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.child import Answer, Measurer
from shammah_tui.learning.dataset import prepare
from shammah_tui.learning.event import RunEnded
from shammah_tui.learning.example import write_examples
from shammah_tui.learning.rows import read_rows
from shammah_tui.learning.run import Request, find_gguf, learn
from shammah_tui.learning.template import ChatTemplate

Rows = list[dict[str, Any]]
RATED, REPLAYED = 10, 30
SAMPLED_TEMPERATURE = 0.7
MAX_TOKENS = 220
FOUR = ("print", "var", "unwrap", "percent")


@dataclass(frozen=True, slots=True)
class Size:
    seeds: int
    in_scope: int
    near: int
    other: int
    skills: int


FULL, QUICK = Size(3, 150, 80, 120, 150), Size(1, 40, 20, 30, 30)


@dataclass(frozen=True, slots=True)
class Trial:
    """Prompts that no row has, and how their answers are judged."""

    in_scope: list[str]
    near: list[str]
    other: list[str]
    skills: list[tuple[str, str]]
    """Prompt and right answer."""
    follows: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares; `near` and `other` of answers that are the base's."""

    greedy: float
    sampled: float
    near: float
    other: float
    skills: float


class Bench:
    """One measurer for all answers; `base` is a copy, so that the demo model may be made anew meanwhile."""

    def __init__(self, measurer: Measurer, base: Path, threads: int) -> None:
        self._measurer = measurer
        self._template = ChatTemplate(measurer.chat_template, bos=measurer.bos)
        self.base, self.threads = base, threads

    async def answers(self, prompts: Sequence[str], rule: str = "", temperature: float = 0.0) -> list[Answer]:
        before = [{"role": "system", "content": system_prompt(rules=[rule])}] if rule else []
        texts = [self._template.render([*before, {"role": "user", "content": prompt}]) for prompt in prompts]
        tokens = await self._measurer.tokenize(texts)
        return await self._measurer.answers(tokens, max_tokens=MAX_TOKENS, temperature=temperature, seed=1)

    async def figures(self, trial: Trial, adapter: Path | None = None, rule: str = "") -> Figures:
        await self._measurer.set_adapter(None)
        kept = [*trial.near, *trial.other]
        before = [answer.text for answer in await self.answers(kept)]
        await self._measurer.set_adapter(adapter)
        greedy = await self.answers(trial.in_scope, rule)
        sampled = await self.answers(trial.in_scope, rule, SAMPLED_TEMPERATURE)
        after = [answer.text for answer in await self.answers(kept, rule)]
        skills = await self.answers([prompt for prompt, _ in trial.skills], rule)
        await self._measurer.set_adapter(None)
        same = [one == other for one, other in zip(before, after, strict=True)]
        return Figures(
            greedy=share([trial.follows(answer.text) for answer in greedy]),
            sampled=share([trial.follows(answer.text) for answer in sampled]),
            near=share(same[: len(trial.near)]),
            other=share(same[len(trial.near) :]),
            skills=share([a.text == wanted for a, (_, wanted) in zip(skills, trial.skills, strict=True)]),
        )

    async def adherence(self, trial: Trial, adapter: Path | None) -> float:
        """Greedy, on unseen prompts in scope."""
        await self._measurer.set_adapter(adapter)
        said = await self.answers(trial.in_scope)
        await self._measurer.set_adapter(None)
        return share([trial.follows(answer.text) for answer in said])

    async def learned(self, rows: Rows, folder: Path, **options: Any) -> RunEnded:
        """The whole path. Raises `ShammahError` where the run itself fails."""
        file = folder.with_suffix(".jsonl")
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        request = Request(self.base, file, folder, TrainArguments(**{"threads": self.threads, **options}))
        async for event in learn(request):
            if isinstance(event, RunEnded):
                return event
        raise ShammahError("The run ended without a verdict.")

    async def unjudged(self, rows: Rows, folder: Path, **options: Any) -> Path:
        """An adapter of the same loop that no gate has seen."""
        await asyncio.to_thread(folder.mkdir)
        file = folder / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        arguments = TrainArguments(**{"threads": self.threads, **options})
        dataset = await prepare(self._measurer, self.base, read_rows(file), arguments)
        write_examples(folder / "examples.jsonl", [example for example in dataset.examples if not example.held_out])
        (folder / "job.json").write_text(json.dumps({"base": str(self.base), "arguments": asdict(arguments)}))
        async for _ in child.train(folder):
            pass
        convert.write_gguf(folder / "checkpoint", folder / "adapter.gguf", self._measurer.architecture)
        return folder / "adapter.gguf"


def share(held: Sequence[bool]) -> float:
    return sum(held) / max(1, len(held))


def rows_of(name: str, seed: int, *, rated: int = RATED, replayed: int = REPLAYED) -> Rows:
    habit = habits.habits[name]
    rows: Rows = []
    for number in range(rated):
        prompt, old, new = habit.rewrite(random.Random(f"{seed} rated {number}"), heldout=False)
        rows.append(row("in_scope", prompt, name) | {"chosen": new, "rejected": old, "color": "red"})
    for number in range(replayed):
        rows.append(row("near_scope", habit.near_prompt(random.Random(f"{seed} near {number}"), heldout=False), name))
        rows.append(row("out_of_scope", other_prompt(name, f"{seed} other {number}", heldout=False), name))
    return rows


def row(kind: str, prompt: str, rule: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "kind": kind, "rule": rule, "color": "green"}


def other_prompt(name: str, seed: str, *, heldout: bool = True) -> str:
    """Another function, a question of fact, or what another habit is about."""
    chance = random.Random(seed)
    draw = Draw(chance, heldout=heldout)
    kind = chance.random()
    if kind < 0.6:
        make = functions.exchange if kind < 0.35 else facts.exchange
        return str(make(Context(draw, frozenset(), frozenset())).messages[0]["content"])
    habit = habits.habits[chance.choice(sorted(set(habits.habits) - {name}))]
    return (habit.task if chance.random() < 0.6 else habit.near)(draw, frozenset())[0]


def trial_of(name: str, size: Size) -> Trial:
    habit = habits.habits[name]
    skills: list[tuple[str, str]] = []
    for number in range(size.skills):
        make = (facts.exchange, functions.exchange, rewriting.exchange)[number % 3]
        messages = make(
            Context(Draw(random.Random(f"skill {number}"), heldout=True), frozenset(), frozenset())
        ).messages
        skills.append((str(messages[0]["content"]), str(messages[1]["content"])))
    return Trial(
        in_scope=[habit.prompt(random.Random(f"unseen {number}")) for number in range(size.in_scope)],
        near=[habit.near_prompt(random.Random(f"unseen near {number}")) for number in range(size.near)],
        other=[other_prompt(name, f"unseen other {number}") for number in range(size.other)],
        skills=skills,
        follows=habit.follows_rule,
    )


async def habit_table(bench: Bench, name: str, size: Size, work: Path) -> AsyncIterator[str]:
    trial, rule = trial_of(name, size), habits.habits[name].rule
    yield f"| {name}: the base | {cells(await bench.figures(trial))} | |"
    yield f"| {name}: the rule in the prompt | {cells(await bench.figures(trial, rule=rule))} | |"
    for seed in range(size.seeds):
        started = time.perf_counter()
        folder = work / f"{name}-{seed}"
        ended = await bench.learned(rows_of(name, seed), folder, seed=seed)
        seconds = time.perf_counter() - started
        if ended.accepted:
            found = cells(await bench.figures(trial, folder / "adapter.gguf"))
            yield f"| {name}: learned, seed {seed} | {found} | {seconds:.0f} s, scale {ended.scale:g} |"
        else:
            why = "; ".join(ended.reasons)
            yield f"| {name}: learned, seed {seed} | refused: {why} | | | | | {seconds:.0f} s |"
    older = [row | {"chosen": row["rejected"]} for row in rows_of(name, 0) if row["kind"] == "in_scope"]
    adapter = await bench.unjudged(older, work / f"{name}-older", kl_weight=0.0, margin=0.0, still_weight=1.0, steps=60)
    yield f"| {name}: the older design | {cells(await bench.figures(trial, adapter))} | criticised answers |"


def cells(figures: Figures) -> str:
    return " | ".join(f"{value:.1%}" for value in asdict(figures).values())


async def refusals(bench: Bench, work: Path) -> list[str]:
    """Runs that must not become an adapter, and what was said."""
    good = rows_of(FOUR[0], 0)
    rated = [row for row in good if row["kind"] == "in_scope"]
    turned = [r["chosen"] for r in rated[3:] + rated[:3]]
    wrong = [r | {"chosen": c} for r, c in zip(rated, turned, strict=True)] + good[len(rated) :]
    criticised = [r | {"chosen": r["rejected"]} if r["kind"] == "in_scope" else r for r in good]
    bad: dict[str, tuple[Rows, dict[str, Any]]] = {
        "wrong labels": (wrong, {"steps": 40}),
        "the criticised answers as target": (criticised, {"steps": 40}),
        "too strong, nothing kept": (good, {"steps": 30, "learning_rate": 0.03, "kl_weight": 0.0}),
        "a loss that is no number": (good, {"steps": 5, "learning_rate": 1e30}),
    }
    lines = []
    for number, (what, (rows, options)) in enumerate(bad.items()):
        try:
            ended = await bench.learned(rows, work / f"bad-{number}", **options)
            said = "ACCEPTED" if ended.accepted else f"refused: {ended.reasons[0]}"
        except ShammahError as error:
            said = f"failed: {error.message}"
        lines.append(f"| {what} | {said} |")
    adapters = sorted(path.parent for path in work.glob("*/manifest.json"))  # noqa: ASYNC240  a handful
    if adapters:
        config = bench.base / "model.safetensors"
        config.write_bytes(config.read_bytes()[:-1] + b"\x01")
        try:
            verify(adapters[0], bench.base)
            lines.append("| another base | ACCEPTED |")
        except AdapterRefused as error:
            lines.append(f"| another base | refused: {error.message} |")
    return lines


async def four_rules(bench: Bench, size: Size, work: Path) -> AsyncIterator[str]:
    """Four trainings, as the product has them: each time the flags of one more rule are there, and the whole buffer is
    learned from scratch. Where the gate refuses, the adapter before goes on answering. What counts is the last line:
    what is left of each rule."""
    trials = {name: trial_of(name, size) for name in FOUR}
    yield f"| trained with the flags of | {' | '.join(f'{name}, greedy' for name in FOUR)} | the worst so far | |"
    yield "|---|" + "---|" * (len(FOUR) + 2)
    current: Path | None = None
    for count in range(1, len(FOUR) + 1):
        learned = FOUR[:count]
        started = time.perf_counter()
        ended = await bench.learned(_buffer(learned), work / f"four-{count}")
        seconds = time.perf_counter() - started
        current = work / f"four-{count}" / "adapter.gguf" if ended.accepted else current
        verdict = f"scale {ended.scale:g}" if ended.accepted else f"refused: {'; '.join(ended.reasons)}"
        found = {name: await bench.adherence(trials[name], current) for name in FOUR}
        worst = min(found[name] for name in learned)
        yield (
            f"| {', '.join(learned)} | {' | '.join(f'{value:.1%}' for value in found.values())} | {worst:.1%} "
            f"| {seconds:.0f} s, {verdict} |"
        )


def _buffer(names: Sequence[str]) -> Rows:
    """All flags of these rules, and replayed prompts of each that are in no other's scope."""
    rows = [row for name in names for row in rows_of(name, 0, replayed=15)]
    rated = [row for row in rows if row["kind"] == "in_scope"]
    prompts = {row["messages"][0]["content"] for row in rated}
    rest = [row for row in rows if row["kind"] != "in_scope" and row["messages"][0]["content"] not in prompts]
    return rated + [row for row in rest if row["kind"] == "near_scope" or not _in_scope(row["messages"][0]["content"])]


def _in_scope(prompt: str) -> bool:
    """Whether a prompt of another habit is one that a rule of the four may turn (by the language it names)."""
    return any(word in prompt.lower() for word in ("python", "javascript", "rust"))


async def bench_all(size: Size, names: Sequence[str], threads: int, parts: Sequence[str]) -> list[str]:
    import shutil

    with tempfile.TemporaryDirectory(prefix="shammah-learning-") as place:
        work = Path(place)
        base = work / "base"
        shutil.copytree(paths.demo_model_folder(), base)
        async with child.measurer(find_gguf(base), threads=threads) as measurer:
            bench = Bench(measurer, base, threads)
            lines = [
                "| what | follows the rule, greedy | sampled | near scope unchanged | out of scope unchanged "
                "| other skills right | |",
                "|---|---|---|---|---|---|---|",
            ]
            for name in names if "habits" in parts else ():
                async for line in habit_table(bench, name, size, work):
                    print(line, file=sys.stderr, flush=True)
                    lines.append(line)
            if "four" in parts:
                lines.append("")
                async for line in four_rules(bench, size, work):
                    print(line, file=sys.stderr, flush=True)
                    lines.append(line)
            if "refused" in parts:
                lines += ["", "| must be refused | |", "|---|---|", *await refusals(bench, work)]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, few prompts, no four rules")
    parser.add_argument("--habits", default=FOUR[0], help="names, with commas; or all")
    parser.add_argument("--parts", default="", help="of habits,four,refused; all, and without four where --quick")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--report", type=Path, default=Path(".work/learning.md"), help="Markdown file to write")
    given = parser.parse_args()
    names = list(habits.habits) if given.habits == "all" else given.habits.split(",")
    parts = given.parts or ("habits,refused" if given.quick else "habits,four,refused")
    started = time.perf_counter()
    size = QUICK if given.quick else FULL
    lines = asyncio.run(bench_all(size, names, given.threads, parts.split(",")))
    seconds = time.perf_counter() - started
    head = [
        "# What learning brings, measured",
        "",
        f"`scripts/bench/learning {shlex.join(sys.argv[1:])}`, {datetime.now(UTC):%Y-%m-%d}, {seconds:.0f} s on "
        f"{platform.machine()} with {os.cpu_count()} cores ({platform.system()}); {RATED} red flags, {REPLAYED} "
        f"near-scope and {REPLAYED} out-of-scope prompts; unseen prompts: {size.in_scope} in scope, {size.near} near, "
        f"{size.other} out of scope, {size.skills} of other skills; sampled at temperature {SAMPLED_TEMPERATURE}.",
        "",
    ]
    text = "\n".join([*head, *lines]) + "\n"
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
