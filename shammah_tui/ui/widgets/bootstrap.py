"""What is known of the model on its way to answering, for the empty conversation. The long form is `model_panel`."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive

from shammah_tui.state import BootstrapState, Phase, Progress
from shammah_tui.ui import wording
from shammah_tui.ui.opening import NAME, SUBTITLE, TRY, TRY_HOW, TYPE_ALREADY
from shammah_tui.ui.plain import visible
from shammah_tui.ui.widgets.page import Page
from shammah_tui.ui.widgets.status import BADGE

BAR_CELLS_MAX = 48
DEMO_NOTES = (
    "A tiny model that comes with Shammah, for trying it out.",
    "/model auto gets one for real work.",
)


def bar(progress: Progress, width: int) -> Content:
    cells = min(width, BAR_CELLS_MAX)
    done = progress.done_bytes * cells // progress.total_bytes if progress.total_bytes else 0
    return Content.assemble(("━" * done, "$accent"), ("━" * (cells - done), "$line"))


def headline(state: BootstrapState) -> Content:
    sign, colour = wording.SIGNS[state.phase]
    line = Content.assemble((f"{sign} ", colour), (wording.headline(state), "bold"))
    return Content.assemble(line, "  ", BADGE) if state.model is not None and state.model.is_demo else line


def explanation(state: BootstrapState, width: int) -> list[Content]:
    """Below the headline: how far, or why not, and what to do."""
    lines: list[Content] = []
    if state.phase is Phase.DOWNLOADING and state.progress is not None:
        percent = Content(f" {wording.percent(state.progress):>3} %")
        lines.append(bar(state.progress, width - percent.cell_length) + percent)
        lines.append(Content.styled(wording.amount(state.progress), "$quiet"))
    if state.reason:
        style = "$error" if state.phase is Phase.FAILED else "$warning"
        lines.extend(Content.styled(wording.sentence(visible(state.reason)), style).wrap(width))
    if state.hint:
        lines.extend(Content(wording.sentence(visible(state.hint))).wrap(width))
    return lines


class Welcome(Page):
    """The empty conversation: what this is, how the model is doing, and what could be asked."""

    bootstrap: reactive[BootstrapState] = reactive(BootstrapState(Phase.INITIALIZING), layout=True)

    def __init__(self, examples: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._examples = examples

    def lines(self, width: int) -> list[Content]:
        state = self.bootstrap
        lines = [
            Content.styled(NAME, "bold $accent"),
            *Content.styled(SUBTITLE, "$quiet").wrap(width),
            Content(""),
        ]
        lines.append(headline(state))
        lines += [Content("  ") + line for line in explanation(state, width - 2)]
        if state.phase is Phase.READY and state.model is not None and state.model.is_demo:
            for note in DEMO_NOTES:
                lines += [Content("  ") + line for line in Content.styled(note, "$quiet").wrap(width - 2)]
        elif state.phase not in (Phase.READY, Phase.FAILED, Phase.NOT_AVAILABLE):
            lines += [Content("  ") + line for line in Content.styled(TYPE_ALREADY, "$quiet").wrap(width - 2)]
        lines += [Content(""), Content.assemble((TRY, "bold"), (TRY_HOW, "$quiet"))]
        for example in self._examples:
            lines.extend(Content.assemble("  ", ("· ", "$accent"), example).wrap(width))
        return lines
