"""Grammars made of JSON schemas: real llama.cpp reads them, and what is generated under them fits the schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shammah_tui import paths
from shammah_tui.engine import grammar
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import Grammar, Sampling
from shammah_tui.engine.tool_calls import Arguments, CallBegun, ToolCallParser
from shammah_tui.errors import RequestError
from shammah_tui.tools.specification import ALL
from tests.engine.conftest import answer

TOOLS = [
    {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
    }
    for tool in ALL
]
RANDOM = Sampling(temperature=2.0, top_k=0, top_p=1.0, seed=7)
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": "boolean"}}, "required": ["v"]}

SCHEMAS: list[tuple[dict[str, Any], type]] = [
    ({"type": "object"}, dict),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, dict),
    ({"type": "object", "properties": {f"k{n}": {"type": "boolean"} for n in range(12)}}, dict),
    ({"type": "object", "additionalProperties": {"type": "null"}}, dict),
    ({"type": "object", "additionalProperties": False}, dict),
    ({"type": "array", "items": {"enum": ["a\"b", 'ü\n', 3, None]}, "minItems": 2, "maxItems": 3}, list),
    ({"type": "array", "items": {"type": "number"}, "maxItems": 1}, list),
    ({"type": "array", "prefixItems": [{"const": 1}, {"type": "boolean"}]}, list),
    ({"type": "string", "maxLength": 5}, str),
    ({"type": ["string", "null"], "maxLength": 3}, object),
    ({"anyOf": [{"type": "boolean"}, {"const": "x"}]}, object),
    ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"$ref": "#/$defs/b"}], "type": "object",
      "$defs": {"b": {"properties": {"b": {"const": 2}}, "required": ["b"]}}}, dict),
    ({"$ref": "#/$defs/node", "$defs": {"node": NODE}}, dict),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "kind"), SCHEMAS)
async def test_answers_are_json_of_the_schema(engine: LlamaEngine, schema: dict[str, Any], kind: type) -> None:
    whole = await answer(engine, "Hello", grammar=grammar.for_answer(schema), sampling=RANDOM, max_tokens=400)
    if whole.end.reason == "stop":
        assert isinstance(json.loads(whole.text), kind)
    for key in schema.get("required", ()):
        assert f'"{key}"' in whole.text


def _choices(beside: dict[str, Any], *choices: Any, key: str = "anyOf") -> tuple[str, str]:
    """The grammar of choices with something beside them, and that of each choice written out whole."""
    wholes = [{**beside, **choice} if isinstance(choice, dict) else beside for choice in choices]
    return grammar.for_answer({**beside, key: list(choices)}).gbnf, grammar.for_answer({key: wholes}).gbnf


PAIR: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "null"}}}


@pytest.mark.parametrize("key", ["anyOf", "oneOf"])
def test_what_stands_beside_choices_holds_for_each(key: str) -> None:
    found, expected = _choices(PAIR, {"required": ["a"]}, {"required": ["b"]}, key=key)
    assert found == expected
    assert r'"\"a\""' in found
    found, expected = _choices({"type": "string", "maxLength": 3}, {"minLength": 2}, True, key=key)
    assert found == expected
    nested = {"$defs": {"one": {"required": ["a"]}}, **PAIR, key: [{"$ref": "#/$defs/one"}]}
    assert grammar.for_answer(nested).gbnf == grammar.for_answer({key: [{**PAIR, "required": ["a"]}]}).gbnf


def test_what_is_required_beside_choices_and_in_them_is_required() -> None:
    beside = {**PAIR, "required": ["a"]}
    found = grammar.for_answer({**beside, "anyOf": [{"properties": {"c": {"const": 1}}, "required": ["c"]}]}).gbnf
    whole = {**PAIR, "properties": {**PAIR["properties"], "c": {"const": 1}}, "required": ["a", "c"]}
    assert found == grammar.for_answer({"anyOf": [whole]}).gbnf


def test_a_choice_that_leads_back_to_its_own_beginning_is_still_read() -> None:
    tree = {"type": "object", "properties": {"next": {"type": "object", "anyOf": [{"$ref": "#/$defs/tree"}]}}}
    assert "next" in grammar.for_answer({"$defs": {"tree": tree}, "$ref": "#/$defs/tree"}).gbnf


def _doubling(levels: int) -> dict[str, Any]:
    own = {
        f"d{n}": {"properties": {f"k{n}": True}, "anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)
    }
    return {"$defs": {**own, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


async def test_a_required_call_holds_from_the_first_token(engine: LlamaEngine) -> None:
    rules = grammar.for_tools(TOOLS, required=True, several=False)
    whole = await answer(engine, "Hello", grammar=rules, max_tokens=600)
    assert whole.text.startswith("<tool_call>\n")
    begun = next(part for part in ToolCallParser().feed(whole.text) if isinstance(part, CallBegun))
    assert begun.name in {tool.name for tool in ALL}


@pytest.mark.skipif(not paths.demo_model_gguf().is_file(), reason="the demo model has not been made")
async def test_the_demo_models_calls_fit_their_schema_at_any_temperature() -> None:
    engine = LlamaEngine(paths.demo_model_gguf())
    try:
        for seed in range(4):
            whole = await answer(
                engine,
                "<|im_start|>user\nRead main.py<|im_end|>\n<|im_start|>assistant\n",
                grammar=grammar.for_tools(TOOLS, required=True),
                sampling=Sampling(temperature=1.5, top_k=0, top_p=1.0, seed=seed),
                max_tokens=300,
            )
            parser = ToolCallParser()
            parts = [*parser.feed(whole.text), *parser.finish()]
            if whole.end.reason == "stop":
                texts = ["" for _ in range(parser.calls)]
                for part in parts:
                    if isinstance(part, Arguments):
                        texts[part.index] += part.fragment
                assert texts
                assert all(isinstance(json.loads(text), dict) for text in texts)
    finally:
        engine.close()


def test_each_name_stands_with_its_own_arguments() -> None:
    text = grammar.for_tools(TOOLS, required=False).gbnf
    head = next(line for line in text.split("\n") if r"{\"name\": \"Glob\"" in line)
    rule = head.split()[-2]
    body = next(line for line in text.split("\n") if line.startswith(f"{rule} ::="))
    assert "file_path" not in body


def test_equal_tools_give_the_same_grammar_without_making_it_again() -> None:
    copied = json.loads(json.dumps(TOOLS))
    assert grammar.for_tools(copied, required=False) is grammar.for_tools(TOOLS, required=False)
    assert grammar.for_tools(TOOLS, required=False).triggers == ("<tool_call>",)


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        _deep(200),
        {"type": "nonsense"},
        {"$ref": "#/nowhere"},
        {"$ref": "http://example.org/schema"},
        {"type": "object", "properties": [1]},
        {"properties": [1], "anyOf": [{"required": []}]},
        {"properties": {"a": {}}, "anyOf": [{"required": 1}]},
        {"properties": {"a": {}}, "allOf": 1, "anyOf": [{"required": ["a"]}]},
        _doubling(25),
        {"type": "array", "items": 5},
        {"type": "string", "minLength": 5, "maxLength": 1},
        {"type": "object", "properties": {f"k{n}": {"type": "array", "items": {"const": n}} for n in range(3000)}},
    ],
)
def test_a_schema_that_cannot_be_said_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        grammar.for_answer(schema)


async def test_a_schema_that_is_only_itself_is_refused_by_llama_cpp_and_the_engine_lives(engine: LlamaEngine) -> None:
    rules: Grammar = grammar.for_answer({"$ref": "#"})
    with pytest.raises(RequestError):
        await answer(engine, "Hello", grammar=rules)
    assert (await answer(engine, "Hello")).text
