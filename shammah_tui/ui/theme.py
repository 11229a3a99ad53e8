"""The colours: two themes of our own with one accent. How code is coloured is in `code_colour`.

Red, yellow and green are kept for states and ratings, so the accent is none of them.
"""

from __future__ import annotations

from textual.theme import Theme

from shammah_tui.ui.colour import PALETTES

_DARK, _LIGHT = PALETTES["shammah-dark"], PALETTES["shammah-light"]

DARK = Theme(
    name="shammah-dark",
    primary=_DARK["accent"],
    secondary="#9aa7bd",
    accent=_DARK["accent"],
    warning="#e3b566",
    error="#f2848c",
    success="#86c98f",
    foreground=_DARK["foreground"],
    background=_DARK["background"],
    surface="#191d25",
    panel="#222732",
    dark=True,
    variables={
        "quiet": _DARK["quiet"],
        "faint": _DARK["faint"],
        "line": "#333b4a",
        "code-keyword": "#82b4ff",
        "code-name": "#d9dee7",
        "code-function": "#a8cfff",
        "code-string": "#9fcf9f",
        "code-number": "#e3b566",
        "code-type": "#8fd0d3",
        "input-cursor-background": "#d9dee7",
        "input-cursor-foreground": "#12151b",
        "input-selection-background": "#82b4ff 30%",
        "screen-selection-background": "#82b4ff 35%",
        "scrollbar": "#333b4a",
        "scrollbar-background": "#12151b",
        "scrollbar-corner-color": "#12151b",
        "scrollbar-hover": "#4a5364",
        "scrollbar-active": "#82b4ff",
        "scrollbar-background-hover": "#12151b",
        "scrollbar-background-active": "#12151b",
    },
)

LIGHT = Theme(
    name="shammah-light",
    primary=_LIGHT["accent"],
    secondary="#596373",
    accent=_LIGHT["accent"],
    warning="#855600",
    error="#b3262e",
    success="#25692f",
    foreground=_LIGHT["foreground"],
    background=_LIGHT["background"],
    surface="#f1f1ee",
    panel="#e6e6e2",
    dark=False,
    variables={
        "quiet": _LIGHT["quiet"],
        "faint": _LIGHT["faint"],
        "line": "#cfd2d6",
        "code-keyword": "#1d5fb8",
        "code-name": "#23272f",
        "code-function": "#0d4a94",
        "code-string": "#25692f",
        "code-number": "#855600",
        "code-type": "#0b6c70",
        "input-cursor-background": "#23272f",
        "input-cursor-foreground": "#fbfbf9",
        "input-selection-background": "#1d5fb8 20%",
        "screen-selection-background": "#1d5fb8 22%",
        "scrollbar": "#cfd2d6",
        "scrollbar-background": "#fbfbf9",
        "scrollbar-corner-color": "#fbfbf9",
        "scrollbar-hover": "#a9afb8",
        "scrollbar-active": "#1d5fb8",
        "scrollbar-background-hover": "#fbfbf9",
        "scrollbar-background-active": "#fbfbf9",
    },
)

OWN = (DARK, LIGHT)

_OWN_NAMES = ("quiet", "faint", "line", "code-")


def own_variables(dark: bool) -> dict[str, str]:
    """The variables that only our themes define, for themes that are not ours."""
    variables = (DARK if dark else LIGHT).variables
    return {name: value for name, value in variables.items() if name.startswith(_OWN_NAMES)}
