"""The settings that hold: defaults < `config.toml` < environment < flags, each value with where it comes from.

The environment's names follow one rule: `SHAMMAH_<SECTION>_<KEY>`, and `SHAMMAH_<KEY>` for the keys at the top
(SHAMMAH_LORA_RANK, SHAMMAH_OFFLINE). Two that are typed often have a short name as well: SHAMMAH_MODEL is `model.size`,
SHAMMAH_DEVICE is `model.device`. An empty variable counts as not set.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from shammah_tui import paths
from shammah_tui.config import source
from shammah_tui.config.keys import Key, ValueRefused, closest, keys, sections
from shammah_tui.config.settings import Settings
from shammah_tui.errors import ConfigError

# Those that are not named as the key is.
FLAGS = {"model.size": "--model", "permissions.mode": "--permission-mode"}
SHORT_VARIABLES = {"SHAMMAH_MODEL": "model.size", "SHAMMAH_DEVICE": "model.device"}
VERSION_KEY = "config_version"
VERSION = 1
KEYS_SECTION = "keys"


class Origin(StrEnum):
    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Value:
    """One setting. `where` names the variable, the flag or the file; a value in the file that is the default's counts
    as default."""

    key: Key
    value: Any
    origin: Origin
    where: str = ""

    @property
    def shown(self) -> str:
        """As a person reads it, and as `config set` takes it; a secret only says whether there is one."""
        if self.key.is_secret:
            return "(set)" if self.value.get_secret_value() else ""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key that the person wants for something on the screen, which knows what `id` means; `place` is where it says so
    ("…/config.toml, line 12")."""

    id: str
    keys: str
    place: str


@dataclass(frozen=True, slots=True)
class Configuration:
    settings: Settings
    values: Mapping[str, Value]
    warnings: tuple[str, ...] = ()
    keys: tuple[KeyWish, ...] = ()


def variable_of(key: Key) -> str:
    return "SHAMMAH_" + key.full_name.replace(".", "_").upper()


def flag_of(key: Key) -> str:
    """The flag that sets a key, where a command has one."""
    return FLAGS.get(key.full_name, "--" + key.name.replace("_", "-"))


def load(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Configuration:
    """Read all sources. `flags`: full names to values, None where a flag was not given.

    Raises ConfigError with all that is wrong in all sources at once, each with its line, variable or flag, its key,
    and what was expected.
    """
    environment = os.environ if environment is None else environment
    file = source.read(paths.config_file())
    _refuse_later_version(file)
    values = {name: Value(key, key.default, Origin.DEFAULT) for name, key in keys().items()}
    problems: list[str] = []
    warnings: list[str] = []
    wishes = _key_wishes(file, warnings)
    _take_file(file, values, problems, warnings)
    _take_environment(environment, values, problems, warnings)
    for name, given in (flags or {}).items():
        if given is not None:
            _take(values, problems, keys()[name], given, Origin.FLAG, flag_of(keys()[name]))
    if problems:
        raise ConfigError("\n  ".join(["These settings cannot be used:", *problems]), source.HINT)
    return Configuration(_settings(values.values()), values, tuple(warnings), wishes)


def _settings(values: Iterable[Value]) -> Settings:
    tree: dict[str, Any] = {section: {} for section in sections()}
    for value in values:
        (tree[value.key.section] if value.key.section else tree)[value.key.name] = value.value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n  ".join(["These settings do not go together:", str(error)]), source.HINT) from None


def _refuse_later_version(file: source.Source) -> None:
    version = file.values.get(VERSION_KEY, VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ConfigError(f"{file.path}: {VERSION_KEY} is {version!r}; expected {VERSION}.", source.HINT)
    if version > VERSION:
        raise ConfigError(
            f"{file.path} was written for a later Shammah ({VERSION_KEY} = {version}; this one knows {VERSION}).",
            "Update Shammah, or point SHAMMAH_HOME to another folder. The file was left as it is.",
        )


def _key_wishes(file: source.Source, warnings: list[str]) -> tuple[KeyWish, ...]:
    """What `[keys]` holds. A name with dots may stand there with quotes or without."""
    wished = dict(_flat(file.values.get(KEYS_SECTION), ""))
    lines = file.lines_of({f"{KEYS_SECTION}.{name}" for name in wished}) if wished else {}
    found = []
    for name, given in wished.items():
        line = lines.get(f"{KEYS_SECTION}.{name}")
        place = f"{file.path}, line {line}" if line else str(file.path)
        if isinstance(given, str):
            found.append(KeyWish(name, given, place))
        else:
            warnings.append(f'{place}: keys."{name}" = {given!r}; expected a key in quotes, such as "f9"')
    return tuple(found)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for part, item in value.items():
            yield from _flat(item, f"{name}.{part}" if name else part)
    elif name:
        yield name, value


def _take_file(file: source.Source, values: dict[str, Value], problems: list[str], warnings: list[str]) -> None:
    wrong: dict[str, str] = {}
    unknown: list[str] = []
    for name, given in source.leaves(file.values):
        key = keys().get(name)
        if key is None:
            if name.startswith(f"{KEYS_SECTION}."):
                continue
            if name in sections():
                wrong[name] = f"{given!r}; expected a table, written as [{name}]"
            elif name != VERSION_KEY:
                unknown.append(name)
            continue
        try:
            value = key.check(given, strict=True)
        except ValueRefused as refusal:
            wrong[name] = f"{_shown(key, given)}; expected {refusal}"
            continue
        if value != key.default:
            values[name] = Value(key, value, Origin.FILE, str(file.path))
    lines = file.lines_of({*wrong, *unknown}) if wrong or unknown else {}
    place = {
        name: f"{file.path}, line {lines[name]}" if name in lines else str(file.path) for name in (*wrong, *unknown)
    }
    problems.extend(f"{place[name]}: {name} = {reason}" for name, reason in wrong.items())
    warnings.extend(f'{place[name]}: there is no setting "{name}"{_meant(name)}' for name in unknown)


def _take_environment(
    environment: Mapping[str, str], values: dict[str, Value], problems: list[str], warnings: list[str]
) -> None:
    # The full names come last, so that they win over the short ones.
    names = SHORT_VARIABLES | {variable_of(key): name for name, key in keys().items()}
    for variable, name in names.items():
        if environment.get(variable):
            _take(values, problems, keys()[name], environment[variable], Origin.ENVIRONMENT, variable)
    for variable in sorted(environment.keys() - names.keys()):
        # Other SHAMMAH_ variables may exist for other ends; only what looks like a slip is worth a word.
        near = difflib.get_close_matches(variable, list(names), n=1, cutoff=0.9)
        if variable.startswith("SHAMMAH_") and near:
            warnings.append(f"There is no setting for {variable}. Did you mean {near[0]}?")


def _take(values: dict[str, Value], problems: list[str], key: Key, given: Any, origin: Origin, where: str) -> None:
    try:
        values[key.full_name] = Value(key, key.check(given, strict=False), origin, where)
    except ValueRefused as refusal:
        problems.append(f"{where}: {_shown(key, given)}; expected {refusal}")


def _shown(key: Key, given: Any) -> str:
    return "(a secret)" if key.is_secret else repr(given)


def _meant(name: str) -> str:
    near = closest(name)
    return f'. Did you mean "{near}"?' if near else ". It is kept."
