"""GBNF, llama.cpp's form of a grammar, from JSON schemas: for tool calls, and for answers that must be JSON.

White space is as Python's `json.dumps` and Qwen's template write it, `{"a": 1, "b": [2, 3]}`, with the blank after a
comma or a colon left free, so that what is generated is what the template renders again in the next turn. Keys come
in the schema's order. What GBNF cannot say (`pattern`, `format`, number ranges, `uniqueItems`) is not enforced.
Format: llama.cpp, grammars/README.md; schema keywords: JSON Schema 2020-12.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from shammah_tui.engine.request import Grammar
from shammah_tui.engine.tool_calls import CLOSE, OPEN
from shammah_tui.errors import RequestError

DEPTH_MAX = 32
RULES_MAX = 5000
READS_MAX = 20_000
REPEAT_MAX = 1000
# What beside an anyOf or a oneOf holds for each of its choices; the rest only describes.
_SHAPING = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"}
    | {"minLength", "maxLength", "anyOf", "oneOf", "allOf"}
)

_BASE = {
    "c": '"," " "?',
    "string": '"\\"" char* "\\""',
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)',
    "hex": "[0-9a-fA-F]",
    "integer": '"-"? int',
    "int": '"0" | [1-9] [0-9]{0,18}',
    "number": '"-"? int ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "string | number | boolean | null | object | array",
    "object": '"{" (string ":" " "? value (c string ":" " "? value)*)? "}"',
    "array": '"[" (value (c value)*)? "]"',
}


@lru_cache(maxsize=64)
def _cached(tools: str, required: bool, several: bool) -> Grammar:
    writer = _Writer()
    calls = []
    for tool in json.loads(tools):
        function = tool["function"]
        name = json.dumps(function["name"])
        arguments = writer.schema(function.get("parameters") or {"type": "object"}, as_arguments=True)
        head = _literal(f'{{"name": {name}, "arguments": ')
        calls.append(writer.rule(f'{head} {arguments} "}}"'))
    begin, end = _literal(f"{OPEN}\n"), _literal(f"\n{CLOSE}")
    call = writer.rule(f"{begin} ({' | '.join(calls)}) {end}")
    root = f'{call} ("\\n" {call})*' if several else call
    return Grammar(writer.text(root), () if required else (OPEN,))


def for_tools(tools: Sequence[Mapping[str, Any]], *, required: bool, several: bool = True) -> Grammar:
    """What may follow `<tool_call>`: a call of one of `tools` (OpenAI's form), its arguments by its own schema.

    Sleeps until the tag is generated, or, where a call is `required`, holds from the start. Made once for equal tools.
    Raises RequestError for a schema that cannot be said in GBNF within bounds.
    """
    return _cached(json.dumps(list(tools)), required, several)


@lru_cache(maxsize=64)
def _cached_answer(schema: str) -> Grammar:
    writer = _Writer()
    return Grammar(writer.text(writer.schema(json.loads(schema))))


def for_answer(schema: Mapping[str, Any]) -> Grammar:
    """An answer that is one JSON value of this schema. Raises RequestError as `for_tools`."""
    return _cached_answer(json.dumps(schema))


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub("[\x00-\x1f]", lambda found: f"\\x{ord(found[0]):02X}", escaped) + '"'


def _constant(value: Any) -> str:
    return _literal(json.dumps(value, ensure_ascii=False))


class _Writer:
    """Gathers rules; equal bodies share one."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._bodies: dict[str, str] = {}
        self._references: dict[int, str] = {}
        self._reads = 0

    def text(self, root: str) -> str:
        rules = {"root": root, **self._bodies, **_BASE}
        return "\n".join(f"{name} ::= {body}" for name, body in rules.items()) + "\n"

    def rule(self, body: str) -> str:
        if body not in self._names:
            self._names[body] = self._reserve()
            self._bodies[self._names[body]] = body
        return self._names[body]

    def _reserve(self) -> str:
        if len(self._names) + len(self._references) >= RULES_MAX:
            raise _refuse("is too large")
        return f"r{len(self._names) + len(self._references)}"

    def count_read(self) -> None:
        """Choices are read once for each place that they are merged into, which may double at every level."""
        self._reads += 1
        if self._reads > READS_MAX:
            raise _refuse("is too large")

    def schema(self, schema: Any, *, as_arguments: bool = False) -> str:
        """The name of a rule, or an expression in brackets, for values of `schema`."""
        if as_arguments and isinstance(schema, dict) and not (schema.keys() & {"$ref", "anyOf", "oneOf", "allOf"}):
            schema = {**schema, "type": "object"}
        return _Reader(self, schema).read(schema, 0)

    def reference(self, target: Any, read: Callable[[], str]) -> str:
        """The rule of a `$ref`, which may lead back to itself."""
        key = id(target)
        if key not in self._references:
            name = self._reserve()
            self._references[key] = name
            self._bodies[name] = ""
            self._bodies[name] = read()
        return self._references[key]


class _Reader:
    """Reads one schema document; `$ref` leads to places inside it."""

    def __init__(self, writer: _Writer, document: Any) -> None:
        self._writer = writer
        self._document = document

    def read(self, schema: Any, depth: int) -> str:
        self._writer.count_read()
        if depth > DEPTH_MAX:
            raise _refuse("is nested too deeply")
        if schema is True or schema == {}:
            return "value"
        if not isinstance(schema, dict):
            raise _refuse("is not an object")
        if "$ref" in schema:
            target = self._follow(schema["$ref"])
            return self._writer.reference(target, lambda: self.read(target, depth + 1))
        if "const" in schema:
            return _constant(schema["const"])
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._either([_constant(value) for value in schema["enum"]])
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                beside = {name: value for name, value in schema.items() if name in _SHAPING and name != key}
                return self._either([self.read(self._choice(one, beside), depth + 1) for one in schema[key]])
        if isinstance(schema.get("allOf"), list):
            return self.read(self._merged(schema), depth + 1)
        kinds = schema.get("type")
        if isinstance(kinds, list) and kinds:
            return self._either([self.read({**schema, "type": kind}, depth + 1) for kind in kinds])
        return self._typed(kinds, schema, depth)

    def _typed(self, kind: Any, schema: dict[str, Any], depth: int) -> str:
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, depth)
        if kind == "array" or (kind is None and ("items" in schema or "prefixItems" in schema)):
            return self._array(schema, depth)
        if kind == "string":
            return self._string(schema)
        if kind in ("integer", "number", "boolean", "null"):
            return str(kind)
        if kind is None:
            return "value"
        raise _refuse(f'has the unknown type "{str(kind)[:40]}"')

    def _object(self, schema: dict[str, Any], depth: int) -> str:
        """Keys in order. Built from the last: `first` is what may follow where no key was written yet, `after` where
        one was."""
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise _refuse("has properties of a wrong form")
        if not properties:
            return self._map(schema.get("additionalProperties", True), depth)
        rule = self._writer.rule
        first = after = '""'
        for key, value in reversed(properties.items()):
            pair = rule(f'{_constant(key)} ":" " "? {self.read(value, depth + 1)}')
            more = f"c {pair} {after}"
            start = f"{pair} {after}"
            if key in required:
                first, after = rule(start), rule(more)
            else:
                first, after = rule(f"{start} | {first}"), rule(f"{more} | {after}")
        return rule(f'"{{" {first} "}}"')

    def _map(self, values: Any, depth: int) -> str:
        if values is False:
            return '"{}"'
        if values is True or values == {}:
            return "object"
        pair = self._writer.rule(f'string ":" " "? {self.read(values, depth + 1)}')
        return self._writer.rule(f'"{{" ({pair} (c {pair})*)? "}}"')

    def _array(self, schema: dict[str, Any], depth: int) -> str:
        fixed = schema.get("prefixItems")
        if isinstance(fixed, list) and fixed:
            return self._writer.rule('"[" ' + " c ".join(self.read(item, depth + 1) for item in fixed) + ' "]"')
        item = self.read(schema.get("items", True), depth + 1)
        least, most = self._bounds(schema, "minItems", "maxItems")
        if most == 0:
            return '"[]"'
        more = f"{{{max(0, least - 1)},{'' if most is None else most - 1}}}"
        body = item if most == 1 else f"{item} (c {item}){more}"
        return self._writer.rule(f'"[" {body} "]"' if least else f'"[" ({body})? "]"')

    def _string(self, schema: dict[str, Any]) -> str:
        least, most = self._bounds(schema, "minLength", "maxLength")
        if not least and most is None:
            return "string"
        return self._writer.rule(f'"\\"" char{{{least},{"" if most is None else most}}} "\\""')

    def _bounds(self, schema: dict[str, Any], low: str, high: str) -> tuple[int, int | None]:
        """Repetitions are unrolled by llama.cpp, so a large bound counts as none."""
        least, most = schema.get(low, 0), schema.get(high)
        if not isinstance(least, int) or not isinstance(most, int | None) or least < 0 or (most or 0) < 0:
            raise _refuse(f"has a wrong {low} or {high}")
        if most is not None and most < least:
            raise _refuse(f"has a {high} below its {low}")
        return min(least, REPEAT_MAX), None if most is None or most > REPEAT_MAX else most

    def _either(self, choices: Sequence[str]) -> str:
        return self._writer.rule(" | ".join(choices))

    def _choice(self, choice: Any, beside: dict[str, Any]) -> Any:
        """One choice of an anyOf, with what stands beside it. One that already says all of that stays itself, so that a
        `$ref` may lead back to where it came from."""
        if not beside or not isinstance(choice, dict | bool) or choice is False:
            return choice
        given = beside.get("allOf", [])
        if not isinstance(given, list):
            raise _refuse("has an allOf of a wrong form")
        merged = self._merged({**beside, "allOf": [*given, {} if choice is True else choice]})
        target = self._follow(choice["$ref"]) if isinstance(choice, dict) and "$ref" in choice else choice
        return choice if merged == target else merged

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            if isinstance(part, dict) and "$ref" in part:
                part = self._follow(part["$ref"])
            if not isinstance(part, dict):
                raise _refuse("has an allOf of a wrong form")
            both = (merged, part)
            if not all(isinstance(one.get("properties", {}), dict) for one in both) or not all(
                isinstance(one.get("required", []), list) for one in both
            ):
                raise _refuse("has properties of a wrong form")
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = list(merged.get("required", []))
            required += [name for name in part.get("required", []) if name not in required]
            merged = {**merged, **part}
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged

    def _follow(self, reference: Any) -> Any:
        """A JSON pointer inside the document (RFC 6901)."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise _refuse("refers to another document")
        found = self._document
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise _refuse(f"refers to {reference[:80]}, which is not there")
            found = found[key]
        return found


def _refuse(what: str) -> RequestError:
    return RequestError(f"A JSON schema {what}.", "Simplify the schema of the tool or of the answer.", param="tools")
