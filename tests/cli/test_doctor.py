"""`shammah doctor`: what it finds, and that it goes on where something is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shammah_tui import paths
from tests.cli.program import in_terminal, shammah


def findings(**environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    found = shammah("doctor", "--json", **environment)
    assert found.stderr == ""
    told = json.loads(found.stdout)
    assert told["ok"] == (found.returncode == 0)
    return found.returncode, {finding["name"]: finding for finding in told["findings"]}


def test_a_sound_machine_without_a_network_has_a_warning_and_nothing_broken() -> None:
    code, found = findings()
    assert code == 0
    assert {name for name, finding in found.items() if finding["grade"] == "broken"} == set()
    assert found["model hub"]["grade"] == "warning"
    assert found["model hub"]["hint"]
    assert found["demo model"]["grade"] == "ok"
    assert "llama-cpp-python 0.3" in found["llama.cpp"]["detail"]
    assert "torch 2." in found["training"]["detail"]
    assert "not running" in found["engine"]["detail"]
    assert "no key" in found["Claude"]["detail"]
    assert "on the first start" in found["home"]["detail"]
    assert not paths.home().exists(), "an examination changes nothing"


def test_offline_by_choice_is_no_warning() -> None:
    assert findings(SHAMMAH_OFFLINE="1")[1]["model hub"]["grade"] == "note"


def test_a_broken_config_a_home_open_to_others_and_a_library_that_does_not_load_are_found_at_once() -> None:
    paths.home().mkdir(mode=0o755)
    paths.home().chmod(0o755)
    paths.config_file().write_text("[model]\nsize = 3\n")
    code, found = findings(LLAMA_CPP_LIB_PATH="/nowhere")
    assert code == 1
    assert found["settings"]["grade"] == "broken"
    assert "line 2: model.size = 3; expected text" in found["settings"]["detail"]
    assert (found["home"]["grade"], found["home"]["hint"]) == ("warning", f"chmod 700 {paths.home()}")
    assert found["llama.cpp"]["grade"] == "broken"
    assert "cannot be loaded" in found["llama.cpp"]["detail"]
    assert "scripts/run" in found["llama.cpp"]["hint"]


def test_a_graphics_card_that_llama_cpp_was_not_built_for_is_told(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'Big card, 24576, 24000'\n")
    program.chmod(0o755)
    (tmp_path / "libggml-cpu.so").touch()
    _, found = findings(PATH=f"{tmp_path}:{os.environ['PATH']}", LLAMA_CPP_LIB_PATH=str(tmp_path))
    assert found["graphics"]["grade"] == "warning"
    assert "Big card" in found["graphics"]["detail"]
    assert "for the processor alone" in found["graphics"]["detail"]
    assert "CUDA" in found["graphics"]["hint"]


def test_a_home_that_is_a_file_is_broken() -> None:
    paths.home().write_text("")
    code, found = findings()
    assert (code, found["home"]["grade"]) == (1, "broken")


def test_the_engine_that_runs_is_found() -> None:
    shammah("daemon", "start", "--model", "demo")
    try:
        finding = findings()[1]["engine"]
    finally:
        shammah("daemon", "stop")
    assert finding["grade"] == "ok"
    assert "demo" in finding["detail"]


def test_people_get_signs_hints_and_a_last_line() -> None:
    with in_terminal(["doctor"]) as terminal:
        assert terminal.end() == 0
    assert "\x1b[32m✓\x1b[0m shammah" in terminal.output
    assert "→ Check the network" in terminal.output
    assert "Nothing broken, " in terminal.output
    assert "terminal" in terminal.output


def test_claude_is_looked_at_without_sending_anything() -> None:
    key = {"ANTHROPIC_API_KEY": "sk-ant-x"}
    found = findings(**key)[1]["Claude"]
    assert found["grade"] == "ok"
    assert "Claude Opus 5.5: $4 and $20 for a million tokens" in found["detail"]
    assert "sk-ant-x" not in json.dumps(found)
    found = findings(**key, SHAMMAH_CLAUDE_MODEL="claude-opus-55")[1]["Claude"]
    assert (found["grade"], found["hint"]) == ("warning", "Did you mean claude-opus-5-5?")
    assert findings(**key, SHAMMAH_CLAUDE_BASE_URL="http://x.example")[1]["Claude"]["grade"] == "broken"
