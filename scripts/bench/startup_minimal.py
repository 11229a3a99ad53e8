"""A Textual app with as many widgets as the first picture of Shammah (a test counts), and nothing of its own: the
yardstick of `startup`."""

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static, TextArea


class Minimal(App[None]):
    CSS = """
    #prompt, Horizontal { height: 3; }
    Horizontal Static { width: 2; }
    """

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("welcome")
        with Vertical(id="prompt"), Horizontal():
            yield Static(">")
            yield TextArea(placeholder="ask anything")
        yield Static("status")
        yield Static("commands")

    def on_ready(self) -> None:
        self.query_one(TextArea).focus()


if __name__ == "__main__":
    Minimal().run()
