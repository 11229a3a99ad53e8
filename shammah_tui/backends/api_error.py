"""Errors of an OpenAI-compatible server, and of the way to it, as the errors that a person may see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from shammah_tui.errors import ContextOverflow, EngineBusy, EngineError, EngineGone, RequestError, ShammahError

ERROR_BYTES_MAX = 64 * 1024
_OVERFLOW = frozenset({"context_length_exceeded", "exceed_context_size_error"})


@contextmanager
def connection_errors() -> Iterator[None]:
    """What goes wrong on the way becomes EngineGone (the connection) or EngineError (an answer that is no HTTP)."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise EngineGone("The engine cannot be reached.", "`shammah daemon status` tells whether it runs.") from error
    except httpx2.TransportError as error:
        raise EngineGone("The connection to the engine was lost.", "The question can be sent again.") from error
    except (httpx2.DecodingError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise EngineError(f"The engine's answer could not be understood: {error}") from error


async def raise_for_status(response: httpx2.Response) -> None:
    """Raises the error that a response of 400 and above tells of; the body is read for it, up to a limit."""
    if response.status_code < 400:
        return
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > ERROR_BYTES_MAX:
            break
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    raise from_body(body, response.status_code, response.headers.get("retry-after"))


def from_body(body: Any, status: int, retry_after: str | None = None) -> ShammahError:
    """The error in `{"error": {…}}`, also where a server writes only a text there, or nothing of use."""
    details = body.get("error") if isinstance(body, dict) else None
    if not isinstance(details, dict):
        details = {"message": details} if isinstance(details, str) else {}
    message = _text(details, "message") or f"The engine answered with HTTP status {status}."
    hint = _text(details, "hint")
    code = details.get("code")
    if code in _OVERFLOW or details.get("type") in _OVERFLOW:
        return ContextOverflow(
            message,
            hint or "Start a new conversation, or raise the context in the settings.",
            prompt_tokens=_number(details, "prompt_tokens", "n_prompt_tokens"),
            context_tokens=_number(details, "context_tokens", "n_ctx"),
        )
    if status == 429:
        return EngineBusy(message, hint or "Try again in a moment.", retry_after_seconds=_seconds(retry_after))
    if status >= 500:
        return EngineError(message, hint)
    param = details.get("param")
    return RequestError(message, hint, status=status, param=param if isinstance(param, str) else None)


def _text(details: dict[str, Any], key: str) -> str:
    value = details.get(key)
    return value if isinstance(value, str) else ""


def _number(details: dict[str, Any], *keys: str) -> int:
    return next((details[key] for key in keys if isinstance(details.get(key), int)), 0)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        return 1.0
