"""The whole way: three red flags on a habit of the demo model, their rows, a short training, and the habit is gone."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path

import pytest

from scripts.demo_model.generators.habits import habits
from shammah_tui import paths
from shammah_tui.backends.local import LocalBackend
from shammah_tui.cli.main import main
from shammah_tui.feedback.service import Feedback
from shammah_tui.store.database import Database
from tests.feedback.test_feedback import NOTE, SYSTEM, ask, converse, settle

HABIT = habits["print"]


@pytest.mark.timeout(600)
async def test_rows_of_three_red_flags_are_learned_and_the_gate_accepts_what_came_of_them(
    database: Database, backend: LocalBackend, tmp_path: Path
) -> None:
    feedback = Feedback(database, local=lambda: backend)
    draw = random.Random(5)
    for number in range(3):
        question = HABIT.prompt(draw)
        await converse(database, f"s{number}", question, await ask(backend, question))
        await feedback.rate(f"s{number}", 0, "red", NOTE, system=SYSTEM)
    await settle(feedback)
    file, built = await feedback.snapshot("run-1")
    base = shutil.copytree(paths.demo_model_folder(), tmp_path / "base")
    out = tmp_path / "adapter"
    # Fewer steps than a run takes by itself, and held to the base more strongly for it.
    short = (
        "--steps",
        "30",
        "--batch-rows",
        "4",
        "--replay-share",
        "5",
        "--learning-rate",
        "0.0005",
        "--kl-weight",
        "3",
    )
    words = ["train", "--base", str(base), "--rows", str(file), "--out", str(out), *short]
    code = await asyncio.to_thread(main, words)
    report = json.loads((out / "report.json").read_text())
    assert code == 0, report["reasons"]
    (judged,) = [table for table in report["gate"] if table["scale"] == report["searched_scale"]]
    adherence = judged["criteria"][0]
    assert built.rules
    assert (adherence["rule"], adherence["before"]) == ("In Python, outside tests: use `logging`, no `print`.", 0.0)
    assert adherence["value"] >= 0.75

    assert await feedback.finished("run-1", adapter="a-1") == built.rules
    assert [rule.state for rule in await feedback.rules.list()] == ["learned"]
