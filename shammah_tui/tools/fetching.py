"""Fetches one web page: from the address that was judged, over a few redirects of the same host, within bounds."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx2

from shammah_tui import __version__, paths
from shammah_tui.errors import HomeError
from shammah_tui.journal.ledger import Departure, Ledger
from shammah_tui.tools.address import Destination, locate, place_of, read
from shammah_tui.tools.tool import Context, Refused

_GZIP_OR_ZLIB = 47  # zlib's wbits: 15 for the window, 32 to tell the header by itself
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")


@dataclass(frozen=True, slots=True)
class Page:
    """What came; `is_cut` where there was more than is taken."""

    url: str
    status: int
    content_type: str
    charset: str
    body: bytes
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The page sends on to another host, which is a question of its own."""

    url: str


async def fetch(text: str, context: Context) -> Page | Elsewhere:
    """Raises Refused for every reason why there is no page, with it."""
    limits = context.limits
    url = read(text)
    try:
        async with asyncio.timeout(limits.web_seconds):
            for _ in range(limits.web_redirects + 1):
                answer = await _ask(await locate(url, context.granted_hosts, context.private_hosts), context)
                if isinstance(answer, Page):
                    return answer
                target = read(str(answer))
                if place_of(target) != place_of(url) or target.scheme != url.scheme:
                    return Elsewhere(str(target))
                url = target
    except TimeoutError as error:
        raise Refused(f"{url} did not answer in full within {limits.web_seconds:g} s.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError) as error:
        raise Refused(f"{url} cannot be fetched: {error or type(error).__name__}.") from error
    raise Refused(f"{text} redirects more than {limits.web_redirects} times.")


@asynccontextmanager
async def _sent(
    client: httpx2.AsyncClient, destination: Destination, headers: dict[str, str], context: Context
) -> AsyncIterator[httpx2.Response]:
    """The response to one request, which stands in the ledger before it leaves. Raises Refused where it cannot."""
    extensions = {"sni_hostname": destination.host}
    request = client.build_request("GET", destination.pinned, headers=headers, extensions=extensions)
    size = len(request.url.raw_path) + sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    ledger = Ledger(context.home / paths.privacy_ledger().name)
    outcome = "failed"
    response: httpx2.Response | None = None
    try:
        name = await ledger.depart(Departure(destination.host_header, "WebFetch", size, question=str(destination.url)))
    except HomeError as error:
        raise Refused(f"Nothing was sent, because it could not be written down: {error.message}") from error
    try:
        response = await client.send(request, stream=True)
        yield response
        outcome = "answered"
    finally:
        received = response.num_bytes_downloaded if response is not None else 0
        if response is not None:
            await response.aclose()
        with suppress(HomeError):  # the ledger then lists the end as unknown, which is true
            await ledger.end(name, outcome, received_bytes=received)


async def _ask(destination: Destination, context: Context) -> Page | httpx2.URL:
    """One request; a redirect is answered by where it leads. Nothing of the person's environment takes part."""
    verify = ssl.create_default_context(cafile=str(context.certificates)) if context.certificates else True
    headers = {
        "Host": destination.host_header,
        "User-Agent": f"shammah/{__version__}",
        "Accept": "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,*/*;q=0.1",
        "Accept-Encoding": "gzip",
    }
    client = httpx2.AsyncClient(
        trust_env=False, follow_redirects=False, verify=verify, timeout=context.limits.web_seconds
    )
    async with client, _sent(client, destination, headers, context) as response:
        location = response.headers.get("location")
        if response.is_redirect and location:
            return destination.url.join(location)
        body, is_cut = await _body(response, context.limits.web_bytes)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Page(str(destination.url), response.status_code, kind, response.charset_encoding or "", body, is_cut)


async def _body(response: httpx2.Response, bytes_max: int) -> tuple[bytes, bool]:
    """The decoded body, never more than the bound in memory however small it was on the wire."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise Refused(f"The page is compressed by {encoding}, which was not asked for.")
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding not in ("", "identity") else None
    body = bytearray()
    async for piece in response.aiter_raw():
        if inflate is None:
            body += piece[: bytes_max + 1 - len(body)]
        else:
            try:
                body += inflate.decompress(piece, bytes_max + 1 - len(body))
            except zlib.error as error:
                raise Refused("The page is damaged: it cannot be unpacked.") from error
        if len(body) > bytes_max:
            return bytes(body[:bytes_max]), True
    return bytes(body), False
