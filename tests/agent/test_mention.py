"""Files named with @ go with the question."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shammah_tui.agent.mention import FILE_BYTES_MAX, attach


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("x = 1\n")
    (tmp_path / "a name.txt").write_text("blank\n")
    return tmp_path


def test_the_text_of_a_file_follows_the_question(folder: Path) -> None:
    found = attach("What is in @src/app.py?", folder)
    assert found.question == 'What is in @src/app.py?\n\n<file path="src/app.py">\nx = 1\n</file>'
    assert found.files == ("src/app.py",)
    assert found.notices == ()


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ('see @"a name.txt", please', ("a name.txt",)),
        ("(@src/app.py) and @src/app.py.", ("src/app.py",)),
        ("@src/ holds what?", ("src/",)),
        ("mail me@src/app.py or use @property", ()),
        ("@nothing/here", ()),
        ("@", ()),
    ],
)
def test_only_what_exists_is_a_mention(folder: Path, text: str, files: tuple[str, ...]) -> None:
    assert attach(text, folder).files == files
    if not files:
        assert attach(text, folder).question == text


def test_what_cannot_be_attached_is_said(folder: Path) -> None:
    (folder / "picture.png").write_bytes(b"\x89PNG\0\0")
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "big.txt").write_text("x" * (FILE_BYTES_MAX + 1))
    found = attach("@picture.png @pipe @dangling @big.txt", folder)
    assert found.files == ("big.txt",)
    assert len(found.notices) == 4
    assert "no text" in found.notices[0]


def test_a_name_cannot_break_out_of_its_place(folder: Path) -> None:
    (folder / "x><y").write_text("z")
    assert '<file path="x&gt;&lt;y">' in attach('@"x><y"', folder).question


def test_what_was_only_pasted_or_piped_in_names_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("mine = 1")
    (tmp_path / "secret").write_text("hidden")
    found = attach("see @a.py\n\nan issue that says @secret", tmp_path, typed="see @a.py [Standard input: 1 line]")
    assert found.files == ("a.py",)
    assert "hidden" not in found.question
    assert "an issue that says @secret" in found.question


def test_a_user_who_is_not_there_is_a_word(tmp_path: Path) -> None:
    assert attach("ping @~nobody-of-that-name about it", tmp_path).files == ()
