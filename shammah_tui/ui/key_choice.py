"""Decides which keys the person's `[keys]` may change. Pure: a table and wishes in, keys and sentences out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import Keys, _character_to_key

from shammah_tui.config.load import KeyWish
from shammah_tui.ui.keys import TABLE, Key, Where, editing_bindings

# The prefix of tmux: a key that many never get to see here.
MULTIPLEXER = "ctrl+b"
MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
NAMES = frozenset(key.value for key in Keys)
SHOWN = {"pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc", "delete": "Del", "underscore": "_"}
# Where a key is looked for at the same time, beside the place itself.
TOGETHER: Mapping[Where, frozenset[Where]] = {
    "prompt": frozenset({"chat", "everywhere"}),
    "chat": frozenset({"prompt", "everywhere"}),
    "everywhere": frozenset({"prompt", "chat", "queue", "model", "help", "picker", "rating", "settings"}),
}
WRITING: frozenset[Where] = frozenset({"prompt", "chat", "everywhere", "find", "rating", "picker", "reason"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """`keys` by the id of what they do, as Textual names them; `problems`: a sentence for each wish that is refused."""

    keys: Mapping[str, str]
    problems: tuple[str, ...]


def choose(wishes: Sequence[KeyWish]) -> Chosen:
    """What of `wishes` can hold at the same time; whatever is refused keeps its default."""
    known = {key.id: key for key in TABLE}
    accepted: dict[str, KeyWish] = {}
    keys: dict[str, str] = {}
    problems: list[str] = []
    for wish in wishes:
        named = [_normal(name) for name in wish.keys.split(",")]
        reason = _refusal(known.get(wish.id), wish, named)
        if reason:
            problems.append(f'{wish.place}: "{wish.id}" cannot be "{wish.keys}": {reason}')
        else:
            accepted[wish.id], keys[wish.id] = wish, ",".join(named)
    # A wish that is given up has its default again, which may stand in the way of the next.
    while found := _conflict(keys):
        mine, key, other = found
        wish = accepted[mine]
        problems.append(f'{wish.place}: "{wish.id}" cannot be "{wish.keys}": {shown(key)} is "{other}" already.')
        del keys[mine]
    return Chosen(keys, tuple(problems))


def rebound(keys: Mapping[str, str]) -> tuple[Key, ...]:
    """The table with these keys in it, shown as they are."""
    return tuple(
        key._replace(keys=keys[key.id], shown=shown(keys[key.id].split(",")[0])) if key.id in keys else key
        for key in TABLE
    )


def shown(key: str) -> str:
    """ "ctrl+k" -> "Ctrl+K"."""
    return "+".join(SHOWN.get(part, part.upper() if len(part) == 1 else part.capitalize()) for part in key.split("+"))


def _normal(name: str) -> str:
    """As Textual names it: "Ctrl+K" -> "ctrl+k", "?" -> "question_mark"."""
    name = name.strip()
    if len(name) == 1:
        return name if name.isalnum() else _character_to_key(name)
    *modifiers, last = name.split("+")
    last = _character_to_key(last) if len(last) == 1 and not last.isalnum() else last.lower()
    return "+".join([*(modifier.lower() for modifier in modifiers), last])


def _refusal(key: Key | None, wish: KeyWish, named: list[str]) -> str:
    """Why this wish cannot hold, whatever the others are; empty where it can."""
    if key is None:
        near = difflib.get_close_matches(wish.id, [known.id for known in TABLE], n=1)
        return (
            f'there is nothing of this name. Did you mean "{near[0]}"?'
            if near
            else "`shammah config keys` lists them all."
        )
    for name in named:
        *modifiers, last = name.split("+")
        if not last or set(modifiers) - set(MODIFIERS) or (len(last) > 1 and last not in NAMES):
            return f'there is no key "{name}"; expected one such as "f9", "ctrl+k" or "alt+up".'
        if name == MULTIPLEXER:
            return "tmux takes this key for itself."
        if len(last) == 1 and not set(modifiers) - {"shift"} and (key.where in WRITING or "rate" in key.action):
            return "it is a character that is typed there."
    return ""


def _conflict(keys: Mapping[str, str]) -> tuple[str, str, str] | None:
    """A wish, the key that it shares with something else in the same place, and what that is."""
    table = rebound(keys)
    for mine in table:
        if mine.id not in keys:
            continue
        wanted = set(mine.keys.split(","))
        places = TOGETHER.get(mine.where, frozenset({"everywhere"})) | {mine.where}
        for other in table:
            shared = wanted & set(other.keys.split(","))
            if other is not mine and other.where in places and shared:
                return mine.id, min(shared), other.help
        if "prompt" in places:
            for binding in editing_bindings():
                if isinstance(binding, Binding) and (shared := wanted & set(binding.key.split(","))):
                    return mine.id, min(shared), f"{binding.description} in the prompt"
    return None
