"""Who may speak to the engine.

The Unix socket is guarded by its mode. TCP can be reached by every program of this machine and by every page that its
browser shows, so there each request carries the token, names a host that we are, and comes from no web page.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shammah_tui import paths
from shammah_tui.daemon.failure import response_to
from shammah_tui.errors import ConfigError, HomeError, RequestError
from shammah_tui.files import create_private, private_folder

_TOKEN_BYTES = 32


class OriginGuard:
    """Refuses what a web page sends. Browsers give every cross-site POST an `Origin`, `null` for a sandboxed page."""

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        origins = Headers(scope=scope).getlist("origin")
        if any(origin not in self._allowed for origin in origins):
            error = RequestError("Web pages may not use this engine.", status=403)
            await response_to(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class TcpGuard:
    """Asks for the token on every route, and for a `Host` that names this server (against DNS rebinding)."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: frozenset[str]) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            self._check(Headers(scope=scope))
        except RequestError as error:
            await response_to(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise RequestError("The Host header does not name this engine.", status=403)
        given = headers.getlist("authorization")
        if len(given) != 1 or not hmac.compare_digest(given[0].encode("latin-1", "replace"), self._expected):
            raise RequestError(
                "The token is missing or wrong.",
                "Send `Authorization: Bearer …` with the content of daemon.token in the Shammah home.",
                status=401,
            )

    def _is_ours(self, host: str) -> bool:
        """An address cannot be rebound, a name can: of names, those listed."""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.removeprefix("[").removesuffix("]").lower()
        return name in self._hosts or _is_address(name)


def own_hosts(bound: str) -> frozenset[str]:
    """The names that clients may know us by; `.local` is what multicast DNS adds."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name.removesuffix('.local')}.local", bound.lower()})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def read_token() -> str:
    """The token of this home, made at the first use. Raises HomeError where the file is unfit."""
    path = paths.daemon_token()
    private_folder(path.parent)
    create_private(path, f"{secrets.token_urlsafe(_TOKEN_BYTES)}\n".encode())
    try:
        mode = path.stat().st_mode & 0o077
        token = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise HomeError(f"{path} cannot be read.", "Remove it, and a new token is made.") from error
    if mode:
        raise HomeError(f"Other users can read {path}.", f"`chmod 600 {path}`, or remove it for a new token.")
    if len(token) < 16:
        raise HomeError(f"The token in {path} is too short.", "Remove it, and a new one is made.")
    return token


def parse_bind(bind: str, *, allow_remote: bool) -> tuple[str, int]:
    """HOST:PORT (an IPv6 address in brackets) as host and port. Raises ConfigError, also for an address that other
    machines can reach unless that is allowed."""
    host, colon, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f'--bind {bind} is not "HOST:PORT".', "For example --bind 127.0.0.1:8080.")
    is_local = host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
    if not is_local and not allow_remote:
        raise ConfigError(
            f"--bind {bind} would let other machines reach this engine, without encryption.",
            "Use 127.0.0.1 and an SSH tunnel, or add --allow-remote.",
        )
    return host, int(port)
