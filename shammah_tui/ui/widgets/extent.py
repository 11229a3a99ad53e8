"""How blocks lie below each other: which one is at which line. Heights that nobody drew yet are estimates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shammah_tui.ui.widgets.block import Block

# What a block that was never drawn counts with: a line, and an empty one.
ESTIMATE = 2


class Extent:
    """Heights in lines, each with the empty lines after the block."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.tops: list[int] = [0]
        """The first line of each block, and the line after the last."""
        self._heights: list[int] = []
        self._exact: list[bool] = []

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def lines(self) -> int:
        """All lines, without the empty ones at the end."""
        index = len(self.blocks) - 1
        while index >= 0 and not self._heights[index]:
            index -= 1
        return self.tops[-1] - self.blocks[index].gap if index >= 0 else 0

    def index(self, block: Block) -> int:
        """Most often it is one of the last. Raises ValueError where it is not there."""
        for index in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[index] is block:
                return index
        raise ValueError("the block is not in the transcript")

    def at(self, line: int) -> int:
        """The index of the block at `line`; the number of blocks where it is below the last."""
        return max(0, min(len(self.blocks), bisect_right(self.tops, line) - 1))

    def insert(self, index: int, blocks: Iterable[Block]) -> None:
        """Put `blocks` before the one at `index`, with estimated heights."""
        new = list(blocks)
        self.blocks[index:index] = new
        self._heights[index:index] = [ESTIMATE] * len(new)
        self._exact[index:index] = [False] * len(new)
        self._lay(index)

    def remove(self, block: Block) -> None:
        index = self.index(block)
        del self.blocks[index], self._heights[index], self._exact[index]
        self._lay(index)

    def clear(self) -> None:
        self.blocks, self.tops = [], [0]
        self._heights, self._exact = [], []

    def is_exact(self, index: int) -> bool:
        return self._exact[index]

    def set(self, index: int, lines: int) -> int:
        """`lines`: how many the block has; gives by how many the height changed."""
        height = lines + self.blocks[index].gap if lines else 0
        grown = height - self._heights[index]
        self._exact[index] = True
        if grown:
            self._heights[index] = height
            self._lay(index)
        return grown

    def doubt(self, *blocks: Block) -> None:
        """Their heights may be others by now; without `blocks` every height may be."""
        if not blocks:
            self._exact = [False] * len(self.blocks)
        for block in blocks:
            self._exact[self.index(block)] = False

    def _lay(self, first: int) -> None:
        self.tops[first:] = accumulate(self._heights[first:], initial=self.tops[first])
        del self.tops[len(self.blocks) + 1 :]
