"""The code inside an answer: its blocks, whether they parse, what they are named, what stands in them.

Python is read by its own parser; JavaScript, TypeScript, Rust, Go and Bash by tree-sitter. Of other languages nothing
is known but their text.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter
import tree_sitter_bash
import tree_sitter_go
import tree_sitter_javascript
import tree_sitter_rust
import tree_sitter_typescript

from shammah_tui.feedback.language import of_tag

_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<tag>[\w+#.-]*)[^\n]*\n(?P<code>.*?)^(?P=mark)[ \t]*$", re.M | re.S
)
_GRAMMARS: dict[str, Callable[[], object]] = {
    "bash": tree_sitter_bash.language,
    "go": tree_sitter_go.language,
    "javascript": tree_sitter_javascript.language,
    "rust": tree_sitter_rust.language,
    "typescript": tree_sitter_typescript.language_typescript,
}
PARSED = frozenset({"python", *_GRAMMARS})

_FUNCTIONS = frozenset(
    {
        "function_declaration",
        "generator_function_declaration",
        "function_item",
        "method_definition",
        "method_declaration",
        "function_definition",
    }
)
_PARAMETERS = frozenset({"parameters", "formal_parameters", "parameter_list"})
_STRINGS = frozenset(
    {
        "string",
        "raw_string",
        "string_literal",
        "raw_string_literal",
        "interpreted_string_literal",
        "char_literal",
        "rune_literal",
        "template_string",
        "regex",
    }
)
# Where nothing knows the language: strings in quotes, and comments by their usual marks.
_ANY_TEXT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/|(?<!\S)#[^\n]*|(?<!\S)--[^\n]*', re.S
)


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    """Empty where the fence does not say."""
    code: str


def blocks(answer: str) -> tuple[Block, ...]:
    """The fenced code of an answer; a fence that was never closed is none."""
    return tuple(Block(of_tag(found["tag"]), found["code"].removesuffix("\n")) for found in _FENCE.finditer(answer))


def prose(answer: str) -> str:
    """The answer without its code."""
    return _FENCE.sub("", answer).strip()


def parses(block: Block) -> bool | None:
    """Whether the code is sound; None where nothing here can read its language."""
    if block.language == "python":
        return python_tree(block.code) is not None
    tree = _tree(block.language, block.code)
    return None if tree is None else not tree.root_node.has_error


def signatures(block: Block) -> dict[str, tuple[str, ...]]:
    """The names of functions, with those of their parameters (types aside); of classes, with none."""
    if block.language == "python":
        module = python_tree(block.code)
        return {} if module is None else dict(_python_signatures(module))
    tree = _tree(block.language, block.code)
    return {} if tree is None else dict(_signatures(tree.root_node))


def bare(block: Block) -> str:
    """The code with comments and strings left out, spaces in their place."""
    if block.language == "python":
        return _bare_python(block.code)
    tree = _tree(block.language, block.code)
    if tree is None:
        return _ANY_TEXT.sub(lambda found: " " * len(found[0]), block.code)
    raw = bytearray(block.code.encode())
    for node in _nodes(tree.root_node):
        if node.type in _STRINGS or "comment" in node.type:
            raw[node.start_byte : node.end_byte] = re.sub(rb"[^\n]", b" ", raw[node.start_byte : node.end_byte])
    return raw.decode("utf-8", "replace")


def comments(block: Block) -> bool:
    if block.language == "python":
        return any(token.type == tokenize.COMMENT for token in _tokens(block.code))
    tree = _tree(block.language, block.code)
    return tree is not None and any("comment" in node.type for node in _nodes(tree.root_node))


def has_node(block: Block, kinds: tuple[str, ...]) -> bool:
    """Whether tree-sitter finds a node of one of `kinds`."""
    tree = _tree(block.language, block.code)
    return tree is not None and any(node.type in kinds for node in _nodes(tree.root_node))


@lru_cache(maxsize=64)
def python_tree(code: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def python_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names as the code uses them, each with all its beginnings; modules and what is imported from them."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                yield name
            case ast.Attribute(attr=attribute):
                yield f".{attribute}"
                yield from _dotted(node)
            case ast.Import(names=names):
                for alias in names:
                    parts = alias.name.split(".")
                    yield from (".".join(parts[: count + 1]) for count in range(len(parts)))
            case ast.ImportFrom(module=module, names=names) if module:
                yield module
                for alias in names:
                    yield f"{module}.{alias.name}"
                    yield alias.name


def _dotted(node: ast.Attribute) -> Iterator[str]:
    parts = [node.attr]
    inner: ast.expr = node.value
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        parts.append(inner.id)
        yield ".".join(reversed(parts))


def _python_signatures(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name, args=given) | ast.AsyncFunctionDef(name=name, args=given):
                every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
                yield name, tuple(argument.arg for argument in every if argument is not None)
            case ast.ClassDef(name=name):
                yield name, ()


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    """As far as the code can be read."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(code).readline)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _bare_python(code: str) -> str:
    lines = code.split("\n")
    for token in _tokens(code):
        if token.type not in (tokenize.STRING, tokenize.COMMENT):
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first, min(last, len(lines)) + 1):
            line = lines[number - 1]
            left = start if number == first else 0
            right = end if number == last else len(line)
            lines[number - 1] = line[:left] + " " * (right - left) + line[right:]
    return "\n".join(lines)


@lru_cache(maxsize=64)
def _tree(language: str, code: str) -> tree_sitter.Tree | None:
    grammar = _GRAMMARS.get(language)
    if grammar is None:
        return None
    return tree_sitter.Parser(tree_sitter.Language(grammar())).parse(code.encode())


def _nodes(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _signatures(root: tree_sitter.Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in _nodes(root):
        named = node
        if node.type == "variable_declarator" and (value := node.child_by_field_name("value")) is not None:
            if value.type not in ("arrow_function", "function_expression", "function"):
                continue
            named = value
        elif node.type not in _FUNCTIONS:
            continue
        name = node.child_by_field_name("name")
        if name is not None and name.text is not None:
            given = next((child for child in named.children if child.type in _PARAMETERS), None)
            yield name.text.decode(), tuple(_parameters(given)) if given is not None else ()


def _parameters(given: tree_sitter.Node) -> Iterator[str]:
    """The name of each parameter: the first identifier in it."""
    for child in given.named_children:
        name = next((node for node in _nodes(child) if node.type in ("identifier", "self")), None)
        if name is not None and name.text is not None:
            yield name.text.decode()
