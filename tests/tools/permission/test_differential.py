"""What was allowed is run by the real bash in a scratch folder: nothing may appear, change or be reached there.

Only what plan mode lets pass is run: the programs that run a project's tests run the project.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from shammah_tui.tools.permission.decision import Mode
from shammah_tui.tools.permission.profiles.shape import words_of
from shammah_tui.tools.permission.search_path import SEARCH_PATH, resolver
from shammah_tui.tools.permission.syntax import NotUnderstood, parse
from tests.tools.permission.corpus import cases
from tests.tools.permission.support import bash

ELSEWHERE = words_of("npm yarn pnpm docker kubectl gh pip uv tail sleep")
"""They ask a service, or take their time."""
SECONDS = 10
# Alternative spellings of trouble, glued to words of allowed commands: bash must never see more than we did.
GLUE = (
    *("'", '"', "\\", "#", "\r", "{a,b}", "*", "~", "!", "$(touch marker)", "`touch marker`", ";touch marker"),
    *("&touch marker", "\ntouch marker", ">marker", "|tee marker", "$'\\n'touch marker", "<(touch marker)"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with what the benign commands speak of, and a repository."""
    root = tmp_path / "shop"
    for name in ("README.md", "src/a.py", "x", "a", "b", "my file.txt", "package.json", "log/app.log", "data.csv"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one two\nTODO three\n")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True, env=environment(root), capture_output=True)
    return root


def environment(root: Path) -> dict[str, str]:
    return {
        "PATH": ":".join(SEARCH_PATH),
        "HOME": str(root.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        "LC_ALL": "C.UTF-8",
    }


def run(command: str, root: Path) -> str:
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", command],
        cwd=root,
        env=environment(root),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        start_new_session=True,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def state(root: Path) -> dict[str, str]:
    """Every file around the project, by what it holds."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.parent.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_commands_that_are_allowed_change_nothing(project: Path) -> None:
    before = state(project)
    commands = list(
        dict.fromkeys(
            case.arguments["command"]
            for case in cases()
            if case.tool == "Bash" and case.expect == "allow" and _stays_here(case.arguments["command"])
        )
    )
    rules = ("cd *", *(f"{program} *" for program in _programs(commands)))
    ran = 0
    for command in commands:
        if (
            str(
                bash(
                    command, *rules, cwd=str(project), home=str(project.parent), resolve=resolver(), mode=Mode.PLAN
                ).verdict
            )
            == "allow"
        ):
            run(command, project)
            ran += 1

    assert ran > 150
    assert state(project) == before


def test_no_glued_trouble_that_is_allowed_leaves_a_mark(project: Path) -> None:
    before = state(project)
    rules = ("echo *", "cat *", "ls*", "git *", "grep *")
    ran = 0
    for command in ("echo one two", "cat 'my file.txt' x", 'grep -n "one" x', "ls -la src"):
        for at in range(len(command) + 1):
            for glue in GLUE:
                text = command[:at] + glue + command[at:]
                if str(bash(text, *rules, cwd=str(project), home=str(project.parent)).verdict) == "allow":
                    ran += 1
                    if ran % 4 == 0:
                        run(text, project)

    assert ran > 40
    assert state(project) == before


@pytest.mark.parametrize(
    "words",
    [
        "'a b' c",
        "\"a'b\" 'c\"d'",
        r"a\ b c",
        r'"a\"b" "c\\d" "e\f"',
        "a#b 'c#d'",
        "'x'\"y\"z",
        "-n --foo=bar",
        "'' a \"\"",
        "a~b HEAD@{1} c^",
        "'été' 日本",
    ],
)
def test_bash_sees_the_arguments_that_were_judged(words: str, project: Path) -> None:
    command = f"printf '<%s>' {words}"
    judged = [word.text for word in parse(command)[0].words[2:]]

    assert run(command, project) == "".join(f"<{word}>" for word in judged)


def _stays_here(command: str) -> bool:
    try:
        programs = {part.words[0].text for part in parse(command)}
    except NotUnderstood:
        return False
    return not programs & ELSEWHERE


def _programs(commands: list[str]) -> list[str]:
    found = {part.words[0].text for command in commands for part in parse(command)}
    return [*sorted(found), "command -v", "node --version"]
