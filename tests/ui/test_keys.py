"""One table for all keys: no key means two things in one place, and what comes later is still free."""

from __future__ import annotations

from itertools import product

from textual.binding import Binding

from shammah_tui.ui.keys import TABLE, editing_bindings
from shammah_tui.ui.screens.help import SECTIONS

# Tmux and screen begin with the first two; flow control takes the others from a terminal.
KEPT_FREE = {"ctrl+b", "ctrl+q", "ctrl+s"}


def test_no_key_means_two_things_where_both_apply() -> None:
    seen_together = {
        "prompt": {"prompt", "chat", "everywhere"},
        "queue": {"queue", "everywhere"},
        "model": {"everywhere"},
    }
    for one, other in product(TABLE, TABLE):
        if one is not other and other.where in seen_together.get(one.where, set()):
            assert not set(one.keys.split(",")) & set(other.keys.split(",")), (one, other)


def test_keys_of_multiplexers_are_free_and_no_rating_is_a_digit() -> None:
    ours = {key for entry in TABLE for key in entry.keys.split(",")}
    editing = {
        key.strip() for binding in editing_bindings() if isinstance(binding, Binding) for key in binding.key.split(",")
    }
    assert not KEPT_FREE & (ours | editing)
    rating = {key for entry in TABLE if "rate" in entry.action for key in entry.keys.split(",")}
    assert rating == {"f6", "f7", "f8"}


def test_every_key_has_a_help_and_an_own_id() -> None:
    # The answers 2 to 5 of a question are told with the first.
    assert all((key.help or key.where == "approval") and key.shown for key in TABLE)
    ids = [(key.where, key.action) for key in TABLE]
    assert len(ids) == len(set(ids))


def test_the_help_tells_the_keys_of_every_place() -> None:
    told = {place for _, places in SECTIONS for place in places}
    assert told == {key.where for key in TABLE}
