"""Things that notes are often about, and how each is recognised in code: `print`, type hints, a bare `except` …

A construct is known by what people call it (`aliases`), by how a rule calls it (`good` where it is wanted, `bad` where
it is not), and by a check. Wordings are those that the demo model was trained to name rules in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from shammah_tui.feedback.code import (
    Block,
    bare,
    comments,
    has_node,
    python_names,
    python_tree,
    signatures,
)

Detector = Callable[[Block], bool]


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


def uses(*names: str) -> Detector:
    """Code of any language in which one of these dotted names stands; ".unwrap" is any method of that name."""

    def found_in(block: Block) -> bool:
        if block.language == "python" and (tree := python_tree(block.code)) is not None:
            return not set(names).isdisjoint(python_names(tree))
        text = bare(block)
        return any(re.search(name_pattern(name), text) for name in names)

    return found_in


def name_pattern(name: str) -> str:
    """A regular expression that finds a dotted name, and nothing that only begins or ends like it."""
    parts = [re.escape(part) for part in name.split(".")]
    before = r"\.\s*" if name.startswith(".") else r"(?<![\w$])"
    return before + r"\s*\.\s*".join(part for part in parts if part) + r"(?![\w$])"


def _python(test: Callable[[ast.AST], bool]) -> Detector:
    def found_in(block: Block) -> bool:
        tree = python_tree(block.code)
        return tree is not None and any(test(node) for node in ast.walk(tree))

    return found_in


def _nodes(*kinds: str) -> Detector:
    return lambda block: has_node(block, kinds)


def _text(pattern: str) -> Detector:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda block: compiled.search(bare(block)) is not None


def _is_percent(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and (isinstance(node.left, ast.JoinedStr) or _is_text(node.left))
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_format(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "format"


def _functions(block: Block) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = python_tree(block.code)
    if tree is None:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _is_typed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    bare_ones = [argument for argument in every if argument.annotation is None and argument.arg not in ("self", "cls")]
    return not bare_ones and function.returns is not None


def _typed(block: Block) -> bool:
    functions = _functions(block)
    return bool(functions) and all(map(_is_typed, functions))


def _untyped(block: Block) -> bool:
    return any(not _is_typed(function) for function in _functions(block))


def _documented(block: Block) -> bool:
    functions = _functions(block)
    return bool(functions) and all(ast.get_docstring(function, clean=False) for function in functions)


def _undocumented(block: Block) -> bool:
    return any(not ast.get_docstring(function, clean=False) for function in _functions(block))


def _is_bare_except(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and node.type is None


def _is_named_except(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and node.type is not None


def _is_star(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _has_mutable_default(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return any(
        isinstance(value, ast.List | ast.Dict | ast.Set) for value in (*node.args.defaults, *node.args.kw_defaults)
    )


def _awaits(block: Block) -> bool:
    tree = python_tree(block.code)
    if block.language == "python":
        return tree is not None and any(isinstance(node, ast.Await) for node in ast.walk(tree))
    return has_node(block, ("await_expression",))


def _camel_cased(block: Block) -> bool:
    return any(re.search(r"[a-z][A-Z]", name) for name in signatures(block) if not name[:1].isupper())


def _snake_cased(block: Block) -> bool:
    names = [name for name in signatures(block) if not name[:1].isupper()]
    return bool(names) and not _camel_cased(block)


JS = ("javascript", "typescript")
_OPEN, _CLOSE = r"[`'\"]?", r"[`'\"]?(?:\(\))?"

TABLE: tuple[Construct, ...] = (
    Construct(
        "print",
        rf"(?:the )?{_OPEN}print{_CLOSE}(?: statements?| calls?| function)?|prints?|printing|to print",
        ("python",),
        uses("print"),
        "use `print`",
        "no `print`",
        usual_in_tests=True,
    ),
    Construct(
        "logging",
        r"(?:the )?`?logging`?(?: module| library)?|log|(?:a |the )?loggers?(?:\.info)?|log messages|to log",
        ("python",),
        uses("logging", "logger", "log", "loguru", "structlog"),
        "use `logging`",
        "no `logging`",
        replaces=("print",),
    ),
    Construct(
        "type hints",
        r"(?:missing |the |python )*type (?:hints?|annotations?)|annotations?|typed functions|(?:the )?types|hints|"
        r"types on all parameters|annotated parameters|annotate .*types.*|type annotations .*|type hints .*",
        ("python",),
        _typed,
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
        _untyped,
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
        _python(lambda node: isinstance(node, ast.JoinedStr)),
        "use f-strings",
        "no f-strings",
        topic=", for text with values",
        replaces=("percent", "format"),
    ),
    Construct(
        "percent",
        r"(?:the )?(?:old )?(?:`?%s?`?|percent|%-)\s?-?(?: ?format(?:ting)?| operator| style)?",
        ("python",),
        _python(_is_percent),
        "use `%`",
        "no `%`",
        topic=", for text with values",
        opposite="f-string",
    ),
    Construct(
        "format",
        rf"(?:the )?{_OPEN}(?:str)?\.?format{_CLOSE}(?: method| calls?)?|`?str\.format`?",
        ("python",),
        _python(_is_format),
        "use `str.format`",
        "no `.format`",
        topic=", for text with values",
    ),
    Construct(
        "bare except",
        r"(?:a )?(?:bare|naked|empty|catch-all) `?excepts?:?`?(?: clauses?)?|`?except:`?|except without .*|everything",
        ("python",),
        _python(_is_bare_except),
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
        _python(_is_named_except),
        "name the error after `except`",
        "no named `except`",
        replaces=("bare except",),
    ),
    Construct(
        "pathlib",
        rf"(?:the )?{_OPEN}pathlib(?:\.path)?{_CLOSE}(?: module)?|`?Path`?(?: objects?)?|pathlib objects",
        ("python",),
        uses("pathlib", "Path"),
        "use `pathlib`",
        "no `pathlib`",
        topic=", for paths",
        replaces=("os.path",),
    ),
    Construct(
        "os.path",
        rf"(?:the )?{_OPEN}os\.path(?:\.\w+)?{_CLOSE}(?: module| functions?)?",
        ("python",),
        uses("os.path"),
        "use `os.path`",
        "no `os.path`",
        topic=", for paths",
        opposite="pathlib",
    ),
    Construct(
        "docstring",
        r"(?:a |the )?(?:missing )?doc-?\s?(?:strings?|comments?)(?: .*)?",
        ("python",),
        _documented,
        "write doc strings",
        "no doc strings",
        usual_in_tests=True,
        replaces=("undocumented",),
    ),
    Construct(
        "undocumented",
        r"(?:undocumented|functions? without (?:a )?doc ?strings?)(?: .*)?",
        ("python",),
        _undocumented,
        "leave out doc strings",
        "no function without a doc string",
        usual_in_tests=True,
        opposite="docstring",
    ),
    Construct(
        "list comprehension",
        r"(?:a )?(?:list )?comprehensions?",
        ("python",),
        _python(lambda node: isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)),
        "use comprehensions",
        "no comprehensions",
    ),
    Construct(
        "lambda",
        r"(?:a )?`?lambdas?`?(?: functions?)?",
        ("python",),
        _python(lambda node: isinstance(node, ast.Lambda)),
        "use `lambda`",
        "no `lambda`",
    ),
    Construct(
        "global",
        r"`?globals?`?(?: variables?| statements?)?",
        ("python",),
        _python(lambda node: isinstance(node, ast.Global)),
        "use `global`",
        "no `global`",
    ),
    Construct(
        "star import",
        r"(?:star|wildcard|\*) imports?|import \*",
        ("python",),
        _python(_is_star),
        "import `*`",
        "no `import *`",
    ),
    Construct(
        "mutable default",
        r"(?:a )?mutable default(?: argument| parameter| value)?s?",
        ("python",),
        _python(_has_mutable_default),
        "use mutable defaults",
        "no mutable default arguments",
    ),
    Construct(
        "dataclass",
        r"(?:a )?`?@?dataclass(?:es)?`?",
        ("python",),
        uses("dataclass", "dataclasses"),
        "use a `dataclass`",
        "no `dataclass`",
    ),
    Construct(
        "assert",
        r"`?asserts?`?(?: statements?)?|assertions?",
        ("python",),
        _python(lambda node: isinstance(node, ast.Assert)),
        "use `assert`",
        "no `assert`",
        usual_in_tests=True,
    ),
    Construct(
        "var",
        r"(?:the keyword )?`?var`?(?: declarations?| keyword)?",
        JS,
        _nodes("variable_declaration"),
        "use `var`",
        "no `var`",
        opposite="const or let",
    ),
    Construct(
        "const or let",
        r"`?(?:const|let)`?(?:,? (?:and|or) `?(?:let|const)`?)?",
        JS,
        _nodes("lexical_declaration"),
        "use `const` and `let`",
        "no `const` or `let`",
        replaces=("var",),
    ),
    Construct(
        "arrow function",
        r"(?:an? )?arrow functions?",
        JS,
        _nodes("arrow_function"),
        "use arrow functions",
        "no arrow functions",
    ),
    Construct(
        "async/await",
        r"`?async(?:/| and )`?await`?|`?await`?",
        (*JS, "python"),
        _awaits,
        "use `async` and `await`",
        "no `await`",
        replaces=("then",),
    ),
    Construct(
        "then",
        r"`?\.?then(?:\(\))?`?(?: chains?)?|promise chains?",
        JS,
        uses(".then"),
        "use `.then()`",
        "no `.then()`",
        opposite="async/await",
    ),
    Construct(
        "console.log",
        r"`?console\.log(?:\(\))?`?",
        JS,
        uses("console.log"),
        "use `console.log`",
        "no `console.log`",
        usual_in_tests=True,
    ),
    Construct(
        "strict equality",
        r"`?===`?|strict equality",
        JS,
        _text(r"[!=]=="),
        "use `===`",
        "no `===`",
        replaces=("loose equality",),
    ),
    Construct(
        "loose equality",
        r"`?==`?|loose equality",
        JS,
        _text(r"(?<![!=<>])[!=]=(?!=)"),
        "use `==`",
        "no `==`",
        opposite="strict equality",
    ),
    Construct(
        "any",
        r"(?:the )?`?any`?(?: type)?",
        ("typescript",),
        _text(r":\s*any\b|<any>|\bas any\b"),
        "use `any`",
        "no `any`",
    ),
    Construct(
        "unwrap",
        r"(?:the )?`?\.?unwrap(?:\(\))?`?|unwraps|unwrapping|to unwrap",
        ("rust",),
        uses(".unwrap"),
        "use `.unwrap()`",
        "no `.unwrap()`",
        usual_in_tests=True,
        opposite="question mark",
    ),
    Construct(
        "expect",
        r"`?\.?expect(?:\(\))?`?",
        ("rust",),
        uses(".expect"),
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
        lambda block: has_node(block, ("try_expression",)) or uses("Result")(block),
        "return errors with `?`",
        "no `?`",
        replaces=("unwrap", "expect"),
    ),
    Construct(
        "unsafe",
        r"`?unsafe`?(?: blocks?| code)?",
        ("rust",),
        _nodes("unsafe_block"),
        "use `unsafe`",
        "no `unsafe`",
    ),
    Construct(
        "clone",
        r"`?\.?clone(?:\(\))?`?|clones|cloning",
        ("rust",),
        uses(".clone"),
        "use `.clone()`",
        "no `.clone()`",
        usual_in_tests=True,
    ),
    Construct(
        "panic",
        r"`?panic!?(?:\(\))?`?|panics?|panicking",
        ("rust", "go"),
        _text(r"\bpanic!?\s*\("),
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
        comments,
        "write comments",
        "no comments",
    ),
    Construct(
        "snake_case",
        r"`?snake_?\s?case`?(?: names?)?(?: for .*)?",
        (),
        _snake_cased,
        "name functions in `snake_case`",
        "no `snake_case` names",
        replaces=("camelCase",),
    ),
    Construct(
        "camelCase",
        r"`?camel_?\s?case`?(?: names?)?(?: for .*)?",
        (),
        _camel_cased,
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
