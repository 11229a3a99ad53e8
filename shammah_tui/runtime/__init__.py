"""Joins the rooms on the client's side: the engine's process, the backends, the tools, the conversation, what is kept.

No screen here: the screen and `shammah query` drive it alike.

    runtime = Runtime(settings, folder=Path.cwd())
    async for event in runtime.ask("…"):    # waits for the model by itself, closing it interrupts
        ...
    await runtime.close()
"""

from shammah_tui.runtime.link import AGAIN, Engine, EngineLink
from shammah_tui.runtime.runtime import ContextUse, Runtime

__all__ = ["AGAIN", "ContextUse", "Engine", "EngineLink", "Runtime"]
