"""What crosses the socket beside OpenAI's own API: the routes of ours, and events as JSON. Both sides import this.

GET  /health                     HealthReport
GET  /v1/shammah/state           BootstrapState
GET  /v1/shammah/events          Server-Sent Events, each `data:` one BootstrapState, the present one first
POST /v1/shammah/model           ModelRequest -> BootstrapState     choose and load another model
POST /v1/shammah/tokenize        TokenizeRequest -> TokenizeReport  the model's own count, template included
GET  /v1/shammah/adapters        AdaptersReport
POST /v1/shammah/adapter         AdapterRequest -> AdapterReport    which adapter answers from now on; null for none
POST /v1/shammah/stop            -> HealthReport                    end the engine
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shammah_tui.events import BootstrapState

# Raised when a client and an engine of different versions could misunderstand each other.
PROTOCOL = 1

ROUTE_STATE = "/v1/shammah/state"
ROUTE_EVENTS = "/v1/shammah/events"
ROUTE_MODEL = "/v1/shammah/model"
ROUTE_TOKENIZE = "/v1/shammah/tokenize"
ROUTE_STOP = "/v1/shammah/stop"
ROUTE_ADAPTERS = "/v1/shammah/adapters"
ROUTE_ADAPTER = "/v1/shammah/adapter"

# The session that a chat request belongs to: the engine keeps that session's keys and values across a restart.
HEADER_SESSION = "x-shammah-session"
# How many seconds a chat request may wait for a model to be ready, in place of a 503.
HEADER_WAIT = "x-shammah-wait"

# Which adapter makes an answer: NAME, NAME@SCALE or "none"; without it, the active one. Every answer carries the header
# too, with the one that made it.
HEADER_ADAPTER = "x-shammah-adapter"
NO_ADAPTER = "none"

bootstrap_state = TypeAdapter(BootstrapState)


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


class AdapterReport(Wire):
    """The active adapter."""

    name: str | None
    """None: the base alone."""
    scale: float = 1.0
    sha256: str = ""
    problem: str = ""
    """Why the adapter that should be in use is not, in words; empty where all is well."""
    swap_ms: float = 0.0
    """How long it took until the next answer would be made with it."""


class AdapterSummary(Wire):
    name: str
    base: str
    created: str
    """ISO 8601, UTC."""
    size_bytes: int
    rules: tuple[str, ...] = ()
    fits: bool = False
    """Whether it was made for the model that is loaded."""
    current: bool = False
    problem: str = ""


class AdaptersReport(Wire):
    active: AdapterReport
    adapters: tuple[AdapterSummary, ...] = ()
    """Newest first."""
