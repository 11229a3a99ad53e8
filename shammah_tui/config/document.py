"""Writing `config.toml`: the defaults with comments the first time, then one value at a time, the rest left alone."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from pydantic import SecretStr
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from shammah_tui import paths
from shammah_tui.config import source
from shammah_tui.config.keys import Key, ValueRefused, closest, keys
from shammah_tui.config.load import KEYS_SECTION, VERSION, VERSION_KEY, variable_of
from shammah_tui.errors import ConfigError
from shammah_tui.files import create_private, private_folder, write_private

HEADER = (
    "Settings of Shammah. Change them here, or with `shammah config set model.size 7b`.",
    "Above this file stand environment variables (SHAMMAH_MODEL_SIZE, SHAMMAH_OFFLINE …) and flags.",
)

KEYS_HELP = (
    "Keys of the screen by what they do; `shammah config keys` lists both. Several keys are separated by commas.",
    '"chat.rate.red" = "f9"',
)


def default_text() -> str:
    """The file as it is written the first time: every key with its default, its meaning above it."""
    document = tomlkit.document()
    for line in HEADER:
        document.add(tomlkit.comment(line))
    document.add(VERSION_KEY, tomlkit.item(VERSION))
    sections: dict[str, Table] = {}
    for key in keys().values():
        if key.section and key.section not in sections:
            sections[key.section] = tomlkit.table()
            document.add(tomlkit.nl())
            document.add(key.section, sections[key.section])
        target = sections[key.section] if key.section else document
        if not key.section:
            document.add(tomlkit.nl())
        target.add(tomlkit.comment(f"{key.description} ({key.expected})." if _explains(key) else f"{key.description}."))
        target.add(key.name, tomlkit.item(_plain(key.default)))
    document.add(tomlkit.nl())
    changed = tomlkit.table()
    for line in KEYS_HELP:
        changed.add(tomlkit.comment(line))
    document.add(KEYS_SECTION, changed)
    return tomlkit.dumps(document)


def write_defaults() -> bool:
    """Write the defaults where no file is yet; whether they were written. Raises HomeError."""
    path = paths.config_file()
    if path.is_symlink() or path.exists():
        return False
    private_folder(path.parent)
    return create_private(path, default_text().encode())


def set_value(name: str, text: str) -> Any:
    """Set the key `name` to `text` in the file and give the value as it was understood.

    Comments, unknown keys and the order of the file stay. Raises ConfigError where the key or the value is wrong, or
    the file cannot be changed without harm to the rest of it; HomeError where it cannot be written.
    """
    key = keys().get(name)
    if key is None:
        near = closest(name)
        hint = f'Did you mean "{near}"?' if near else "`shammah config` lists them all."
        raise ConfigError(f'There is no setting "{name}".', hint)
    try:
        value = key.check(text, strict=False)
    except ValueRefused as refusal:
        raise ConfigError(f"{name} cannot be {'that' if key.is_secret else repr(text)}; expected {refusal}.") from None
    path = paths.config_file()
    if path.is_symlink():
        raise ConfigError(f"{path} is a link to {path.readlink()}.", "Change the file it points to, in an editor.")
    write_defaults()
    write_private(path, _changed(source.read(path), key, _plain(value)).encode())
    return value


def _changed(before: source.Source, key: Key, value: Any) -> str:
    """The file's text with one value changed. Parsed again before it is given: a round trip that would lose anything
    else is refused."""
    try:
        document = tomlkit.parse(before.text)
        if not key.section:
            document[key.name] = value
        elif key.section in document:
            document[key.section][key.name] = value
        else:
            table = tomlkit.table()
            table.add(key.name, value)
            document.add(key.section, table)
        text = tomlkit.dumps(document)
        after = tomllib.loads(text)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError) as error:
        raise _by_hand(before, key) from error
    expected = {name: item for name, item in source.leaves(before.values) if name != key.full_name}
    found = dict(source.leaves(after))
    if found.pop(key.full_name, None) != value or found != expected:
        raise _by_hand(before, key)
    return text


def _by_hand(before: source.Source, key: Key) -> ConfigError:
    return ConfigError(
        f"{before.path} is written in a way that {key.full_name} cannot be changed in by itself.",
        f"Change it with `shammah config edit`, or set {variable_of(key)} in the environment.",
    )


def _explains(key: Key) -> bool:
    """Whether what the key may hold says more than its value does."""
    return key.expected not in ("text", "true or false")


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
