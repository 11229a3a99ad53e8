"""Where a web address leads: read once, resolved once, and every address it has judged before one is connected to."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass

import httpx2

from shammah_tui.tools.permission.address import is_address_like, is_dotted_quad, is_metadata, is_public
from shammah_tui.tools.tool import Refused

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202f\u2060-\u2069\ufeff]")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Destination:
    """`url` as the connecting library read it, and the one IP address that it is fetched from."""

    url: httpx2.URL
    host: str
    port: int
    ip: str

    @property
    def pinned(self) -> httpx2.URL:
        """The same request with the name replaced: nothing is resolved a second time."""
        return self.url.copy_with(host=self.ip)

    @property
    def host_header(self) -> str:
        return self.url.netloc.decode("ascii")


def read(text: str) -> httpx2.URL:
    """The parts of a web address. Raises Refused where it cannot be read in one way only, or is no web address."""
    if _FORBIDDEN.search(text):
        raise Refused("The address holds a blank, a backslash or a hidden character.")
    try:
        url = httpx2.URL(text).copy_with(fragment=None)
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise Refused(f"The address cannot be read: {error}.") from error
    if url.scheme not in _PORTS or not url.host or url.userinfo:
        raise Refused("Only https:// addresses are fetched, without a user name in them.")
    return url


def place_of(url: httpx2.URL) -> str:
    """`host:port`, as grants name it."""
    return f"{url.raw_host.decode('ascii').strip('[]')}:{url.port or _PORTS[url.scheme]}"


async def locate(url: httpx2.URL, granted: frozenset[str], private: frozenset[str] = frozenset()) -> Destination:
    """The address to connect to. Raises Refused where scheme, port or any address of the host is not allowed."""
    host, port = url.raw_host.decode("ascii").strip("[]"), url.port or _PORTS[url.scheme]
    if (url.scheme, port) != ("https", 443) and place_of(url) not in granted:
        raise Refused(f"Only https on port 443 is fetched; {url.scheme} on port {port} needs the person's grant.")
    ips = [host] if ":" in host or is_dotted_quad(host) else await _resolve(host, port)
    for ip in ips:
        if is_metadata(ip) or not (is_public(ip) or place_of(url) in private):
            raise Refused(f"{host} leads to {ip}, which is not a public address; it is not fetched.")
    return Destination(url, host, port, ips[0])


async def _resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, at least one. Raises Refused."""
    if is_address_like(host):
        raise Refused(f"{host} is an address in an unusual spelling; it is not fetched.")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host} cannot be resolved: {error}.") from error
    if not found:
        raise Refused(f"{host} has no address.")
    return [str(entry[4][0]) for entry in found]
