"""From arguments to an exit code: finds the command, and turns every error into words."""

from __future__ import annotations

import os
import sys

from shammah_tui.cli.terminal import tell_error
from shammah_tui.errors import ShammahError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from shammah_tui.ui.first_paint import FirstPaint

MODULES = {
    None: "screen",
    "query": "query",
    "models": "models",
    "doctor": "doctor",
    "config": "settings",
    "permissions": "permissions",
    "privacy": "privacy",
    "daemon": "engine",
    "feedback": "feedback",
    "rules": "rules",
    "train": "train",
    "adapters": "adapters",
    "completion": "completion",
}


def main(arguments: list[str], paint: FirstPaint | None = None) -> int:
    """Run the command that `arguments` name. Never raises, but for SystemExit after `--help`.

    `paint`: the first frame of the screen, where `arguments` are of it and it is shown already.
    """
    debug = "--debug" in arguments
    try:
        if paint is not None:
            from shammah_tui.cli.screen import run_painted

            return run_painted(arguments, paint)
        from shammah_tui.cli.arguments import parse

        return _run(parse(arguments))
    except ShammahError as error:
        if debug:
            _show_trace()
        tell_error(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return EXIT_CLOSED_PIPE
    except OSError as error:
        if debug:
            _show_trace()
        _drop_output()
        place = f" ({error.filename})" if error.filename else ""
        tell_error(f"The system refuses: {error.strerror or error}{place}.", "`shammah doctor` may find the cause.")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  the last resort: words in place of a trace back
        if debug:
            _show_trace()
        tell_error(
            f"Something went wrong inside Shammah ({type(error).__name__}: {error}).",
            "This is a mistake in the program. `--debug` shows where; please report it.",
        )
        return EXIT_FAILED


def _run(options: Namespace) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets question marks for what it cannot show, and no error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    from importlib import import_module

    module = import_module(f"shammah_tui.cli.{MODULES[options.command]}")
    code: int = module.run(options)
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _show_trace() -> None:
    import traceback

    traceback.print_exc()


def _drop_output() -> None:
    """What is still buffered goes nowhere, so that the interpreter's own flush cannot fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
