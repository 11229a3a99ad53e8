"""What happened, as frozen values. Every flow is an async generator of these, read by the screen, the command line
and the HTTP API alike. They cross the socket as JSON by `shammah_tui.wire`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shammah_tui.conversation import FinishReason, ToolCall, Usage
from shammah_tui.state import BootstrapState as BootstrapState
from shammah_tui.state import ModelSummary as ModelSummary
from shammah_tui.state import Phase as Phase
from shammah_tui.state import Progress as Progress

if TYPE_CHECKING:
    from asyncio import Future


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: BootstrapState


@dataclass(frozen=True, slots=True)
class TurnWaiting:
    """The question waits in view: the model is not ready, or the engine is being started again. `offers_claude`: a key
    of the person sends it to Claude now."""

    reason: str
    offers_claude: bool = False


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A backend took the question. `model` is its display name; `route` is "local" or "claude".

    `turn` is the question's sequence number in its session: it names this turn for a rating.
    """

    model: str
    route: str
    reason: str = ""
    turn: int = 0
    adapter: str = ""
    adapter_why: str = ""
    """Why this adapter answers, in one phrase; empty where it is simply the active one."""


@dataclass(frozen=True, slots=True)
class TextArrived:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingArrived:
    """A piece of what the model thinks before it answers: shown apart, folded, and no part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model asks for a tool; nothing was run yet."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Approval:
    """What the person answered. `note`: the reason of a denial, in their words, for the model."""

    choice: Literal["once", "session", "always", "deny"]
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PermissionAsked:
    """A tool waits for the person: whoever reads this sets `answer`. A cancelled or forgotten one means deny."""

    call: ToolCall
    display: str
    """The whole command, path or address."""
    reason: str
    """Why it is asked."""
    rules: tuple[str, ...]
    """What "always" would save, a line each; empty where "for this session" and "always" are not offered."""
    preview: str
    """What would change, as a unified diff; empty where nothing can be shown."""
    answer: Future[Approval]
    reach: str = ""
    """For a command: whether it would run inside the sandbox, and what it is given there; else why there is none."""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """It was allowed, and runs."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A piece of what a running tool prints; a flood is thinned out."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """How a call ended: `text` is what the model is told, `summary` one line for the person. `refused`: it was not
    allowed, and did not run."""

    call_id: str
    text: str
    summary: str
    failed: bool = False
    refused: bool = False
    diff: str = ""
    truncated: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that the person should know about this turn: results cut to fit, a repair, a loop that was ended."""

    text: str


@dataclass(frozen=True, slots=True)
class CloudOffered:
    """The local answer is doubted, for this reason: a key of the person asks Claude the same question."""

    reason: str


@dataclass(frozen=True, slots=True)
class HelpShown:
    """The person's words tell of danger to themselves: this is shown in a panel of its own, and stored nowhere. The
    question was not sent; sent once more it goes to the local model alone."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class RestartWanted:
    """A tool that the person allowed ends the program, to begin it again in this conversation."""

    reason: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """One request to the model is over, and its tools come next; the turn goes on."""

    usage: Usage = Usage()
    tokens_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The answer is over, whole or not (`finish_reason`). Durations in seconds; `usage` of all its requests."""

    finish_reason: FinishReason
    usage: Usage = Usage()
    first_token_seconds: float = 0.0
    total_seconds: float = 0.0
    tokens_per_second: float = 0.0
    verbatim: str = ""
    """See `Message.verbatim`."""
    mean_logprob: float | None = None
    """Of the answer's first tokens, in nats, and the mean entropy they were drawn with; None where nobody told."""
    mean_entropy: float | None = None
    notice: str = ""
    """What the person should know about how it ended: that a limit cut it, say, and which."""
    adapter: str = ""
    """The adapter that made the answer, as the engine says; empty for the base alone, and where nobody told."""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """No answer, or no more of it; the question is kept. `exit_code` is for the command line (75: try again later)."""

    message: str
    hint: str = ""
    exit_code: int = 1


TurnEvent = (
    TurnWaiting
    | TurnStarted
    | TextArrived
    | ThinkingArrived
    | ToolRequested
    | PermissionAsked
    | ToolStarted
    | ToolOutput
    | ToolFinished
    | Noticed
    | CloudOffered
    | HelpShown
    | RestartWanted
    | StepEnded
    | TurnEnded
    | TurnFailed
)
