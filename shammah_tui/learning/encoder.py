"""Rows to tokens, by the deployed model's own template and vocabulary, with the answers it gives by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shammah_tui.learning.child import Answer, Measurer
from shammah_tui.learning.rows import Row
from shammah_tui.learning.template import ChatTemplate


@dataclass(frozen=True, slots=True)
class Encoded:
    row: Row
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    base: Answer

    @property
    def contrast(self) -> list[int]:
        """What the chosen answer is set against: the criticised one, else the base's own."""
        return self.rejected if self.rejected and self.rejected != self.chosen else self.base.tokens


@dataclass(frozen=True, slots=True)
class Encoder:
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
