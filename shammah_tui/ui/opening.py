"""What the screen says first. Plain values, so that it can be painted before Textual is imported (`first_paint`).

The widgets take the same words from here; `tests/ui/test_opening.py` compares the two pictures cell by cell.
"""

NAME = "Shammah"
SUBTITLE = "It runs on your own machine, and learns from you."
STARTING_SIGN = "◌"
STARTING = "Starting the engine"
TYPE_ALREADY = "Type already: your question is answered as soon as the model is there."
TRY = "Try"
TRY_HOW = "  Tab puts one into the prompt"
EXAMPLES = (
    "Write a Python function that adds two numbers",
    "What does the red key do?",
    "How do I get a real model?",
)
# The permission mode, until the settings are read.
MODE = "? ask"
MARK = "›"
PLACEHOLDER = "Ask anything, or type / for a command"
# The footer of the table in `keys`, which a config may change.
FOOTER = (
    ("Enter", "send"),
    ("F1", "help"),
    ("F3", "model"),
    ("F4", "learning"),
    ("F5", "settings"),
    ("Ctrl+J", "newline"),
    ("Ctrl+P", "commands"),
)

# Between two keys of a footer.
GAP = "  "

# A piece of a line: its words, and what they are in (a name in `colour.PALETTES`, with a "*" where bold).
Piece = tuple[str, str]


def welcome(width: int) -> list[list[Piece]]:
    """The empty conversation while nothing is known of the model, in lines of at most `width` cells."""
    lines: list[list[Piece]] = [[(NAME, "accent*")]]
    lines += [[(line, "quiet")] for line in wrapped(SUBTITLE, width)]
    lines += [[], [(STARTING_SIGN + " ", "quiet"), (STARTING, "foreground*")]]
    lines += [[("  ", "foreground"), (line, "quiet")] for line in wrapped(TYPE_ALREADY, width - 2)]
    lines += [[], [(TRY, "foreground*"), (TRY_HOW, "quiet")]]
    for example in EXAMPLES:
        first, *others = wrapped(f"  · {example}", width)
        lines.append([("  ", "foreground"), ("· ", "accent"), (first[4:], "foreground")])
        lines += [[(line, "foreground")] for line in others]
    return lines


def footer(width: int) -> list[Piece]:
    """As many keys as fit."""
    line: list[Piece] = []
    used = 0
    for key, word in FOOTER:
        cells = len(key) + 1 + len(word) + (len(GAP) if line else 0)
        if used + cells > width:
            break
        if line:
            line.append((GAP, "foreground"))
        line += [(key, "accent"), (" " + word, "quiet")]
        used += cells
    return line


def wrapped(text: str, width: int) -> list[str]:
    """Broken between words; each character is one cell wide."""
    lines: list[str] = []
    while len(text) > width:
        at = text.rfind(" ", 0, width + 1)
        if at <= 0:
            at = width
        lines.append(text[:at])
        text = text[at:].removeprefix(" ")
    return [*lines, text]
