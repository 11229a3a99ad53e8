"""A program for tests: the first paint and then the screen, as `shammah` alone, with a runtime that answers nothing.

    python -m tests.ui.painted REPORT [SECONDS]

It writes what its prompt holds and what it was asked as JSON to the file REPORT, again and again. Importing takes
SECONDS longer than it does.
"""

from __future__ import annotations

import sys

from shammah_tui.ui.first_paint import begin


def main() -> int:
    paint = begin()
    assert paint is not None
    try:
        return _show(paint)
    finally:
        paint.close()


def _show(paint: object) -> int:
    import json
    import time
    from pathlib import Path

    time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)

    from shammah_tui.state import BootstrapState, Phase
    from shammah_tui.ui import app as program
    from shammah_tui.ui.first_paint import FirstPaint
    from shammah_tui.ui.late_runtime import LateRuntime, Opened
    from tests.ui.script import Scripted

    assert isinstance(paint, FirstPaint)
    report = Path(sys.argv[1])
    runtime = Scripted([()] * 9, BootstrapState(Phase.INITIALIZING), use=None)

    class Reporting(program.ShammahApp):
        def on_ready(self) -> None:
            super().on_ready()
            self.set_interval(0.05, self._report)

        def _report(self) -> None:
            prompt, queue = self.chat.prompt, self.chat.queue
            told = {
                "text": prompt.text,
                "cursor": list(prompt.cursor_location),
                "asked": runtime.asked,
                "queue": [message.written for message in queue.messages],
            }
            fresh = report.with_suffix(".new")
            fresh.write_text(json.dumps(told))
            fresh.replace(report)

    program.ShammahApp = Reporting  # type: ignore[misc]
    return program.run(LateRuntime(lambda: Opened(runtime, paint.theme)), theme_name=paint.theme, paint=paint).code


if __name__ == "__main__":
    sys.exit(main())
