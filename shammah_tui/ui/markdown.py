"""A Markdown text, whole or still growing, as lines for a given width.

It is drawn block by block (a paragraph, a list, a code block), and what is complete is not parsed or drawn again: only
the last block of a growing text is, of an open code block or list only its newest part. Blocks themselves are drawn by
`ui.markdown_block`. A text is expected to be short (`ui.markdown_cut`): an answer is made of several.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from textual.content import Content

from shammah_tui.ui.markdown_block import draw_block, draw_code, is_tight
from shammah_tui.ui.plain import visible

# What is open is finished in pieces of this size, so that a long code block or list costs no more than a short one.
CODE_PIECE_LINES = 8
LIST_PIECE_ITEMS = 4
NARROWEST = 8

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Markdown:
    """Append text, take lines. Holds the lines of one width at a time.

    `opening` is what this text goes on with, from a text before it: the first line of a code block, or the head of a
    table. `margin` stands before each line, and is no part of the width.
    """

    __slots__ = (
        "_continued",
        "_finished",
        "_growing",
        "_joined",
        "_margin",
        "_opening",
        "_tail",
        "_tail_lines",
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
        self._tail_lines: list[Content] | None = None
        self._continued = False
        """Whether the tail is the rest of a code block whose beginning is finished, or is in the text before this."""
        self._joined = False
        """Whether the tail is the rest of a list without empty lines between its items."""

    def append(self, text: str) -> None:
        self.source += text
        self._growing = True
        if self.width:
            self._tail += visible(text)
            self._tail_lines = None

    def finish(self) -> None:
        """Nothing is appended any more: draw it once as a whole, code blocks coloured over their full length."""
        self._growing = False
        self.forget()

    def forget(self) -> None:
        """Give up the lines; they are drawn again when they are asked for."""
        self.width = 0
        self._finished = []
        self._tail = ""
        self._tail_lines = None

    def lines(self, width: int) -> list[Content]:
        """All lines, each at most `width` cells (a few more where that is under `NARROWEST`) and the margin."""
        width = max(NARROWEST, width)
        if width != self.width:
            self.width = width
            self._finished = []
            self._continued = self._opening.lstrip()[:3] in ("```", "~~~")
            self._joined = False
            self._tail = visible(f"{self._opening}\n{self.source}" if self._opening else self.source)
            self._tail_lines = None
        if self._tail_lines is None:
            self._tail_lines = self._with_margin(self._draw_tail())
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
            self._finish(self._draw(block))
            self._continued = self._joined = False
        blocks = blocks[-growing:]
        if blocks[0].map is not None and blocks[0].map[0]:
            self._tail = _from_line(self._tail, blocks[0].map[0])
        if len(blocks) == 1 and self._growing:
            blocks = [self._finish_pieces(blocks[0])]
        lines = self._spaced(self._draw(blocks[0]))
        for block in blocks[1:]:
            lines += [Content(""), *draw_block(block, self.width)]
        return lines

    def _finish_pieces(self, block: SyntaxTreeNode) -> SyntaxTreeNode:
        """Finish the first part of a long code block or list that is still open; return what is left of it."""
        while block.type == "fence" and block.content.count("\n") > 2 * CODE_PIECE_LINES:
            lines = self._tail.split("\n", 1 + CODE_PIECE_LINES)
            opening, piece, rest = lines[0], lines[1:-1], lines[-1]
            self._finish(draw_code("\n".join(piece), block.info, self.width, headed=not self._continued))
            self._continued = True
            block = self._rest(f"{opening}\n{rest}", block)
        while block.type in ("bullet_list", "ordered_list") and len(block.children) > 2 * LIST_PIECE_ITEMS:
            following = block.children[LIST_PIECE_ITEMS].map
            if following is None:
                break
            joined = is_tight(block)
            rest = _from_line(self._tail, following[0])
            self._finish(draw_block(self._rest(self._tail[: len(self._tail) - len(rest)], block), self.width))
            self._joined = joined
            block = self._rest(rest, block)
        return block

    def _rest(self, text: str, block: SyntaxTreeNode) -> SyntaxTreeNode:
        """Take `text` for the tail, and give its last block: a part of `block`."""
        self._tail = text
        return next(iter(reversed(SyntaxTreeNode(_parser.parse(text)).children)), block)

    def _draw(self, block: SyntaxTreeNode) -> list[Content]:
        if self._continued and block.type == "fence":
            return draw_code(block.content.rstrip("\n"), block.info, self.width, headed=False) if block.content else []
        return draw_block(block, self.width)

    def _finish(self, lines: list[Content]) -> None:
        self._finished.extend(self._with_margin(self._spaced(lines)))

    def _spaced(self, lines: list[Content]) -> list[Content]:
        """With an empty line before them, where one belongs there."""
        apart = self._finished and lines and not self._continued and not self._joined
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


def _from_line(text: str, number: int) -> str:
    return "\n".join(text.split("\n")[number:])
