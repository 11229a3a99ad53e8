"""Questions and answers are kept by day, masked, and not at all where the person does not want it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shammah_tui import paths
from shammah_tui.conversation import Usage
from shammah_tui.errors import HomeError
from shammah_tui.journal.lines import Skipped
from shammah_tui.journal.metric import Exchange, Metrics

EXCHANGE = Exchange(
    "What does errno 28 mean?",
    "No space left on the device.",
    "claude",
    "Claude Opus 5.5",
    "ModelNotReady",
    usage=Usage(120, 8, 100, 0, 0.0004),
    total_seconds=1.5,
    tools=("Read",),
    signals={"mean_logprob": -0.2},
)


async def test_an_exchange_is_kept_with_what_is_known_of_it() -> None:
    metrics = Metrics(paths.metrics_folder())
    await metrics.record(EXCHANGE)
    (record,) = metrics.read()
    for name in ("query", "response", "route", "reason", "model"):
        assert record[name] == getattr(EXCHANGE, name)
    assert record["usage"]["prompt_tokens"] == 120
    assert record["total_seconds"] == 1.5
    (file,) = paths.metrics_folder().iterdir()
    assert file.name == f"{datetime.now(UTC).date().isoformat()}.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_secrets_are_masked() -> None:
    metrics = Metrics(paths.metrics_folder())
    await metrics.record(Exchange("PASSWORD=hunter2hunter2", "It is blue42.", "local", "demo"), "blue42")
    (file,) = paths.metrics_folder().iterdir()
    assert "hunter2" not in file.read_text()
    assert "blue42" not in file.read_text()


async def test_nothing_is_kept_where_it_is_switched_off() -> None:
    await Metrics(paths.metrics_folder(), enabled=False).record(EXCHANGE)
    assert not paths.metrics_folder().exists()


async def test_all_days_are_read_in_order_and_other_files_are_not() -> None:
    folder = paths.metrics_folder()
    folder.mkdir(parents=True)
    (folder / "2026-01-02.jsonl").write_text('{"n": 2}\n{"n": 3}\n{torn')
    (folder / "2026-01-01.jsonl").write_text('{"n": 1}\n')
    (folder / "notes.txt").write_text("x")
    skipped = Skipped()
    assert [record["n"] for record in Metrics(folder).read(skipped)] == [1, 2, 3]
    assert skipped.lines == 1


async def test_a_folder_that_cannot_be_used_is_said() -> None:
    paths.home().mkdir(parents=True)
    paths.metrics_folder().write_text("a file")
    with pytest.raises(HomeError):
        await Metrics(paths.metrics_folder()).record(EXCHANGE)
