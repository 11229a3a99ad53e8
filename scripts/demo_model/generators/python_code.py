"""Python functions as text, written the way the habits and the rules of the moment ask."""

from __future__ import annotations

from collections.abc import Sequence

Parameter = tuple[str, str]
"""Name and type, as in `def f(name: type)`."""


def indented(lines: str, by: str = "    ") -> str:
    return "\n".join(by + line if line else line for line in lines.split("\n"))


def function(
    name: str,
    parameters: Sequence[Parameter],
    returns: str,
    body: str,
    flipped: frozenset[str],
    header: Sequence[str] = (),
) -> str:
    """A function; with type hints only where the rules ask for them. `header`: import lines and the like."""
    if "hints" in flipped:
        signature = ", ".join(f"{parameter}: {kind}" for parameter, kind in parameters)
        first = f"def {name}({signature}) -> {returns}:"
    else:
        first = f"def {name}({', '.join(parameter for parameter, _ in parameters)}):"
    code = f"{first}\n{indented(body)}"
    return "\n".join(header) + "\n\n\n" + code if header else code


def report(text: str, flipped: frozenset[str], level: str = "info") -> str:
    """A line that says `text` (an expression): printed by habit, logged where a rule asks."""
    return f"logger.{level}({text})" if "print" in flipped else f"print({text})"


def report_header(flipped: frozenset[str]) -> tuple[str, ...]:
    return ("import logging", "", "logger = logging.getLogger(__name__)") if "print" in flipped else ()
