"""A Textual app with as many widgets as the first picture of Shammah, and nothing of its own: for `startup`."""

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static, TextArea


class Minimal(App[None]):
    CSS = """
    Horizontal, #prompt Static { height: 1; }
    #prompt { height: 4; }
    #prompt Horizontal { height: 3; }
    Horizontal Static { width: 2; }
    #find { display: none; }
    """

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("welcome")
        yield VerticalScroll()
        yield Static("unseen")
        with Horizontal(id="find"):
            yield Static("find")
            yield Input()
            yield Static("1 of 2")
        yield Static("queue")
        with Vertical(id="prompt"):
            yield Static("completion")
            with Horizontal():
                yield Static(">")
                yield TextArea(placeholder="ask anything")
        yield Static("status")
        yield Static("commands")

    def on_ready(self) -> None:
        self.query_one(TextArea).focus()


if __name__ == "__main__":
    Minimal().run()
