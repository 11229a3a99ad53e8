"""Which addresses are public, by our own table: Python's `is_private` differs between versions and misses some.

Sources: IANA's IPv4 and IPv6 special-purpose registries, RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), and the
clouds' own pages for their metadata addresses.
"""

from __future__ import annotations

import ipaddress
import re

_NOT_PUBLIC_V4 = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
    "203.0.113.0/24 168.63.129.16/32 224.0.0.0/4 240.0.0.0/4"
)
# Of IPv6 only 2000::/3 is given out at all; of that, what carries another address or belongs to nobody is taken away.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
_CLOSED_V4 = tuple(map(ipaddress.IPv4Network, _NOT_PUBLIC_V4.split()))
_CLOSED_V6 = tuple(map(ipaddress.IPv6Network, _NOT_PUBLIC_V6.split()))
_METADATA = frozenset({"169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16",
                       "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"})  # fmt: skip
_METADATA_TEXT = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.23?\b|100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192|fd00:ec2::(?:254|23)|"
    r"metadata\.google\.internal|metadata\.goog\b|2852039166|0xa9fea9fe|0251\.0376\.0251\.0376",
    re.IGNORECASE,
)


def is_public(address: str) -> bool:
    """Whether a canonical IPv4 or IPv6 address may be connected to; what is no address is not public."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _CLOSED_V4)
    if parsed.scope_id is not None or parsed not in _GLOBAL_V6:
        return False
    return not any(parsed in network for network in _CLOSED_V6)


def is_metadata(address: str) -> bool:
    return address.lower() in _METADATA


def names_metadata(text: str) -> bool:
    """Whether a word speaks of a cloud's metadata service, in one of the spellings that programs understand."""
    return _METADATA_TEXT.search(text) is not None


def is_address_like(host: str) -> bool:
    """Whether some resolver would read `host` as an IPv4 address: decimal, octal, hexadecimal, or short."""
    return re.fullmatch(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}", host, re.IGNORECASE) is not None


def is_dotted_quad(host: str) -> bool:
    """Whether `host` is an IPv4 address in its one canonical spelling."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdecimal() and str(int(part)) == part and int(part) < 256 for part in parts)
