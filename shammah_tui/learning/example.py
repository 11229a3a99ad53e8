"""Rows as the model sees them: token ids, tokenized once by the deployed model, so that training and serving agree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Example:
    """`answer` is closed by the end token. `replay`: the answer is the base's, and KL holds the model to it."""

    number: int
    kind: str
    rule: str
    color: str
    weight: float
    prompt: list[int]
    answer: list[int]
    replay: bool
    held_out: bool

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.answer)


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    path.write_text("".join(json.dumps(asdict(example)) + "\n" for example in examples), "utf-8")


def read_examples(path: Path) -> list[Example]:
    return [Example(**json.loads(line)) for line in path.read_text("utf-8").split("\n") if line]
