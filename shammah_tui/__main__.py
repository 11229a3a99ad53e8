"""The command `shammah`, and `python -m shammah_tui`. `--version` and `--help` are answered with nothing imported."""

from __future__ import annotations

import os
import sys

EXIT_CLOSED_PIPE = 141
_FLAGS = frozenset({"--debug", "-c", "--continue", "--local", "--cloud"})


def main() -> int:
    """Run the command line that this process was given, and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from shammah_tui import __version__

        return _say(f"shammah {__version__}\n")
    if sys.argv[1:] in (["--help"], ["-h"], ["help"]):
        from shammah_tui.cli.help import HELP

        return _say(HELP)
    paint = None
    if _opens_screen(sys.argv[1:]):
        from shammah_tui.ui.first_paint import begin

        paint = begin()
    from shammah_tui.cli.main import main as run

    return run(sys.argv[1:], paint)


def _opens_screen(arguments: list[str]) -> bool:
    """Whether these can only mean the screen. What is not known here is left to the parser."""
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument in ("-m", "--model", "--permission-mode"):
            # Without its value it is a mistake.
            if not left or left.pop(0).startswith("-"):
                return False
        elif argument in ("-r", "--resume"):
            if left and not left[0].startswith("-"):
                left.pop(0)
        elif argument not in _FLAGS and not argument.startswith(("--model=", "--resume=")):
            return False
    return True


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
