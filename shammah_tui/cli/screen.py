"""`shammah` alone: the full-screen program, or the line mode where that is wanted or needed."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import NoReturn

    from shammah_tui.ui.first_paint import FirstPaint
    from shammah_tui.ui.late_runtime import Opened


# Of a session's id, enough to name it.
SESSION_CHARACTERS = 8


def run(options: Namespace) -> int:
    """Run the screen until it is left. Raises UsageError where there is no terminal for one."""
    from shammah_tui.cli.arguments import UsageError
    from shammah_tui.cli.terminal import is_terminal

    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise UsageError(
            "The full-screen program needs a terminal.",
            'Ask one question with `shammah query "…"`; it reads standard input too.',
        )
    if "plain" in options or os.environ.get("TERM", "dumb") == "dumb":
        # A terminal that calls itself dumb cannot show a full screen.
        from shammah_tui.cli import plain

        return plain.run(options)
    return _show(lambda: options, None)


def run_painted(arguments: list[str], paint: FirstPaint) -> int:
    """The same where the first frame is on the screen already. Of `arguments` it is only known that they are of it."""

    def options() -> Namespace:
        from shammah_tui.cli.arguments import parse

        return parse(arguments)

    # Nothing that a start makes is garbage: looking for it costs a tenth of the time.
    gc.disable()
    try:
        return _show(options, paint)
    finally:
        paint.close()


def _show(options: Callable[[], Namespace], paint: FirstPaint | None) -> int:
    from shammah_tui.ui import app
    from shammah_tui.ui.late_runtime import LateRuntime

    runtime = LateRuntime(lambda: _open(options()))
    ending = app.run(runtime, theme_name=paint.theme if paint else "", paint=paint)
    if paint is not None:
        paint.close()
    if ending.restarts:
        restart(ending.session)
    tell_way_back(ending.session)
    return ending.code


def restart(session: str) -> NoReturn:
    """Begin the program again, in `session` where one began."""
    # The last one that is given counts.
    arguments = [*sys.argv[1:], *(("--resume", session) if session else ())]
    os.execv(sys.executable, [sys.executable, "-m", "shammah_tui", *arguments])


def tell_way_back(session: str) -> None:
    """How to go on with `session` later; nothing where none began."""
    if session:
        from shammah_tui.cli.terminal import tell

        tell(f"Go on with this conversation: shammah --resume {session[:SESSION_CHARACTERS]}")


def _warm_up() -> None:
    """Load what the first picture did without, and the first question or key would wait for."""
    for name in ("ui.exchange", "agent.crisis", "ui.screens.help", "ui.screens.model", "ui.screens.picker"):
        import_module(f"shammah_tui.{name}")


def _open(options: Namespace) -> Opened:
    """What the screen needs of the settings. In a thread, when the first frame is complete."""
    gc.freeze()
    gc.enable()
    from shammah_tui.cli.configured import flags_of, read_configuration, wanted_model
    from shammah_tui.runtime import Runtime
    from shammah_tui.ui.late_runtime import Opened

    configuration = read_configuration(options)
    runtime = Runtime(
        configuration.settings,
        model=wanted_model(configuration),
        asked=getattr(options, "asked", ""),
    )
    _warm_up()
    resume = getattr(options, "resume", None)
    settings = configuration.settings
    return Opened(
        runtime,
        settings.theme,
        resume,
        configuration.warnings,
        configuration.keys,
        settings.notifications,
        flags_of(options),
    )
