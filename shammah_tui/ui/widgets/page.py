"""A widget that is a text: as many lines as its width needs."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

# Narrower, a text is cut rather than broken into single letters.
NARROWEST = 16


class Page(Widget):
    """A subclass says what its lines are; this asks for them at the width there is."""

    def lines(self, width: int) -> list[Content]:
        """`width` is at least `NARROWEST`."""
        raise NotImplementedError

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self.lines(max(NARROWEST, width)))

    def render(self) -> Content:
        # Also called while it is hidden, and then has no width.
        return Content("\n").join(self.lines(max(NARROWEST, self.size.width)))


def turn(shown: VerticalScroll, step: int) -> None:
    """One screen further down, or up where `step` is negative."""
    if step > 0:
        shown.scroll_page_down(animate=False)
    else:
        shown.scroll_page_up(animate=False)
