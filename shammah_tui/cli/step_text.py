"""What a person reads of a training run, in lines of plain text."""

from __future__ import annotations

from shammah_tui.learning.event import (
    Criterion,
    GateJudged,
    HeldOutMeasured,
    PhaseStarted,
    RunEnded,
    RunEvent,
    StepReported,
    TrainingEnded,
    TrainingPlanned,
    described,
)

_PHASES = {
    "base": "Asking the base for its own answers …",
    "train": "Training …",
    "convert": "Converting to GGUF …",
    "gate": "Measuring the adapter on the deployed model …",
    "write": "Writing …",
}


def told(event: RunEvent) -> str:
    """What a person reads of an event; empty for nothing."""
    match event:
        case PhaseStarted(phase):
            return _PHASES[phase]
        case TrainingPlanned():
            return (
                f"  {event.rated_rows} rated and {event.replay_rows} replayed rows, {event.held_out_rows} held out; "
                f"{event.steps} steps on {event.device} in {event.dtype}; about {event.needed_bytes / 2**30:.1f} GiB "
                f"of memory ({event.free_bytes / 2**30:.1f} GiB free)."
            )
        case StepReported() if event.step % 5 == 0 or event.step == event.steps:
            return (
                f"  step {event.step:>3}/{event.steps}  loss {event.loss:.4f}  nll {event.nll:.4f}  kl {event.kl:.5f}  "
                f"{event.tokens_per_second:,.0f} answer tokens/s  {event.seconds_left:.0f} s left"
            )
        case HeldOutMeasured():
            return (
                f"  held out: adherence {event.adherence:.0%} (n = {event.rated}), "
                f"unchanged {event.unchanged:.0%} (n = {event.replayed})"
            )
        case TrainingEnded() if event.stopped_early:
            return f"  stopped early after {event.steps} steps; the best was {event.best_step}."
        case GateJudged():
            verdict = "accepted" if event.accepted else "refused"
            return "\n".join([f"  scale {event.scale:g}: {verdict}", *map(_criterion, event.criteria)])
        case RunEnded(accepted=True):
            return f"Accepted in {event.seconds:.0f} s: {event.folder}"
        case _:
            return ""


def _criterion(criterion: Criterion) -> str:
    return f"    {'ok ' if criterion.passed else 'NO '} {described(criterion)}"
