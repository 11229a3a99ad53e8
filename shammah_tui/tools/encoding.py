"""Text files as they are on disk: which encoding, which line endings, and back to the same bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KINDS = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP image, WAV or AVI)"),
    (b"BM", "a BMP image"),
    (b"%PDF-", "a PDF document; `pdftotext FILE -` through Bash gives its text where that is installed"),
    (b"\x7fELF", "a program (ELF)"),
    (b"PK\x03\x04", "a zip archive (or an office document, a wheel, a jar)"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"GGUF", "a GGUF model"),
)
# These may go on for long without a NUL.
_NEVER_TEXT = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"%PDF-")
_SNIFFED_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class Encoding:
    """`mark` is the byte order mark that the file begins with, or empty."""

    name: str
    mark: bytes = b""


def kind_of_binary(head: bytes) -> str | None:
    """What a file that begins with `head` is, where it is no text; None for text."""
    name = next((words for sign, words in _KINDS if head.startswith(sign)), "a binary file")
    if head.startswith(_NEVER_TEXT):
        return name
    is_marked = any(head.startswith(mark) for mark, _ in _MARKS)
    return None if is_marked or b"\0" not in head[:_SNIFFED_BYTES] else name


def detect(data: bytes, *, is_whole: bool) -> Encoding:
    """The encoding of `data`: its byte order mark, UTF-8, else Windows-1252, else Latin-1 (which is never wrong)."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Encoding(name, mark)
    for name in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(name)().decode(data, is_whole)
        except UnicodeDecodeError:
            continue
        return Encoding(name)
    return Encoding("latin-1")


def decode(data: bytes) -> tuple[str, Encoding] | None:
    """The text of a whole file, line endings as they are; None where it is no text or would not come back the same."""
    encoding = detect(data, is_whole=True)
    try:
        text = data[len(encoding.mark) :].decode(encoding.name)
    except UnicodeDecodeError:
        return None
    return (text, encoding) if encode(text, encoding) == data else None


def encode(text: str, encoding: Encoding) -> bytes:
    """Raises UnicodeEncodeError where the encoding has no such character."""
    return encoding.mark + text.encode(encoding.name)


def line_ending(text: str) -> str:
    r"""The ending that most lines of `text` have: "\r\n" or "\n"."""
    windows = text.count("\r\n")
    return "\r\n" if windows * 2 > text.count("\n") else "\n"
