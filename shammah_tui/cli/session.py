"""The conversation to go on with, as the flags name it."""

from __future__ import annotations

from shammah_tui.cli.arguments import UsageError
from shammah_tui.runtime import Runtime
from shammah_tui.store.session import NEWEST


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
