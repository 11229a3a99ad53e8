"""The transition table of the bootstrap, as data and one pure function. It leaves out who walks it and who is told."""

from __future__ import annotations

from shammah_tui.events import BootstrapState, Phase

TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.INITIALIZING: frozenset(
        {Phase.INITIALIZING, Phase.DOWNLOADING, Phase.LOADING, Phase.FAILED, Phase.NOT_AVAILABLE}
    ),
    Phase.DOWNLOADING: frozenset({Phase.DOWNLOADING, Phase.LOADING, Phase.FAILED, Phase.NOT_AVAILABLE}),
    Phase.LOADING: frozenset({Phase.LOADING, Phase.READY, Phase.FAILED}),
    # Another model is chosen, the loaded one dies, or another adapter answers.
    Phase.READY: frozenset({Phase.READY, Phase.INITIALIZING, Phase.FAILED}),
    # Both ends can be tried again; neither repairs itself.
    Phase.FAILED: frozenset({Phase.INITIALIZING}),
    Phase.NOT_AVAILABLE: frozenset({Phase.INITIALIZING}),
}
"""What may follow what. A phase that lists itself may report again (progress, a notice)."""


class TransitionRefused(ValueError):
    """A state that the table does not have after the present one: a mistake in the caller, never the person's."""


def advance(state: BootstrapState, following: BootstrapState) -> BootstrapState:
    """Give `following` if it may come after `state`.

    Raises TransitionRefused where the table has no such step, where an end without a model gives no reason, or where
    READY names no model.
    """
    if following.phase not in TRANSITIONS[state.phase]:
        raise TransitionRefused(f"{state.phase} cannot become {following.phase}")
    if following.phase in (Phase.FAILED, Phase.NOT_AVAILABLE) and not following.reason:
        raise TransitionRefused(f"{following.phase} must say why")
    if following.phase is Phase.READY and following.model is None:
        raise TransitionRefused("ready must name its model")
    return following
