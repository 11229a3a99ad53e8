"""Notices a model that runs in a circle: the same call, the same outcome, again and again, nothing changed between."""

from __future__ import annotations

import json

from shammah_tui.conversation import ToolCall

REPETITIONS_MAX = 3
ADVICE = (
    "This same call has now had the same outcome {count} times, and nothing was changed in between. Do not make it "
    "again: say what you found and what stands in the way."
)


class Repetition:
    """Watches the calls of one turn."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}

    def observe(self, call: ToolCall, outcome: str, *, changed: bool) -> int:
        """How often this call had this outcome since something changed. `changed`: this call changed something."""
        if changed:
            self._counts.clear()
            return 1
        key = (call.name, _canonical(call.arguments), outcome)
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key]


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments
