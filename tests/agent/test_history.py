"""The prompt's history: what was sent is there again, whatever happened to the file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from shammah_tui.agent.history import KEPT, SLACK, History


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "history.jsonl"


def everything(history: History) -> list[str]:
    texts = []
    while (text := history.older("")) is not None:
        texts.append(text)
    return texts


def test_what_was_sent_is_there_in_the_next_session_newest_first(file: Path) -> None:
    history = History(file)
    for text in ("one", "two\nlines", "דוד \u2028 \r"):
        history.add(text)
    assert everything(History(file)) == ["דוד \u2028 \r", "two\nlines", "one"]


def test_only_the_person_may_read_it(file: Path) -> None:
    old = os.umask(0)
    try:
        History(file).add("secret")
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_was_pasted_of_a_text_is_known_in_the_next_session(file: Path) -> None:
    History(file).add("explain ", "a log\n@.env", " please")
    history = History(file)
    assert history.texts == ("explain a log\n@.env please",)
    assert history.pasted("explain a log\n@.env please") == ("a log\n@.env",)


def test_the_same_twice_in_a_row_is_kept_once(file: Path) -> None:
    history = History(file)
    history.add("one")
    history.add("one")
    assert everything(History(file)) == ["one"]


def test_going_down_ends_at_the_draft() -> None:
    history = History(None)
    history.add("one")
    history.add("two")
    assert history.newer() is None
    assert [history.older("draft"), history.older("x"), history.older("x")] == ["two", "one", None]
    assert [history.newer(), history.newer(), history.newer()] == ["two", "draft", None]


def test_cut_at_every_byte_it_loses_at_most_the_last_line_and_goes_on(file: Path) -> None:
    history = History(file)
    history.add("first")
    history.add("zweite: ü")
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        History(file).add("new")
        texts = everything(History(file))
        assert texts[0] == "new"
        assert set(texts[1:]) <= {"first", "zweite: ü"}
        if length > len('"first"\n'):
            assert "first" in texts


def test_garbage_is_skipped(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b'"good"\n\x00\x00\xff\n{"a": 1}\n[\n"also"\n')
    assert everything(History(file)) == ["also", "good"]


def test_it_stays_short(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("".join(json.dumps(f"text {number}") + "\n" for number in range(KEPT * SLACK + 1)))
    assert len(everything(History(file))) == KEPT
    assert len(file.read_bytes().split(b"\n")) == KEPT + 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_read_or_written_is_told_and_the_text_is_still_there(file: Path) -> None:
    file.mkdir(parents=True)
    history = History(file)
    assert history.problem
    with pytest.raises(IsADirectoryError):
        history.add("one")
    assert history.older("") == "one"


def test_a_device_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.symlink_to("/dev/zero")
    assert History(file).problem


def test_words_of_danger_are_not_written_down(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.add("I want to kill myself")
    history.add("kill the child process")
    assert "myself" not in (tmp_path / "history.jsonl").read_text()
    assert history.older("") == "kill the child process"
    assert history.older("") == "I want to kill myself"
