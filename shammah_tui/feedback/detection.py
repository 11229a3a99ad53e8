"""Looks for one thing in a block of code: names, kinds of nodes, what a Python function lacks. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from shammah_tui.feedback.code import Block, bare, has_node, python_names, python_tree, signatures

Detector = Callable[[Block], bool]


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


def in_python(test: Callable[[ast.AST], bool]) -> Detector:
    def found_in(block: Block) -> bool:
        tree = python_tree(block.code)
        return tree is not None and any(test(node) for node in ast.walk(tree))

    return found_in


def has_nodes(*kinds: str) -> Detector:
    return lambda block: has_node(block, kinds)


def matches(pattern: str) -> Detector:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda block: compiled.search(bare(block)) is not None


def is_percent(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and (isinstance(node.left, ast.JoinedStr) or _is_text(node.left))
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_format(node: ast.AST) -> bool:
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


def typed(block: Block) -> bool:
    functions = _functions(block)
    return bool(functions) and all(map(_is_typed, functions))


def untyped(block: Block) -> bool:
    return any(not _is_typed(function) for function in _functions(block))


def documented(block: Block) -> bool:
    functions = _functions(block)
    return bool(functions) and all(ast.get_docstring(function, clean=False) for function in functions)


def undocumented(block: Block) -> bool:
    return any(not ast.get_docstring(function, clean=False) for function in _functions(block))


def is_bare_except(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and node.type is None


def is_named_except(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and node.type is not None


def is_star(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def has_mutable_default(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return any(
        isinstance(value, ast.List | ast.Dict | ast.Set) for value in (*node.args.defaults, *node.args.kw_defaults)
    )


def awaits(block: Block) -> bool:
    tree = python_tree(block.code)
    if block.language == "python":
        return tree is not None and any(isinstance(node, ast.Await) for node in ast.walk(tree))
    return has_node(block, ("await_expression",))


def camel_cased(block: Block) -> bool:
    return any(re.search(r"[a-z][A-Z]", name) for name in signatures(block) if not name[:1].isupper())


def snake_cased(block: Block) -> bool:
    names = [name for name in signatures(block) if not name[:1].isupper()]
    return bool(names) and not camel_cased(block)
