"""`shammah train` beside the run itself: the plan, following, and arguments that do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.cli.main import main
from shammah_tui.learning.event import StepReported, to_line
from tests.learning.world import habit_rows, write_rows


def test_a_dry_run_tells_rows_steps_memory_and_time_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", habit_rows("print", rated=10, held_out=2, near=6, other=4))
    files = ["--base", str(paths.demo_model_folder()), "--rows", str(rows)]
    assert main(["train", *files, "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["rows"]["in_scope"] == {"red": 10}
    assert plan["rows"]["near_scope"] == {"red": 6}
    assert plan["held_out"] >= 2
    assert plan["steps"] > 0
    assert plan["seconds"] > 0
    assert plan["needed_bytes"] < plan["free_bytes"]
    assert main(["train", *files, "--dry-run"]) == 0
    assert "of memory" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_run_that_has_ended_is_followed_to_its_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [StepReported(n, 10, 1.0 / n, 1.0, 0.1, 1e-3, 1.0, n, n, 9.0, 1.0) for n in range(1, 11)]
    (tmp_path / "steps.jsonl").write_text("".join(to_line(step) + "\n" for step in steps) + '{"event": "Step')
    (tmp_path / "report.json").write_text(json.dumps({"accepted": False, "reasons": ["too little"]}))
    assert main(["train", "--follow", str(tmp_path)]) == 3
    printed = capsys.readouterr().out
    assert printed.startswith(f"Following {tmp_path.name}:\n")
    assert "step  10/10" in printed
    assert printed.endswith("The gate refused the adapter:\ntoo little\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "required: --base, --rows, --out"),
        (["--base", "x", "--dry-run"], 2, "required: --rows"),
        (["--follow", "nowhere"], 1, "no run to follow"),
        (["--follow"], 1, "no run to follow"),
    ],
)
def test_what_is_missing_is_named(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments]) == code
    assert said in capsys.readouterr().err
