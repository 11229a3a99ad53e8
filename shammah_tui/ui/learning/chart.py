"""Two line charts of a run: the loss, also on what is held out; the distance to the base, with its limit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual_plot import HiResMode, LegendLocation, PlotWidget

from shammah_tui.ui.learning.run_view import RunView

# The gate's limit of KL a token on the retention set.
KL_LIMIT = 0.02
Points = Sequence[tuple[int, float]]


class Plot(PlotWidget, can_focus=False):
    """The keys of the screen are not the plot's."""


class Charts(Horizontal):
    """Drawn anew by `show`, at most a few times a second."""

    def compose(self) -> ComposeResult:
        yield Plot(id="loss", allow_pan_and_zoom=False)
        yield Plot(id="kl", allow_pan_and_zoom=False)

    def show(self, run: RunView) -> None:
        colours = self.app.theme_variables
        trained, held_out, limit = colours["accent"], colours["success"], colours["error"]
        steps = max(run.steps, 1)
        loss = self.query_one("#loss", Plot)
        loss.clear()
        _line(loss, run.loss, trained, "loss")
        _marks(loss, run.held_out, held_out, "held out")
        kl = self.query_one("#kl", Plot)
        kl.clear()
        _line(kl, run.kl, trained, "KL to the base")
        _marks(kl, run.held_out_kl, held_out, "held out")
        _line(kl, [(0, KL_LIMIT), (steps, KL_LIMIT)], limit, "limit")
        for plot in (loss, kl):
            plot.set_xlimits(0, steps)
            plot.set_ylimits(0, None)
            plot.show_legend(location=LegendLocation.TOPRIGHT)


def _line(plot: PlotWidget, points: Points, colour: str, label: str) -> None:
    if len(points) > 1:
        plot.plot(
            [float(step) for step, _ in points],
            [value for _, value in points],
            line_style=colour,
            hires_mode=HiResMode.BRAILLE,
            label=label,
        )


def _marks(plot: PlotWidget, points: Points, colour: str, label: str) -> None:
    """Told from a line without colour, too."""
    if points:
        plot.scatter(
            [float(step) for step, _ in points],
            [value for _, value in points],
            marker="o",
            marker_style=colour,
            label=label,
        )
