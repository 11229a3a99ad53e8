"""`shammah config`: show, get, set, keys, edit, path."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from shammah_tui import paths
from shammah_tui.cli.configured import configured
from shammah_tui.cli.terminal import DIM, painted, table, tell, tell_warning
from shammah_tui.config.document import set_value, write_defaults
from shammah_tui.config.keys import closest, keys
from shammah_tui.config.load import KEYS_SECTION, Configuration, Origin, Value, load, variable_of
from shammah_tui.errors import ConfigError


def run(options: Namespace) -> int:
    """Do what `options.action` says. Raises ConfigError, HomeError."""
    match options.action:
        case "get":
            return _get(options)
        case "set":
            return _set(options)
        case "keys":
            return _keys(options)
        case "edit":
            return _edit()
        case "path":
            print(paths.config_file())
            return 0
        case _:
            return _show(options)


def _show(options: Namespace) -> int:
    configuration = configured(options)
    if "json" in options:
        print(json.dumps({name: _as_json(value) for name, value in configuration.values.items()}, indent=2))
        return 0
    print(_table(configuration))
    print(f"\n{paths.config_file()}; change it with `shammah config set KEY VALUE` or `shammah config edit`.")
    return 0


def _table(configuration: Configuration) -> str:
    rows: list[tuple[str, ...]] = [("SETTING", "VALUE", "FROM")]
    for name, value in configuration.values.items():
        shown = value.shown if value.shown else "(empty)"
        rows.append((name, shown, value.where if value.origin is Origin.ENVIRONMENT else value.origin))
    lines = table(rows, sys.stdout).split("\n")
    return "\n".join(painted(line, DIM, sys.stdout) if line.endswith(Origin.DEFAULT) else line for line in lines)


def _as_json(value: Value) -> dict[str, object]:
    plain = value.shown if value.key.is_secret else value.value
    return {"value": plain, "origin": value.origin, "where": value.where, "variable": variable_of(value.key)}


def _get(options: Namespace) -> int:
    value = configured(options).values.get(options.key)
    if value is None:
        near = closest(options.key)
        hint = f'Did you mean "{near}"?' if near else "`shammah config` lists them all."
        raise ConfigError(f'There is no setting "{options.key}".', hint)
    print(value.shown)
    return 0


def _set(options: Namespace) -> int:
    text = sys.stdin.readline().rstrip("\n") if options.value == "-" else options.value
    set_value(options.key, text)
    key = keys()[options.key]
    tell(f"{options.key} is {'set' if key.is_secret else repr(text)} in {paths.config_file()}.")
    value = load().values[options.key]
    if value.origin is Origin.ENVIRONMENT:
        tell(f"  {value.where} is set in the environment and stands above the file.")
    return 0


def _keys(options: Namespace) -> int:
    """What each key of the screen does, under the name that `[keys]` has for it."""
    # It brings the screen along, which no other of these commands needs.
    from shammah_tui.ui.key_choice import choose, rebound

    chosen = choose(configured(options).keys)
    for problem in chosen.problems:
        tell_warning(problem)
    rows = [
        ("NAME", "KEYS", "WHAT IT DOES"),
        *((key.id, key.keys, key.help) for key in rebound(chosen.keys) if key.help),
    ]
    print(table([*rows], sys.stdout))
    print(f'\nChange one under [{KEYS_SECTION}] in {paths.config_file()}, as in "chat.rate.red" = "f9".')
    return 0


def _edit() -> int:
    """Open the file in the person's editor, and tell at once when it can no longer be used."""
    from shammah_tui.cli.editor import edit_file

    write_defaults()
    edit_file(paths.config_file())
    for warning in load().warnings:
        tell(warning)
    return 0
