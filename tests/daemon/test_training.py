"""Training supervised by a real engine process: real runs of the real trainer on the demo model, short ones."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import psutil
import pytest

from shammah_tui import paths
from shammah_tui.backends.engine_client import EngineClient
from shammah_tui.errors import RequestError
from shammah_tui.learning import estimate
from shammah_tui.learning.store import Store
from shammah_tui.state import Phase
from shammah_tui.wire import TrainRequest
from tests.learning.world import habit_rows, write_adapter, write_rows

from .conftest import EngineProcess, end_engine, start_engine
from .test_service import serving, until

ROWS = habit_rows("print", rated=5, held_out=3, near=6, other=6)
QUICK = {"batch_rows": 4, "replay_share": 1, "threads": 1, "made_up": 12}
DEADLINE_SECONDS = 120.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    found = start_engine(tmp_path_factory.mktemp("e"), "--model", "demo")
    yield found
    end_engine(found)


def begin(engine: EngineProcess, steps: int, **more: Any) -> httpx2.Response:
    with engine.http() as http:
        body = {"rows": ROWS, "arguments": {**QUICK, "steps": steps}} | more
        return http.post("/v1/shammah/train", json=body)


def follow(
    engine: EngineProcess, run: str = "", *, after: int = 0, until: Callable[[dict[str, Any]], bool] = lambda _: False
) -> list[dict[str, Any]]:
    found = []
    with engine.http() as http:
        query = {"run": run, "after": str(after)}
        with http.stream("GET", "/v1/shammah/train/events", params=query, timeout=DEADLINE_SECONDS) as response:
            assert response.status_code == 200, response.read()
            for line in response.iter_lines():
                if line.startswith("data: "):
                    found.append(json.loads(line.removeprefix("data: ")))
                    if until(found[-1]):
                        break
    return found


def is_step(event: dict[str, Any]) -> bool:
    return bool(event["event"] == "StepReported")


def state_of(engine: EngineProcess, run: str) -> dict[str, Any]:
    with engine.http() as http:
        return next(one for one in http.get("/v1/shammah/train").json()["runs"] if one["run"] == run)


def ask(engine: EngineProcess) -> httpx2.Response:
    chat = {"messages": ROWS[0]["messages"], "max_tokens": 60, "temperature": 0}
    with engine.http() as http:
        return http.post("/v1/chat/completions", json=chat)


def said(response: httpx2.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_accepted_run_is_told_from_its_start_and_the_next_answer_is_made_with_it(engine: EngineProcess) -> None:
    before = ask(engine)
    assert before.headers["x-shammah-adapter"] == "none"
    begun = begin(engine, 16, adapter="first")
    assert begun.status_code == 200, begun.text
    run = begun.json()["run"]
    seen = follow(engine, run, until=is_step)  # and this client leaves
    assert begin(engine, 16).status_code == 409
    with engine.http() as http:
        assert http.get("/v1/shammah/train").json()["active"]["run"] == run
    rest = follow(engine, run, after=seen[-1]["number"])
    events = [*seen, *rest]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["event"] for event in events]
    assert kinds[0] == "RunStarted"
    assert kinds[-3:] == ["RunEnded", "AdapterActivated", "RunClosed"]
    assert {"PhaseStarted", "TrainingPlanned", "HeldOutMeasured", "TrainingEnded", "GateJudged"} <= set(kinds)
    assert events[-2]["swap_ms"] < 5000
    assert (events[-1]["status"], events[-1]["adapter"]) == ("accepted", "first")
    after = ask(engine)
    assert after.headers["x-shammah-adapter"] == "first"
    assert after.text != before.text
    # All of it once more, from the disk.
    assert follow(engine, run) == events
    assert follow(engine) == events
    state = state_of(engine, run)
    assert (state["status"], state["adapter"], state["rows"], state["step"]) == (
        "accepted",
        "first",
        20,
        kinds.count("StepReported"),
    )
    folder = engine.home / "runs" / run
    assert (folder / "rows.jsonl").is_file()
    assert json.loads((folder / "report.json").read_text())["accepted"] is True
    assert (engine.home / "adapters" / "first" / "adapter.gguf").is_file()
    again = begin(engine, 16, automatic=True)
    assert again.status_code == 409
    assert "trained already" in again.json()["error"]["message"]


async def test_a_refused_run_leaves_what_was_in_use_and_says_why(engine: EngineProcess) -> None:
    in_use = ask(engine).headers["x-shammah-adapter"]
    rows = habit_rows("print", rated=2, held_out=1, near=1, other=1)
    async with EngineClient.over_socket(engine.socket) as client:
        begun = await client.train(TrainRequest(rows=tuple(rows), arguments={**QUICK, "steps": 1}))
        assert begun.status == "running"
        events = [event async for event in client.training(begun.run)]
        report = await client.runs()
        assert report.active is None
        state = next(one for one in report.runs if one.run == begun.run)
        assert (events[-1]["status"], state.status) == ("refused", "refused")
        assert "adherence" in state.message
        assert (await client.adapters()).active.name == (None if in_use == "none" else in_use)
        with pytest.raises(RequestError, match="No run"):
            await client.cancel_training()
        with pytest.raises(RequestError, match="no adapter"):
            await client.use_adapter("nosuch")
    assert ask(engine).headers["x-shammah-adapter"] == in_use
    assert not (engine.home / "runs" / begun.run / "out").exists()


def test_a_cancelled_run_leaves_no_process_and_no_draft(engine: EngineProcess) -> None:
    run = begin(engine, 300).json()["run"]
    follow(engine, run, until=is_step)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    assert len(children) >= 3
    with engine.http() as http:
        cancelled = http.post("/v1/shammah/train/cancel", json={}, timeout=30)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert http.post("/v1/shammah/train/cancel", json={}).status_code == 409
    psutil.wait_procs(children, 10)
    assert not [child for child in children if child.is_running()]
    folder = engine.home / "runs" / run
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.jsonl",
        "job.json",
        "rows.jsonl",
        "run.json",
        "trainer.log",
    ]
    assert ask(engine).status_code == 200


def test_a_trainer_that_dies_is_reported_with_its_cause_and_not_begun_again(engine: EngineProcess) -> None:
    run = begin(engine, 300, rows=ROWS[:-1]).json()["run"]
    follow(engine, run, until=lambda event: event["event"] == "PhaseStarted")
    os.kill(state_of(engine, run)["pid"], signal.SIGKILL)
    events = follow(engine, run)
    assert [event["event"] for event in events[-2:]] == ["Failed", "RunClosed"]
    assert events[-1]["status"] == "failed"
    assert "killed" in events[-1]["message"]
    assert begin(engine, 300, rows=ROWS[:-1], automatic=True).status_code == 409
    with engine.http() as http:
        assert http.get("/v1/shammah/train").json()["active"] is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "no rows"),
        ({"run": "../x"}, "no name of a run"),
        ({"rows": [{"messages": []}]}, "row"),
        ({"rows": ROWS, "arguments": {"nosuch": 1}}, "no argument"),
        ({"rows": ROWS, "arguments": {"steps": "many"}}, "steps"),
        ({"rows": ROWS, "base": "/nowhere"}, "GGUF"),
        ({"rows": ROWS, "adapter": "../x"}, "no name for an adapter"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words_and_the_next_run_may_begin(
    engine: EngineProcess, body: dict[str, Any], said: str
) -> None:
    with engine.http() as http:
        refused = http.post("/v1/shammah/train", json=body)
        assert 400 <= refused.status_code < 500, refused.text
        assert said in refused.json()["error"]["message"]
        assert http.get("/v1/shammah/train").json()["active"] is None
        assert http.get("/v1/shammah/train/events", params={"run": "nosuch"}).status_code == 404


def test_the_engine_stays_while_it_trains_and_a_run_of_a_killed_one_is_said_to_have_failed(tmp_path: Path) -> None:
    """The adapter that was in use answers as before."""
    store = Store(tmp_path / "adapters")
    store.add(write_adapter(tmp_path / "made", paths.demo_model_folder()), "old")
    store.use("old")
    engine = start_engine(tmp_path, "--model", "demo", "--keep-alive", "1s")
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    write_rows(tmp_path / "runs" / "mine" / "rows.jsonl", ROWS)
    answered = ask(engine)
    assert answered.headers["x-shammah-adapter"] == "old"
    begun = begin(engine, 300, rows=[], run="mine")
    assert begun.status_code == 200, begun.text
    follow(engine, until=lambda event: event["event"] == "PhaseStarted")
    trainer = psutil.Process(begun.json()["pid"])
    time.sleep(3)  # nobody is here for longer than the keep-alive
    assert engine.process.poll() is None
    engine.process.kill()
    engine.process.wait(10)
    trainer.wait(30)
    engine = start_engine(tmp_path, "--model", "demo")
    state = state_of(engine, "mine")
    assert (state["status"], "engine ended" in state["message"]) == ("failed", True)
    assert follow(engine, "mine")[-1]["event"] == "RunClosed"
    again = ask(engine)
    assert again.headers["x-shammah-adapter"] == "old"
    assert said(again) == said(answered)
    end_engine(engine)


async def test_where_memory_is_short_the_served_model_makes_room_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path))
    async with serving() as (service, http):
        service.choose("demo")
        await until(service, Phase.READY)
        monkeypatch.setattr(
            estimate,
            "psutil",
            SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=0 if service.loaded else 1 << 40)),
        )
        body = {"rows": ROWS, "arguments": {**QUICK, "steps": 300}}
        begun = await http.post("/v1/shammah/train", json=body)
        assert begun.status_code == 200, begun.text
        assert service.loaded is None
        assert "memory" in service.state.reason
        await service.training.cancel()
        await until(service, Phase.READY)
        kinds = [event["event"] for event in service.training._runs.events(begun.json()["run"])]
        assert kinds[:2] == ["RunStarted", "ModelUnloaded"]
        monkeypatch.setattr(estimate, "psutil", SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=0)))
        refused = await http.post("/v1/shammah/train", json=body)
        assert "GiB" in refused.json()["error"]["message"]
        await until(service, Phase.READY)
    assert paths.home() == tmp_path
