"""Tool calls are found in a model's text however it is cut, and what is no call is never lost."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shammah_tui.engine.json_scan import JsonScan
from shammah_tui.engine.tool_calls import Arguments, CallBegun, Part, Text, ToolCallParser

READ = '<tool_call>\n{"name": "Read", "arguments": {"file_path": "a.py"}}\n</tool_call>'
WRITE = (
    '<tool_call>\n{"name": "Write", "arguments": {"file_path": "b", "content": "</tool_call> \\"{\\n"}}\n</tool_call>'
)


def parse(*pieces: str) -> tuple[str, list[tuple[str, str]]]:
    """All the text, and each call's name and arguments."""
    parser = ToolCallParser()
    parts: list[Part] = [part for piece in pieces for part in parser.feed(piece)]
    parts += parser.finish()
    text = ""
    calls: list[tuple[str, str]] = []
    for part in parts:
        match part:
            case Text(more):
                text += more
            case CallBegun(index, name):
                assert index == len(calls)
                calls.append((name, ""))
            case Arguments(index, fragment):
                assert index == len(calls) - 1
                calls[index] = (calls[index][0], calls[index][1] + fragment)
    return text, calls


def test_text_before_a_call_and_the_call() -> None:
    assert parse(f"Let me look.\n{READ}") == ("Let me look.", [("Read", '{"file_path": "a.py"}')])


def test_several_calls_in_a_row() -> None:
    text, calls = parse(f"{READ}\n{WRITE}\n\n{READ}\n")
    assert text == ""
    assert [name for name, _ in calls] == ["Read", "Write", "Read"]
    assert json.loads(calls[1][1]) == {"file_path": "b", "content": '</tool_call> "{\n'}


def test_keys_in_another_order_are_a_call() -> None:
    assert parse('<tool_call>{"arguments": {"a": 1}, "name": "X"}</tool_call>') == ("", [("X", '{"a": 1}')])


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>\nnot json\n</tool_call>",
        '<tool_call>{"name": 5, "arguments": {}}</tool_call>',
        '<tool_call>{"name": "X", "arguments": []}</tool_call>',
        '<tool_call>\n{"name": "Read", "argum',
        "a < b and <tool_cal",
        "<tool_call>",
        "two\n\nlines\n",
        " \n ",
        "",
    ],
)
def test_what_is_no_call_is_given_back_as_text(text: str) -> None:
    assert parse(text) == (text, [])
    assert parse(*text) == (text, [])


def test_arguments_that_stop_being_json_end_the_call_and_the_rest_is_text() -> None:
    text, calls = parse('<tool_call>{"name": "X", "arguments": {"a": oops}}</tool_call>')
    assert calls == [("X", '{"a": ')]
    assert text == "oops}}</tool_call>"


def test_a_call_that_was_cut_short_keeps_what_came() -> None:
    assert parse('<tool_call>\n{"name": "Write", "arguments": {"content": "abc') == (
        "",
        [("Write", '{"content": "abc')],
    )


def test_arguments_come_while_they_are_written() -> None:
    parser = ToolCallParser()
    begun = list(parser.feed('<tool_call>\n{"name": "Write", "arguments": {"content": "abc'))
    assert begun == [CallBegun(0, "Write"), Arguments(0, '{"content": "abc')]
    assert list(parser.feed("def")) == [Arguments(0, "def")]


FRAGMENTS = st.sampled_from(
    [
        READ, WRITE, "\n", " ", "text", "<tool_call>", "</tool_call>", "<tool", "_call>", "{", "}", '"', "\\",
        '{"name": "X", "arguments": ', '{"a": [1, -2.5e3, true, null, {"b": "ü\\u00e9"}]}', "é\u2028", "</", ">",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=12).map("".join), st.data())
def test_any_cut_gives_the_same(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = parse(text)
    assert parse(*pieces) == whole
    assert parse(*text) == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_the_scan_reads_every_object_of_json_and_stops_at_its_end(
    value: object, plain: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=plain, indent=indent)
    scan = JsonScan()
    assert scan.feed(text + "}tail") == len(text)
    assert scan.done
    scan = JsonScan()
    assert sum(scan.feed(char) for char in text) == len(text)
    assert scan.done


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]",:01-.eE+tru \\nu', max_size=14).map(lambda tail: "{" + tail))
def test_what_the_scan_accepts_whole_is_json(text: str) -> None:
    scan = JsonScan()
    taken = scan.feed(text)
    assert taken == sum(_one_by_one(text))
    if scan.done:
        assert isinstance(json.loads(text[:taken]), dict)
    elif taken < len(text):
        assert not _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _one_by_one(text: str) -> Sequence[int]:
    scan = JsonScan()
    taken = []
    for char in text:
        if scan.feed(char) == 0:
            break
        taken.append(1)
    return taken
