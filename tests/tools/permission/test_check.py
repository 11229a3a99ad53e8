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
    assert shammah("remove", "7", "1").returncode == 2, "all or nothing"
    assert "Forgotten: Bash git *" in shammah("remove", "1").stdout
    assert [rule.pattern for rule in store.load(store.store_file(own_ground)).rules] == ["src/**"]
    assert shammah("remove").returncode == shammah("remove", "1", "--all").returncode == 2
    assert json.loads(shammah("remove", "--all", "--json").stdout)["removed"][0]["tool"] == "Edit"
    assert "No rules" in shammah("list").stdout


def test_a_person_asks_why_a_call_would_be_asked(own_ground: Path) -> None:
    store.add(store.store_file(own_ground), (Rule("Bash", "git status"),))
    asked = shammah("check", "Bash", "git push").stdout
    assert asked.startswith("ask: no rule covers `git push`")
    assert "always would save: Bash git push *" in asked
    assert shammah("check", "Bash", "git status").stdout.startswith("allow: ")
    assert "not offered" in shammah("check", "Bash", "echo $HOME").stdout
    assert shammah("check", "Read", "~/.ssh/id_rsa").stdout.startswith("deny: ")
    assert shammah("check", "Write", "new.txt", "--mode", "plan").stdout.startswith("deny: plan mode")
    told = json.loads(shammah("check", "WebFetch", "https://docs.python.org/3/", "--json").stdout)
    assert (told["decision"], told["always_saves"][0]["pattern"]) == ("ask", "docs.python.org")
    assert shammah("check", "Bash").returncode == 2
    assert "Did you mean `Bash`" in shammah("check", "bash", "ls").stderr


def test_a_line_that_leaves_things_out_is_about_this_person(own_ground: Path) -> None:
    store.add(store.store_file(own_ground), (Rule("Bash", "git *"),))
    line = json.dumps({"tool": "Bash", "input": {"command": "git status"}})
    assert json.loads(shammah("check", text=line).stdout)["decision"] == "allow"
    none = json.dumps({"tool": "Bash", "input": {"command": "git status"}, "saved_patterns": []})
    assert json.loads(shammah("check", text=none).stdout)["decision"] == "ask"


def test_a_store_that_was_kept_aside_is_told(own_ground: Path) -> None:
    store.add(store.store_file(own_ground), (Rule("Bash", "git *"),))
    store.store_file(own_ground).write_text("{")
    listed = shammah("list")
    assert "kept as" in listed.stderr
    assert "No rules" in listed.stdout


def test_a_command_is_told_where_it_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAMMAH_PERMISSIONS_SANDBOX", "off")
    told = json.loads(shammah("check", "Bash", "make", "--mode", "auto", "--json").stdout)
    assert told["decision"] == "ask"
    assert told["reach"] == "without a sandbox: it is switched off in the settings"
    assert "it would run without a sandbox" in shammah("check", "Bash", "make").stdout
    assert "would run" not in shammah("check", "Write", "a.txt").stdout


def test_the_list_tells_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAMMAH_PERMISSIONS_SANDBOX", "off")
    assert "The sandbox for commands is off: it is switched off in the settings." in shammah("list").stdout
    told = json.loads(shammah("list", "--json").stdout)["sandbox"]
    assert told == {"state": "off", "reason": "it is switched off in the settings"}


def test_a_link_that_may_not_be_read_leads_nowhere_allowed() -> None:
    """`/proc` holds links to other processes' folders, which the kernel may refuse to read out."""
    for where in ({}, {"cwd": "/proc/1/root/home", "home": "/proc/1/root"}):
        case = {**CASE, "input": {"command": "ls /proc/1/root"}, "saved_patterns": ["ls *"], **where}
        assert check_line(json.dumps(case), resolver())["decision"] != "allow"
