"""The sandbox: what a command cannot do there, run by the real bubblewrap where it runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui.conversation import ToolCall
from shammah_tui.tools.guard import Guard
from shammah_tui.tools.permission.decision import Mode, Verdict
from shammah_tui.tools.permission.need import NOTHING, Need, need_of
from shammah_tui.tools.sandbox import seatbelt
from shammah_tui.tools.sandbox.ground import Ground, repository_paths
from shammah_tui.tools.sandbox.sandbox import Sandbox, SandboxState, choose
from shammah_tui.tools.tool import Result


@pytest.fixture
def ground(folder: Path) -> Ground:
    """A home with keys, and a project with a repository and an `.env` in it."""
    for name, text in {
        "user/.ssh/id_rsa": "SECRET",
        "user/.netrc": "SECRET",
        "user/.shammah/tool_patterns.json": "{}",
        "user/shop/.git/config": "",
        "user/shop/.envrc": "",
        "user/shop/.env": "KEY=SECRET",
        "user/shop/a": "hello\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    user = folder / "user"
    return Ground(str(user / "shop"), str(user), str(user / ".shammah"), str(folder / "cache"))


@pytest.fixture
def sandbox(ground: Ground) -> Sandbox:
    found = choose("auto", ground)
    if not found.is_on:
        pytest.skip(f"no sandbox runs here: {found.reason}")
    return found


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(sandbox: Sandbox, ground: Ground) -> Run:
    def run(command: str, need: Need = NOTHING) -> tuple[int, str]:
        argv = sandbox.wrap(["/bin/bash", "-c", command], need)
        done = subprocess.run(argv, cwd=ground.project, capture_output=True, text=True, check=False, timeout=30)
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_project_can_be_written_and_nothing_else(run: Run, ground: Ground) -> None:
    assert run("cat a; echo new > b; exit 7") == (7, "hello\n")
    assert Path(ground.project, "b").read_text() == "new\n"
    for path in ("/etc/made", "/usr/made", "~/made", "/made", ".git/config", ".git/hooks", ".envrc"):
        status, said = run(f"echo x > {path}")
        assert status != 0, path
        assert "Read-only" in said or "denied" in said or "No such" in said
    assert Path(ground.project, ".git/config").read_text() == ""


def test_keys_and_our_own_home_cannot_be_read(run: Run, ground: Ground) -> None:
    home = ground.user_home
    status, said = run(f"cat {home}/.ssh/id_rsa {home}/.netrc {home}/.shammah/tool_patterns.json /etc/shadow .env")
    assert status != 0
    assert "SECRET" not in said
    assert "{}" not in said
    assert "root:" not in said
    assert run("cat .env", Need(secrets=True)) == (0, "KEY=SECRET")


def test_there_is_no_network_and_no_other_process(run: Run) -> None:
    status, said = run("(echo > /dev/tcp/1.1.1.1/80) 2>&1; ls /proc | grep -c '^[0-9]'; ls /run")
    assert "unreachable" in said or "denied" in said
    assert int(said.split()[-1]) < 10
    assert status == 0


def test_a_command_of_git_may_change_the_repository_when_it_was_allowed(run: Run, ground: Ground) -> None:
    git = "git -c user.name=A -c user.email=a@b"
    subprocess.run(["git", "init", "-q"], cwd=ground.project, check=True)
    assert run(f"{git} add a && {git} commit -qm x", NOTHING)[0] != 0
    assert run(f"{git} add a && {git} commit -qm x", need_of("git commit -m x"))[0] == 0
    assert run("git log --oneline", need_of("git log"))[0] == 0


def test_what_is_left_running_ends_with_the_command(run: Run, ground: Ground) -> None:
    assert run("(sleep 1; echo late > late) & echo done") == (0, "done\n")
    assert not Path(ground.project, "late").exists()


def test_a_worktree_keeps_its_things_outside_the_project(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    who = ["-c", "user.name=A", "-c", "user.email=a@b"]
    for command in (
        ["init", "-q", str(main)],
        ["-C", str(main), *who, "commit", "-q", "--allow-empty", "-m", "x"],
        ["-C", str(main), "worktree", "add", "-q", str(tree)],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    found = repository_paths(Ground(str(tree), "/h", "/o", "/c"))
    inside = [Path(path).relative_to(tmp_path).as_posix() for path in found]
    assert inside == ["main/.git/worktrees/tree", "main/.git"]


@pytest.mark.parametrize(
    ("command", "network", "repository", "keys"),
    [
        ("ls; cat a | wc", False, False, ()),
        ("git status && git log", False, False, ()),
        ("git commit -m x", False, True, ()),
        ("git push origin main", True, True, (".ssh",)),
        ("cd x && curl https://example.com", True, False, ()),
        ("echo $(curl x)", True, False, ()),
        ("for i in 1 2; do ssh host; done", True, False, (".ssh",)),
        ("npm test", False, False, ()),
        ("npm install", True, False, (".npmrc",)),
        ("gh pr list", True, False, (".config/gh",)),
        ("/usr/bin/curl x", True, False, ()),
    ],
)
def test_what_a_command_needs_is_told_by_its_names(
    command: str, network: bool, repository: bool, keys: tuple[str, ...]
) -> None:
    need = need_of(command)
    assert (need.network, need.repository) == (network, repository)
    assert set(keys) <= need.keys


def test_one_that_is_set_to_be_on_and_missing_refuses_and_says_why(ground: Ground) -> None:
    missing = choose("on", ground, platform="plan9")
    assert (missing.state, missing.refuses) == (SandboxState.MISSING, True)
    assert "plan9" in missing.reason
    shown = choose("auto", ground, platform="plan9")
    assert (shown.state, shown.refuses) == (SandboxState.OFF, False)
    assert "plan9" in shown.reason
    assert choose("off", ground).state is SandboxState.OFF


def test_the_profile_of_macos_says_the_same(ground: Ground) -> None:
    assert 'shop\\"x' in seatbelt.profile(replace(ground, project=f'{ground.project}"x'), NOTHING)
    rules = seatbelt.profile(ground, NOTHING).split("\n")
    assert rules.index("(deny file-write*)") < rules.index(f'(allow file-write* (subpath "{ground.project}"))')
    assert f'(deny file-write* (subpath "{ground.project}/.git"))' in rules
    assert f'(deny file-read* file-write* (subpath "{ground.user_home}/.ssh"))' in rules
    assert f'(deny file-read* file-write* (subpath "{ground.project}/.env"))' in rules
    assert f'(deny file-read* file-write* (subpath "{ground.own_home}"))' in rules
    assert "(deny network*)" in rules
    granted = seatbelt.profile(ground, need_of("git push"))
    assert "(deny network*)" not in granted
    assert ".ssh" not in granted
    assert f'"{ground.project}/.git"' not in granted


@pytest.fixture
async def guard(sandbox: Sandbox, ground: Ground) -> AsyncIterator[Guard]:
    environment = {"HOME": ground.user_home}
    guard = Guard(Path(ground.project), Path(ground.own_home), environment, mode=Mode.AUTO, sandbox=sandbox)
    yield guard
    await guard.close()


async def outcome(guard: Guard, command: str, *, ask: bool = False) -> Result:
    call = ToolCall("1", "Bash", json.dumps({"command": command}))
    decision = guard.judge(call)
    if ask:
        assert decision.verdict is Verdict.ASK, decision
        decision = guard.grant_once(decision)
    async with aclosing(guard.run(call, decision)) as pieces:
        *_, last = [piece async for piece in pieces]
    assert isinstance(last, Result)
    return last


async def test_auto_mode_runs_what_the_sandbox_bounds_and_asks_for_more(guard: Guard) -> None:
    assert (await outcome(guard, "for i in 1 2; do echo $i; done")).text == "1\n2"
    kept = await outcome(guard, "for name in .e*v; do cat $name; done; touch /made")
    assert "SECRET" not in kept.text
    assert "inside the sandbox" in kept.text
    assert "SECRET" in (await outcome(guard, "for name in .e*v; do cat $name; git; done", ask=True)).text
    asked = guard.judge(ToolCall("1", "Bash", json.dumps({"command": "curl https://example.com"})))
    assert "the network" in asked.reason
    shown = await guard.preview(ToolCall("1", "Bash", json.dumps({"command": "git push"})), asked)
    assert shown.reach.startswith("inside the sandbox, with the network, the repository")
