"""Errors as OpenAI's API says them: `{"error": {"message", "type", "param", "code"}}`, and our `hint` beside them.

Nothing of a trace back, a prompt or a path of the machine goes out for an error that was not foreseen.
"""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shammah_tui.errors import ContextOverflow, EngineBusy, EngineError, ModelError, RequestError, ShammahError
from shammah_tui.events import BootstrapState, Phase

log = logging.getLogger(__name__)

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_CODES = {
    401: "invalid_api_key",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "request_too_large",
    415: "unsupported_media_type",
}


class ModelNotReady(EngineError):
    """No model answers yet (`state` says how far it is), or none will."""

    def __init__(self, state: BootstrapState) -> None:
        waiting = state.phase not in (Phase.FAILED, Phase.NOT_AVAILABLE)
        message = state.reason or f"The model is not ready: {state.phase.value}."
        super().__init__(message, state.hint or ("Try again in a moment." if waiting else ""))
        self.retry_after_seconds = 2.0 if waiting else 30.0


class UnknownModel(RequestError):
    """A model that is not the one loaded."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(
            f'The model "{name[:200]}" does not exist here.',
            f'This engine has "{known}"; `shammah --model` chooses another one.',
            status=404,
            param="model",
        )


def status_of(error: ShammahError) -> int:
    match error:
        case RequestError():
            return error.status
        case ContextOverflow():
            return 400
        case EngineBusy():
            return 429
        case EngineError() | ModelError():
            return 503
        case _:
            return 500


def describe(error: ShammahError) -> dict[str, Any]:
    """The body that goes out for `error`."""
    status = status_of(error)
    details: dict[str, Any] = {
        "message": error.message,
        "type": _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
        "param": error.param if isinstance(error, RequestError) else None,
        "code": _code(error, status),
        "hint": error.hint,
    }
    if isinstance(error, ContextOverflow):
        details |= {"param": "messages", "prompt_tokens": error.prompt_tokens, "context_tokens": error.context_tokens}
    return {"error": details}


def _code(error: ShammahError, status: int) -> str | None:
    match error:
        case ContextOverflow():
            return "context_length_exceeded"
        case EngineBusy():
            return "engine_busy"
        case ModelNotReady():
            return "model_not_ready"
        case UnknownModel():
            return "model_not_found"
        case _:
            return _CODES.get(status)


def response_to(error: ShammahError) -> Response:
    headers = {}
    if isinstance(error, EngineBusy | ModelNotReady):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if isinstance(error, RequestError) and error.status == 401:
        headers["www-authenticate"] = "Bearer"
    body = json.dumps(describe(error)).encode()
    return Response(body, status_of(error), headers, media_type="application/json")


def on_shammah_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShammahError)
    return response_to(error)


def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, no such method."""
    assert isinstance(error, HTTPException)
    message = f"{HTTPStatus(error.status_code).phrase}: {request.method} {request.url.path}"
    response = response_to(RequestError(message, status=error.status_code))
    response.headers.update(error.headers or {})
    return response


def on_unforeseen(request: Request, error: Exception) -> Response:
    return response_to(ShammahError("Something went wrong inside the engine.", "Its log tells more."))
