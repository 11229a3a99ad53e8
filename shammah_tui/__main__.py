"""The command `shammah`, and `python -m shammah_tui`. `--version` and `--help` are answered with nothing imported."""

from __future__ import annotations

import os
import sys

EXIT_CLOSED_PIPE = 141


def main() -> int:
    """Run the command line that this process was given, and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from shammah_tui import __version__

        return _say(f"shammah {__version__}\n")
    if sys.argv[1:] in (["--help"], ["-h"], ["help"]):
        from shammah_tui.cli.help import HELP

        return _say(HELP)
    from shammah_tui.cli.main import main as run

    return run(sys.argv[1:])


def _say(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, so that the interpreter's own flush cannot fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_CLOSED_PIPE
    return 0


if __name__ == "__main__":
    sys.exit(main())
