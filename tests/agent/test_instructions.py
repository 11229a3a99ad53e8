"""What a project says to assistants is found, in order, and never holds up the start."""

from __future__ import annotations

import os
from pathlib import Path

from shammah_tui.agent.instructions import BYTES_MAX, instructions


def test_from_the_root_of_the_repository_down_to_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "AGENTS.md").write_text("outside")
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "repository" / "AGENTS.md").write_text("root")
    (tmp_path / "repository" / "a" / "CLAUDE.md").write_text("middle")
    (inner / "AGENTS.md").write_text("inner")
    (inner / "CLAUDE.md").write_text("not this one")
    found = instructions(inner)
    assert found.text == "root\n\nmiddle\n\ninner"
    assert len(found.files) == 3
    assert found.notice == ""


def test_outside_a_repository_only_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("above")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert instructions(folder).text == ""


def test_long_ones_are_cut_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"x" * (BYTES_MAX + 1))
    found = instructions(tmp_path)
    assert len(found.text) == BYTES_MAX
    assert "was cut" in found.notice


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "AGENTS.md")
    (tmp_path / "CLAUDE.md").write_bytes(b"\xff good")
    assert instructions(tmp_path).text == "� good"


def test_a_link_out_of_the_project_or_to_a_secret_is_passed_over(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    inner = repository / "inner"
    inner.mkdir(parents=True)
    (repository / ".git").mkdir()
    (tmp_path / "elsewhere").write_text("of somebody else")
    (repository / ".env").write_text("KEY=1")
    (repository / "AGENTS.md").symlink_to("../elsewhere")
    (inner / "AGENTS.md").symlink_to("../.env")
    found = instructions(inner)
    assert (found.text, found.files) == ("", ())
    assert found.notice.count("was passed over") == 2
    (inner / "AGENTS.md").unlink()
    (repository / "AGENTS.md").unlink()
    (repository / "AGENTS.md").write_text("ours")
    (inner / "CLAUDE.md").symlink_to("../AGENTS.md")
    assert instructions(inner).text == "ours\n\nours"
