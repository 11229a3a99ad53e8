"""What the framework has no door for in the terminal that it draws on."""

from __future__ import annotations

from textual.app import App

ALL_MOUSE = ("\x1b[?1000h", "\x1b[?1003h", "\x1b[?1015h", "\x1b[?1006h")


def capture_mouse(app: App[None], is_ours: bool) -> None:
    """Whether clicks come to us, or stay with the terminal, which then selects text as it does elsewhere."""
    driver = app._driver
    if driver is not None and not app.is_headless:
        for sequence in ALL_MOUSE:
            driver.write(sequence if is_ours else sequence[:-1] + "l")
        driver.flush()
