"""Reading a request's body: JSON alone, whole, within limits that hold while it arrives."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shammah_tui.errors import RequestError

BODY_BYTES_MAX = 16 * 1024 * 1024
BODY_SECONDS_MAX = 30.0

Wanted = TypeVar("Wanted", bound=BaseModel)


async def read(request: Request, wanted: type[Wanted]) -> Wanted:
    """The body as `wanted`. Raises RequestError: 400, 408, 413, 415; ClientDisconnect where the client left."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError("The content type must be application/json.", status=415)
    return checked(wanted, _parse(await _receive(request)))


def checked(wanted: type[Wanted], values: Any) -> Wanted:
    """`values` as `wanted`. Raises RequestError with the name of the field that is at fault."""
    try:
        return wanted.model_validate(values)
    except ValidationError as error:
        raise _explained(error) from None


async def _receive(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > BODY_BYTES_MAX:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for part in request.stream():
                size += len(part)
                if size > BODY_BYTES_MAX:
                    raise _too_large()
                parts.append(part)
    except TimeoutError:
        raise RequestError("The request's body did not arrive in time.", status=408) from None
    return b"".join(parts)


def _too_large() -> RequestError:
    return RequestError(f"The request is larger than {BODY_BYTES_MAX // 1024**2} MiB.", status=413)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise RequestError("The request is not valid UTF-8.") from None
    except RecursionError:
        raise RequestError("The request is nested too deeply.") from None
    except ValueError as error:
        raise RequestError(f"The request is not valid JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _explained(error: ValidationError) -> RequestError:
    """The first thing that is wrong, with the name of the field as OpenAI writes it: `messages[0].role`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    message = f"{name}: {first['msg']}" if name else first["msg"]
    return RequestError(message, param=name or None)
