"""The colours that the first frame needs, and how a terminal is told them. Plain values: no library is loaded for them.

What a terminal with fewer colours gets is what Rich makes of them, so that nothing changes when Textual takes over.
"""

from __future__ import annotations

PALETTES = {
    "shammah-dark": {
        "foreground": "#d9dee7",
        "background": "#12151b",
        "accent": "#82b4ff",
        "quiet": "#8a94a6",
        "faint": "#4a5364",
        "cursor": "#12151b on #d9dee7",
    },
    "shammah-light": {
        "foreground": "#23272f",
        "background": "#fbfbf9",
        "accent": "#1d5fb8",
        "quiet": "#5d6675",
        "faint": "#a9afb8",
        # On a light ground Textual's text area lets the ground shine through its cursor.
        "cursor": "#efeff0 on #63666b",
    },
    "shammah-contrast-dark": {
        "foreground": "#ffffff",
        "background": "#000000",
        "accent": "#8fd3ff",
        "quiet": "#d0d0d0",
        "faint": "#a0a0a0",
        "cursor": "#000000 on #ffffff",
    },
    "shammah-contrast-light": {
        "foreground": "#000000",
        "background": "#ffffff",
        "accent": "#003b94",
        "quiet": "#333333",
        "faint": "#5c5c5c",
        "cursor": "#ececec on #474747",
    },
}
DEFAULT = "shammah-dark"

TRUECOLOR, EIGHT_BIT, STANDARD = "truecolor", "256", "16"
# The sixteen colours as Rich takes them to be.
_SIXTEEN = (
    *((0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170)),
    *((85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255)),
    (255, 255, 255),
)


def depth(color_term: str, term: str) -> str:
    """How many colours the terminal has, by COLORTERM and TERM as Rich takes them."""
    if color_term.strip().lower() in ("truecolor", "24bit"):
        return TRUECOLOR
    return EIGHT_BIT if term.strip().lower().rpartition("-")[2] in ("256color", "kitty") else STANDARD


def sequences(palette: dict[str, str], depth: str, *, grey: bool = False) -> dict[str, str]:
    """The escape sequence of each name in `palette`, and of each in bold (the name with "*"), all on the background.

    `grey`: NO_COLOR keeps the brightness alone.
    """
    ground = _code(palette["background"], depth, grey, background=True)
    made = {}
    for name, value in palette.items():
        front, _, back = value.partition(" on ")
        behind = _code(back, depth, grey, background=True) if back else ground
        code = _code(front, depth, grey, background=False)
        made[name] = f"\x1b[0;{code};{behind}m"
        made[name + "*"] = f"\x1b[0;1;{code};{behind}m"
    return made


def _code(value: str, depth: str, grey: bool, *, background: bool) -> str:
    rgb = int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)
    if grey:
        rgb = (round(rgb[0] * 0.2126 + rgb[1] * 0.7152 + rgb[2] * 0.0722),) * 3
    if depth == TRUECOLOR:
        return f"{48 if background else 38};2;{rgb[0]};{rgb[1]};{rgb[2]}"
    if depth == EIGHT_BIT:
        return f"{48 if background else 38};5;{_eight_bit(*rgb)}"
    number = _sixteenth(*rgb)
    return str((40 if background else 30) + number if number < 8 else (92 if background else 82) + number)


def _eight_bit(red: int, green: int, blue: int) -> int:
    """`rich.color.Color.downgrade`: a grey of 26 where the saturation is low, else a corner of the cube."""
    high, low = max(red, green, blue) / 255, min(red, green, blue) / 255
    light, spread = (high + low) / 2, high - low
    saturation = 0.0 if not spread else spread / (high + low) if light <= 0.5 else spread / (2.0 - high - low)
    if saturation < 0.15:
        grey = round(light * 25.0)
        return 16 if grey == 0 else 231 if grey == 25 else 231 + grey
    six = [round(value / 95 if value < 95 else 1 + (value - 95) / 40) for value in (red, green, blue)]
    return 16 + 36 * six[0] + 6 * six[1] + six[2]


def _sixteenth(red: int, green: int, blue: int) -> int:
    """`rich.palette.Palette.match`: the nearest, by a weighted distance."""

    def distance(number: int) -> float:
        other = _SIXTEEN[number]
        mean = (red + other[0]) // 2
        reds, greens, blues = red - other[0], green - other[1], blue - other[2]
        weighted = (((512 + mean) * reds * reds) >> 8) + 4 * greens * greens + (((767 - mean) * blues * blues) >> 8)
        return float(weighted**0.5)

    return min(range(16), key=distance)
