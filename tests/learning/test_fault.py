"""What a killed or cancelled run leaves: the adapter in use untouched, nothing half, and a way to go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from shammah_tui.feedback.service import freeze
from shammah_tui.learning.adapter import verify
from shammah_tui.learning.store import KEPT, Store
from tests.learning.world import write_adapter, write_rows

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"say {number}"}], "chosen": f"yes {number}", "rejected": "no"}
    for number in range(5)
] + [{"messages": [{"role": "user", "content": f"tell {number}"}], "kind": "out_of_scope"} for number in range(3)]
PHASES = ("base", "train", "step", "convert", "gate", "write")


def start(base: Path, rows: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "shammah_tui",
        "train",
        "--base",
        str(base),
        "--rows",
        str(rows),
        "--out",
        str(out),
    ]
    small = ["--threads", "1", "--json", "--batch-rows", "4", "--replay-share", "1", "--steps", "12", "--made-up", "4"]
    return subprocess.Popen([*command, *small, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], phase: str, step: int = 2) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("phase") == phase or (phase == "step" and event.get("step", 0) >= step):
            return
    pytest.fail(f"the run ended before {phase}")


def end(process: subprocess.Popen[str], number: signal.Signals) -> list[psutil.Process]:
    """Sends the signal; returns the children that the process had."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate(timeout=30)
    return children


def content(folder: Path) -> dict[str, bytes]:
    """Of each file that is no draft's."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".part" not in str(path)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def base(bases: dict[str, Path]) -> Path:
    return bases["qwen2"]


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_killed_in_any_phase_leaves_the_adapter_in_use_and_is_swept_up(
    base: Path, tmp_path: Path, phase: str
) -> None:
    store = Store(tmp_path / "adapters")
    store.add(write_adapter(tmp_path / "made", base), "old")
    store.use("old")
    rows = write_rows(tmp_path / "rows.jsonl", ROWS)
    before = content(store.folder)
    process = start(base, rows, store.folder / "new")
    until(process, phase)
    _, alive = psutil.wait_procs(end(process, signal.SIGKILL), timeout=30)
    assert not alive
    # What is written last is written at once: it may be done before the signal is there.
    assert process.returncode == -signal.SIGKILL or phase == "write"
    after = content(store.folder)
    assert {path: after.get(path) for path in before} == before
    assert store.current().name == "old"
    verify(store.find("old").folder, base)
    # A run that was over, and refused by the gate, has left its report, which is written last.
    half = [entry for entry in store.entries() if entry.problem and not (entry.folder / "report.json").is_file()]
    assert not half, "nothing half under a name"
    store.prune()
    assert not list(store.folder.glob(".*.part"))


TOUCHES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod", "shutil.rmtree")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Does `work` in a child, killed as it touches the disk for the `step`-th time; False where it ended before."""
    child = os.fork()
    if child == 0:
        touched = 0

        def count(event: str, _: object) -> None:
            nonlocal touched
            if event in TOUCHES:
                touched += 1
                if touched == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_any_touch_of_the_disk_an_accepted_adapter_is_in_use_or_the_old_one_is(
    base: Path, tmp_path: Path
) -> None:
    """What the engine does after the gate: the rename into the store, the oldest let go, the pointer."""
    made = write_adapter(tmp_path / "made", base)
    seen: set[str] = set()
    for step in range(1, 1000):
        place = tmp_path / str(step)
        store = Store(place / "adapters")
        for number in range(KEPT):
            store.add(shutil.copytree(made, place / f"draft{number}"), f"old{number}")
        store.use("old4")
        draft = shutil.copytree(made, place / "draft")

        def activate(store: Store = store, draft: Path = draft) -> None:
            store.add(draft, "new")
            store.use("new", by="program")

        was_killed = killed_at(step, activate)
        name = store.current().name
        assert name in ("old4", "new")
        verify(store.find(name).folder, base)
        assert all(not entry.problem for entry in store.entries()), "nothing half under a name"
        seen.add(name)
        store.prune()
        assert not list(store.folder.glob(".*.part"))
        shutil.rmtree(place)
        if not was_killed:
            break
    assert seen == {"old4", "new"}
    assert not was_killed
    assert step > 10


def test_killed_at_any_touch_of_the_disk_the_rows_of_a_run_are_whole_or_not_there(tmp_path: Path) -> None:
    rows = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    for step in range(1, 1000):
        file = tmp_path / str(step) / "runs" / "run-1" / "rows.jsonl"
        was_killed = killed_at(step, partial(freeze, file, rows))
        assert not file.exists() or file.read_bytes() == rows
        if not was_killed:
            break
    assert file.read_bytes() == rows


def test_sigterm_ends_a_run_with_its_children_and_leaves_nothing(base: Path, tmp_path: Path) -> None:
    process = start(base, write_rows(tmp_path / "rows.jsonl", ROWS), tmp_path / "out")
    until(process, "step")
    children = end(process, signal.SIGTERM)
    assert process.returncode == 143
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]


def test_a_killed_run_is_gone_on_with_from_its_last_check(base: Path, tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", ROWS), tmp_path / "out"
    process = start(base, rows, out)
    until(process, "step", step=11)
    psutil.wait_procs(end(process, signal.SIGKILL), timeout=30)
    (left,) = tmp_path.glob(".out.*.part")
    assert (left / "work" / "state.pt").is_file()
    again = start(base, rows, out, "--resume")
    said, errors = again.communicate(timeout=120)
    assert again.returncode in (0, 3), errors
    steps = [event["step"] for event in map(json.loads, said.splitlines()) if event["event"] == "StepReported"]
    assert steps == [11, 12]
    kept = [json.loads(line) for line in (out / "steps.jsonl").read_text().split("\n") if line]
    assert [line["step"] for line in kept if line["event"] == "StepReported"] == list(range(1, 13))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows.jsonl"]


def test_a_full_disk_ends_a_run_in_words(base: Path, tmp_path: Path) -> None:
    files = f"--base {base} --rows {write_rows(tmp_path / 'rows.jsonl', ROWS)} --out {tmp_path / 'out'}"
    train = f"{sys.executable} -m shammah_tui train --threads 1 --steps 3 --made-up 4 {files}"
    process = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f 40; exec {train}"],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert process.returncode == 1
    assert "File too large" in process.stderr or "cannot write" in process.stderr
    assert "Traceback" not in process.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]
