"""Who takes a question: the local model, Claude, or nobody yet. A pure decision over a request and a state.

The local model goes first as soon as it is ready. Nothing goes to Claude without a key, against the settings, or, by
itself, before the person agreed once; a person who asks for Claude has agreed to that one question. What a person
says in a crisis never goes to Claude.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shammah_tui.errors import CloudTrouble
from shammah_tui.events import Phase

# A part of the context is left for the answer.
ANSWER_TOKENS = 512


class Reason(StrEnum):
    """Why a question went where it went; shown on each answer that did not go the usual way."""

    MODEL_NOT_READY = "ModelNotReady"
    LOW_CONFIDENCE = "LowConfidence"
    NO_MATCH = "NoMatch"
    CRISIS = "Crisis"
    USER_ASKED = "UserAsked"
    CONTEXT_TOO_LONG = "ContextTooLong"
    OFFLINE = "Offline"

    @property
    def short(self) -> str:
        """A few words, for a badge."""
        return _SHORT[self]


_SHORT = {
    Reason.MODEL_NOT_READY: "model not ready",
    Reason.LOW_CONFIDENCE: "unsure",
    Reason.NO_MATCH: "beyond the local model",
    Reason.CRISIS: "stays here",
    Reason.USER_ASKED: "you asked",
    Reason.CONTEXT_TOO_LONG: "too long",
    Reason.OFFLINE: "offline",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `asked`: who the person wants, by `/local`, `/cloud` or a flag."""

    asked: Literal["", "local", "cloud"] = ""
    crisis: bool = False
    """Whether the person's own words tell of danger; see `agent.crisis`."""
    crisis_seen: bool = False
    """Whether the person went on from the panel with the help lines."""
    tokens: int = 0
    """The whole prompt, as far as it is known."""
    doubt: str = ""
    """Why the local model would likely fail, or did, in words; see `certainty` and `experience`. Empty where nothing
    tells."""
    declined: bool = False
    """Whether `doubt` is the local model's own word that it cannot do this."""


@dataclass(frozen=True, slots=True)
class State:
    phase: Phase = Phase.READY
    local_model: str = ""
    local_context_tokens: int = 0
    """0: not known."""
    cloud_model: str = ""
    cloud_context_tokens: int = 0
    has_key: bool = False
    offline: bool = False
    cloud: Literal["ask", "allow", "never"] = "ask"
    agreed: bool = False
    """Whether the person agreed, in this session, that questions go to Claude by themselves."""
    escalate: Literal["offer", "auto", "never"] = "offer"
    cloud_trouble: CloudTrouble | None = None
    """What Claude failed with last, until it answers again; None where it did not, or that was long ago."""

    @property
    def is_ready(self) -> bool:
        return self.phase is Phase.READY

    @property
    def sends_by_itself(self) -> bool:
        return self.cloud == "allow" or (self.cloud == "ask" and self.agreed)


@dataclass(frozen=True, slots=True)
class Local:
    """The local model takes it. `text` says why in a sentence; empty on the usual way."""

    model: str
    reason: Reason | None = None
    text: str = ""
    offers_claude: bool = False
    """Whether one key sends the question to Claude as well."""

    @property
    def badge(self) -> str:
        return f"local · {self.reason.short}" if self.reason else "local"


@dataclass(frozen=True, slots=True)
class Claude:
    model: str
    reason: Reason
    text: str = ""

    @property
    def badge(self) -> str:
        return f"claude · {self.reason.short}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody takes it yet; it stays in view. `until`: the model, which comes by itself, or a decision of the person."""

    reason: Reason
    text: str
    hint: str = ""
    until: Literal["model", "person"] = "person"
    offers_claude: bool = False

    @property
    def badge(self) -> str:
        return f"waits · {self.reason.short}"


Choice = Local | Claude | Wait


def choose(request: Request, state: State) -> Choice:
    if request.crisis:
        return _in_crisis(request, state)
    if request.asked == "cloud":
        return _cloud_asked_for(request, state)
    if not state.is_ready:
        return _not_ready(request, state)
    if request.asked == "local":
        text = "" if _fits(request.tokens, state.local_context_tokens) else "The conversation is cut to fit."
        return Local(state.local_model, Reason.USER_ASKED, text)
    return _ready(request, state)


def _in_crisis(request: Request, state: State) -> Choice:
    """First the panel; then the local model or nobody: these words stay on this machine, whoever was asked for."""
    if not request.crisis_seen:
        return Wait(Reason.CRISIS, "You matter more than the question. It was not sent anywhere.")
    if state.is_ready:
        return Local(state.local_model, Reason.CRISIS, "This stays on this machine.")
    return Wait(Reason.CRISIS, "This stays on this machine, and waits for the local model.", until=_waits_for(state))


def _cloud_asked_for(request: Request, state: State) -> Choice:
    """The person's own wish: a recent failure is no obstacle to it, all else is said."""
    if state.offline:
        return Wait(
            Reason.OFFLINE,
            "Shammah is offline by its settings: nothing is sent to Claude.",
            "`shammah config set offline false` permits it; /local asks the local model.",
        )
    if state.cloud == "never":
        return Wait(
            Reason.USER_ASKED,
            "The settings forbid sending to Claude.",
            "`shammah config set router.cloud ask` permits it; /local asks the local model.",
        )
    if not state.has_key:
        return Wait(
            Reason.USER_ASKED,
            "There is no key for Claude.",
            "`shammah config set api_key -` keeps one, ANTHROPIC_API_KEY gives one; /local asks the local model.",
        )
    if not _fits(request.tokens, state.cloud_context_tokens):
        return Wait(
            Reason.CONTEXT_TOO_LONG,
            "The conversation is too long, for Claude as well.",
            "/compact makes it shorter, /new begins another.",
        )
    return Claude(state.cloud_model, Reason.USER_ASKED, "You asked for Claude.")


def _not_ready(request: Request, state: State) -> Choice:
    until = _waits_for(state)
    reason = Reason.OFFLINE if state.phase is Phase.NOT_AVAILABLE else Reason.MODEL_NOT_READY
    text = "No local model is available." if until == "person" else "The local model is not ready yet."
    if request.asked == "local":
        return Wait(reason, text, until=until)
    if not _cloud_can(request, state):
        return Wait(reason, text, _how_to_get_claude(state), until)
    if state.sends_by_itself:
        return Claude(state.cloud_model, Reason.MODEL_NOT_READY, text)
    return Wait(reason, text, "Claude could answer meanwhile.", until, offers_claude=True)


def _ready(request: Request, state: State) -> Choice:
    if not _fits(request.tokens, state.local_context_tokens):
        reason, text = Reason.CONTEXT_TOO_LONG, "The conversation is longer than the local model reads."
    elif request.doubt and state.escalate != "never":
        reason = Reason.NO_MATCH if request.declined else Reason.LOW_CONFIDENCE
        text = request.doubt
    else:
        return Local(state.local_model)
    if not _cloud_can(request, state):
        # What is only doubted is the usual way, as there is no other.
        return Local(state.local_model) if text == request.doubt else Local(state.local_model, reason, text)
    by_itself = state.sends_by_itself and (text != request.doubt or state.escalate == "auto")
    if by_itself:
        return Claude(state.cloud_model, reason, text)
    return Local(state.local_model, reason, text, offers_claude=True)


def _cloud_can(request: Request, state: State) -> bool:
    """Whether Claude could take it at all, were it sent."""
    return (
        not state.offline
        and state.cloud != "never"
        and state.has_key
        and state.cloud_trouble is None
        and _fits(request.tokens, state.cloud_context_tokens)
    )


def _how_to_get_claude(state: State) -> str:
    if state.offline or state.cloud == "never":
        return ""
    if not state.has_key:
        return "With a key, Claude could answer meanwhile: `shammah config set api_key -`."
    if state.cloud_trouble is not None:
        return "Claude cannot answer either at the moment; /cloud tries again."
    return ""


def _waits_for(state: State) -> Literal["model", "person"]:
    return "person" if state.phase in (Phase.FAILED, Phase.NOT_AVAILABLE) else "model"


def _fits(tokens: int, context_tokens: int) -> bool:
    return not context_tokens or tokens + min(ANSWER_TOKENS, context_tokens // 4) <= context_tokens
