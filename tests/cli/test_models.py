"""`shammah models`: what there is, what fits, what would be taken."""

from __future__ import annotations

import json

import pytest

from tests.cli.program import shammah


def test_the_table_holds_the_catalog_the_choice_and_why() -> None:
    found = shammah("models", SHAMMAH_MODEL="1.5b")
    assert (found.returncode, found.stderr) == (0, "")
    heading, *rows = found.stdout.splitlines()
    assert heading.split()[:3] == ["MODEL", "QUANTISATION", "FILE"]
    chosen = [row.split() for row in rows if row.startswith("› ") and "model.size" not in row]
    assert [row[1:3] for row in chosen] == [["qwen2.5-coder-1.5b", "Q8_0"]]
    assert any(row.split()[:1] == ["demo"] for row in rows)
    assert 'model.size is "1.5b", which takes Qwen2.5-Coder 1.5B Instruct Q8_0: it was asked for' in found.stdout
    assert "not for commercial use" in found.stdout


def test_json_holds_the_same_for_programs() -> None:
    told = json.loads(shammah("models", "--json", "--model", "demo").stdout)
    assert (told["wish"], told["chosen"]) == ("demo", "demo")
    demo = next(row for row in told["models"] if row["id"] == "demo")
    assert demo["is_chosen"]
    assert {"id", "name", "quantization", "size_bytes", "chat_bytes", "fits", "licence", "is_downloaded"} <= demo.keys()


@pytest.mark.parametrize("command", [["models"], ["query", "x"], ["daemon", "start"]])
def test_a_model_that_does_not_exist_is_told_with_the_choices(command: list[str]) -> None:
    found = shammah(*command, "--model", "gpt-5")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith('shammah: --model: "gpt-5" is no model that Shammah knows.\n  Sizes: 0.5b, ')
    found = shammah(*command, SHAMMAH_MODEL="./missing.gguf")
    assert found.returncode == 2
    assert "shammah: SHAMMAH_MODEL: there is no file missing.gguf." in found.stderr


def test_colours_are_for_terminals_alone() -> None:
    assert "\x1b" not in shammah("models").stdout
