"""Judges WebFetch: the address is read twice, by a strict expression of our own and by the library that connects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from shammah_tui.tools.permission.address import (
    is_address_like,
    is_dotted_quad,
    is_metadata,
    is_public,
    names_metadata,
)
from shammah_tui.tools.permission.characters import hidden_character
from shammah_tui.tools.permission.decision import Context, Finding, Verdict

CHARACTERS_MAX = 4_096
_URL = re.compile(r"(https?)://([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?\Z", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]@%\s]+)(?::([0-9]{1,5}))?\Z", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:;[^/]*)?(?:/|\Z)|%2f|%5c|%00|%25|//", re.IGNORECASE)
_NESTED_ADDRESS = re.compile(r"(?:https?|ftp|file)?(?::|%3a)(?:/|%2f){2}|=(?:/|%2f){2}", re.IGNORECASE)
_LOCAL_SUFFIXES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "localdomain",
    "home.arpa",
    "onion",
)
# Names under these resolve to whatever address they spell.
_SPELLING_SUFFIXES = ("nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "rbndr.us")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    """A web address in parts. `host` is lower case and ASCII, without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


class _Malformed(Exception):
    """The address cannot be read in one way only."""


def judge(url: str, patterns: Sequence[str], context: Context) -> Finding:
    """Judge one fetch; a redirect is judged again as a fetch of its own."""
    try:
        address = _read(url)
    except _Malformed as error:
        return Finding(Verdict.DENY, f"the address cannot be fetched: {error}", is_fixed=True)
    trouble = _trouble_of_host(address.host, context)
    if trouble is not None:
        return trouble
    grant = _grant(address)
    if _NESTED_ADDRESS.search(address.path + address.query):
        return Finding(Verdict.ASK, "the address carries another address, and may lead there")
    if any(_covers(pattern, address) for pattern in patterns):
        return Finding(Verdict.ALLOW, "a rule covers this address", reads_only=True)
    if address.scheme != "https":
        return Finding(Verdict.ASK, "the address is not encrypted (http)", grant, reads_only=True)
    if address.port != _DEFAULT_PORTS["https"]:
        return Finding(Verdict.ASK, f"port {address.port} is not the usual one", grant, reads_only=True)
    return Finding(Verdict.ASK, f"no rule covers {address.host}", grant, reads_only=True)


def is_named(url: str, patterns: Sequence[str]) -> bool:
    """Whether a deny rule speaks of the address: its host is enough, whatever scheme, port or path."""
    try:
        host = _read(url).host
    except _Malformed:
        return False
    names = (pattern.partition("://")[2] or pattern for pattern in patterns)
    return any(_covers_host(re.split(r"[/:]", name.strip().lower())[0], host) for name in names)


def _read(url: str) -> Address:
    """The parts of `url`. Raises _Malformed."""
    if len(url) > CHARACTERS_MAX:
        raise _Malformed("it is too long")
    if hidden_character(url) or re.search(r"[\s\\<>\"`{}|^]|%(?:[01][0-9a-f]|7f)", url, re.IGNORECASE):
        raise _Malformed("it holds a blank, a backslash or a hidden character")
    found = _URL.match(url)
    if found is None:
        raise _Malformed("only https:// and http:// are")
    authority = _AUTHORITY.match(found[2])
    if authority is None:
        raise _Malformed("its host is not plain, or names a user")
    scheme = found[1].lower()
    host = _ascii_host(authority[1].lower().strip("[]"), is_literal=authority[1].startswith("["))
    port = int(authority[2]) if authority[2] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65_536:
        raise _Malformed("its port does not exist")
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise _Malformed("the library cannot read it") from error
    their_host = parsed.raw_host.decode("ascii").strip("[]")
    if (parsed.scheme, their_host, parsed.port or _DEFAULT_PORTS[scheme]) != (scheme, host, port) or parsed.userinfo:
        raise _Malformed("two readings of it do not agree")
    return Address(scheme, host, port, found[3] or "/", found[4] or "")


def _ascii_host(host: str, *, is_literal: bool) -> str:
    """`host` as DNS takes it: a name in labels, or an address in its canonical spelling. Raises _Malformed."""
    if is_literal:
        return host
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, strict=True).decode("ascii")
        except idna.IDNAError as error:
            raise _Malformed("its host is not a plain name") from error
    if not all(_LABEL.match(label) for label in host.split(".")):
        raise _Malformed("its host is not a plain name")
    if is_address_like(host) and not is_dotted_quad(host):
        raise _Malformed("its host is an address in an unusual spelling")
    return host


def _trouble_of_host(host: str, context: Context) -> Finding | None:
    """The floor for where a connection may go, and what can be said of the name before anything is fetched."""
    if names_metadata(host) or is_metadata(host):
        return Finding(Verdict.DENY, f"{host} is a metadata service; those are never fetched", is_fixed=True)
    if ":" in host or is_dotted_quad(host):
        if not is_public(host):
            return Finding(Verdict.DENY, f"{host} is not a public address", is_fixed=True)
        return None
    if "." not in host or host.endswith(tuple(f".{suffix}" for suffix in _LOCAL_SUFFIXES)):
        return Finding(Verdict.DENY, f"{host} is a name of a local network", is_fixed=True)
    if host.endswith(tuple(f".{suffix}" for suffix in _SPELLING_SUFFIXES)) or host in _SPELLING_SUFFIXES:
        return Finding(Verdict.ASK, f"{host} resolves to whatever address it spells")
    addresses = context.addresses(host)
    if addresses is None:
        return None
    if not addresses:
        return Finding(Verdict.ASK, f"{host} does not resolve")
    for address in addresses:
        if not is_public(address):
            return Finding(Verdict.DENY, f"{host} resolves to {address}, which is not public", is_fixed=True)
    return None


def _covers(pattern: str, address: Address) -> bool:
    """Whether a rule covers an address: `host`, `*.host`, `host:port`, or `https://host/path/*`."""
    if pattern != pattern.strip() or hidden_character(pattern) or "@" in pattern or "\\" in pattern:
        return False
    scheme, sign, rest = pattern.partition("://")
    if not sign:
        scheme, rest = "https", pattern
    if scheme.lower() not in _DEFAULT_PORTS:
        return False
    authority, slash, path = rest.partition("/")
    name, colon, port = authority.lower().partition(":")
    if colon and not port.isdecimal():
        return False
    wanted_port = int(port) if colon else _DEFAULT_PORTS[scheme.lower()]
    if (address.scheme, address.port) != (scheme.lower(), wanted_port) or not _covers_host(name, address.host):
        return False
    return not slash or _covers_path(f"/{path}", address.path)


def _covers_host(name: str, host: str) -> bool:
    is_suffix = name.startswith("*.")
    stem = name.removeprefix("*.")
    try:
        stem = _ascii_host(stem, is_literal=False)
    except _Malformed:
        return False
    if is_suffix:
        return "." in stem and not is_dotted_quad(stem) and host.endswith(f".{stem}")
    return host == stem


def _covers_path(pattern: str, path: str) -> bool:
    """A path rule: `/a/*` covers what lies under `/a/`; a path that climbs is covered by none."""
    if _DOT_SEGMENT.search(path):
        return False
    stem = pattern.rstrip("*")
    tail = ".*" if stem != pattern and stem.endswith("/") else "[^/]*" if stem != pattern else ""
    body = "".join("[^/]*" if piece == "*" else re.escape(piece) for piece in re.split(r"(\*)", stem))
    return re.fullmatch(body + tail, path) is not None


def _grant(address: Address) -> tuple[str, ...]:
    if ":" in address.host:
        return ()
    authority = address.host if address.port == _DEFAULT_PORTS[address.scheme] else f"{address.host}:{address.port}"
    return (authority if address.scheme == "https" else f"http://{authority}/*",)
