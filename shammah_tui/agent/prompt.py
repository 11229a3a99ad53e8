"""The system prompt. Plain text in, plain text out: the demo model is trained on exactly what stands here.

The order is fixed, stable parts first, so that a prefix kept by the engine stays good when a later part changes:
who you are, the folder, the project's instructions, the person's rules.
"""

from __future__ import annotations

from collections.abc import Sequence

IDENTITY = "You are Shammah, a coding assistant in the person's terminal. Answer briefly and exactly."


def system_prompt(*, folder: str = "", instructions: str = "", rules: Sequence[str] = ()) -> str:
    """`folder`: the working folder; `instructions`: text of AGENTS.md; `rules`: one line each, most important first."""
    parts = [IDENTITY]
    if folder:
        parts.append(f"Working folder: {folder}")
    if instructions:
        parts.append(f"Instructions of this project:\n{instructions.strip()}")
    return with_rules("\n\n".join(parts), rules)


def with_rules(system: str, rules: Sequence[str]) -> str:
    """A system prompt with the person's rules at its end; as it is where there are none."""
    if not rules:
        return system
    return f"{system}\n\nRules of this person:\n" + "\n".join(f"- {rule}" for rule in rules)
