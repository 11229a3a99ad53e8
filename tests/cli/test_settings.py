"""`shammah config`: what a person sees and changes, through the program."""

from __future__ import annotations

import json
from pathlib import Path

from shammah_tui import paths
from shammah_tui.config.document import default_text
from shammah_tui.config.keys import keys
from tests.cli.program import shammah


def test_the_first_start_writes_the_defaults_and_shows_all_settings() -> None:
    found = shammah("config")
    assert (found.returncode, found.stderr) == (0, "")
    assert paths.config_file().read_text() == default_text()
    rows = {line.split()[0]: line.split() for line in found.stdout.splitlines() if line}
    assert all(rows[name][-1] == "default" for name in keys())
    assert rows["model.temperature"] == ["model.temperature", "0.7", "default"]
    assert str(paths.config_file()) in found.stdout


def test_show_tells_where_each_value_comes_from() -> None:
    shammah("config", "set", "model.device", "cpu")
    found = shammah("config", "show", SHAMMAH_OFFLINE="1")
    rows = {line.split()[0]: line.split()[1:] for line in found.stdout.splitlines() if line}
    assert rows["model.device"] == ["cpu", "file"]
    assert rows["offline"] == ["true", "SHAMMAH_OFFLINE"]
    told = json.loads(shammah("config", "show", "--json", SHAMMAH_OFFLINE="1").stdout)
    assert told["offline"] == {
        "value": True,
        "origin": "environment",
        "where": "SHAMMAH_OFFLINE",
        "variable": "SHAMMAH_OFFLINE",
    }


def test_get_prints_the_value_alone_and_set_tells_what_it_did() -> None:
    assert shammah("config", "get", "model.size").stdout == "auto\n"
    found = shammah("config", "set", "model.size", "7b")
    assert (found.returncode, found.stdout) == (0, "")
    assert found.stderr == f"model.size is '7b' in {paths.config_file()}.\n"
    assert shammah("config", "get", "model.size").stdout == "7b\n"


def test_set_says_when_the_environment_stands_above_the_file() -> None:
    found = shammah("config", "set", "model.size", "7b", SHAMMAH_MODEL="demo")
    assert "SHAMMAH_MODEL is set in the environment and stands above the file." in found.stderr


def test_a_secret_is_read_from_standard_input_and_never_shown() -> None:
    found = shammah("config", "set", "api_key", "-", stdin="sk-very-secret\n")
    assert 'api_key = "sk-very-secret"' in paths.config_file().read_text()
    shown = shammah("config").stdout + shammah("config", "show", "--json").stdout + found.stdout + found.stderr
    assert "sk-very-secret" not in shown + shammah("config", "get", "api_key").stdout
    assert shammah("config", "get", "api_key").stdout == "(set)\n"


def test_an_unknown_key_is_told_with_the_closest() -> None:
    for arguments in (("get", "model.sise"), ("set", "model.sise", "7b")):
        found = shammah("config", *arguments)
        assert (found.returncode, found.stdout) == (2, "")
        assert 'There is no setting "model.sise".\n  Did you mean "model.size"?' in found.stderr


def test_a_broken_file_stops_what_needs_it_and_not_what_mends_it() -> None:
    paths.home().mkdir()
    paths.config_file().write_text("[model]\nsize = 3\n")
    for arguments in (("config",), ("models",), ("query", "x"), ("daemon", "start")):
        found = shammah(*arguments)
        assert (found.returncode, found.stdout) == (2, "")
        assert f"{paths.config_file()}, line 2: model.size = 3; expected text" in found.stderr
    assert shammah("config", "path").stdout == f"{paths.config_file()}\n"
    assert shammah("config", "set", "model.size", "auto").returncode == 0
    assert shammah("config").returncode == 0


def test_edit_opens_the_editor_of_the_person_and_checks_what_it_left(tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\n[ "$1" = --wait ] && echo "offline = 3" > "$2"\n')
    editor.chmod(0o755)
    found = shammah("config", "edit", VISUAL=f"'{editor}' --wait", EDITOR="false")
    assert found.returncode == 2
    assert f"{paths.config_file()}, line 1: offline = 3; expected true or false" in found.stderr


def test_edit_tells_of_an_editor_that_is_not_there_or_fails() -> None:
    assert "cannot be started: No such file" in shammah("config", "edit", EDITOR="/nowhere/editor").stderr
    found = shammah("config", "edit", EDITOR="false")
    assert (found.returncode, "ended with 1" in found.stderr) == (2, True)


def test_an_odd_key_is_a_warning_on_standard_error() -> None:
    paths.home().mkdir()
    paths.config_file().write_text("ofline = true\n")
    found = shammah("config", "get", "offline")
    assert (found.returncode, found.stdout) == (0, "false\n")
    assert 'line 1: there is no setting "ofline". Did you mean "offline"?' in found.stderr


def test_keys_lists_the_names_that_the_file_takes_with_the_keys_that_hold() -> None:
    paths.home().mkdir()
    paths.config_file().write_text('[keys]\n"chat.rate.red" = "f9"\n"chat.rate.grene" = "f10"\n')
    found = shammah("config", "keys")
    assert found.returncode == 0
    rows = {line.split()[0]: line.split()[1:] for line in found.stdout.splitlines() if line}
    assert rows["chat.rate.red"][:2] == ["f9", "Rate"]
    assert rows["chat.rate.green"][:2] == ["f6", "Rate"]
    assert rows["everywhere.show_help"][0] == "f1"
    assert str(paths.config_file()) in found.stdout
    assert '"chat.rate.grene" cannot be "f10": there is nothing of this name. Did you mean "chat.rate.green"?' in (
        found.stderr
    )
