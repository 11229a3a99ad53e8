"""`shammah` alone: the full-screen program."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.terminal import is_terminal


def run(options: Namespace) -> int:
    """Run the screen until it is left. Raises UsageError where there is no terminal for one."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise UsageError(
            "The full-screen program needs a terminal.",
            'Ask one question with `shammah query "…"`; it reads standard input too.',
        )
    if os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(
            "This terminal calls itself dumb (TERM), and cannot show a full screen.",
            'Set TERM (TERM=xterm-256color shammah), or ask with `shammah query "…"`.',
        )
    from shammah_tui.cli.configured import configured, wanted_model

    configuration = configured(options)
    model = wanted_model(configuration)
    from shammah_tui.runtime import Runtime
    from shammah_tui.ui import app

    return app.run(Runtime(configuration.settings, model=model), theme_name=configuration.settings.theme)
