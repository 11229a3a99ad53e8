"""`shammah adapters`, from an empty store over use, roll back and comparison to a file for another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shammah_tui import paths
from shammah_tui.cli.compare import _beside
from shammah_tui.cli.main import main
from shammah_tui.learning.adapter import sha256
from tests.learning.world import habit_rows, write_adapter, write_rows


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["adapters", *arguments]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(said(capsys, *arguments, "--json"))
    return found


@pytest.fixture
def two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Adapters of the demo model, taken in as `shammah train` leaves them."""
    for number, name in enumerate(("first", "second"), start=1):
        made = write_adapter(tmp_path / name, paths.demo_model_folder(), created=f"2026-01-0{number}T00:00:00+00:00")
        said(capsys, "import", str(made))


def test_without_any_adapter_the_way_to_one_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "shammah train" in said(capsys)
    assert told(capsys, "list") == {"current": "", "scale": 1.0, "adapters": []}


@pytest.mark.usefixtures("two")
def test_one_is_used_another_takes_its_place_and_rolling_back_restores_it(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "use", "first")
    assert told(capsys, "use", "second", "--scale", "0.5") == {"current": "second", "scale": 0.5}
    assert "› second × 0.5" in " ".join(said(capsys, "list").split())
    assert said(capsys, "rollback") == "In use: first\n"
    assert told(capsys, "off") == {"current": "", "before": "first"}
    assert told(capsys, "list")["current"] == ""


@pytest.mark.usefixtures("two")
def test_what_an_adapter_knows_of_itself_is_shown_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "show", "first")
    assert "use logging" in shown
    assert "adherence, held out of “use logging”: 97% (before 0%), n = 30" in shown
    assert told(capsys, "compare", "first", "second")["same_base"] is True
    assert "adherence, held out: use logging" in said(capsys, "compare", "first", "second")


@pytest.mark.usefixtures("two")
def test_an_exported_adapter_is_imported_under_another_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "given.adapter.zip"
    said(capsys, "export", "first", str(path))
    said(capsys, "import", str(path))
    said(capsys, "import", str(path), "--name", "again")
    names = [line.split()[0] for line in said(capsys, "list").split("\n")[1:] if line]
    assert sorted(names) == ["again", "first", "given", "second"]
    assert told(capsys, "remove", "given") == {"removed": "given", "current": ""}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["use", "third"], 2, 'There is no adapter "third".\n  There are: second, first.'),
        (["use", "first", "--scale", "0"], 1, "no scale"),
        (["import", "nothing.zip"], 1, "cannot be read"),
        (["rollback"], 1, "no earlier adapter"),
        (["compare", "first"], 2, "required"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert main(["adapters", *arguments]) == code
    assert words in capsys.readouterr().err


def test_adapters_are_kept_where_the_settings_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = write_adapter(tmp_path / "made", paths.demo_model_folder())
    monkeypatch.setenv("SHAMMAH_LORA_ADAPTERS_DIR", str(tmp_path / "elsewhere"))
    said(capsys, "import", str(made), "--name", "moved")
    said(capsys, "use", "moved")
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["current", "moved"]
    monkeypatch.setenv("SHAMMAH_LORA_ADAPTERS_DIR", "in-the-home")
    assert told(capsys, "list")["adapters"] == []
    assert paths.adapters_folder("in-the-home") == paths.home() / "in-the-home"
    assert not paths.adapters_folder().exists()


@pytest.mark.usefixtures("two")
def test_two_are_asked_the_same_and_their_answers_shown_side_by_side(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text("Hello\n\nSay hello\n")
    short = ("--prompts", str(tmp_path / "prompts.txt"), "--max-tokens", "8")
    answers = told(capsys, "compare", "first", "second", "Say hello", *short)["answers"]
    assert isinstance(answers, list)
    assert [pair["prompt"] for pair in answers] == ["Say hello", "Hello"]
    assert all(pair["a"] and pair["same"] == (pair["a"] == pair["b"]) for pair in answers)
    monkeypatch.setenv("COLUMNS", "100")
    shown = said(capsys, "compare", "first", "second", *short)
    assert "adherence, held out: use logging" in shown
    assert shown.endswith("of 2 answers differ.\n")
    alone: Any = told(capsys, "compare", "off", "second", "Say hello", "--max-tokens", "8")
    assert alone["a"]["name"] == "off"
    assert [pair["b"] for pair in alone["answers"]] == [answers[0]["b"]]
    assert told(capsys, "compare", "second", "off")["same_base"] is True
    assert main(["adapters", "compare", "off", "off"]) == 2


@pytest.mark.usefixtures("two")
def test_what_a_run_held_out_is_asked_of_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "compare", "first", "second", "--held-out"]) == 1
    assert "--prompts" in capsys.readouterr().err
    rows = paths.home() / "runs" / "first" / "rows.jsonl"
    rows.parent.mkdir(parents=True)
    write_rows(rows, habit_rows("print", rated=1, held_out=2, near=0, other=0))
    manifest = paths.adapters_folder() / "first" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"rows_sha256": sha256(rows)}))
    answers = told(capsys, "compare", "first", "second", "--held-out", "--max-tokens", "8")["answers"]
    assert isinstance(answers, list)
    assert len(answers) == 2
    assert all("logging" in pair["wanted"] and pair["rule"] == "print" for pair in answers)


def test_answers_stand_below_each_other_where_the_terminal_is_narrow() -> None:
    assert _beside("a", "b", "one\ntwo", "three", 40) == ["a:", "one", "two", "b:", "three"]
    assert _beside("a", "b", "one\ntwo", "three", 63)[1] == f"{'one':30} │ three"
