"""The application: which route is served by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from shammah_tui import wire
from shammah_tui.daemon import failure
from shammah_tui.daemon.requests import RequestCounts
from shammah_tui.daemon.routes.chat import ChatCompletions
from shammah_tui.daemon.routes.metrics import Metrics
from shammah_tui.daemon.routes.models import Models
from shammah_tui.daemon.routes.own import Events, Own
from shammah_tui.daemon.routes.train import Train, TrainEvents
from shammah_tui.daemon.security import OriginGuard
from shammah_tui.daemon.service import Service
from shammah_tui.errors import ShammahError


def create_app(service: Service) -> ASGIApp:
    """All routes over `service`; for the Unix socket as it is, for TCP behind `security.TcpGuard`."""
    models, own, train = Models(service), Own(service), Train(service)
    served: list[tuple[str, str]] = []

    def route(method: str, path: str, endpoint: Callable[..., Any]) -> Route:
        served.append((method, path))
        return Route(path, endpoint, methods=[method])

    chat, events = ChatCompletions(service), Events(service)
    routes = [
        route("POST", "/v1/chat/completions", chat),
        route("GET", "/v1/models", models.all),
        route("GET", "/v1/models/{id:path}", models.one),
        route("GET", "/health", own.health),
        route("GET", wire.ROUTE_STATE, own.state),
        route("GET", wire.ROUTE_EVENTS, events),
        route("POST", wire.ROUTE_MODEL, own.model),
        route("POST", wire.ROUTE_TOKENIZE, own.tokenize),
        route("GET", wire.ROUTE_ADAPTERS, own.adapters),
        route("POST", wire.ROUTE_ADAPTER, own.adapter),
        route("POST", wire.ROUTE_TRAIN, train.begin),
        route("GET", wire.ROUTE_TRAIN, train.all),
        route("GET", wire.ROUTE_TRAIN_EVENTS, TrainEvents(service)),
        route("POST", wire.ROUTE_TRAIN_CANCEL, train.cancel),
        route("POST", wire.ROUTE_STOP, own.stop),
    ]
    counts = RequestCounts(path for _, path in [*served, ("GET", "/metrics")])
    routes.append(route("GET", "/metrics", Metrics(service, counts).page))
    handlers = {
        ShammahError: failure.on_shammah_error,
        HTTPException: failure.on_http_exception,
        Exception: failure.on_unforeseen,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    return counts.around(OriginGuard(app))
