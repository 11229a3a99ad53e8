"""All that is known of the model, for F3. The short form, in the empty conversation, is `bootstrap`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive

from shammah_tui.state import BootstrapState, ModelSummary, Phase
from shammah_tui.ui import wording
from shammah_tui.ui.plain import visible
from shammah_tui.ui.widgets.bootstrap import explanation, headline
from shammah_tui.ui.widgets.page import Page

if TYPE_CHECKING:
    from shammah_tui.bootstrap.report import ModelRow

NAME_CELLS = 24
STEPS = (Phase.INITIALIZING, Phase.DOWNLOADING, Phase.LOADING, Phase.READY)
STEP_NAMES = {
    Phase.INITIALIZING: "Look at the machine",
    Phase.DOWNLOADING: "Download",
    Phase.LOADING: "Load",
    Phase.READY: "Ready",
}


class ModelPanel(Page):
    """Everything about the model: the steps, the choice and why, what went wrong, how to change."""

    bootstrap: reactive[BootstrapState] = reactive(BootstrapState(Phase.INITIALIZING), layout=True)
    known: reactive[tuple[ModelRow, ...]] = reactive((), layout=True)
    """What there is to choose from, and what of it fits this machine; empty until that is found out."""

    def lines(self, width: int) -> list[Content]:
        state = self.bootstrap
        sections = [[Content.styled("Model", "bold $accent"), self._steps(state)]]
        sections.append([headline(state), *(Content("  ") + line for line in explanation(state, width - 2))])
        if state.model is not None:
            sections.append(_facts(state.model, width))
        if self.known:
            sections.append(_choices(self.known, width))
        sections.append(_how_to_change(width))
        lines: list[Content] = []
        for section in sections:
            lines.extend([Content(""), *section] if lines else section)
        return lines

    def _steps(self, state: BootstrapState) -> Content:
        reached = STEPS.index(state.phase) if state.phase in STEPS else -1
        parts = []
        for index, step in enumerate(STEPS):
            style = "bold $accent" if index == reached else "$foreground" if index < reached else "$quiet"
            parts.append(Content.styled(STEP_NAMES[step], style))
        return Content.styled(" → ", "$faint").join(parts)


def _facts(model: ModelSummary, width: int) -> list[Content]:
    device = wording.DEVICES.get(model.device, model.device)
    facts = [
        ("Why this one", wording.sentence(model.reason)),
        ("Name", model.id),
        ("File", model.file),
        ("Quantization", model.quantization),
        ("Size", wording.size(model.size_bytes) if model.size_bytes else ""),
        ("Context", f"{model.context_tokens:,} tokens" if model.context_tokens else ""),
        ("Device", device),
    ]
    label_cells = 14
    lines = []
    for label, value in facts:
        if value:
            wrapped = Content(visible(value)).wrap(max(8, width - label_cells))
            lines.append(Content.styled(label.ljust(label_cells), "$quiet") + wrapped[0])
            lines.extend(Content(" " * label_cells) + line for line in wrapped[1:])
    return lines


def _choices(rows: Sequence[ModelRow], width: int) -> list[Content]:
    """What else fits this machine, a line for each model with its best file; and why the rest does not."""
    lines = [Content.styled("What this machine can run", "bold")]
    for _, group in groupby(rows, key=lambda row: row.id):
        files = list(group)
        fitting = [row for row in files if row.fits]
        row = next((one for one in files if one.is_chosen), fitting[0] if fitting else files[0])
        sign, style = ("›", "bold $accent") if row.is_chosen else ("✓", "$success") if fitting else ("·", "$quiet")
        facts = [row.quantization, wording.size(row.size_bytes)] if row.source else ["comes with Shammah"]
        facts.append("" if not row.source else "is here" if row.is_downloaded else "" if fitting else row.why_not)
        text = " · ".join(fact for fact in facts if fact)
        head = Content.assemble((f"{sign} ", style), (row.id.ljust(NAME_CELLS), style))
        first, *rest = Content.styled(text, "$quiet").wrap(max(8, width - head.cell_length)) or [Content("")]
        lines += [head + first, *(Content(" " * head.cell_length) + line for line in rest)]
    return lines


def _how_to_change(width: int) -> list[Content]:
    lines = [Content.styled("Another model", "bold")]
    for command, meaning in (
        ("/model auto", "what fits this machine"),
        ("/model 1.5b", "a size: 0.5b, 1.5b, 3b, 7b, 14b"),
        ("/model PATH", "a GGUF file, or a name on the hub"),
        ("/model demo", "the demo model, without a network"),
    ):
        lines.extend(Content.assemble((command.ljust(14), "$accent"), (meaning, "$quiet")).wrap(width))
    return lines
