from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from shammah_tui.errors import ShammahError
from shammah_tui.learning.adapter import AdapterRefused
from shammah_tui.learning.store import KEPT, AdapterUnknown, Store
from tests.learning.world import write_adapter


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "adapters")


@pytest.fixture
def adapter(bases: dict[str, Path], tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "made", bases["qwen2"])


def add(store: Store, adapter: Path, name: str, day: int = 1) -> None:
    draft = shutil.copytree(adapter, adapter.parent / f"draft-{name}")
    manifest = json.loads((draft / "manifest.json").read_text())
    (draft / "manifest.json").write_text(json.dumps(manifest | {"created": f"2026-01-{day:02}T00:00:00+00:00"}))
    store.add(draft, name)


def test_an_empty_store_uses_the_base_alone(store: Store) -> None:
    assert store.entries() == []
    assert store.current().name == ""
    assert store.in_use() is None


def test_adapters_are_listed_newest_first_and_one_is_in_use(store: Store, adapter: Path) -> None:
    add(store, adapter, "first", 1)
    add(store, adapter, "second", 2)
    store.use("first", 0.5)
    assert [(entry.name, entry.is_current) for entry in store.entries()] == [("second", False), ("first", True)]
    assert (store.current().name, store.current().scale) == ("first", 0.5)
    assert store.entries()[0].rules == ["use logging"]


def test_rolling_back_goes_the_way_that_was_come_and_ends_at_the_base(store: Store, adapter: Path) -> None:
    for name in ("one", "two", "three"):
        add(store, adapter, name)
        store.use(name)
    store.remove("two")
    assert store.roll_back().name == "one"
    assert store.roll_back().name == ""
    with pytest.raises(ShammahError, match="no earlier"):
        store.roll_back()


def test_only_the_last_ones_are_kept_and_never_is_the_one_in_use_let_go(store: Store, adapter: Path) -> None:
    add(store, adapter, "old", 1)
    store.use("old")
    for day in range(2, 10):
        add(store, adapter, f"day-{day}", day)
    names = [entry.name for entry in store.entries()]
    assert len(names) == KEPT
    assert names == ["day-9", "day-8", "day-7", "day-6", "old"]


def test_removing_the_one_in_use_leaves_the_base_alone(store: Store, adapter: Path) -> None:
    add(store, adapter, "one")
    store.use("one")
    store.remove("one")
    assert store.current().name == ""
    assert store.entries() == []
    with pytest.raises(AdapterUnknown, match="no adapter"):
        store.use("one")


def test_a_changed_adapter_is_not_taken_into_use_and_the_old_one_stays(store: Store, adapter: Path) -> None:
    add(store, adapter, "good")
    add(store, adapter, "bad")
    store.use("good")
    with (store.folder / "bad" / "adapter.gguf").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    with pytest.raises(AdapterRefused, match="not the file"):
        store.use("bad")
    assert store.current().name == "good"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 9}', '{"format": 1, "name": "../x", "scale": 1, "before": []}']
)
def test_a_pointer_that_cannot_be_understood_is_said_and_can_be_written_anew(
    store: Store, adapter: Path, text: str
) -> None:
    add(store, adapter, "one")
    (store.folder / "current").write_text(text)
    with pytest.raises(ShammahError, match="cannot be read"):
        store.current()
    assert [entry.name for entry in store.entries()] == ["one"]
    store.use("one")
    assert store.current().name == "one"


@pytest.mark.parametrize("name", ["current", "../x", "", "A", "-x", "a/b", ".hidden", "x" * 65])
def test_a_name_that_is_none_is_refused(store: Store, adapter: Path, name: str) -> None:
    with pytest.raises(ShammahError, match="no name"):
        store.add(adapter, name)
    assert adapter.is_dir()


def test_what_a_killed_removal_or_run_left_behind_goes_with_the_next_change(store: Store, adapter: Path) -> None:
    store.folder.mkdir(parents=True)
    for name in (".one.0.removed.part", ".two.999999999.abcd.part"):
        (store.folder / name).mkdir()
    living = store.folder / f".three.{os.getpid()}.abcd.part"
    living.mkdir()
    add(store, adapter, "new")
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([living.name, "new"])


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a second disk")
def test_adapters_kept_on_another_disk_arrive_whole(adapter: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        store = Store(Path(other) / "adapters")
        add(store, adapter, "far")
        assert store.use("far").is_current
        assert sorted(path.name for path in store.folder.iterdir()) == ["current", "far"]
