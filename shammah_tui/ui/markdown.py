"""A Markdown text, whole or still growing, as lines for a given width.

It is drawn block by block (a paragraph, a list, a code block), and what is complete is not parsed or drawn again: only
the last block of a growing text is, of an open code block or list only its newest part. Blocks themselves are drawn by
`ui.markdown_block`. A text is expected to be short (`ui.markdown_cut`): an answer is made of several.
"""

from __future__ import annotations

from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from textual.content import Content

from shammah_tui.ui.markdown_block import (
    draw_block,
    draw_code,
    draw_list,
    first_number,
    is_tight,
    table_of,
    table_rows,
)
from shammah_tui.ui.plain import visible
from shammah_tui.ui.table import Table, column_widths

# Of what is open so much stays to be drawn again; the rest is finished once there is twice as much, so that a long code
# block, list or table costs no more than a short one.
OPEN_CODE_LINES = 8
OPEN_ITEMS = 4
OPEN_ROWS = 8
NARROWEST = 8
LISTS = ("bullet_list", "ordered_list")

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class _Begun(NamedTuple):
    """A list whose beginning is finished."""

    following: int
    """The number of the item that comes next."""
    tight: bool
    """Whether no empty lines stood between its items until now."""


class Markdown:
    """Append text, take lines. Holds the lines of one width at a time.

    `opening` is what this text goes on with, from a text before it: the first line of a code block, or the head of a
    table. `margin` stands before each line, and is no part of the width.
    """

    __slots__ = (
        "_begun",
        "_continued",
        "_finished",
        "_growing",
        "_margin",
        "_opening",
        "_stale",
        "_tail",
        "_tail_lines",
        "_widths",
        "is_pieced",
        "source",
        "width",
    )

    def __init__(self, source: str = "", *, opening: str = "", margin: Content | None = None) -> None:
        self.source = source
        self._opening = opening
        self._margin = margin
        self._growing = not source
        self.width = 0
        """What the lines that it holds were drawn for; 0 where it holds none."""
        self._finished: list[Content] = []
        self._tail = ""
        self._tail_lines: list[Content] = []
        self._stale = False
        """Whether the tail has changed since its lines were drawn."""
        self.is_pieced = False
        """Whether a code block, list or table was drawn piece by piece; as a whole it may look otherwise."""
        self._continued = False
        """Whether the tail is the rest of a code block whose beginning is finished, or is in the text before this."""
        self._begun: _Begun | None = None
        """The list that the tail is the rest of."""
        self._widths: list[int] | None = None
        """Of the columns, where the tail is the rest of a table whose beginning is finished."""

    def append(self, text: str) -> None:
        self.source += text
        self._growing = True
        if self.width:
            self._tail += visible(text)
            self._stale = True

    def finish(self) -> None:
        """Nothing is appended any more: draw it once as a whole, code blocks coloured over their full length."""
        self._growing = False
        self.forget()

    def cut(self, at: int) -> str:
        """Give up the text from character `at` on, and give it; nothing is appended any more.

        What is drawn of the rest stays as it is.
        """
        self._growing = False
        self.source, following = self.source[:at], self.source[at:]
        shown = visible(following)
        if self._tail.endswith(shown):
            self._tail = self._tail[: len(self._tail) - len(shown)]
            self._stale = True
        else:
            self.forget()
        return following

    def forget(self) -> None:
        """Give up the lines; they are drawn again when they are asked for."""
        self.width = 0
        self._finished = []
        self._tail = ""
        self._tail_lines = []
        self.is_pieced = False

    def lines(self, width: int) -> list[Content]:
        """All lines, each at most `width` cells (a few more where that is under `NARROWEST`) and the margin."""
        width = max(NARROWEST, width)
        if width != self.width:
            self.forget()
            self.width = width
            self._continued = self._opening.lstrip()[:3] in ("```", "~~~")
            self._begun = None
            self._widths = None
            self._tail = visible(f"{self._opening}\n{self.source}" if self._opening else self.source)
            self._stale = True
        if self._stale:
            self._draw_anew()
        return self._finished + self._tail_lines

    def _draw_anew(self) -> None:
        """A line that looks as it did stays the very same object: the screen knows it, and does not draw it again."""
        before, first = self._tail_lines, len(self._finished)
        tail = self._with_margin(self._draw_tail())
        lines = self._finished[first:] + tail
        for at, (old, new) in enumerate(zip(before, lines, strict=False)):
            if old.is_same(new):
                lines[at] = old
        end = len(lines) - len(tail)
        self._finished[first:], self._tail_lines = lines[:end], lines[end:]
        self._stale = False

    def _draw_tail(self) -> list[Content]:
        """Move what later text cannot change to the finished lines; return the lines of what still grows."""
        blocks = SyntaxTreeNode(_parser.parse(self._tail)).children
        if not blocks:
            return []
        # A block that begins in the unfinished last line may still turn out to belong to the one before it.
        open_line = self._tail.count("\n")
        growing = 2 if blocks[-1].map is not None and blocks[-1].map[0] >= open_line else 1
        for block in blocks[:-growing]:
            self._finish(self._draw(block))
            self._continued = False
            self._begun = None
            self._widths = None
        blocks = blocks[-growing:]
        if blocks[0].map is not None and blocks[0].map[0]:
            self._tail = _from_line(self._tail, blocks[0].map[0])
        if len(blocks) == 1 and self._growing:
            blocks = [self._finish_beginning(blocks[0])]
        lines = self._spaced(self._draw(blocks[0]))
        for block in blocks[1:]:
            lines += [Content(""), *draw_block(block, self.width)]
        return lines

    def _finish_beginning(self, block: SyntaxTreeNode) -> SyntaxTreeNode:
        """Finish the beginning of a long block that is still open; return what is left of it."""
        match block.type:
            case "fence":
                rest = self._finish_code(block)
            case kind if kind in LISTS:
                rest = self._finish_items(block)
            case "table":
                rest = self._finish_rows(block)
            case _:
                rest = None
        if rest is None:
            return block
        self.is_pieced = True
        self._tail = rest
        return _last_block(rest) or block

    # Each finishes all but the last lines, items or rows, and gives the text that is left; None where it is short.

    def _finish_code(self, block: SyntaxTreeNode) -> str | None:
        count = block.content.count("\n")
        if count <= 2 * OPEN_CODE_LINES:
            return None
        opening, *beginning, rest = self._tail.split("\n", 1 + count - OPEN_CODE_LINES)
        while beginning and not beginning[-1]:
            # Empty lines are drawn once something follows them.
            rest = f"{beginning.pop()}\n{rest}"
        if not beginning:
            return None
        self._finish(draw_code("\n".join(beginning), block.info, self.width, headed=not self._continued))
        self._continued = True
        return f"{opening}\n{rest}"

    def _finish_items(self, block: SyntaxTreeNode) -> str | None:
        count = len(block.children)
        if count <= 2 * OPEN_ITEMS or (following := block.children[count - OPEN_ITEMS].map) is None:
            return None
        rest = _from_line(self._tail, following[0])
        beginning = _last_block(self._tail[: len(self._tail) - len(rest)]) or block
        begun = self._as_begun(block)
        self._finish(draw_list(beginning, self.width, begun.following, tight=begun.tight))
        self._begun = _Begun(begun.following + count - OPEN_ITEMS, begun.tight)
        return rest

    def _finish_rows(self, block: SyntaxTreeNode) -> str | None:
        rows = table_rows(block)
        count = len(rows)
        if count <= 1 + 2 * OPEN_ROWS or (following := rows[count - OPEN_ROWS].map) is None:
            return None
        table = table_of(block)
        widths = self._widths or column_widths(table.rows, self.width)
        if widths is None:
            return None
        beginning = Table(table.rows[: count - OPEN_ROWS], table.alignments)
        self._finish([*([] if self._widths else beginning.draw_head(widths)), *beginning.draw_body(widths)])
        self._widths = widths
        header, rule, _ = self._tail.split("\n", 2)
        return f"{header}\n{rule}\n{_from_line(self._tail, following[0])}"

    def _draw(self, block: SyntaxTreeNode) -> list[Content]:
        if self._continued and block.type == "fence":
            code = block.content.rstrip("\n")
            return draw_code(code, block.info, self.width, headed=False) if code else []
        if self._widths and block.type == "table":
            return table_of(block).draw_body(self._widths)
        if self._begun and block.type in LISTS:
            begun = self._as_begun(block)
            return draw_list(block, self.width, begun.following, tight=begun.tight)
        return draw_block(block, self.width)

    def _as_begun(self, block: SyntaxTreeNode) -> _Begun:
        """A list as it goes on: once it is loose, it stays so."""
        if self._begun is None:
            return _Begun(first_number(block), is_tight(block))
        return self._begun._replace(tight=self._begun.tight and is_tight(block))

    def _finish(self, lines: list[Content]) -> None:
        self._finished.extend(self._with_margin(self._spaced(lines)))

    def _spaced(self, lines: list[Content]) -> list[Content]:
        """With an empty line before them, where one belongs there."""
        goes_on = self._continued or self._widths or (self._begun is not None and self._begun.tight)
        apart = self._finished and lines and not goes_on
        return [Content(""), *lines] if apart else lines

    def _with_margin(self, lines: list[Content]) -> list[Content]:
        margin = self._margin
        return [margin + line for line in lines] if margin is not None else lines


def code_blocks(source: str) -> list[str]:
    """What stands in the code blocks of a text, in their order, as it was written."""
    return [
        node.content.removesuffix("\n")
        for node in SyntaxTreeNode(_parser.parse(source)).walk()
        if node.type in ("fence", "code_block")
    ]


def _last_block(text: str) -> SyntaxTreeNode | None:
    return next(iter(reversed(SyntaxTreeNode(_parser.parse(text)).children)), None)


def _from_line(text: str, number: int) -> str:
    return "\n".join(text.split("\n")[number:])
