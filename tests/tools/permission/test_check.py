"""The door: `shammah permissions list | check | remove`, as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.check import check_line
from shammah_tui.tools.permission.decision import Rule
from shammah_tui.tools.permission.search_path import resolver

CASE: dict[str, Any] = {
    "tool": "Bash",
    "input": {"command": "git status"},
    "saved_patterns": ["git *"],
    "cwd": "/home/ana/shop",
    "home": "/home/ana",
}


def shammah(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shammah_tui", "permissions", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_each_line_is_answered_by_a_line_in_order() -> None:
    denied = {**CASE, "tool": "Read", "input": {"file_path": "~/.ssh/id_rsa"}}
    done = shammah("check", text="\n".join([json.dumps(CASE), "not json", "", json.dumps(denied)]) + "\n")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [answer["decision"] for answer in answers] == ["allow", "deny", "deny"]
    assert all(set(answer) == {"decision", "reason"} and answer["reason"] for answer in answers)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "5",
        '{"tool": "Bash"}',
        json.dumps({**CASE, "cwd": "shop"}),
        json.dumps({**CASE, "cwd": "/a\nb"}),
        json.dumps({**CASE, "saved_patterns": [5]}),
        json.dumps({**CASE, "saved_patterns": "git *"}),
        json.dumps({**CASE, "input": "git status"}),
        json.dumps(CASE).replace('"command": "git status"', '"command": "git status", "command": "git status"'),
        "[" * 5000,
    ],
)
def test_what_is_no_case_is_denied(line: str) -> None:
    assert check_line(line, resolver())["decision"] == "deny"


def test_rules_are_listed_and_forgotten_by_number(own_ground: Path) -> None:
    assert "No rules" in shammah("list").stdout
    store.add(store.store_file(own_ground), (Rule("Bash", "git *"), Rule("Edit", "src/**", project="/home/ana/shop")))

    listed = shammah("list")
    assert "git *" in listed.stdout
    assert "/home/ana/shop" in listed.stdout
    assert [rule["pattern"] for rule in json.loads(shammah("list", "--json").stdout)["rules"]] == ["git *", "src/**"]
    assert shammah("remove", "1").returncode == 0
    assert [rule.pattern for rule in store.load(store.store_file(own_ground)).rules] == ["src/**"]
    assert shammah("remove", "7").returncode == 1
