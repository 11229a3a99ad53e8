"""What the cache holds decides: checked, remembered, damaged, of another version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.bootstrap import catalog, choice, ledger
from shammah_tui.bootstrap.prepare import partial_bytes, prepare
from shammah_tui.bootstrap.report import list_models
from shammah_tui.config.settings import Settings
from shammah_tui.events import Phase
from tests.bootstrap.asking import partial
from tests.bootstrap.conftest import DATA, LAPTOP, OTHER, USUAL, run, told
from tests.bootstrap.hub import COMMIT, OTHER_COMMIT, Hub
from tests.bootstrap.hub_server import Faults, Repo


async def test_a_damaged_file_in_the_cache_is_found_deleted_and_fetched_again(hub: Hub) -> None:
    _, file = await run()
    assert file is not None
    blob = file.path.resolve()
    blob.write_bytes(b"GGUF" + b"\0" * (len(DATA) - 4))
    states, file = await run()
    assert file is not None
    assert file.path.read_bytes() == DATA
    assert any("was damaged" in state.reason for state in states)


async def test_offline_a_damaged_file_is_not_taken_again_and_the_demo_answers(hub: Hub, demo: Path) -> None:
    _, file = await run()
    assert file is not None
    file.path.resolve().write_bytes(b"GGUF" + b"\0" * (len(DATA) - 4))
    states, file = await run(settings=Settings(offline=True))
    assert any("was damaged" in state.reason for state in states)
    assert file is not None
    assert file.summary.is_demo


async def test_offline_the_next_model_is_taken_where_the_fallback_is_damaged_too(hub: Hub) -> None:
    for wish in ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "qwen2.5-1.5b"):
        _, file = await run(wish)
        assert file is not None
        if "coder" in wish:
            file.path.resolve().write_bytes(b"GGUF" + b"\0" * (len(DATA) - 4))
    states, file = await run(settings=Settings(offline=True))
    assert len([state for state in states if "was damaged" in state.reason]) == 2
    assert file is not None
    assert file.summary.id == "Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q8_0"


async def test_offline_a_damaged_model_that_was_asked_for_is_not_among_those_on_this_disk(hub: Hub) -> None:
    _, file = await run("1.5b")
    assert file is not None
    file.path.resolve().write_bytes(b"GGUF" + b"\0" * (len(DATA) - 4))
    states, file = await run("1.5b", Settings(offline=True))
    assert file is None
    assert "On this disk: nothing." in states[-1].hint


@pytest.mark.parametrize(("is_whole", "size"), [(True, len(DATA)), (False, len(DATA) * 3 // 4)])
async def test_what_an_interrupted_download_left_counts_as_room_on_the_disk(
    hub: Hub, is_whole: bool, size: int
) -> None:
    nearly_full = replace(LAPTOP, disk_free_bytes=choice.DISK_RESERVE_BYTES + len(DATA) // 2)
    _, file = await told(prepare(Settings(offline=True), hardware=nearly_full))
    assert file is None or file.summary.is_demo
    blob = partial().with_suffix("") if is_whole else partial()
    blob.parent.mkdir(parents=True)
    blob.write_bytes(DATA[:size])
    assert partial_bytes(catalog.load())[USUAL] == size
    [usual] = [row for row in await list_models(Settings(), hardware=nearly_full) if row.source == USUAL]
    assert (usual.fits, usual.is_chosen) == (True, True)
    _, file = await told(prepare(Settings(), hardware=nearly_full))
    assert file is not None
    assert file.summary.id == USUAL
    assert file.path.read_bytes() == DATA


async def test_a_file_that_another_program_downloaded_is_checked_once(hub: Hub) -> None:
    await run()
    (paths.home() / ledger.FILE).unlink()
    hub.misbehave(Faults())
    states, file = await run()
    assert file is not None
    assert [state.progress.done_bytes for state in states if state.progress] == [len(DATA)]
    states, file = await run()
    assert [state.progress for state in states if state.progress] == []
    assert hub.seen.requests == []


async def test_the_same_file_by_another_commit_needs_no_network(hub: Hub) -> None:
    _, file = await run()
    assert file is not None
    file.path.parent.rename(file.path.parent.with_name(OTHER_COMMIT))
    _, again = await run(settings=Settings(offline=True))
    assert again is not None
    assert again.summary.id == USUAL
    assert again.path.parent.name == OTHER_COMMIT


async def test_another_file_of_the_same_name_and_length_is_left_alone(hub: Hub, demo: Path) -> None:
    _, file = await run()
    assert file is not None
    blob = file.path.resolve()
    other = blob.rename(blob.with_name("e" * 64))
    file.path.unlink()
    file.path.symlink_to(other)
    _, again = await run(settings=Settings(offline=True))
    assert again is not None
    assert again.summary.is_demo
    assert other.exists()


async def test_a_repository_outside_the_catalog_stays_at_its_first_version(hub: Hub) -> None:
    hub.repos[OTHER] = Repo(COMMIT, {"other-Q4_K_M.gguf": DATA, "other-Q8_0.gguf": DATA[:1000], "README.md": b"x"})
    _, file = await run(OTHER)
    assert file is not None
    assert file.path.name == "other-Q8_0.gguf"
    assert ledger.pinned(OTHER) == COMMIT
    hub.misbehave(Faults())
    _, again = await run(OTHER)
    assert again is not None
    assert again.path == file.path
    assert hub.seen.requests == []
    hub.repos[OTHER] = Repo(OTHER_COMMIT, hub.repos[OTHER].files)
    states, _ = await run(f"{OTHER}:Q4_K_M")
    assert "no longer the version" in states[-1].reason


async def test_a_repository_with_nothing_usual_lists_what_it_has(hub: Hub) -> None:
    hub.repos[OTHER] = Repo(COMMIT, {"a-Q2_K.gguf": DATA, "a-Q3_K.gguf": DATA})
    states, _ = await run(OTHER)
    assert states[-1].phase is Phase.FAILED
    assert "a-Q2_K.gguf, a-Q3_K.gguf" in states[-1].hint
