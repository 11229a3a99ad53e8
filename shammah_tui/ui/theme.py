"""The colours: themes of our own, dark and light, calm and with high contrast, with one accent each. How code is
coloured is in `code_colour`.

Red, yellow and green are kept for states and ratings, so the accent is none of them.
"""

from __future__ import annotations

from textual.theme import Theme

from shammah_tui.ui.colour import PALETTES

_DARK, _LIGHT = PALETTES["shammah-dark"], PALETTES["shammah-light"]
_CONTRAST_DARK, _CONTRAST_LIGHT = PALETTES["shammah-contrast-dark"], PALETTES["shammah-contrast-light"]

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

CONTRAST_DARK = Theme(
    name="shammah-contrast-dark",
    primary=_CONTRAST_DARK["accent"],
    secondary="#ffffff",
    accent=_CONTRAST_DARK["accent"],
    warning="#ffd75f",
    error="#ff9d9d",
    success="#7dff8a",
    foreground=_CONTRAST_DARK["foreground"],
    background=_CONTRAST_DARK["background"],
    surface="#101010",
    panel="#2b2b2b",
    dark=True,
    variables=DARK.variables
    | {
        "quiet": _CONTRAST_DARK["quiet"],
        "faint": _CONTRAST_DARK["faint"],
        "line": "#8a8a8a",
        "code-keyword": "#8fd3ff",
        "code-name": "#ffffff",
        "code-function": "#c8e6ff",
        "code-string": "#a8ffb0",
        "code-number": "#ffd75f",
        "code-type": "#9ff0f3",
        "input-cursor-background": "#ffffff",
        "input-cursor-foreground": "#000000",
        "scrollbar": "#8a8a8a",
        "scrollbar-background": "#000000",
        "scrollbar-corner-color": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
    },
)

CONTRAST_LIGHT = Theme(
    name="shammah-contrast-light",
    primary=_CONTRAST_LIGHT["accent"],
    secondary="#000000",
    accent=_CONTRAST_LIGHT["accent"],
    warning="#5c3a00",
    error="#8f0010",
    success="#004d12",
    foreground=_CONTRAST_LIGHT["foreground"],
    background=_CONTRAST_LIGHT["background"],
    surface="#f4f4f4",
    panel="#e0e0e0",
    dark=False,
    variables=LIGHT.variables
    | {
        "quiet": _CONTRAST_LIGHT["quiet"],
        "faint": _CONTRAST_LIGHT["faint"],
        "line": "#6b6b6b",
        "code-keyword": "#003b94",
        "code-name": "#000000",
        "code-function": "#00306e",
        "code-string": "#004d12",
        "code-number": "#5c3a00",
        "code-type": "#00474a",
        "input-cursor-background": "#000000",
        "input-cursor-foreground": "#ffffff",
        "scrollbar": "#6b6b6b",
        "scrollbar-background": "#ffffff",
        "scrollbar-corner-color": "#ffffff",
        "scrollbar-background-hover": "#ffffff",
        "scrollbar-background-active": "#ffffff",
    },
)

OWN = (DARK, LIGHT, CONTRAST_DARK, CONTRAST_LIGHT)
MEANINGS = {
    DARK.name: "dark and calm",
    LIGHT.name: "light and calm",
    CONTRAST_DARK.name: "dark, with high contrast",
    CONTRAST_LIGHT.name: "light, with high contrast",
}

_OWN_NAMES = ("quiet", "faint", "line", "code-")


def own_variables(dark: bool) -> dict[str, str]:
    """The variables that only our themes define, for themes that are not ours."""
    variables = (DARK if dark else LIGHT).variables
    return {name: value for name, value in variables.items() if name.startswith(_OWN_NAMES)}
