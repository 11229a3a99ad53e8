"""Keys in the order in which they were pressed."""

from __future__ import annotations

from textual import events
from textual.widget import Widget


async def run_binding(widget: Widget, event: events.Key) -> bool:
    """Run what the key is bound to, and say whether it is. To be called first by the `_on_key` of what is typed into.

    The framework runs a binding only when its key has travelled up to the app, and keys typed after it overtake it:
    with "one", Enter, "two" typed ahead, Enter would send "onetwo". Here it runs before the next key is taken.
    """
    is_bound = await widget.app._check_bindings(event.key)
    if is_bound:
        event.prevent_default()
        event.stop()
    return is_bound
