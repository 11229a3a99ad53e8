"""A model's answer in the transcript: one block, or several of bounded length when it is long (`ui.markdown_cut`)."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from shammah_tui.ui.lines import GUTTER, is_code_head
from shammah_tui.ui.markdown import Markdown, code_blocks
from shammah_tui.ui.markdown_cut import cut
from shammah_tui.ui.widgets.block import EMPTY_GUTTER, Block, Stop


class Passage(Block):
    """A part of an answer. It keeps its lines itself, to draw only what is new."""

    __slots__ = ("answer", "body", "opening")

    def __init__(self, answer: Answer, source: str, opening: str = "") -> None:
        super().__init__()
        self.answer = answer
        self.opening = opening
        self.body = Markdown(source, opening=opening, margin=EMPTY_GUTTER)

    @property
    def text(self) -> str:
        return self.body.source

    def lines(self, width: int) -> list[Content]:
        return self.body.lines(width - GUTTER)

    def forget(self) -> None:
        self.body.forget()

    def stops(self, width: int) -> list[Stop]:
        """The answer, where it begins, and each code block."""
        lines = self.lines(width)
        heads = [number for number, line in enumerate(lines) if is_code_head(line)]
        stops = [Stop(0, len(lines), "the answer")] if self is self.answer.passages[0] else []
        for head in heads:
            # Code stands on a ground as wide as its head; what follows it is narrower.
            cells = lines[head].cell_length
            end = next((at for at in range(head + 1, len(lines)) if lines[at].cell_length != cells), len(lines))
            stops.append(Stop(head, end - head, "the code"))
        return stops

    def copied(self, stop: Stop) -> str:
        return self.answer.source if stop.what == "the answer" else self.code_at(stop.first)

    def code_at(self, line: int) -> str:
        """The code block whose head is the `line` of those that were drawn last."""
        before = sum(is_code_head(drawn) for drawn in self.body.lines(self.body.width)[:line])
        for passage in self.answer.passages:
            if passage is self:
                break
            before += passage.code_count
        codes = code_blocks(self.answer.source)
        return codes[min(before, len(codes) - 1)] if codes else ""

    @property
    def code_count(self) -> int:
        """How many code blocks begin here."""
        opened = f"{self.opening}\n{self.text}" if self.opening else self.text
        return len(code_blocks(opened)) - (self.opening.lstrip()[:3] in ("```", "~~~"))


class Answer:
    """The text of one step of the model. What is appended may add a passage: `append` says which are new."""

    __slots__ = ("passages",)

    def __init__(self, source: str = "") -> None:
        self.passages = [Passage(self, "")]
        if source:
            self.append(source)
            self.finish()

    @property
    def source(self) -> str:
        return "".join(passage.text for passage in self.passages)

    @property
    def code_blocks(self) -> list[str]:
        return code_blocks(self.source)

    def append(self, text: str) -> list[Passage]:
        """The passages that were added; the one before them has changed too."""
        self.passages[-1].body.append(text)
        return list(self._cut())

    def finish(self) -> list[Passage]:
        """Nothing is appended any more. The passages that look otherwise now; each is drawn when it is next seen."""
        changed = [passage for passage in self.passages[:-1] if passage.body.is_pieced]
        for passage in (*changed, self.passages[-1]):
            passage.body.finish()
        return [*changed, self.passages[-1]]

    def _cut(self) -> Iterator[Passage]:
        while (place := cut((last := self.passages[-1]).text, last.opening)) is not None:
            following = Passage(self, "", place.opening)
            following.body.append(last.body.cut(place.at))
            last.gap = 0 if place.joined else 1
            self.passages.append(following)
            yield following
