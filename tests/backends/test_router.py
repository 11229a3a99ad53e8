"""Who takes a question, as a table; and what must hold in every case."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Literal, get_args

import pytest

from shammah_tui.backends.router import Choice, Claude, Local, Request, State, Wait, choose
from shammah_tui.errors import CloudTrouble
from shammah_tui.events import Phase

READY = State(
    local_model="demo", cloud_model="Claude Opus 5.5", local_context_tokens=4096, cloud_context_tokens=200_000
)
KEY = replace(READY, has_key=True)
ALLOWED = replace(KEY, cloud="allow")
LOADING = replace(ALLOWED, phase=Phase.LOADING)
FAILED = replace(ALLOWED, phase=Phase.FAILED)
HELLO = Request(tokens=100)
LONG = Request(tokens=4000)
DOUBT = Request(tokens=100, doubt="The local model is unsure of this (20%).")
DECLINED = replace(DOUBT, declined=True)
CLOUD = Request(asked="cloud")
LOCAL = Request(asked="local")
CRISIS = Request(crisis=True)


def told(choice: Choice) -> str:
    """A choice in one line: who, why, what for, and whether Claude is offered."""
    reason = f" {choice.reason}" if choice.reason else ""
    until = f" until {choice.until}" if isinstance(choice, Wait) else ""
    offer = " offers" if not isinstance(choice, Claude) and choice.offers_claude else ""
    return f"{type(choice).__name__}{reason}{until}{offer}"


TABLE = [
    # The usual way.
    (HELLO, READY, "Local"),
    (HELLO, ALLOWED, "Local"),
    (LOCAL, ALLOWED, "Local UserAsked"),
    (CLOUD, KEY, "Claude UserAsked"),
    # The local model's own word that it cannot.
    (DECLINED, KEY, "Local NoMatch offers"),
    (DECLINED, ALLOWED, "Local NoMatch offers"),
    (DECLINED, replace(ALLOWED, escalate="auto"), "Claude NoMatch"),
    (DECLINED, replace(KEY, escalate="auto"), "Local NoMatch offers"),
    (DECLINED, replace(ALLOWED, escalate="never"), "Local"),
    (DECLINED, replace(ALLOWED, escalate="auto", offline=True), "Local"),
    # While the model comes.
    (HELLO, LOADING, "Claude ModelNotReady"),
    (HELLO, replace(LOADING, phase=Phase.INITIALIZING), "Claude ModelNotReady"),
    (HELLO, replace(LOADING, phase=Phase.DOWNLOADING), "Claude ModelNotReady"),
    (HELLO, FAILED, "Claude ModelNotReady"),
    (HELLO, replace(FAILED, phase=Phase.NOT_AVAILABLE), "Claude ModelNotReady"),
    (HELLO, replace(LOADING, cloud="ask"), "Wait ModelNotReady until model offers"),
    (HELLO, replace(LOADING, cloud="ask", agreed=True), "Claude ModelNotReady"),
    (HELLO, replace(LOADING, cloud="never"), "Wait ModelNotReady until model"),
    (HELLO, replace(LOADING, cloud="never", agreed=True), "Wait ModelNotReady until model"),
    (HELLO, replace(LOADING, has_key=False), "Wait ModelNotReady until model"),
    (HELLO, replace(LOADING, offline=True), "Wait ModelNotReady until model"),
    (HELLO, replace(LOADING, cloud_trouble=CloudTrouble.UNREACHABLE), "Wait ModelNotReady until model"),
    (HELLO, replace(FAILED, has_key=False), "Wait ModelNotReady until person"),
    (HELLO, replace(FAILED, offline=True, phase=Phase.NOT_AVAILABLE), "Wait Offline until person"),
    (LOCAL, LOADING, "Wait ModelNotReady until model"),
    (LOCAL, FAILED, "Wait ModelNotReady until person"),
    (CLOUD, LOADING, "Claude UserAsked"),
    (CLOUD, replace(LOADING, cloud="ask"), "Claude UserAsked"),
    # Asked for, and impossible.
    (CLOUD, replace(ALLOWED, offline=True), "Wait Offline until person"),
    (CLOUD, replace(ALLOWED, cloud="never"), "Wait UserAsked until person"),
    (CLOUD, READY, "Wait UserAsked until person"),
    (replace(CLOUD, tokens=300_000), ALLOWED, "Wait ContextTooLong until person"),
    (CLOUD, replace(ALLOWED, cloud_trouble=CloudTrouble.OVERLOADED), "Claude UserAsked"),
    # Longer than the local model reads.
    (LONG, ALLOWED, "Claude ContextTooLong"),
    (LONG, KEY, "Local ContextTooLong offers"),
    (LONG, READY, "Local ContextTooLong"),
    (LONG, replace(ALLOWED, local_context_tokens=0), "Local"),
    (LONG, replace(ALLOWED, offline=True), "Local ContextTooLong"),
    (replace(LONG, tokens=300_000), ALLOWED, "Local ContextTooLong"),
    (replace(LONG, asked="local"), ALLOWED, "Local UserAsked"),
    # What it is unsure of.
    (DOUBT, ALLOWED, "Local LowConfidence offers"),
    (DOUBT, KEY, "Local LowConfidence offers"),
    (DOUBT, READY, "Local"),
    (DOUBT, replace(ALLOWED, escalate="auto"), "Claude LowConfidence"),
    (DOUBT, replace(KEY, escalate="auto"), "Local LowConfidence offers"),
    (DOUBT, replace(ALLOWED, escalate="never"), "Local"),
    (DOUBT, replace(ALLOWED, escalate="auto", cloud_trouble=CloudTrouble.UNREACHABLE), "Local"),
    # A crisis.
    (CRISIS, ALLOWED, "Wait Crisis until person"),
    (replace(CRISIS, crisis_seen=True), ALLOWED, "Local Crisis"),
    (replace(CRISIS, crisis_seen=True, asked="cloud"), ALLOWED, "Local Crisis"),
    (replace(CRISIS, crisis_seen=True), LOADING, "Wait Crisis until model"),
    (replace(CRISIS, crisis_seen=True), FAILED, "Wait Crisis until person"),
]


@pytest.mark.parametrize(("request_", "state", "expected"), TABLE)
def test_router_table(request_: Request, state: State, expected: str) -> None:
    assert told(choose(request_, state)) == expected


Asked = Literal["", "local", "cloud"]
Cloud = Literal["ask", "allow", "never"]
Escalate = Literal["offer", "auto", "never"]
ASKED: tuple[Asked, ...] = get_args(Asked)
CLOUDS: tuple[Cloud, ...] = get_args(Cloud)
ESCALATES: tuple[Escalate, ...] = get_args(Escalate)


def cases() -> list[tuple[Request, State]]:
    requests = [
        Request(asked=asked, crisis=crisis, crisis_seen=seen, tokens=tokens, doubt=doubt)
        for asked, crisis, seen, tokens, doubt in product(
            ASKED,
            (False, True),
            (False, True),
            (10, 5000, 10**6),
            ("", "?"),
        )
    ]
    states = [
        replace(
            READY,
            phase=phase,
            has_key=key,
            offline=offline,
            cloud=cloud,
            agreed=agreed,
            escalate=escalate,
            cloud_trouble=trouble,
        )
        for phase, key, offline, cloud, agreed, escalate, trouble in product(
            (Phase.READY, Phase.LOADING, Phase.FAILED, Phase.NOT_AVAILABLE),
            (False, True),
            (False, True),
            CLOUDS,
            (False, True),
            ESCALATES,
            (None, CloudTrouble.UNREACHABLE),
        )
    ]
    return list(product(requests, states))


def test_claude_is_chosen_only_where_it_may_be() -> None:
    for request, state in cases():
        choice = choose(request, state)
        to_claude = isinstance(choice, Claude)
        if to_claude or (not isinstance(choice, Claude) and choice.offers_claude):
            assert state.has_key
            assert not state.offline
            assert state.cloud != "never"
            assert not request.crisis
            assert request.asked != "local"
        if to_claude and request.asked != "cloud":
            assert state.cloud == "allow" or state.agreed


def test_the_local_model_is_chosen_only_when_it_is_ready() -> None:
    for request, state in cases():
        if isinstance(choose(request, state), Local):
            assert state.phase is Phase.READY


def test_whatever_does_not_go_the_usual_way_says_why() -> None:
    for request, state in cases():
        choice = choose(request, state)
        if not isinstance(choice, Local):
            assert choice.text
        assert choice.badge
        if isinstance(choice, Wait) and choice.until == "model":
            assert state.phase is Phase.LOADING
