"""Text as lines for a width."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style

# The cells before every line of the transcript, which copying leaves out.
GUTTER = 2
CODE_META = "code"
"""What the label of a code block carries, so that it is found by a click and by the block cursor."""


def wrapped(content: Content, width: int) -> list[Content]:
    """One line where there is nothing to break, and at least one cell wide."""
    return content.wrap(max(1, width)) if content else [content]


def is_code_head(line: Content) -> bool:
    """Whether `line` is the one above a code block."""
    return any(isinstance(span.style, Style) and CODE_META in span.style.meta for span in line.spans)
