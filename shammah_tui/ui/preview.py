"""What was typed before Textual is there, read closely enough to show it: plain editing in a line or a few.

Nothing depends on this but the picture: the bytes themselves are kept and given to Textual, which reads them again.
So a key that is not known here is no error. The preview then `lost` the thread, and is shown as it was until Textual
takes over, a moment later.
"""

from __future__ import annotations

PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
# Longer than any sequence that a key sends; as in Textual's parser.
SEQUENCE_MAX = 32
PASTE_SHOWN_MAX = 400

_CONTROLS = {"\r": "enter", "\n": "ctrl+j", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x00": "ctrl+@"}
_FINALS = {"A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home", "I": "focus", "O": "blur"}
_TILDES = {1: "home", 3: "delete", 4: "end", 7: "home", 8: "end"}
_CODES = {9: "tab", 13: "enter", 27: "escape", 127: "backspace"}
_EDITS = {
    "left": "left",
    "right": "right",
    "home": "home",
    "end": "end",
    "ctrl+a": "home",
    "ctrl+e": "end",
    "backspace": "delete_left",
    "delete": "delete_right",
    "ctrl+d": "delete_right",
    "ctrl+w": "delete_word_left",
    "ctrl+u": "delete_to_start",
    "ctrl+k": "delete_to_end",
}
_BY_ROWS = ("home", "end", "ctrl+a", "ctrl+e", "ctrl+u", "ctrl+k")
_NEW_LINE = ("ctrl+j", "shift+enter", "alt+enter")


class Key:
    """`name` as Textual names it, "text" or "paste" with `text`, or "?"; `raw`: the characters that it was sent as."""

    __slots__ = ("name", "raw", "text")

    def __init__(self, name: str, raw: str, text: str = "") -> None:
        self.name, self.raw, self.text = name, raw, text


class Keys:
    """Characters in, keys out: a name, or "text" or "paste" with what it holds. Keeps what is half there."""

    def __init__(self) -> None:
        self._sequence = ""
        self._pasted: list[str] | None = None

    @property
    def escape_waits(self) -> bool:
        """The last character was an Esc: a key of its own, or the beginning of a sequence."""
        return self._sequence == "\x1b"

    def expire(self) -> None:
        """Nothing followed an Esc for a while: it was the key."""
        self._sequence = ""

    def push(self, character: str) -> Key | None:
        """The key that `character` completes."""
        if self._pasted is not None:
            return self._paste(self._pasted, character)
        if not self._sequence:
            if character == "\x1b":
                self._sequence = character
                return None
            return _plain(character)
        self._sequence += character
        sequence = self._sequence
        introduced = sequence[1] in "[O"
        if introduced and len(sequence) < SEQUENCE_MAX and not (len(sequence) > 2 and "\x40" <= character <= "\x7e"):
            return None
        self._sequence = ""
        if sequence == PASTE_BEGINS:
            self._pasted = []
            return None
        if sequence == "\x1b\x1b":
            self._sequence = "\x1b"
            return Key("escape", sequence)
        return _csi(sequence) if sequence[1] == "[" else _escaped(sequence)

    def _paste(self, pasted: list[str], character: str) -> Key | None:
        pasted.append(character)
        if character != "~" or "".join(pasted[-len(PASTE_ENDS) :]) != PASTE_ENDS:
            return None
        self._pasted = None
        return Key("paste", "", "".join(pasted[: -len(PASTE_ENDS)]))


def _plain(character: str) -> Key:
    if character in _CONTROLS:
        return Key(_CONTROLS[character], character)
    if character < " ":
        return Key(f"ctrl+{chr(ord(character) + 0x60)}", character)
    return Key("text", character, character)


def _escaped(sequence: str) -> Key:
    """After Esc without a bracket: the older form of some keys, or Alt with a key, which is not followed here."""
    if sequence[1] == "O":
        return Key(_FINALS.get(sequence[2], "?"), sequence)
    return Key("?", sequence)


def _csi(sequence: str) -> Key:
    """As xterm or kitty (https://sw.kovidgoyal.net/kitty/keyboard-protocol) writes a key; "?" where it is another."""
    unknown = Key("?", sequence)
    final = sequence[-1]
    given = sequence[2:-1].split(";")
    fields = [field.split(":")[0] for field in given]
    if not all(field.isdecimal() or not field for field in fields) or ":" in "".join(given[2:]):
        return unknown
    numbers = [int(field) if field else 0 for field in fields] + [0, 0, 0]
    # Caps lock and num lock change nothing.
    modifiers = max(0, numbers[1] - 1) & 0b00111111
    if final == "u":
        if numbers[2] and not modifiers & ~1:
            return Key("text", sequence, chr(numbers[2]))
        name = _CODES.get(numbers[0]) or (chr(numbers[0]) if 32 < numbers[0] < 127 else "")
    else:
        name = _TILDES.get(numbers[0], "") if final == "~" else _FINALS.get(final, "")
    if not name:
        return unknown
    held = sorted(word for bit, word in ((2, "alt"), (4, "ctrl"), (1, "shift"), (8, "super")) if modifiers & bit)
    return Key("+".join([*held, name]), sequence)


class Preview:
    """The text and where the cursor is in it, in characters."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self.width = 80
        """Cells in a row of the prompt. In a line that takes several, some keys go by rows, and are not known here."""
        self.lost = False
        """A key was pressed whose effect is not known here."""

    def press(self, key: Key) -> None:
        name = key.name
        if self.lost or name in ("focus", "blur", "ctrl+l"):
            return
        if name == "text" and not (key.text == "?" and not self.text) and key.text.isprintable():
            self._insert(key.text)
        elif name == "paste":
            self._take_paste(key.text)
        elif name in _NEW_LINE:
            self._insert("\n")
        elif name in _EDITS and not (name in _BY_ROWS and self._line_is_broken):
            getattr(self, "_" + _EDITS[name])()
        else:
            self.lost = True

    @property
    def _line_is_broken(self) -> bool:
        return sum(map(cells, self.text[self._line_start : self._line_end])) > self.width

    def clear(self) -> None:
        self.text, self.cursor = "", 0

    def _insert(self, text: str) -> None:
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _take_paste(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        if len(lines) > PASTE_SHOWN_MAX or not lines.replace("\n", "").isprintable():
            self.lost = True
        else:
            self._insert(lines)

    def _left(self) -> None:
        self.cursor = max(0, self.cursor - 1)

    def _right(self) -> None:
        self.cursor = min(len(self.text), self.cursor + 1)

    def _home(self) -> None:
        """To the first word, and from there or before it to the edge."""
        start, end = self._line_start, self._line_end
        line = self.text[start:end]
        word = start + len(line) - len(line.lstrip()) if line.strip() else start
        self.cursor = word if self.cursor == start or self.cursor > word else start

    def _end(self) -> None:
        self.cursor = self._line_end

    @property
    def _line_start(self) -> int:
        return self.text.rfind("\n", 0, self.cursor) + 1

    @property
    def _line_end(self) -> int:
        end = self.text.find("\n", self.cursor)
        return len(self.text) if end < 0 else end

    def _delete(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def _delete_left(self) -> None:
        self._delete(max(0, self.cursor - 1), self.cursor)

    def _delete_right(self) -> None:
        self._delete(self.cursor, self.cursor + 1)

    def _delete_word_left(self) -> None:
        """To the last place before the cursor where a word begins or ends, as Textual's text area does."""
        start = self._line_start
        if self.cursor == start:
            self._delete_left()
            return
        before = self.text[start : self.cursor].rstrip()
        at = len(before) - 1
        while at > 0 and _is_word(before[at]) == _is_word(before[at - 1]):
            at -= 1
        self._delete(start + max(0, at), self.cursor)

    def _delete_to_start(self) -> None:
        if self.cursor == self._line_start:
            self._delete_left()
        else:
            self._delete(self._line_start, self.cursor)

    def _delete_to_end(self) -> None:
        if self._line_start == self._line_end:
            # An empty line goes altogether; of the last one, only what is before it could.
            if self.cursor < len(self.text):
                self._delete(self.cursor, self.cursor + 1)
            elif self.text:
                self.lost = True
        elif self.cursor == self._line_end:
            self._delete_right()
        else:
            self._delete(self.cursor, self._line_end)


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def cells(character: str) -> int:
    """How wide a character is on the screen: 0, 1 or 2."""
    if character < "\u0300":
        return 1
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def rows(text: str, width: int) -> list[tuple[int, int]]:
    """Where each row of the screen begins and ends in `text`, broken as Textual's text area breaks lines.

    A word goes with the blanks after it; one that is wider than a row is cut.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        found += _line_rows(line, start, width)
        start += len(line) + 1
    return found


def _line_rows(line: str, offset: int, width: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    begin = used = at = 0
    while at < len(line):
        end = at
        while end < len(line) and not line[end].isspace():
            end += 1
        while end < len(line) and line[end].isspace():
            end += 1
        wide = sum(map(cells, line[at:end]))
        if used + wide > width:
            if used:
                found.append((offset + begin, offset + at))
                begin, used = at, 0
            for index in range(at, end if wide > width else at):
                cell = cells(line[index])
                if used + cell > width:
                    found.append((offset + begin, offset + index))
                    begin, used = index, 0
                used += cell
            if wide > width:
                at = end
                continue
        used += wide
        at = end
    return [*found, (offset + begin, offset + len(line))]
