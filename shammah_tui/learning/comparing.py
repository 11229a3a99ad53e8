"""The same prompts answered by two adapters, by the deployed model in llama.cpp, greedily: what really differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shammah_tui.errors import ModelError
from shammah_tui.learning import child, replay
from shammah_tui.learning.adapter import sha256
from shammah_tui.learning.dataset import CHATML
from shammah_tui.learning.encoder import Encoder
from shammah_tui.learning.rows import Row, read_rows, with_held_out
from shammah_tui.learning.store import Entry
from shammah_tui.learning.template import ChatTemplate

# What is said for no adapter; see `alone`.
ALONE = "off"


@dataclass(frozen=True, slots=True)
class Pair:
    """`wanted` is what the row asks for; empty where nobody said."""

    prompt: str
    a: str
    b: str
    rule: str = ""
    wanted: str = ""

    @property
    def same(self) -> bool:
        return self.a == self.b


def alone(like: Entry) -> Entry:
    """The model as it came, to be set beside an adapter that was made for it."""
    return Entry(ALONE, like.folder, {"base": like.manifest["base"]}, 0, False)


async def compare(
    rows: Sequence[Row], one: tuple[Entry, Path], other: tuple[Entry, Path], *, max_tokens: int
) -> list[Pair]:
    """Each adapter with the GGUF that it belongs to. Raises ShammahError."""
    a, b = [await _answers(entry, model, rows, max_tokens) for entry, model in (one, other)]
    return [
        Pair(str(row.messages[-1].get("content") or ""), left, right, row.rule, row.chosen)
        for row, left, right in zip(rows, a, b, strict=True)
    ]


def prompt_row(text: str) -> Row:
    return replace(replay.question_row(text), kind="in_scope")


def held_out_rows(entry: Entry, runs: Path) -> list[Row]:
    """Those that its run only measured; none where the run's rows are gone. Raises RowsError where they are damaged."""
    wanted = entry.manifest.get("rows_sha256", "")
    for path in sorted(runs.glob("*/rows.jsonl")):
        if sha256(path) == wanted:
            return [row for row in with_held_out(read_rows(path)) if row.held_out]
    return []


async def _answers(entry: Entry, model: Path, rows: Sequence[Row], max_tokens: int) -> list[str]:
    async with child.measurer(model) as measurer:
        source = measurer.chat_template or CHATML
        encoder = Encoder(measurer, ChatTemplate(source, bos=measurer.bos))
        prompts = await encoder.prompts(rows)
        for row, prompt in zip(rows, prompts, strict=True):
            if len(prompt) + max_tokens >= measurer.context:
                raise ModelError(
                    f"A prompt is too long for {entry.base}: {str(row.messages[-1].get('content'))[:60]!r} …",
                    f"Prompt and answer have {measurer.context:,} tokens at most.",
                )
        await measurer.set_adapter(None if entry.name == ALONE else entry.folder / "adapter.gguf")
        return [answer.text for answer in await measurer.answers(prompts, max_tokens=max_tokens)]
