"""`offline = true` as a wall inside this process: after `seal`, no socket of it reaches another machine.

It is an audit hook, below every library: a connection or a datagram to another machine, and the look-up of a name,
raise. It cannot be taken down again, and it does not bind child processes: the sandbox does that for commands.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

_WATCHED = frozenset(
    {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
)
_sealed = False


class Sealed(OSError):
    """Something tried to reach another machine, and was stopped."""


def seal() -> None:
    """Close this process off, for good; a second call does nothing."""
    global _sealed
    if not _sealed:
        _sealed = True
        sys.addaudithook(_check)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WATCHED:
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        # A Unix socket's address is a text, an Internet one's a tuple; none is given on a connected socket.
        address = arguments[1] if len(arguments) > 1 else None
        if not isinstance(address, tuple):
            return
        host = address[0]
    if not is_this_machine(host):
        raise Sealed(f"Shammah is offline by its settings: {_text(host)} is another machine.")


def is_this_machine(host: object) -> bool:
    name = _text(host)
    if name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _text(host: object) -> str:
    if host is None:
        return ""
    return host.decode("utf-8", "replace") if isinstance(host, bytes | bytearray) else str(host)
