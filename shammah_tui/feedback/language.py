"""Which programming language a text, a path or an answer is about, and whether it is about tests. Pure guesses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Language:
    name: str
    shown: str
    """As a person writes it."""
    words: str
    """A regular expression of what names it in a sentence."""
    suffixes: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """What stands after the three backticks, beside its name and suffixes."""


_TABLE = (
    Language("python", "Python", r"python\d?|pytest|django|flask|pandas|numpy", (".py", ".pyi"), ("python3",)),
    Language("javascript", "JavaScript", r"javascript|js|node(?:\.js)?|react", (".js", ".mjs", ".cjs", ".jsx")),
    Language("typescript", "TypeScript", r"typescript|ts|angular", (".ts", ".tsx")),
    Language("rust", "Rust", r"rust|cargo", (".rs",)),
    Language("go", "Go", r"golang|(?-i:Go)(?! (?:on|ahead|back|to|through)\b)", (".go",), ("golang",)),
    Language("bash", "Bash", r"bash|shell|zsh", (".sh", ".bash"), ("shell", "zsh", "console")),
    Language("java", "Java", r"java", (".java",)),
    Language("kotlin", "Kotlin", r"kotlin", (".kt", ".kts")),
    Language("c", "C", r"(?-i:C)(?![\w+#])", (".c", ".h")),
    Language("cpp", "C++", r"c\+\+|cpp", (".cpp", ".cc", ".hpp"), ("c++",)),
    Language("csharp", "C#", r"c#|csharp", (".cs",), ("c#",)),
    Language("ruby", "Ruby", r"ruby|rails", (".rb",)),
    Language("php", "PHP", r"php|laravel", (".php",)),
    Language("swift", "Swift", r"swift", (".swift",)),
    Language("sql", "SQL", r"sql|postgres(?:ql)?|sqlite", (".sql",)),
    Language("html", "HTML", r"html", (".html", ".htm")),
    Language("css", "CSS", r"css", (".css",)),
)
LANGUAGES = {language.name: language for language in _TABLE}

_BY_TAG = {
    tag: language.name
    for language in _TABLE
    for tag in (language.name, *language.tags, *(suffix[1:] for suffix in language.suffixes))
}
_WORDS = {
    language.name: re.compile(rf"(?<![\w.#+/-])(?:{language.words})(?![\w#+/-])", re.IGNORECASE) for language in _TABLE
}
_PATH = re.compile(r"(?<![\w/.~-])(?:[~.]{0,2}/)?(?:[\w.@-]+/)*[\w@-][\w.@-]*\.[A-Za-z]\w{0,5}(?![\w/])")
_TESTS = re.compile(
    r"\b(?:py|unit|integration)?-?tests?\b(?!\s+(?:whether|if)\b)|#\[test\]|\bassert_eq!|\b[Ss]pec\b",
    re.IGNORECASE,
)
_TEST_PATH = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_[^/]*$|[._-](?:test|spec)\.\w+$")
_TEST_CODE = re.compile(
    r"^\s*(?:async )?def test_|#\[(?:tokio::)?test\]|^func Test\w*\(|^\s*(?:it|test|describe)\(", re.M
)


def of_tag(tag: str) -> str:
    """The language that a fence is marked with; empty where it is none that is known."""
    return _BY_TAG.get(tag.strip().lower(), "")


def of_path(path: str) -> str:
    return _BY_TAG.get(PurePosixPath(path).suffix[1:].lower(), "")


def paths_in(text: str) -> tuple[str, ...]:
    """What looks like the name of a file whose suffix is a language's."""
    return tuple(dict.fromkeys(found for found in _PATH.findall(text) if of_path(found)))


def named_in(text: str, paths: Iterable[str] = ()) -> tuple[str, ...]:
    """Languages that a sentence names, by word or by the suffix of a file, in the order of the table."""
    by_path = {of_path(path) for path in (*paths, *paths_in(text))}
    return tuple(name for name, words in _WORDS.items() if name in by_path or words.search(text))


def is_about_tests(text: str, paths: Iterable[str] = ()) -> bool:
    return bool(_TESTS.search(text)) or any(_TEST_PATH.search(path) for path in paths)


def is_test_code(code: str) -> bool:
    return bool(_TEST_CODE.search(code))
