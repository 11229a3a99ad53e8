"""`shammah feedback` and `shammah rules`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

from shammah_tui.conversation import Entry, Message
from shammah_tui.store.database import Database
from shammah_tui.store.session import SessionStore
from tests.cli.program import shammah

ANSWER = "```python\ndef f():\n    print(1)\n```"
GIVEN = ("--question", "Write a Python function f", "--answer", ANSWER)


async def test_the_last_answer_is_rated_listed_changed_and_forgotten(own_ground: Path) -> None:
    database = Database(own_ground / "shammah.db")
    entries = [Entry(Message("user", "Write f in Python")), Entry(Message("assistant", ANSWER), model="demo")]
    await SessionStore(database).write("abc", "/project", 0, entries, 0)
    database.close()

    added = shammah("feedback", "add", "high", "use", "logging", "instead", "of", "print")
    assert (added.returncode, added.stderr) == (0, "")
    assert "Kept: red rating 1." in added.stdout
    assert "Rule 1, from the next question on: In Python, outside tests: use `logging`, no `print`." in added.stdout
    listed = shammah("feedback").stdout
    assert "use logging instead of print" in listed
    assert "waits" in listed
    (rating,) = json.loads(shammah("feedback", "list", "--json", "--color", "critical").stdout)["ratings"]
    assert (rating["number"], rating["session"], rating["turn"], rating["question"]) == (
        1,
        "abc",
        0,
        "Write f in Python",
    )

    changed = shammah("feedback", "edit", "1", "--note", "never use print")
    assert "no `print`" in changed.stdout
    assert json.loads(shammah("feedback", "list", "--search", "wool", "--json").stdout)["ratings"] == []
    assert shammah("feedback", "remove", "1").stdout == "Forgotten: 1 rating.\n"
    assert "no rules yet" in shammah("rules").stdout
    gone = shammah("feedback", "remove", "1")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "There is no rating 1" in gone.stderr


def test_rules_are_listed_edited_and_switched() -> None:
    shammah("feedback", "add", "red", "use logging, not print", *GIVEN)
    assert "in the prompt" in shammah("rules").stdout
    assert "(off)" in shammah("rules", "off", "1").stdout
    edited = shammah("rules", "edit", "1", "In Python: never `print`.")
    assert "Rule 1 (off): In Python: never `print`." in edited.stdout
    rule = json.loads(shammah("rules", "on", "1", "--json").stdout)["rule"]
    assert (rule["state"], rule["source"], rule["proof"]) == ("prompt", "person", "flagged")
    assert rule["verifier"]["forbid"] == [{"kind": "construct", "value": "print"}]
    unprovable = shammah("rules", "edit", "1", "Be nice.")
    assert "not trained" in unprovable.stdout
    assert "Forgotten: Be nice." in shammah("rules", "remove", "1").stdout
    assert shammah("rules", "off", "1").returncode == 2


def test_ratings_travel_between_homes(tmp_path: Path) -> None:
    file = tmp_path / "ratings.jsonl"
    shammah("feedback", "add", "yellow", "use logging", *GIVEN, "--correction", "-", stdin="```python\nlog()\n```")
    assert shammah("feedback", "export", str(file)).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    again = shammah("feedback", "import", str(file))
    assert "0 ratings; 1 were here already" in again.stdout
    elsewhere = {"SHAMMAH_HOME": str(tmp_path / "other")}
    assert "Taken: 1 ratings" in shammah("feedback", "import", str(file), **elsewhere).stdout
    assert "logging" in shammah("rules", **elsewhere).stdout
    (pair,) = shammah("feedback", "export", "--form", "preference").stdout.splitlines()
    assert json.loads(pair)["chosen"][0]["content"] == "```python\nlog()\n```"


def test_an_import_with_wrong_lines_takes_nothing_unless_told_to(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"prompt": "q", "chosen": "a", "rejected": "b"}\n{"prompt": "q"}\nnope\n')
    refused = shammah("feedback", "import", str(file))
    assert refused.returncode == 2
    assert "line 2: it has neither answer" in refused.stderr
    assert "line 3: Invalid JSON" in refused.stderr
    assert shammah("feedback").stdout == "Nothing is rated yet.\n"
    taken = json.loads(shammah("feedback", "import", str(file), "--skip-invalid", "--json").stdout)
    assert (taken["added"], [problem["line"] for problem in taken["invalid"]]) == (1, [2, 3])
    missing = shammah("feedback", "import", str(tmp_path / "none.jsonl"))
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_what_cannot_be_rated_is_said_with_the_next_step() -> None:
    nothing = shammah("feedback", "add", "red")
    assert nothing.returncode == 2
    assert "There is no conversation yet" in nothing.stderr
    half = shammah("feedback", "add", "red", "--question", "q")
    assert (half.returncode, "belong together" in half.stderr) == (2, True)
    colour = shammah("feedback", "add", "blue")
    assert colour.returncode == 2
    secret = shammah("feedback", "add", "green", "--question", "q", "--answer", "ghp_" + "aB3d" * 9)
    assert "Found and masked: GitHub token." in secret.stderr
    assert "ghp_" not in shammah("feedback", "export").stdout
    unnamed = shammah("feedback", "edit", "1")
    assert unnamed.returncode == 2
    assert "--note" in unnamed.stderr


def test_rows_are_made_by_the_demo_model_without_a_screen(tmp_path: Path) -> None:
    environment = {"SHAMMAH_HOME": str(tmp_path / "h"), "SHAMMAH_OFFLINE": "true"}
    question = "Write a Python function `pack_box` that reports that the box is ready."
    answer = '```python\ndef pack_box():\n    print("The box is ready")\n```'
    given = ("--question", question, "--answer", answer)
    shammah("feedback", "add", "yellow", "use logging instead of print", *given, **environment)
    rows = tmp_path / "rows.jsonl"
    made = shammah("feedback", "prepare", "--model", "demo", "--rows", str(rows), **environment)
    assert (made.returncode, made.stderr) == (0, "")
    assert "Rating 1: rewritten by local model" in made.stdout
    kinds = [json.loads(line)["kind"] for line in rows.read_text().split("\n") if line]
    assert kinds.count("in_scope") >= 3
    assert "near_scope" in kinds
    shammah("daemon", "stop", **environment)
