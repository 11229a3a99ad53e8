"""Things that notes are often about, and how each is recognised in code: `print`, type hints, a bare `except` …

A construct is known by what people call it (`aliases`), by how a rule calls it (`good` where it is wanted, `bad` where
it is not), and by a check. Wordings are those that the demo model was trained to name rules in.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from shammah_tui.feedback import code, detection
from shammah_tui.feedback.detection import Detector


@dataclass(frozen=True, slots=True)
class Construct:
    name: str
    aliases: str
    """A regular expression for the whole of what a note calls it."""
    languages: tuple[str, ...]
    """Empty: any."""
    found_in: Detector
    good: str = ""
    """The clause of a rule that asks for it: "use f-strings"."""
    bad: str = ""
    """The clause of a rule that forbids it: "no `%`"."""
    usual_in_tests: bool = False
    """A rule against it does not hold for tests, unless the note says so."""
    topic: str = ""
    """Where such a rule applies, as its line goes on after the language: ", for paths"."""
    opposite: str = ""
    """For what is not wanted: the construct that then is, where a note only says the one."""
    replaces: tuple[str, ...] = ()
    """For what is wanted: the constructs that it stands in place of."""


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
JS = ("javascript", "typescript")
_OPEN, _CLOSE = r"[`'\"]?", r"[`'\"]?(?:\(\))?"

TABLE: tuple[Construct, ...] = (
    Construct(
        "print",
        rf"(?:the )?{_OPEN}print{_CLOSE}(?: statements?| calls?| function)?|prints?|printing|to print",
        ("python",),
        detection.uses("print"),
        "use `print`",
        "no `print`",
        usual_in_tests=True,
    ),
    Construct(
        "logging",
        r"(?:the )?`?logging`?(?: module| library)?|log|(?:a |the )?loggers?(?:\.info)?|log messages|to log",
        ("python",),
        detection.uses("logging", "logger", "log", "loguru", "structlog"),
        "use `logging`",
        "no `logging`",
        replaces=("print",),
    ),
    Construct(
        "type hints",
        r"(?:missing |the |python )*type (?:hints?|annotations?)|annotations?|typed functions|(?:the )?types|hints|"
        r"types on all parameters|annotated parameters|annotate .*types.*|type annotations .*|type hints .*",
        ("python",),
        detection.typed,
        "write type hints",
        "no type hints",
        topic=" functions",
        replaces=("untyped",),
    ),
    Construct(
        "untyped",
        r"untyped (?:functions?|code|parameters?)|bare parameters?|missing (?:hints|types)|"
        r"(?:functions?|parameters?) without (?:a )?(?:types?|type hints?)",
        ("python",),
        detection.untyped,
        "leave out type hints",
        "no bare parameters",
        usual_in_tests=True,
        opposite="type hints",
        topic=" functions",
    ),
    Construct(
        "f-string",
        r"(?:an? |the )?`?f-?\s?strings?`?(?: formatting)?",
        ("python",),
        detection.in_python(lambda node: isinstance(node, ast.JoinedStr)),
        "use f-strings",
        "no f-strings",
        topic=", for text with values",
        replaces=("percent", "format"),
    ),
    Construct(
        "percent",
        r"(?:the )?(?:old )?(?:`?%s?`?|percent|%-)\s?-?(?: ?format(?:ting)?| operator| style)?",
        ("python",),
        detection.in_python(detection.is_percent),
        "use `%`",
        "no `%`",
        topic=", for text with values",
        opposite="f-string",
    ),
    Construct(
        "format",
        rf"(?:the )?{_OPEN}(?:str)?\.?format{_CLOSE}(?: method| calls?)?|`?str\.format`?",
        ("python",),
        detection.in_python(detection.is_format),
        "use `str.format`",
        "no `.format`",
        topic=", for text with values",
    ),
    Construct(
        "bare except",
        r"(?:a )?(?:bare|naked|empty|catch-all) `?excepts?:?`?(?: clauses?)?|`?except:`?|except without .*|everything",
        ("python",),
        detection.in_python(detection.is_bare_except),
        "use a bare `except:`",
        "no bare `except:`",
        opposite="named except",
    ),
    Construct(
        "named except",
        r"(?:an? |the )?(?:named|specific) (?:errors?|exceptions?)|(?:the )?(?:error|exception)(?:'s)? ?(?:name|type)?|"
        r"except with .*|exceptions by name|(?:a |the )?(?:error|exception) (?:in|after) .*except.*|"
        r"(?:which )?(?:error|exception) you catch",
        ("python",),
        detection.in_python(detection.is_named_except),
        "name the error after `except`",
        "no named `except`",
        replaces=("bare except",),
    ),
    Construct(
        "pathlib",
        rf"(?:the )?{_OPEN}pathlib(?:\.path)?{_CLOSE}(?: module)?|`?Path`?(?: objects?)?|pathlib objects",
        ("python",),
        detection.uses("pathlib", "Path"),
        "use `pathlib`",
        "no `pathlib`",
        topic=", for paths",
        replaces=("os.path",),
    ),
    Construct(
        "os.path",
        rf"(?:the )?{_OPEN}os\.path(?:\.\w+)?{_CLOSE}(?: module| functions?)?",
        ("python",),
        detection.uses("os.path"),
        "use `os.path`",
        "no `os.path`",
        topic=", for paths",
        opposite="pathlib",
    ),
    Construct(
        "docstring",
        r"(?:a |the )?(?:missing )?doc-?\s?(?:strings?|comments?)(?: .*)?",
        ("python",),
        detection.documented,
        "write doc strings",
        "no doc strings",
        usual_in_tests=True,
        replaces=("undocumented",),
    ),
    Construct(
        "undocumented",
        r"(?:undocumented|functions? without (?:a )?doc ?strings?)(?: .*)?",
        ("python",),
        detection.undocumented,
        "leave out doc strings",
        "no function without a doc string",
        usual_in_tests=True,
        opposite="docstring",
    ),
    Construct(
        "list comprehension",
        r"(?:a )?(?:list )?comprehensions?",
        ("python",),
        detection.in_python(
            lambda node: isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        ),
        "use comprehensions",
        "no comprehensions",
    ),
    Construct(
        "lambda",
        r"(?:a )?`?lambdas?`?(?: functions?)?",
        ("python",),
        detection.in_python(lambda node: isinstance(node, ast.Lambda)),
        "use `lambda`",
        "no `lambda`",
    ),
    Construct(
        "global",
        r"`?globals?`?(?: variables?| statements?)?",
        ("python",),
        detection.in_python(lambda node: isinstance(node, ast.Global)),
        "use `global`",
        "no `global`",
    ),
    Construct(
        "star import",
        r"(?:star|wildcard|\*) imports?|import \*",
        ("python",),
        detection.in_python(detection.is_star),
        "import `*`",
        "no `import *`",
    ),
    Construct(
        "mutable default",
        r"(?:a )?mutable default(?: argument| parameter| value)?s?",
        ("python",),
        detection.in_python(detection.has_mutable_default),
        "use mutable defaults",
        "no mutable default arguments",
    ),
    Construct(
        "dataclass",
        r"(?:a )?`?@?dataclass(?:es)?`?",
        ("python",),
        detection.uses("dataclass", "dataclasses"),
        "use a `dataclass`",
        "no `dataclass`",
    ),
    Construct(
        "assert",
        r"`?asserts?`?(?: statements?)?|assertions?",
        ("python",),
        detection.in_python(lambda node: isinstance(node, ast.Assert)),
        "use `assert`",
        "no `assert`",
        usual_in_tests=True,
    ),
    Construct(
        "var",
        r"(?:the keyword )?`?var`?(?: declarations?| keyword)?",
        JS,
        detection.has_nodes("variable_declaration"),
        "use `var`",
        "no `var`",
        opposite="const or let",
    ),
    Construct(
        "const or let",
        r"`?(?:const|let)`?(?:,? (?:and|or) `?(?:let|const)`?)?",
        JS,
        detection.has_nodes("lexical_declaration"),
        "use `const` and `let`",
        "no `const` or `let`",
        replaces=("var",),
    ),
    Construct(
        "arrow function",
        r"(?:an? )?arrow functions?",
        JS,
        detection.has_nodes("arrow_function"),
        "use arrow functions",
        "no arrow functions",
    ),
    Construct(
        "async/await",
        r"`?async(?:/| and )`?await`?|`?await`?",
        (*JS, "python"),
        detection.awaits,
        "use `async` and `await`",
        "no `await`",
        replaces=("then",),
    ),
    Construct(
        "then",
        r"`?\.?then(?:\(\))?`?(?: chains?)?|promise chains?",
        JS,
        detection.uses(".then"),
        "use `.then()`",
        "no `.then()`",
        opposite="async/await",
    ),
    Construct(
        "console.log",
        r"`?console\.log(?:\(\))?`?",
        JS,
        detection.uses("console.log"),
        "use `console.log`",
        "no `console.log`",
        usual_in_tests=True,
    ),
    Construct(
        "strict equality",
        r"`?===`?|strict equality",
        JS,
        detection.matches(r"[!=]=="),
        "use `===`",
        "no `===`",
        replaces=("loose equality",),
    ),
    Construct(
        "loose equality",
        r"`?==`?|loose equality",
        JS,
        detection.matches(r"(?<![!=<>])[!=]=(?!=)"),
        "use `==`",
        "no `==`",
        opposite="strict equality",
    ),
    Construct(
        "any",
        r"(?:the )?`?any`?(?: type)?",
        ("typescript",),
        detection.matches(r":\s*any\b|<any>|\bas any\b"),
        "use `any`",
        "no `any`",
    ),
    Construct(
        "unwrap",
        r"(?:the )?`?\.?unwrap(?:\(\))?`?|unwraps|unwrapping|to unwrap",
        ("rust",),
        detection.uses(".unwrap"),
        "use `.unwrap()`",
        "no `.unwrap()`",
        usual_in_tests=True,
        opposite="question mark",
    ),
    Construct(
        "expect",
        r"`?\.?expect(?:\(\))?`?",
        ("rust",),
        detection.uses(".expect"),
        "use `.expect()`",
        "no `.expect()`",
        usual_in_tests=True,
        opposite="question mark",
    ),
    Construct(
        "question mark",
        r"(?:the )?`?\?`?(?: operator)?|(?:the )?question mark|(?:a |the )?`?Result`?|`?\?`? and a Result|"
        r"(?:a )?Result (?:and|with) .*|(?:the )?(?:returned )?errors?(?: with .*)?",
        ("rust",),
        lambda block: code.has_node(block, ("try_expression",)) or detection.uses("Result")(block),
        "return errors with `?`",
        "no `?`",
        replaces=("unwrap", "expect"),
    ),
    Construct(
        "unsafe",
        r"`?unsafe`?(?: blocks?| code)?",
        ("rust",),
        detection.has_nodes("unsafe_block"),
        "use `unsafe`",
        "no `unsafe`",
    ),
    Construct(
        "clone",
        r"`?\.?clone(?:\(\))?`?|clones|cloning",
        ("rust",),
        detection.uses(".clone"),
        "use `.clone()`",
        "no `.clone()`",
        usual_in_tests=True,
    ),
    Construct(
        "panic",
        r"`?panic!?(?:\(\))?`?|panics?|panicking",
        ("rust", "go"),
        detection.matches(r"\bpanic!?\s*\("),
        "use `panic`",
        "no `panic`",
        usual_in_tests=True,
    ),
    Construct(
        "set -e",
        r"`?set -e\w*(?: -?o pipefail)?`?",
        ("bash",),
        lambda block: re.search(r"^\s*set\s+-\w*e", block.code, re.M) is not None,
        "begin with `set -euo pipefail`",
        "no `set -e`",
    ),
    Construct(
        "comments",
        r"(?:the |code |inline |more )?comments?(?: in .*)?",
        (),
        code.comments,
        "write comments",
        "no comments",
    ),
    Construct(
        "snake_case",
        r"`?snake_?\s?case`?(?: names?)?(?: for .*)?",
        (),
        detection.snake_cased,
        "name functions in `snake_case`",
        "no `snake_case` names",
        replaces=("camelCase",),
    ),
    Construct(
        "camelCase",
        r"`?camel_?\s?case`?(?: names?)?(?: for .*)?",
        (),
        detection.camel_cased,
        "name functions in `camelCase`",
        "no `camelCase` names",
        opposite="snake_case",
    ),
)


def known(term: str, language: str = "") -> Construct | None:
    """What a note's words mean in code of `language` (in any, where it is empty)."""
    for construct in TABLE:
        fits = not language or not construct.languages or language in construct.languages
        if fits and re.fullmatch(construct.aliases, term, re.IGNORECASE):
            return construct
    return None


def named(name: str) -> Construct | None:
    return next((construct for construct in TABLE if construct.name == name), None)
