"""One training run from rows to an adapter folder, as a generator of events: dataset → train → convert → gate → write.

Leaving the generator early cancels the run: both children end, and nothing is left behind.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shammah_tui import __version__
from shammah_tui.errors import ModelError
from shammah_tui.learning import child, convert, gate
from shammah_tui.learning.adapter import FORMAT, abandoned, base_identity, draft_folder, sha256
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.dataset import Dataset, prepare
from shammah_tui.learning.event import (
    GateJudged,
    HeldOutMeasured,
    PhaseStarted,
    RunEnded,
    RunEvent,
    StepReported,
    TrainingEnded,
    TrainingPlanned,
    read_log,
    to_line,
)
from shammah_tui.learning.example import write_examples
from shammah_tui.learning.memory import read_shape
from shammah_tui.learning.rows import Row, read_rows


@dataclass(frozen=True, slots=True)
class Request:
    """`base`: a Hugging Face folder with its GGUF beside the weights; `out` must not exist, or be empty."""

    base: Path
    rows: Path
    out: Path
    arguments: TrainArguments = field(default_factory=TrainArguments)
    model: Path | None = None
    """The deployed GGUF; None takes the one in `base`."""
    parent: str = ""
    """Name of the adapter that this one replaces, for the manifest."""
    resume: bool = False
    """Go on with a run of the same base, rows and arguments that was killed; a fresh one where there is none."""


@dataclass(slots=True)
class Record:
    """What the report says of a run, gathered as it goes."""

    planned: TrainingPlanned | None = None
    steps: list[StepReported] = field(default_factory=list)
    held_out: list[HeldOutMeasured] = field(default_factory=list)
    trained: TrainingEnded | None = None
    tables: list[GateJudged] = field(default_factory=list)
    phases: list[tuple[str, float]] = field(default_factory=list)

    def hear(self, event: RunEvent) -> None:
        match event:
            case PhaseStarted(phase):
                self.phases.append((phase, time.perf_counter()))
            case TrainingPlanned():
                self.planned = event
            case StepReported():
                self.steps.append(event)
            case HeldOutMeasured():
                self.held_out.append(event)
            case TrainingEnded():
                self.trained = event
            case GateJudged():
                self.tables.append(event)

    def seconds(self) -> dict[str, float]:
        ends = [at for _, at in self.phases[1:]] + [time.perf_counter()]
        found = {phase: round(end - at, 3) for (phase, at), end in zip(self.phases, ends, strict=True)}
        return {**found, "total": round(ends[-1] - self.phases[0][1], 3)}


async def learn(request: Request) -> AsyncGenerator[RunEvent, None]:
    """Raises `ShammahError` where the run cannot be made; a refusal by the gate is a `RunEnded`, no error."""
    model = request.model or find_gguf(request.base)
    read_shape(request.base)
    rows = read_rows(request.rows)
    record = Record()
    job = _job(request)
    resumed = (
        next((draft for draft in abandoned(request.out) if _is_same(draft, job)), None) if request.resume else None
    )
    with draft_folder(request.out, kept_for=child.ChildDied, resumed=resumed) as draft:
        work = draft / "work"
        work.mkdir(exist_ok=True)
        (work / "job.json").write_text(json.dumps(job), "utf-8")
        async with aclosing(_phases(request, model, rows, draft, work, record)) as phases:
            async for event in phases:
                record.hear(event)
                yield event
        verdict = gate.best(record.tables)
        shutil.rmtree(work)
    yield RunEnded(
        accepted=verdict.accepted,
        reasons=tuple(verdict.reasons),
        folder=request.out,
        scale=verdict.scale,
        seconds=record.seconds()["total"],
    )


async def _phases(
    request: Request, model: Path, rows: list[Row], draft: Path, work: Path, record: Record
) -> AsyncGenerator[RunEvent, None]:
    yield PhaseStarted("base")
    async with child.measurer(model, threads=request.arguments.threads) as measurer:
        dataset = await prepare(measurer, request.base, rows, request.arguments)
        yield PhaseStarted("train")
        async with aclosing(_train(request, dataset, draft, work, record)) as training:
            async for event in training:
                yield event
        yield PhaseStarted("convert")
        adapter, checkpoint = work / "adapter.gguf", work / "checkpoint"
        convert.write_gguf(checkpoint, adapter, measurer.architecture)
        yield PhaseStarted("gate")
        tables: list[GateJudged] = []
        async with aclosing(gate.try_scales(measurer, adapter, dataset.cases)) as scales:
            async for table in scales:
                tables.append(table)
                yield table
        architecture = measurer.architecture
    yield PhaseStarted("write")
    verdict = gate.best(tables)
    if verdict.accepted:
        _write_adapter(request, model, rows, dataset, draft, checkpoint, architecture, verdict)
    report = _report(request, dataset, record, verdict)
    (draft / "report.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")


async def _train(
    request: Request, dataset: Dataset, draft: Path, work: Path, record: Record
) -> AsyncGenerator[RunEvent, None]:
    """Runs the worker; each of its steps is a line of `steps.jsonl` as soon as it is known. Steps of a run that was
    gone on with are kept, as far as they are not done again."""
    write_examples(work / "examples.jsonl", dataset.examples)
    log = draft / "steps.jsonl"
    earlier = [event for event in read_log(log) if isinstance(event, StepReported | HeldOutMeasured)]
    async with aclosing(child.train(work)) as training:
        async for event in training:
            if isinstance(event, StepReported | HeldOutMeasured):
                if not record.steps:
                    earlier = [past for past in earlier if past.step < event.step]
                    log.write_text("".join(to_line(past) + "\n" for past in earlier), "utf-8")
                    for past in earlier:
                        record.hear(past)
                with log.open("a", encoding="utf-8") as file:
                    file.write(to_line(event) + "\n")
            yield event
    if not record.steps:
        for past in earlier:
            record.hear(past)


def _job(request: Request) -> dict[str, Any]:
    """What the worker is told, and by what a run is known again."""
    return {
        "base": str(request.base.absolute()),
        "arguments": asdict(request.arguments),
        "rows_sha256": sha256(request.rows),
    }


def _is_same(draft: Path, job: dict[str, Any]) -> bool:
    try:
        return bool(json.loads((draft / "work" / "job.json").read_text("utf-8")) == job)
    except (OSError, ValueError):
        return False


def _write_adapter(
    request: Request,
    model: Path,
    rows: Sequence[Row],
    dataset: Dataset,
    draft: Path,
    checkpoint: Path,
    architecture: str,
    verdict: GateJudged,
) -> None:
    """Checkpoint, GGUF and manifest. The scale that was accepted becomes part of alpha: at scale 1, in plain peft and
    in any llama.cpp, the adapter is what was measured."""
    convert.set_alpha(checkpoint, request.arguments.alpha * verdict.scale)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (checkpoint / name).replace(draft / name)
    convert.write_gguf(draft, draft / "adapter.gguf", architecture)
    rules = dict.fromkeys(case.example.rule for case in dataset.cases.rated)
    manifest = {
        "format": FORMAT,
        "shammah": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": base_identity(request.base, model),
        "rules": list(rules),
        "scopes": {row.rule: asdict(row.scope) for row in rows if row.rule in rules and row.rated},
        "rows_sha256": sha256(request.rows),
        "arguments": asdict(request.arguments),
        "scale": 1.0,
        "searched_scale": verdict.scale,
        "gate": asdict(verdict)["criteria"],
        "parent": request.parent,
        "sha256": {
            name: sha256(draft / name) for name in ("adapter_model.safetensors", "adapter_config.json", "adapter.gguf")
        },
    }
    (draft / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _report(request: Request, dataset: Dataset, record: Record, verdict: GateJudged) -> dict[str, Any]:
    first, last = record.steps[0], record.steps[-1]
    assert record.planned is not None
    assert record.trained is not None
    return {
        "accepted": verdict.accepted,
        "reasons": verdict.reasons,
        "scale": 1.0,
        "searched_scale": verdict.scale,
        "steps": record.trained.steps,
        "best_step": record.trained.best_step,
        "stopped_early": record.trained.stopped_early,
        "losses": {
            "first": {"loss": first.loss, "nll": first.nll, "kl": first.kl},
            "last": {"loss": last.loss, "nll": last.nll, "kl": last.kl},
            "held_out": [asdict(measured) for measured in record.held_out],
        },
        "gate": [asdict(table) for table in record.tables],
        "seconds": record.seconds(),
        "tokens": {
            "answer": record.trained.answer_tokens,
            "all": record.trained.num_tokens,
            "answer_tokens_per_second": record.trained.tokens_per_second,
        },
        "memory": {"planned_bytes": record.planned.needed_bytes, "peak_bytes": record.trained.peak_bytes},
        "plan": asdict(record.planned),
        "notes": list(dataset.notes),
        "arguments": asdict(request.arguments),
    }


def find_gguf(base: Path) -> Path:
    """The deployed GGUF of a folder: in it, else beside it under its name, or the only one there. Of several the
    smallest, as what is deployed is quantised most. Raises `ModelError` where there is none."""
    beside = base.absolute().parent
    places = (_models(base, "*"), _models(beside, f"{base.name}*"), _models(beside, "*"))
    found = next((place for place in places if place), [])
    if not found or (found == places[2] and len(found) > 1):
        raise ModelError(
            f"{base} has no GGUF.",
            "Training needs the deployed *.gguf beside the weights: the gate measures that one.",
        )
    return min(found, key=lambda path: (path.stat().st_size, path.name))


def _models(folder: Path, name: str) -> list[Path]:
    found = (path for path in folder.glob(f"{name}.gguf") if path.is_file())
    return sorted(path for path in found if not path.name.startswith(("adapter", "mmproj")))
