import pytest

from shammah_tui.bootstrap.state import TRANSITIONS, TransitionRefused, advance
from shammah_tui.events import BootstrapState, ModelSummary, Phase

I, D, L, R, F, N = (  # noqa: E741 - a table is read by its letters
    Phase.INITIALIZING,
    Phase.DOWNLOADING,
    Phase.LOADING,
    Phase.READY,
    Phase.FAILED,
    Phase.NOT_AVAILABLE,
)
ALLOWED = {
    *((I, phase) for phase in (I, D, L, F, N)),
    *((D, phase) for phase in (D, L, F, N)),
    *((L, phase) for phase in (L, R, F)),
    (R, R),  # another adapter answers
    (R, I),
    (R, F),
    (F, I),
    (N, I),
}


def state(phase: Phase) -> BootstrapState:
    reason = "why" if phase in (F, N) else ""
    return BootstrapState(phase, ModelSummary("demo", "Demo", "asked") if phase is R else None, reason=reason)


@pytest.mark.parametrize("before", list(Phase))
@pytest.mark.parametrize("after", list(Phase))
def test_the_table_allows_exactly_these_steps(before: Phase, after: Phase) -> None:
    if (before, after) in ALLOWED:
        assert advance(state(before), state(after)) == state(after)
    else:
        with pytest.raises(TransitionRefused, match=f"{before} cannot become {after}"):
            advance(state(before), state(after))


def test_every_phase_is_in_the_table_and_none_is_a_dead_end() -> None:
    assert set(TRANSITIONS) == set(Phase)
    assert all(TRANSITIONS.values())


@pytest.mark.parametrize("phase", [F, N])
def test_an_end_without_a_model_must_say_why(phase: Phase) -> None:
    with pytest.raises(TransitionRefused, match="must say why"):
        advance(BootstrapState(I), BootstrapState(phase))


def test_ready_must_name_its_model() -> None:
    with pytest.raises(TransitionRefused, match="name its model"):
        advance(BootstrapState(L), BootstrapState(R))
