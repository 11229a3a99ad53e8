"""The system's clipboard, through the program that the desktop or the multiplexer has for it.

The terminal's own way (OSC 52) is the app's: some terminals do not know it, some multiplexers keep it for themselves.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

TIMEOUT_SECONDS = 2.0


def command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What takes the text on its standard input; empty where nothing is here, or it would reach another machine."""
    candidates: list[tuple[str, ...]] = []
    if environment.get("TMUX"):
        candidates.append(("tmux", "load-buffer", "-w", "-"))
    elif not environment.get("SSH_CONNECTION"):
        if sys.platform == "darwin":
            candidates.append(("pbcopy",))
        if environment.get("WAYLAND_DISPLAY"):
            candidates.append(("wl-copy",))
        if environment.get("DISPLAY"):
            candidates += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
        if environment.get("WSL_DISTRO_NAME"):
            candidates.append(("clip.exe",))
    path = environment.get("PATH")
    return next((found for found in candidates if shutil.which(found[0], path=path)), ())


async def copy(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Give `text` to the system's clipboard; what went wrong, in a sentence, or nothing."""
    environment = os.environ if environment is None else environment
    program = command(environment)
    if not program:
        return ""
    try:
        # Some stay in the background to serve the text: no pipe of ours is left with them.
        process = await asyncio.create_subprocess_exec(
            *program, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment)
        )
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await process.communicate(text.encode("utf-8", "replace"))
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"{program[0]} did not take the text; it was copied by the terminal alone."
    except OSError as error:
        return f"{program[0]} could not be started ({error.strerror}); it was copied by the terminal alone."
    if process.returncode:
        return f"{program[0]} failed with {process.returncode}; it was copied by the terminal alone."
    return ""
