"""Real runs on the demo model: rows → trainer process → GGUF → gate in llama.cpp → folder. Short ones."""

from __future__ import annotations

import json
import os
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from shammah_tui.cli.main import main
from shammah_tui.cli.train import EXIT_REFUSED
from shammah_tui.learning.adapter import verify
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.event import PhaseStarted, StepReported
from shammah_tui.learning.run import Request, learn
from tests.learning.world import habit_rows, write_rows

SMALL = ("--batch-rows", "4", "--replay-share", "1", "--made-up", "12")
FEW_ROWS = habit_rows("print", rated=5, held_out=3, near=6, other=6)


def words(base: Path, rows: Path, out: Path, *more: str) -> list[str]:
    return [
        "train",
        "--base",
        str(base),
        "--rows",
        str(rows),
        "--out",
        str(out),
        "--threads",
        "1",
        "--json",
        *SMALL,
        *more,
    ]


def events(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.strip().split("\n")]


def test_a_habit_is_unlearned_and_the_adapter_folder_is_whole(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", FEW_ROWS), tmp_path / "adapter"
    code = main(words(demo, rows, out, "--steps", "16"))
    printed = capsys.readouterr()
    assert code == 0, printed.err
    told = events(printed.out)
    assert [event["phase"] for event in told if event["event"] == "PhaseStarted"] == [
        "base",
        "train",
        "convert",
        "gate",
        "write",
    ]
    report = json.loads((out / "report.json").read_text())
    (table,) = [table for table in report["gate"] if table["scale"] == report["searched_scale"]]
    adherence = table["criteria"][0]
    assert (adherence["before"], adherence["n"]) == (0.0, 3)
    assert adherence["value"] == 1.0
    assert report["losses"]["last"]["loss"] < report["losses"]["first"]["loss"]
    assert report["tokens"]["answer_tokens_per_second"] > 0
    lines = [json.loads(line) for line in (out / "steps.jsonl").read_text().split("\n") if line]
    assert [line["step"] for line in lines if line["event"] == "StepReported"] == list(range(1, report["steps"] + 1))
    assert sorted(path.name for path in out.iterdir()) == [
        "adapter.gguf",
        "adapter_config.json",
        "adapter_model.safetensors",
        "manifest.json",
        "report.json",
        "steps.jsonl",
    ]
    verify(out, demo)
    plain = AutoModelForCausalLM.from_pretrained(demo, dtype=torch.float32)
    assert PeftModel.from_pretrained(plain, out).active_adapter == "default"


def test_wrong_labels_are_refused_with_reasons_and_no_adapter_is_left(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Learned rows that ask for something else than what the held-out rows show."""
    wrong = [row | {"chosen": "no"} if row["kind"] == "in_scope" else row for row in FEW_ROWS]
    rows, out = write_rows(tmp_path / "rows.jsonl", wrong), tmp_path / "adapter"
    assert main(words(demo, rows, out, "--steps", "10")) == EXIT_REFUSED
    assert "The gate refused" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "steps.jsonl"]
    assert json.loads((out / "report.json").read_text())["accepted"] is False


def test_a_run_that_breaks_the_rest_is_refused(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Far too strong, and without anything that holds it to the base."""
    rows, out = write_rows(tmp_path / "rows.jsonl", FEW_ROWS), tmp_path / "adapter"
    strong = ("--steps", "10", "--learning-rate", "0.03", "--kl-weight", "0")
    assert main(words(demo, rows, out, *strong)) == EXIT_REFUSED
    assert "retention KL" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_the_run_in_words(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", FEW_ROWS), tmp_path / "adapter"
    assert main(words(demo, rows, out, "--steps", "10", "--learning-rate", "1e30")) == 1
    assert "no longer a number" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda base: (base / "model.gguf").unlink(), "no GGUF"),
        (lambda base: (base / "config.json").write_text('{"model_type": "llama"}'), "llama model"),
        (lambda base: (base / "model.gguf").write_bytes(b"GGUF"), "model.gguf"),
    ],
)
def test_a_base_that_cannot_be_trained_is_said_in_words(
    bases: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], prepare: Any, said: str
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.gguf").touch()
    (base / "config.json").write_text((bases["qwen2"] / "config.json").read_text())
    prepare(base)
    rows = write_rows(tmp_path / "rows.jsonl", FEW_ROWS)
    assert main(words(base, rows, tmp_path / "out")) == 1
    assert said in capfd.readouterr().err


async def test_leaving_a_run_ends_its_processes_and_leaves_nothing_behind(demo: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", FEW_ROWS)
    request = Request(demo, rows, tmp_path / "out", TrainArguments(steps=300, threads=1, made_up=4))
    seen: list[str] = []
    async with aclosing(learn(request)) as run:
        async for event in run:
            if isinstance(event, PhaseStarted):
                seen.append(event.phase)
            if isinstance(event, StepReported):
                break
    assert seen == ["base", "train"]
    assert os.listdir(tmp_path) == ["rows.jsonl"]  # noqa: PTH208
