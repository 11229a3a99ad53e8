"""F3: everything about the model and its way to answering."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen

from shammah_tui import paths
from shammah_tui.errors import ShammahError
from shammah_tui.state import BootstrapState, Phase
from shammah_tui.ui import keys
from shammah_tui.ui.plain import visible
from shammah_tui.ui.port import RuntimePort
from shammah_tui.ui.widgets.model_panel import ModelPanel
from shammah_tui.ui.widgets.page import turn
from shammah_tui.ui.widgets.status import FLASH_SECONDS, Hints, Status


class ModelScreen(Screen[None], inherit_bindings=False):
    CSS_PATH = paths.styles_folder() / "model.tcss"
    BINDINGS = keys.bindings("model")
    AUTO_FOCUS = "VerticalScroll"

    class RetryWanted(Message):
        """Try again to start the engine, or to get the model."""

    class ModelWanted(Message):
        def __init__(self, model: str) -> None:
            super().__init__()
            self.model = model

    def __init__(self, runtime: RuntimePort) -> None:
        super().__init__()
        self._runtime = runtime

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield ModelPanel(id="model-panel")
        yield Status(id="status")
        yield Hints(id="hints")

    def on_mount(self) -> None:
        self.show_bootstrap(self._runtime.state)
        self._look_at_machine()

    @work(exclusive=True, group="machine")
    async def _look_at_machine(self) -> None:
        """What there is and what fits: by the same choice as the engine's, so that no engine is needed to know it."""
        from shammah_tui.bootstrap.report import list_models

        try:
            runtime = await self._runtime.whole()
            sandbox = (await runtime.guard()).sandbox
            for status in self.query(Status):
                status.mode, status.sandbox = runtime.mode, sandbox
            known = await list_models(runtime.settings)
        except ShammahError as error:
            self.flash(visible(f"{error.message} {error.hint}".strip()))
            return
        for panel in self.query(ModelPanel):
            panel.known = known

    def show_bootstrap(self, state: BootstrapState) -> None:
        if not self.query(ModelPanel):
            # Left in the moment in which it was opened.
            return
        self.query_one(ModelPanel).bootstrap = state
        self.query_one(Status).bootstrap = state
        idle = {"app.show_model"}
        if state.phase not in (Phase.FAILED, Phase.NOT_AVAILABLE):
            idle.add("retry")
        if state.model is not None and state.model.is_demo:
            idle.add("use_demo")
        shown = [key for key in keys.in_footer("model", "everywhere") if key.action not in idle]
        self.query_one(Hints).show(shown)

    def flash(self, text: str, seconds: float = FLASH_SECONDS) -> None:
        self.query_one(Hints).flash(text, seconds)

    def action_page(self, step: int) -> None:
        for page in self.query(VerticalScroll):
            turn(page, step)

    def action_retry(self) -> None:
        self.post_message(self.RetryWanted())

    def action_use_demo(self) -> None:
        self.post_message(self.ModelWanted("demo"))
