"""Order, modes, grants and binding of `decide`."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.tools.permission import below
from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Call, Effect, Mode, Rule, Verdict, digest_of
from shammah_tui.tools.permission.search_path import resolver
from tests.tools.permission.support import PROJECT, bash, context, verdict

EDIT = Call("Edit", {"file_path": "src/a.py", "old_string": "a", "new_string": "b"})


def patterns(command: str, *saved: str) -> list[str]:
    return [rule.pattern for rule in bash(command, *saved).grants]


def test_always_saves_one_rule_for_each_command_that_lacks_one() -> None:
    assert patterns("git log | head -5") == ["git log *", "head *"]
    assert patterns("git log | head -5", "git *") == ["head *"]
    assert patterns("docker build . && npm install") == ["docker build .", "npm install"]
    assert patterns("git push") == ["git push *"]


def test_always_is_not_offered_where_a_part_is_not_understood() -> None:
    assert patterns("echo $(id)") == []
    assert patterns("git log && ./evil") == []


@pytest.mark.parametrize(
    "command",
    [
        "git log --oneline",
        "docker run 'a b' \"it's\"",
        "cat /etc/hosts",
        "find . -name '*.pyc' -delete",
        "make",
        "npm test",
        "git push",
    ],
)
def test_what_always_saves_allows_the_same_call_next_time(command: str) -> None:
    asked = bash(command)

    assert asked.verdict is Verdict.ASK
    assert asked.grants
    assert verdict(command, *(rule.pattern for rule in asked.grants)) == "allow"


@pytest.mark.parametrize(
    "call",
    [
        EDIT,
        Call("Read", {"file_path": "/usr/include/stdio.h"}),
        Call("Write", {"file_path": "/tmp/new file", "content": ""}),
        Call("WebFetch", {"url": "https://docs.python.org/3/"}),
        Call("WebFetch", {"url": "https://docs.python.org:8443/3/"}),
        Call("WebFetch", {"url": "http://docs.python.org/3/"}),
    ],
)
def test_what_always_saves_for_files_and_hosts_allows_the_same_call(call: Call) -> None:
    asked = decide(call, [], context())

    assert asked.verdict is Verdict.ASK
    assert decide(call, asked.grants, context()).verdict is Verdict.ALLOW


def test_a_grant_belongs_to_its_project() -> None:
    (grant,) = bash("docker ps").grants

    assert grant.project == PROJECT
    assert (
        decide(Call("Bash", {"command": "docker ps"}), [grant], context(cwd="/home/ana/other")).verdict is Verdict.ASK
    )


def test_a_deny_rule_beats_every_allow_rule() -> None:
    rules = [Rule("Bash", "git *"), Rule("Bash", "git push *"), Rule("Bash", "git push", Effect.DENY)]

    for command in ("git push", "git status && git push origin main", "sudo git push", "$(git push)"):
        assert decide(Call("Bash", {"command": command}), rules, context()).verdict is Verdict.DENY
    assert decide(Call("Bash", {"command": "git status"}), rules, context()).verdict is Verdict.ALLOW


def test_a_file_that_may_not_be_read_may_not_be_read_by_cat(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "link").symlink_to("private")
    here = context(cwd=str(tmp_path))
    rules = [Rule("Read", "private/**", Effect.DENY), Rule("Bash", "cat *")]

    for path in ("private/x", "link/x", "PRIVATE/x"):
        assert decide(Call("Read", {"file_path": path}), rules, here).verdict is Verdict.DENY
        assert decide(Call("Bash", {"command": f"cat {path}"}), rules, here).verdict is Verdict.DENY


def test_a_denied_host_is_denied_on_every_port() -> None:
    rules = [Rule("WebFetch", "*.example.com"), Rule("WebFetch", "bad.example.com", Effect.DENY)]

    for url in ("https://bad.example.com/", "http://bad.example.com:81/x"):
        assert decide(Call("WebFetch", {"url": url}), rules, context()).verdict is Verdict.DENY


def test_symlinks_are_followed_before_a_path_is_judged(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    project = tmp_path / "project"
    outside.mkdir()
    project.mkdir()
    (outside / "secret").write_text("x")
    (project / "link").symlink_to(outside)
    (project / "inner").mkdir()
    (project / "alias").symlink_to("inner")
    here = context(cwd=str(project))
    rules = [Rule("Write", "**"), Rule("Write", f"{project}/**"), Rule("Bash", "cat *")]

    assert decide(Call("Read", {"file_path": "link/secret"}), rules, here).verdict is Verdict.ASK
    assert decide(Call("Read", {"file_path": "alias/new"}), rules, here).verdict is Verdict.ALLOW
    assert decide(Call("Write", {"file_path": "link/new", "content": ""}), rules, here).verdict is Verdict.ASK
    assert decide(Call("Write", {"file_path": "alias/new", "content": ""}), rules, here).verdict is Verdict.ALLOW
    assert decide(Call("Bash", {"command": "cat link/secret"}), rules, here).verdict is Verdict.ASK
    assert decide(Call("Bash", {"command": "cat inner/../link/secret"}), rules, here).verdict is Verdict.ASK


def test_a_symlink_to_a_credential_is_the_floor(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").symlink_to("/home/ana/.ssh/id_rsa")
    here = context(cwd=str(tmp_path))

    assert decide(Call("Read", {"file_path": "notes.txt"}), [], here).verdict is Verdict.DENY
    assert decide(Call("Bash", {"command": "cat notes.txt"}), [Rule("Bash", "cat *")], here).verdict is Verdict.DENY


def test_a_file_pattern_is_judged_by_what_it_reaches_now(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    here = context(cwd=str(tmp_path))
    rules = [Rule("Bash", "cat *"), Rule("Bash", "grep *")]

    def asked(command: str) -> Verdict:
        return decide(Call("Bash", {"command": command}), rules, here).verdict

    assert asked("cat *") is asked("cat *.txt") is asked("grep x *") is Verdict.ALLOW
    (tmp_path / "hosts.txt").symlink_to("/etc/hosts")
    assert asked("cat *.txt") is Verdict.ASK
    assert asked("cat n*.txt") is Verdict.ALLOW
    assert asked("cat [^h]*.txt") is Verdict.ASK, "a class is taken for any character"
    (tmp_path / "server.pem").write_text("x")
    assert asked("cat s*") is Verdict.DENY


def test_a_search_of_everything_asks_where_it_would_read_credentials(tmp_path: Path) -> None:
    here = context(cwd=str(tmp_path))

    def asked(command: str) -> Verdict:
        return decide(Call("Bash", {"command": command}), [Rule("Bash", "grep *")], here).verdict

    assert asked("grep -rn TODO .") is asked("grep -rn TODO") is Verdict.ALLOW
    (tmp_path / ".env").write_text("x")
    assert asked("grep -rn TODO .") is asked("grep -rn TODO") is asked("grep -r TODO src .") is Verdict.ASK
    assert asked("grep -rn --exclude='.env*' TODO .") is asked("grep -n TODO a.py") is Verdict.ALLOW


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    """A project with credentials some folders down, and one that is hidden."""
    for name in ("a.py", "src/b.py", "packages/api/.env", "packages/web/server.pem", "packages/web/.keys/id_rsa_work"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    return tmp_path


@pytest.mark.parametrize(
    ("expected", "commands"),
    [
        (
            "ask",
            [
                *("grep -r '' .", "grep -r ''", "grep -rn x packages", "grep -r x src packages/api", "egrep -r x ."),
                *("grep -d recurse '' .", "grep -drecurse '' .", "grep --directories=recurse '' ."),
                *("grep --directories rec '' .", "grep -r --include='*' '' .", "grep -r --include '*.*' '' ."),
                *("grep -r --include='*' --include='*.py' '' .", "grep -r --include='*_w*' '' ."),
                "grep -r --exclude='.env*' '' .",
                # Of filters that contradict each other the last one counts, and the first says what the rest means.
                "grep -r --exclude='*' --include='*' '' .",
                "grep -r --exclude=x --include='*.py' '' .",
                # These are no filters: a pattern, an operand, and classes that are read in two ways.
                "grep -r -e --include=*.py -e '' .",
                "grep -r -e --exclude=* -e '' .",
                "grep -r -- '' . '--exclude=*'",
                "grep -r --exclude='[^a]*' '' .",
                *("rg ''", "rg '' .", "rg x packages", "rg -n x", "ls && rg x", "rg -g '*' ''", "rg -g '*.*' ''"),
                *("rg -g '!*.pem' -g '*' ''", "rg -g '' x", "rg -g '#' x", "rg -g 'packages/**' x", "rg -t all x"),
                *(
                    "rg -e --files",
                    "rg --no-ignore x",
                    "rg --iglob '*.P?M' x",
                    "rg -g '*.[!p]em' x",
                    "cd packages && rg x",
                ),
            ],
        ),
        (
            "allow",
            [
                *("grep -rn x src", "grep -n x a.py", "grep -d skip x a.py", "grep --directories=read x a.py"),
                *("grep -r --include='*.py' '' .", "grep -r --include=*.py '' .", "grep -r --include '*.py' '' ."),
                "grep -r --exclude='.env*' --exclude='*.pem' --exclude='id_rsa*' '' .",
                "grep -r --exclude-dir=packages '' .",
                "grep -r --exclude-dir=api --exclude-dir=web/ '' .",
                *("rg x src", "rg x packages/api", "rg --files", "rg --files packages", "rg -g '*.py' ''", "rg -tpy x"),
                *("rg --type yaml x", "rg -g '*.{ts,tsx}' x", "rg -g '!*.pem' ''", "rg -g '!packages/' ''"),
                *("rg -g '*.[ch]' x", "cat a.py | rg x", "cd src && rg x"),
            ],
        ),
    ],
)
def test_a_search_asks_where_a_credential_lies_below(expected: str, commands: list[str], monorepo: Path) -> None:
    rules = ("grep *", "egrep *", "rg *", "cat *", "cd *", "ls*")

    assert [command for command in commands if verdict(command, *rules, cwd=str(monorepo)) != expected] == []


def test_a_search_says_which_credential_it_would_read(monorepo: Path) -> None:
    reason = bash("rg x", "rg *", cwd=str(monorepo)).reason

    assert "`server.pem`" in reason
    assert "-g '!server.pem'" in reason


def test_a_search_of_more_than_can_be_looked_at_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(below, "_ENTRIES_MAX", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").touch()

    assert verdict("grep -r x .", "grep *", cwd=str(tmp_path)) == verdict("rg x", "rg *", cwd=str(tmp_path)) == "ask"
    assert verdict("grep -r --include='*' x .", "grep *", cwd=str(tmp_path)) == "ask"
    assert verdict("grep -r --include='*.py' x .", "grep *", cwd=str(tmp_path)) == "allow"


def test_a_file_whose_name_is_a_flag_does_not_make_a_search_another(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / ".env").touch()
    assert verdict("grep x *", "grep *", cwd=str(tmp_path)) == "allow"
    assert verdict("grep -r --exclude=.e* x .", "grep *", cwd=str(tmp_path)) == "allow"

    (tmp_path / "-r").touch()
    (tmp_path / "--exclude=.ex").touch()

    assert verdict("grep x *", "grep *", cwd=str(tmp_path)) == "ask"
    assert verdict("grep -r --exclude=.e* x .", "grep *", cwd=str(tmp_path)) == "ask"


def test_a_folder_above_a_link_is_the_one_that_bash_goes_to(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("releases/v1/docs", "other", "src"):
        (project / name).mkdir(parents=True)
    (project / "current").symlink_to("releases/v1")
    (project / "self").symlink_to(".")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("outside\n")

    def asked(command: str, cwd: Path = project) -> str:
        return verdict(command, "cd *", "cat *", cwd=str(cwd), project=str(project))

    escape = "cd current/../.. && cat other/notes.txt"
    run = subprocess.run(["/bin/bash", "-c", escape], cwd=project, env={}, capture_output=True, text=True, check=True)
    assert run.stdout == "outside\n", "bash takes `..` off the path as it is written"
    assert asked(escape) == "ask"
    assert asked(f"cd {project}/current/../.. && cat other/notes.txt") == "ask"
    assert asked("cd ./current/docs/../../.. && cat a") == asked("cd current && cd .. && cat a") == "ask"
    assert asked(f"cd {project}/current && cd ../.. && cat a", project / "releases" / "v1") == "ask"
    assert asked("cd self && cd ../project && cat a") == "ask"
    assert asked("cd current && cat a") == asked("cd current/docs && cat ../a") == "allow"
    assert asked("cd src/../other && cat a") == asked("cd .. && cat a", project / "src") == "allow"


def test_a_branch_is_checked_out_and_a_file_is_not(tmp_path: Path) -> None:
    here = context(cwd=str(tmp_path))
    rules = [Rule("Bash", "git *")]

    def asked(command: str) -> Verdict:
        return decide(Call("Bash", {"command": command}), rules, here).verdict

    assert asked("git checkout docs") is Verdict.ALLOW
    (tmp_path / "docs").mkdir()
    assert asked("git checkout docs") is Verdict.ASK, "it would throw away what was changed there"
    assert asked("git checkout docs/a.md") is asked("git checkout .") is Verdict.ASK


def test_what_makes_files_asks_for_those_that_run_by_themselves(tmp_path: Path) -> None:
    here = context(cwd=str(tmp_path))
    rules = [Rule("Bash", "touch *"), Rule("Bash", "mkdir *")]

    def asked(command: str, **changes: Any) -> Verdict:
        return decide(Call("Bash", {"command": command}), rules, replace(here, **changes)).verdict

    assert asked("touch a") is asked("mkdir -p a/b") is Verdict.ALLOW
    assert asked("touch .envrc") is asked("mkdir .git/hooks") is asked("touch /tmp/a") is Verdict.ASK
    assert asked("touch a", mode=Mode.PLAN) is Verdict.DENY


def test_a_program_of_the_project_is_not_the_program_of_the_system(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "ls"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    own = resolver((str(program.parent),))

    assert verdict("ls", "ls*", cwd=str(tmp_path), resolve=own) == "ask"
    assert verdict("ls", "ls*", cwd=str(tmp_path), resolve=resolver()) == "allow"
    assert verdict("ls", "ls*", cwd=str(tmp_path), resolve=lambda name: None) == "allow"


@pytest.mark.parametrize(
    ("mode", "sandboxed", "call", "expected"),
    [
        (Mode.ASK, True, EDIT, "ask"),
        (Mode.ACCEPT_EDITS, False, EDIT, "allow"),
        (Mode.ACCEPT_EDITS, True, Call("Bash", {"command": "make deploy"}), "ask"),
        (Mode.ACCEPT_EDITS, False, Call("Write", {"file_path": ".git/hooks/x", "content": ""}), "ask"),
        (Mode.ACCEPT_EDITS, False, Call("Write", {"file_path": "../x", "content": ""}), "ask"),
        (Mode.ACCEPT_EDITS, False, Call("Write", {"file_path": ".env", "content": ""}), "deny"),
        (Mode.PLAN, False, EDIT, "deny"),
        (Mode.PLAN, False, Call("Read", {"file_path": "a.py"}), "allow"),
        (Mode.PLAN, False, Call("Read", {"file_path": "/etc/hosts"}), "ask"),
        (Mode.PLAN, False, Call("Bash", {"command": "ls"}), "allow"),
        (Mode.PLAN, False, Call("Bash", {"command": "git status"}), "allow"),
        (Mode.PLAN, False, Call("Bash", {"command": "git add ."}), "deny"),
        (Mode.PLAN, True, Call("Bash", {"command": "pytest"}), "deny"),
        (Mode.PLAN, True, Call("Bash", {"command": "touch x"}), "deny"),
        (Mode.PLAN, False, Call("Restart", {"reason": ""}), "deny"),
        (Mode.AUTO, True, Call("Bash", {"command": "touch x && make deploy > log"}), "allow"),
        (Mode.AUTO, False, Call("Bash", {"command": "touch x"}), "ask"),
        (Mode.AUTO, True, Call("Bash", {"command": "cat ~/.ssh/id_rsa"}), "deny"),
        (Mode.AUTO, True, Call("WebFetch", {"url": "https://example.com/"}), "ask"),
        (Mode.AUTO, True, Call("Read", {"file_path": "/etc/hosts"}), "ask"),
        (Mode.AUTO, False, EDIT, "allow"),
    ],
)
def test_modes_answer_questions_and_never_lift_a_denial(mode: Mode, sandboxed: bool, call: Call, expected: str) -> None:
    rules = [Rule("Bash", "ls*"), Rule("Bash", "git *"), Rule("Bash", "pytest *")]

    assert str(decide(call, rules, context(mode=mode, sandboxed=sandboxed)).verdict) == expected


def test_without_a_person_a_question_is_a_denial_with_its_reason() -> None:
    decision = bash("docker ps", attended=False)

    assert decision.verdict is Verdict.DENY
    assert "docker" in decision.reason
    assert decision.grants == ()


def test_a_decision_is_bound_to_bytes_folder_and_environment() -> None:
    call = Call("Bash", {"command": "git status"})
    here = context(environment=(("PATH", "/usr/bin"),))
    decision = decide(call, [], here)

    assert decision.digest == digest_of(call, here)
    others = [
        (Call("Bash", {"command": "git status "}), here),
        (Call("Bash", {"command": "git status", "background": True}), here),
        (call, replace(here, cwd="/home/ana")),
        (call, replace(here, environment=(("PATH", "/tmp"),))),
    ]
    assert decision.digest not in {digest_of(*other) for other in others}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Nope", {}),
        ("bash", {"command": "ls"}),
        ("Bash", {}),
        ("Bash", {"command": None}),
        ("Bash", {"command": ["ls"]}),
        ("Bash", {"command": ""}),
        ("Bash", {"command": "  \n"}),
        ("Bash", {"command": "ls\0"}),
        ("Bash", {"command": "echo \ud800"}),
        ("Read", {"file_path": "\ud800"}),
        ("Read", {"file_path": 3}),
        ("Read", {"file_path": "x", "offset": "1"}),
        ("Read", {"file_path": "x" * 5000}),
        ("WebFetch", {"url": 1}),
    ],
)
def test_invalid_input_is_denied(tool: str, arguments: dict[str, Any]) -> None:
    assert decide(Call(tool, arguments), [Rule(tool, "*")], context()).verdict is Verdict.DENY
