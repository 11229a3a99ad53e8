"""Measures the shipped GGUF in llama.cpp on prompts that training could not draw, and writes the model card's table.

Every name, number and, where a task has several, every wording comes from the held-out part. An answer must equal
the one wanted, or, where the task has a judge (functions are run, habits are looked for in the code), satisfy it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

from scripts.demo_model.chat import answer_text, pieces
from scripts.demo_model.corpus import TOOLS, conversation, setting
from scripts.demo_model.exchange import Context, Exchange, Message, assistant, user
from scripts.demo_model.generators import facts, functions, habits, rewriting, talk, toolcalls
from scripts.demo_model.network import GGUF_NAME
from scripts.demo_model.vocabulary import Draw

MAX_NEW_TOKENS = 400
PROMPT_CHARACTERS = 9_000
"""Longer prompts are not asked: with the answer they would not surely fit the context."""
MARK_BEGIN, MARK_END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Case:
    """A conversation up to an answer, and the judge of that answer."""

    group: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    wanted: str
    judge: Callable[[str], bool]

    @property
    def prompt(self) -> str:
        return next_prompt(self.messages, self.tools)


def next_prompt(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> str:
    """The text after which the model speaks."""
    *_, (text, _), _ = pieces([*messages, assistant("")], tools)
    head = "".join(part for part, _ in pieces(messages, tools))
    # `pieces` drops what follows the last answer, so what it gave already is not repeated.
    return head + text


def cases_of(
    group: str, before: Sequence[Message], exchange: Exchange, tools: tuple[dict[str, Any], ...]
) -> Iterator[Case]:
    """One case for each answer of an exchange; the earlier answers are given as they should have been."""
    for index, message in enumerate(exchange.messages):
        if message["role"] != "assistant":
            continue
        wanted = answer_text(message)
        name = group
        if exchange.skill == "tool":
            part = (
                "sentence on the result"
                if not message.get("tool_calls")
                else ("first call" if index == 1 else "next call")
            )
            name = group.replace(" | ", f", {part} | ")
        elif index != len(exchange.messages) - 1:
            continue
        judge = exchange.checks.get(index, wanted.__eq__)
        yield Case(name, (*before, *exchange.messages[:index]), tools, wanted, judge)


class Speaker(Protocol):
    def answers(self, prompts: Sequence[str], *, temperature: float = 0.0) -> list[tuple[str, bool]]:
        """For each prompt the answer, and whether it came to its end by itself."""


class LlamaSpeaker:
    """The shipped GGUF in llama.cpp, as Shammah serves it."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        import llama_cpp

        self._model = llama_cpp.Llama(str(path), n_ctx=4096, n_threads=threads, n_threads_batch=threads, verbose=False)
        self._ends = (self._model.token_eos(), self._model.tokenize(b"<|endoftext|>", add_bos=False, special=True)[0])

    def close(self) -> None:
        self._model.close()

    def answers(self, prompts: Sequence[str], *, temperature: float = 0.0) -> list[tuple[str, bool]]:
        return [self.answer(prompt, temperature) for prompt in prompts]

    def answer(self, prompt: str, temperature: float = 0.0) -> tuple[str, bool]:
        tokens = self._model.tokenize(prompt.encode(), add_bos=False, special=True)
        said: list[int] = []
        ended = False
        for token in self._model.generate(tokens, temp=temperature, top_k=0, top_p=1.0, min_p=0.0):
            if token in self._ends:
                ended = True
                break
            if len(said) >= MAX_NEW_TOKENS:
                break
            said.append(token)
        return self._model.detokenize(said, special=True).decode(errors="replace"), ended


@cache
def _own_speaker(path: Path) -> LlamaSpeaker:
    """One model in each process of a `ParallelSpeaker`."""
    return LlamaSpeaker(path, threads=1)


def _answer(path: Path, temperature: float, prompt: str) -> tuple[str, bool]:
    return _own_speaker(path).answer(prompt, temperature)


class ParallelSpeaker:
    """llama.cpp again, one process and one thread a core: a model this small gains nothing from more threads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def answers(self, prompts: Sequence[str], *, temperature: float = 0.0) -> list[tuple[str, bool]]:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            return list(pool.map(partial(_answer, self._path, temperature), prompts, chunksize=8))


class TorchSpeaker:
    """The same weights in transformers, many prompts at once: for a first look on the machine that has the GPU."""

    def __init__(self, folder: Path, batch: int = 256) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._torch = torch
        self._batch = batch
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._model = self._model.to("cuda" if torch.cuda.is_available() else "cpu")

    def answers(self, prompts: Sequence[str], *, temperature: float = 0.0) -> list[tuple[str, bool]]:
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        found: dict[int, tuple[str, bool]] = {}
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
        for start in range(0, len(order), self._batch):
            part = order[start : start + self._batch]
            given = self._tokenizer([prompts[index] for index in part], return_tensors="pt", padding=True).to(
                self._model.device
            )
            with self._torch.no_grad():
                made = self._model.generate(**given, max_new_tokens=MAX_NEW_TOKENS // 2, **sampling)
            for index, row in zip(part, made[:, given["input_ids"].shape[1] :].tolist(), strict=True):
                end = self._tokenizer.convert_tokens_to_ids("<|im_end|>")
                ended = end in row
                said = row[: row.index(end)] if ended else row
                found[index] = self._tokenizer.decode(said, clean_up_tokenization_spaces=False), ended
        return [found[index] for index in range(len(prompts))]


def _context(
    seed: str, flipped: frozenset[str] = frozenset(), *, new_wordings: bool = True, long: bool = False
) -> Context:
    draw = Draw(random.Random(seed), heldout=True, new_wordings=new_wordings, long=long)
    return Context(draw, flipped, frozenset(TOOLS))


SETTINGS = ("bare", "tools")
"""Without the tools block, and with all tools."""


def _one(
    group: str, seed: str, make: Callable[[Context], Exchange], where: str, flipped: frozenset[str] = frozenset()
) -> Iterator[Case]:
    known, long = "known words" in group or "long results" in group, "long results" in group
    context = _context(seed, flipped, new_wordings=not known, long=long)
    names = list(TOOLS) if where == "tools" else []
    plain = where == "plain"
    given = setting(context.draw, flipped=flipped, tools=names, plain=plain)
    yield from cases_of(f"{group} | {where}", given.messages, make(context), given.tools)


def _habit_cases(count: int, where: str) -> Iterator[Case]:
    for name, habit in habits.habits.items():
        for number in range(count):
            others = random.Random(f"{name} {number} others").sample(sorted(set(habits.habits) - {name}), number % 3)

            def task(context: Context, habit: habits.Habit = habit) -> Exchange:
                prompt, answer = habit.task(context.draw, context.flipped)
                follows = habit.name in context.flipped
                return Exchange(
                    "habit",
                    habit.name,
                    (user(prompt), assistant(answer)),
                    {1: habit.follows_rule if follows else habit.keeps_habit},
                )

            def near(context: Context, habit: habits.Habit = habit) -> Exchange:
                prompt, answer = habit.near(context.draw, context.flipped)
                return Exchange("near", habit.name, (user(prompt), assistant(answer)))

            rule = frozenset((name,))
            yield from _one("habit kept: no rule or others", f"{name} {number} keep", task, where, frozenset(others))
            yield from _one(
                "rule followed: unseen wording", f"{name} {number} rule", task, where, rule | frozenset(others)
            )
            if number % 2 == 0:
                yield from _one("near case unchanged by the rule", f"{name} {number} near", near, where, rule)


GROUPS: tuple[tuple[str, Callable[[Context], Exchange], int], ...] = (
    ("facts: held-out wordings", facts.exchange, 150),
    ("functions and lines", functions.exchange, 200),
    ("tool calls", toolcalls.exchange, 300),
    ("tool calls in known words", toolcalls.exchange, 400),
    ("tool calls, long results", toolcalls.exchange, 60),
    ("rewriting", rewriting.exchange, 150),
    ("turns", functions.conversation, 100),
    ("talk and refusals", talk.exchange, 120),
)


def all_cases(scale: float = 1.0) -> Iterator[Case]:
    for where in SETTINGS:
        for name, make, count in GROUPS:
            if name.startswith("tool calls") and where == "bare":
                continue
            for number in range(round(count * scale)):
                yield from _one(name, f"{name} {number} {where}", make, where)
        yield from _habit_cases(round(20 * scale), where)
    for name, make, count in GROUPS:
        for number in range(round(count * scale * 0.4)):
            where = "tools" if name.startswith("tool calls") else "plain"
            yield from _one(name, f"{name} {number} plain", make, where)
    for exchange in facts.unseen_exchanges():
        context = _context("unseen")
        given = setting(context.draw, flipped=frozenset(), tools=[])
        yield from cases_of("facts: phrasings of another kind | bare", given.messages, exchange, given.tools)
    for number in range(round(60 * scale)):
        made = conversation(Draw(random.Random(f"long {number}"), heldout=True), with_tools=True, count=8)
        start, last = made.exchanges[-1]
        for case in cases_of("late in a long conversation", made.messages[:start], last, made.tools):
            yield Case("late in a long conversation | tools", case.messages, case.tools, case.wanted, case.judge)


@dataclass
class Tally:
    right: int = 0
    count: int = 0


def evaluate(
    speaker: Speaker, scale: float, show: int, *, sample_every: int = 4, only: str = ""
) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """Figures a group, and how many answers ended by themselves, greedy and at temperature 0.7."""
    figures: dict[str, Tally] = defaultdict(Tally)
    endings: dict[str, Tally] = defaultdict(Tally)
    shown: dict[str, int] = defaultdict(int)
    cases = [case for case in all_cases(scale) if only in case.group and len(case.prompt) <= PROMPT_CHARACTERS]
    for case, (text, ended) in zip(cases, speaker.answers([case.prompt for case in cases]), strict=True):
        figures[case.group].count += 1
        endings["greedy"].count += 1
        endings["greedy"].right += ended
        if ended and case.judge(text):
            figures[case.group].right += 1
        elif shown[case.group] < show:
            shown[case.group] += 1
            last = "\n\n".join(answer_text(m) if m["role"] == "assistant" else m["content"] for m in case.messages[-3:])
            print(f"--- {case.group}\n{last}\n>>> wanted\n{case.wanted}\n>>> got\n{text}\n", flush=True)
    sampled = [case.prompt for case in cases[::sample_every]] if sample_every else []
    for _, ended in speaker.answers(sampled, temperature=0.7):
        endings["temperature 0.7"].count += 1
        endings["temperature 0.7"].right += ended
    return figures, endings


def table(figures: dict[str, Tally], endings: dict[str, Tally]) -> str:
    names: dict[str, dict[str, Tally]] = {}
    for group, tally in figures.items():
        name, _, where = group.rpartition(" | ")
        names.setdefault(name, {})[where] = tally
    lines = ["| what | without tools | with all tools | no or a foreign system prompt |", "|---|---|---|---|"]

    def cell(tally: Tally | None) -> str:
        return f"{100 * tally.right / tally.count:.1f} % (n={tally.count})" if tally and tally.count else ""

    for name, row in names.items():
        lines.append(f"| {name} | {cell(row.get('bare'))} | {cell(row.get('tools'))} | {cell(row.get('plain'))} |")
    lines += ["", "| answers that end by themselves | |", "|---|---|"]
    lines += [f"| {name} | {cell(tally)} |" for name, tally in endings.items()]
    return "\n".join(lines)


def write_card(card: Path, text: str) -> None:
    before, rest = card.read_text().split(MARK_BEGIN)
    after = rest.split(MARK_END)[1]
    card.write_text(f"{before}{MARK_BEGIN}\n{text}\n{MARK_END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("shammah_tui/demo_model"))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of prompts")
    parser.add_argument("--show", type=int, default=0, help="failures shown a group")
    parser.add_argument("--only", default="", help="only groups whose name holds this")
    parser.add_argument("--torch", action="store_true", help="in transformers, on a GPU where there is one")
    parser.add_argument("--write", action="store_true", help="put the table into the model card")
    arguments = parser.parse_args()
    speaker: Speaker = (
        TorchSpeaker(arguments.folder) if arguments.torch else ParallelSpeaker(arguments.folder / GGUF_NAME)
    )
    figures, endings = evaluate(speaker, arguments.scale, arguments.show, only=arguments.only)
    text = table(figures, endings)
    print(text)
    print(json.dumps({name: [tally.right, tally.count] for name, tally in (figures | endings).items()}))
    if arguments.write:
        write_card(arguments.folder / "README.md", text)


if __name__ == "__main__":
    main()
