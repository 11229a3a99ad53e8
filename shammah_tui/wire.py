"""What crosses the socket beside OpenAI's own API: the routes of ours, and events as JSON. Both sides import this.

GET  /health                     HealthReport
GET  /v1/shammah/state           BootstrapState
GET  /v1/shammah/events          Server-Sent Events, each `data:` one BootstrapState, the present one first;
                                 STOPPED at the end where somebody stops the engine
POST /v1/shammah/model           ModelRequest -> BootstrapState     choose and load another model
POST /v1/shammah/tokenize        TokenizeRequest -> TokenizeReport  the model's own count, template included
GET  /v1/shammah/adapters        AdaptersReport
POST /v1/shammah/adapter         AdapterRequest -> AdapterReport    which adapter answers from now on; null for none
POST /v1/shammah/train           TrainRequest -> RunState           begin a training run; 409 while another one lives
GET  /v1/shammah/train           RunsReport                         the run that lives, and all there were
GET  /v1/shammah/train/events    Server-Sent Events: a run's events from its first, then as they come, until its end
                                 (?run=NAME, or the latest; ?after=N leaves out those up to number N)
POST /v1/shammah/train/cancel    {} -> RunState
POST /v1/shammah/stop            -> HealthReport                    end the engine
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shammah_tui.events import BootstrapState

# Raised when a client and an engine of different versions could misunderstand each other.
PROTOCOL = 1

ROUTE_STATE = "/v1/shammah/state"
ROUTE_EVENTS = "/v1/shammah/events"
ROUTE_MODEL = "/v1/shammah/model"
ROUTE_TOKENIZE = "/v1/shammah/tokenize"
ROUTE_STOP = "/v1/shammah/stop"
STOPPED = '"stopped"'
"""The last event for whoever is connected when the engine is told to end: it is not to be started again by itself."""

ROUTE_ADAPTERS = "/v1/shammah/adapters"
ROUTE_ADAPTER = "/v1/shammah/adapter"
ROUTE_TRAIN = "/v1/shammah/train"
ROUTE_TRAIN_EVENTS = "/v1/shammah/train/events"
ROUTE_TRAIN_CANCEL = "/v1/shammah/train/cancel"

# The session that a chat request belongs to: the engine keeps that session's keys and values across a restart.
HEADER_SESSION = "x-shammah-session"
# How many seconds a chat request may wait for a model to be ready, in place of a 503.
HEADER_WAIT = "x-shammah-wait"

# Which adapter makes an answer: NAME, NAME@SCALE or "none"; without it, the active one. Every answer carries the header
# too, with the one that made it.
HEADER_ADAPTER = "x-shammah-adapter"
NO_ADAPTER = "none"

bootstrap_state = TypeAdapter(BootstrapState)


def is_path(model: str) -> bool:
    """Whether `model`, as `ModelRequest` has it, is the path of a file."""
    return model.startswith(("/", "~", "./", "../")) or (model.lower().endswith(".gguf") and ":" not in model)


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class HealthReport(Wire):
    status: str
    """"ok", or "stopping" on the way out."""
    version: str
    protocol: int
    pid: int
    phase: str
    model: str | None = None
    adapter: str = ""
    """The active one, with its scale where that is not 1; empty for the base alone."""
    clients: int = 0
    uptime_seconds: float = 0.0
    keep_alive_seconds: float | None = None
    """None: it stays until it is stopped."""
    offline: bool = False
    settings: str = ""
    """With `hub` what it was started with, as `config.held` makes digests of it."""
    hub: str = ""


class ModelRequest(Wire):
    model: str
    """What `--model` takes: "auto", "demo", a size such as "1.5b", a hub name, or the path of a GGUF."""


class TokenizeRequest(Wire):
    messages: tuple[dict[str, Any], ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    text: str = ""


class TokenizeReport(Wire):
    tokens: int
    context_tokens: int


class AdapterRequest(Wire):
    name: str | None
    scale: float = 1.0
    by: Literal["person", "program"] = "person"


class AdapterReport(Wire):
    """The active adapter."""

    name: str | None
    """None: the base alone."""
    scale: float = 1.0
    sha256: str = ""
    by: Literal["person", "program"] = "person"
    """Who decided that it answers."""
    problem: str = ""
    """Why the adapter that should be in use is not, in words; empty where all is well."""
    swap_ms: float = 0.0
    """How long it took until the next answer would be made with it."""


class RuleScope(Wire):
    """Where a rule applies; see `store.rule.Scope`."""

    languages: tuple[str, ...] = ()
    outside_tests: bool = False
    only_tests: bool = False
    paths: tuple[str, ...] = ()


class AdapterSummary(Wire):
    name: str
    base: str
    created: str
    """ISO 8601, UTC."""
    size_bytes: int
    rules: tuple[str, ...] = ()
    scopes: tuple[RuleScope, ...] = ()
    """Where its rules apply, as far as that is known."""
    fits: bool = False
    """Whether it was made for the model that is loaded."""
    current: bool = False
    problem: str = ""


class AdaptersReport(Wire):
    active: AdapterReport
    adapters: tuple[AdapterSummary, ...] = ()
    """Newest first."""


class TrainRequest(Wire):
    run: str = ""
    """Names `<home>/runs/<run>/`, where `rows.jsonl` may lie already; empty makes a name."""
    rows: tuple[dict[str, Any], ...] = ()
    """As `shammah train --rows` takes them; empty where the file is there."""
    base: str = ""
    """A Hugging Face folder; empty is that of the model which is served."""
    adapter: str = ""
    """What the adapter will be called; empty is the run's name."""
    arguments: dict[str, float | int | str] = {}
    """Of `TrainArguments`, above the settings."""
    automatic: bool = False
    """Nobody asked for it: rows that were trained already, with whatever end, are then refused."""


class RunState(Wire):
    """A training run. Its events are the trainer's (`learning.event`), each with `event`, `number` and `at`, and ours:
    `RunStarted`, `ModelUnloaded`, `AdapterActivated`, `Failed`, and last `RunClosed` with the status."""

    run: str
    status: Literal["running", "accepted", "refused", "failed", "cancelled"]
    adapter: str = ""
    """Its name, where one was accepted."""
    base: str = ""
    automatic: bool = False
    rows: int = 0
    rows_sha256: str = ""
    started_at: float = 0.0
    """Seconds since 1970."""
    ended_at: float = 0.0
    phase: str = ""
    step: int = 0
    steps: int = 0
    seconds_left: float = 0.0
    message: str = ""
    """Why it failed or was refused, in words."""
    hint: str = ""
    pid: int = 0
    pid_started_at: float = 0.0
    """Of the trainer's process: no later one can be mistaken for it."""


class RunsReport(Wire):
    active: RunState | None = None
    runs: tuple[RunState, ...] = ()
    """Newest first."""


def figure(value: float, *, is_share: bool) -> str:
    """A value of the gate's table in as few characters as tell it: "97.3%", "0.00054"."""
    return f"{100 * value:.3g}%" if is_share else f"{value:.3g}"
