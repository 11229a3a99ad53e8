"""What crosses the socket beside OpenAI's own API: the routes of ours, and events as JSON. Both sides import this.

GET  /health                     HealthReport
GET  /v1/shammah/state           BootstrapState
GET  /v1/shammah/events          Server-Sent Events, each `data:` one BootstrapState, the present one first
POST /v1/shammah/model           ModelRequest -> BootstrapState     choose and load another model
POST /v1/shammah/tokenize        TokenizeRequest -> TokenizeReport  the model's own count, template included
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

# The session that a chat request belongs to: the engine keeps that session's keys and values across a restart.
HEADER_SESSION = "x-shammah-session"
# How many seconds a chat request may wait for a model to be ready, in place of a 503.
HEADER_WAIT = "x-shammah-wait"

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
