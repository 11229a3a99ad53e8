"""What the flags say of the conversation itself: which one to go on with, and how its tool calls are judged."""

from __future__ import annotations

from argparse import Namespace

from shammah_tui.cli.arguments import UsageError
from shammah_tui.runtime import Runtime
from shammah_tui.store.session import NEWEST
from shammah_tui.tools.permission.decision import Mode


def permission_mode(options: Namespace) -> Mode | None:
    """The one that was given; None leaves it to the settings."""
    given = getattr(options, "permission_mode", None)
    return Mode.named(given) if given else None


async def resume(runtime: Runtime, wanted: str) -> None:
    """Go on with the session whose id begins with `wanted`, or this folder's newest. Raises UsageError, HomeError."""
    found = await runtime.sessions.find(wanted, str(runtime.folder))
    if found is None and wanted == NEWEST:
        raise UsageError(f"There is no conversation in {runtime.folder} yet.", "Begin one without --continue.")
    if found is None:
        raise UsageError(
            f"There is no conversation {wanted!r}, or more than one begins so.",
            "`shammah --resume` lists them.",
        )
    runtime.resume(found)
