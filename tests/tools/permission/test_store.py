"""The store of rules: what is saved is found again, and what is damaged allows nothing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.decision import Effect, Rule

RULES = (
    Rule("Bash", "git *", project="/home/ana/shop"),
    Rule("Edit", "src/**", Effect.DENY),
    Rule("WebFetch", "bücher.example"),
)


@pytest.fixture
def path(own_ground: Path) -> Path:
    return store.store_file(own_ground)


def test_no_file_is_no_rule(path: Path) -> None:
    assert store.load(path) == store.Loaded()
    assert not path.exists()


def test_rules_are_found_again_privately(path: Path) -> None:
    old = os.umask(0)
    try:
        store.add(path, RULES)
    finally:
        os.umask(old)

    assert store.load(path).rules == RULES
    assert all(store.load(path).added)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["version"] == 1
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_rule_is_kept_once_and_can_be_forgotten(path: Path) -> None:
    store.add(path, RULES)
    store.add(path, RULES[:1])

    assert store.load(path).rules == RULES
    assert store.remove(path, RULES[1])
    assert not store.remove(path, RULES[1])
    assert store.load(path).rules == (RULES[0], RULES[2])


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"version": 2, "rules": []}',
        b'{"version": 1}',
        b'{"version": 1, "rules": {}}',
        b'{"version": 1, "rules": [{"tool": "Bash"}]}',
        b'{"version": 1, "rules": [{"tool": "Bash", "pattern": ""}]}',
        b'{"version": 1, "rules": [{"tool": "Bash", "pattern": 5}]}',
        b'{"version": 1, "rules": [{"tool": "Rm", "pattern": "*"}]}',
        b'{"version": 1, "rules": [{"tool": "Bash", "pattern": "ls", "effect": "maybe"}]}',
        b'{"version": 1, "rules": [{"tool": "Bash", "pattern": "ls", "project": "here"}]}',
        b'{"version": 1, "rules": [{"tool": "Bash", "pattern": "ls", "more": 1}]}',
    ],
)
def test_a_damaged_file_is_kept_aside_and_allows_nothing(damage: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    path.chmod(0o600)

    loaded = store.load(path)

    assert loaded.rules == ()
    assert path.name in loaded.notice
    (kept,) = path.parent.glob("tool_patterns.json.bad-*")
    assert kept.read_bytes() == damage
    assert not path.exists()
    assert store.load(path) == store.Loaded()


def test_every_cut_of_the_file_allows_nothing(path: Path) -> None:
    store.add(path, RULES[:1])
    whole = path.read_bytes().rstrip()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        path.chmod(0o600)

        assert store.load(path).rules == ()


def test_a_symlink_or_a_file_that_others_write_is_not_trusted(path: Path, tmp_path: Path) -> None:
    store.add(path, RULES)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)

    assert store.load(path).rules == ()
    assert elsewhere.exists()

    elsewhere.rename(path)
    path.chmod(0o622)
    assert store.load(path).rules == ()


def test_saving_after_damage_starts_afresh_and_says_so(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("{")

    loaded = store.add(path, RULES[:1])

    assert loaded.rules == RULES[:1]
    assert loaded.notice
    assert store.load(path).rules == RULES[:1]
