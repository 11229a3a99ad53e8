"""Every key of the settings tree by its full name ("model.size"): what it may hold, in words, and how to check a value.

Nothing here reads a file or the environment.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shammah_tui.config.settings import Settings

KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    SecretStr: "text",
}
BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


class ValueRefused(ValueError):
    """A value that its key cannot have; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Key:
    section: str
    """Empty for the keys at the top."""
    name: str
    model: type[BaseModel]
    field: FieldInfo

    @property
    def full_name(self) -> str:
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def description(self) -> str:
        return self.field.description or ""

    @property
    def default(self) -> Any:
        return self.field.default

    @property
    def is_secret(self) -> bool:
        return self.field.annotation is SecretStr

    @property
    def expected(self) -> str:
        """What the key may hold, in words: "a whole number, at least 1, at most 64"."""
        if get_origin(self.field.annotation) is Literal:
            return "one of " + ", ".join(f'"{choice}"' for choice in get_args(self.field.annotation))
        bounds = [
            f"{words} {getattr(limit, name):g}"
            for name, words in BOUNDS
            for limit in self.field.metadata
            if getattr(limit, name, None) is not None
        ]
        return ", ".join([KINDS[self.field.annotation], *bounds])

    def check(self, value: Any, *, strict: bool) -> Any:
        """`value` as the key's own type. With `strict` "7" is no number, as in a file; without it, it is.

        Raises ValueRefused.
        """
        if isinstance(value, str) and not strict:
            value = value.strip()
        try:
            return getattr(self.model.model_validate({self.name: value}, strict=strict), self.name)
        except ValidationError as error:
            # A validator of our own says what was expected itself; pydantic's words are for programmers.
            own = [str(item["ctx"]["error"]) for item in error.errors() if item["type"] == "value_error"]
            raise ValueRefused(own[0] if own else self.expected) from None


@cache
def keys() -> dict[str, Key]:
    """All keys by full name, in the order of the tree: those at the top first."""
    found = sorted(_keys(Settings, ""), key=lambda key: key.section != "")
    return {key.full_name: key for key in found}


def sections() -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.section for key in keys().values() if key.section))


def closest(name: str) -> str:
    """The key that was probably meant by `name`; empty when none is near."""
    near = difflib.get_close_matches(name.lower(), list(keys()), n=1, cutoff=0.6)
    if near:
        return near[0]
    return next((full for full, key in keys().items() if key.name == name.lower()), "")


def _keys(model: type[BaseModel], section: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, name)
        else:
            yield Key(section, name, model, field)
