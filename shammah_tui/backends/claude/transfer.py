"""The way to the API: its address, the client, what the ledger is told of each request, and what breaks on the way."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from shammah_tui.backends.claude import trouble
from shammah_tui.backends.claude.reading import Reading
from shammah_tui.errors import ConfigError, ShammahError
from shammah_tui.journal.ledger import Departure, Ledger

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

ANTHROPIC_URL = "https://api.anthropic.com"
VARIABLE = "ANTHROPIC_BASE_URL"
CONNECT_SECONDS = 10.0


@dataclass(slots=True)
class Transfer:
    """One request on its way; `name` is the ledger's, empty until it is about to leave."""

    departure: Departure
    name: str = ""
    received_bytes: int = 0


_under_way: ContextVar[Transfer] = ContextVar("transfer")


@contextmanager
def sending(transfer: Transfer) -> Iterator[None]:
    """What is sent inside counts as `transfer`."""
    token = _under_way.set(transfer)
    try:
        yield
    finally:
        _under_way.reset(token)


def address(setting: str, environment: Mapping[str, str] | None = None) -> str:
    """The base URL. Raises ConfigError for one that would carry the key and the conversation unencrypted."""
    given = setting.strip() or (os.environ if environment is None else environment).get(VARIABLE, "").strip()
    url = given or ANTHROPIC_URL
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))):
        return url
    raise ConfigError(
        f"claude.base_url cannot be {url!r}.", "It begins with https://; http:// is for this machine alone."
    )


def build(key: SecretStr, url: str, timeout_seconds: float, ledger: Ledger) -> AsyncAnthropic:
    """The library's client. Blocks for its import. It follows no redirect: that would carry the key elsewhere."""
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

    http = DefaultAsyncHttpxClient(
        timeout=httpx2.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
        follow_redirects=False,
        event_hooks={"request": [partial(_record, ledger)]},
    )
    return AsyncAnthropic(
        api_key=key.get_secret_value(), base_url=url, max_retries=0, http_client=http, open_telemetry=False
    )


async def _record(ledger: Ledger, request: httpx2.Request) -> None:
    """Called with the finished request, before a byte of it leaves."""
    transfer = _under_way.get()
    departure = replace(transfer.departure, to=request.url.netloc.decode(), sent_bytes=len(request.content))
    transfer.name = await ledger.depart(departure)


@contextmanager
def understood(reading: Reading, client: AsyncAnthropic, model: str, key: str) -> Iterator[None]:
    """What the library raises becomes CloudError or ContextOverflow; an error of our own comes out as it was."""
    from anthropic import APIConnectionError, APIError, APIStatusError

    try:
        yield
    except APIStatusError as error:
        raise trouble.from_status(error, model=model, key=key) from error
    except (APIConnectionError, httpx2.TransportError) as error:
        if isinstance(error.__cause__, ShammahError):
            raise error.__cause__ from None
        host = client.base_url.host
        raise trouble.from_transport(error, host, began=reading.said_something) from error
    except (
        APIError,
        httpx2.HTTPError,
        httpx2.StreamError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
    ) as error:
        raise trouble.not_understood() from error


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
