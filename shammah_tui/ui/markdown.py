"""A growing Markdown text as lines for a given width.

An answer is drawn block by block (a paragraph, a list, a code block), and what is complete is never parsed or drawn
again: only the last block of a growing answer is, and of an open code block only its newest lines. Blocks themselves
are drawn by `ui.markdown_block`.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from textual.content import Content

from shammah_tui.ui.markdown_block import draw_block, draw_code
from shammah_tui.ui.plain import visible

# An open code block is finished in pieces of this many lines, so that a long one costs no more than a short one.
CODE_PIECE_LINES = 8
NARROWEST = 8

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Markdown:
    """Append text, take lines. Holds the lines of one width at a time."""

    def __init__(self, source: str = "") -> None:
        self.source = ""
        self._width = 0
        self._finished: list[Content] = []
        self._tail = ""
        self._tail_lines: list[Content] | None = None
        self._growing = not source
        self._continued = False
        """Whether the tail is the rest of a code block whose beginning is finished."""
        self.append(source)

    def append(self, text: str) -> None:
        self.source += text
        self._tail += visible(text)
        self._tail_lines = None

    def finish(self) -> None:
        """Nothing is appended any more: draw it once as a whole, code blocks coloured over their full length."""
        self._growing = False
        self.forget()

    def forget(self) -> None:
        """Give up the lines; they are drawn again when they are asked for."""
        self._width = 0
        self._finished = []
        self._tail_lines = None

    def lines(self, width: int) -> list[Content]:
        """All lines, each at most `width` cells (a few more where that is under `NARROWEST`)."""
        width = max(NARROWEST, width)
        if width != self._width:
            self._width = width
            self._finished = []
            self._continued = False
            self._tail = visible(self.source)
            self._tail_lines = None
        if self._tail_lines is None:
            self._tail_lines = self._draw_tail()
        return self._finished + self._tail_lines

    def _draw_tail(self) -> list[Content]:
        """Move what later text cannot change to the finished lines; return the lines of what still grows."""
        blocks = SyntaxTreeNode(_parser.parse(self._tail)).children
        if not blocks:
            return []
        # A block that begins in the unfinished last line may still turn out to belong to the one before it.
        open_line = self._tail.count("\n")
        growing = 2 if blocks[-1].map is not None and blocks[-1].map[0] >= open_line else 1
        for block in blocks[:-growing]:
            self._finished.extend(self._spaced(block, after=self._finished))
            self._continued = False
        blocks = blocks[-growing:] if len(blocks) > growing else blocks
        first = blocks[0].map
        if first is not None and first[0]:
            self._tail = "\n".join(self._tail.split("\n")[first[0] :])
        if len(blocks) == 1:
            blocks = [self._finish_pieces(blocks[0])]
        lines = self._spaced(blocks[0], after=self._finished)
        for block in blocks[1:]:
            lines += [Content(""), *draw_block(block, self._width)]
        return lines

    def _finish_pieces(self, block: SyntaxTreeNode) -> SyntaxTreeNode:
        """Finish the first lines of a long code block that is still open; return what is left of it."""
        while self._growing and block.type == "fence" and block.content.count("\n") > 2 * CODE_PIECE_LINES:
            block = self._finish_piece(block)
        return block

    def _finish_piece(self, fence: SyntaxTreeNode) -> SyntaxTreeNode:
        """Finish the first lines of a long code block and return what is left of it."""
        lines = self._tail.split("\n")
        opening, piece, rest = lines[0], lines[1 : 1 + CODE_PIECE_LINES], lines[1 + CODE_PIECE_LINES :]
        code = draw_code("\n".join(piece), fence.info, self._width, headed=not self._continued)
        if self._finished and not self._continued:
            self._finished.append(Content(""))
        self._finished.extend(code)
        self._continued = True
        self._tail = "\n".join([opening, *rest])
        return SyntaxTreeNode(_parser.parse(self._tail)).children[-1]

    def _spaced(self, block: SyntaxTreeNode, *, after: list[Content]) -> list[Content]:
        if self._continued:
            return draw_code(block.content.rstrip("\n"), block.info, self._width, headed=False)
        lines = draw_block(block, self._width)
        return [Content(""), *lines] if after and lines else lines
