"""Whether the hub can be had at all, found out quickly: the first minute without a network must not be a wait."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from shammah_tui.bootstrap import cache
from shammah_tui.config.settings import Settings

ENDPOINT = "https://huggingface.co"
TIMEOUT_SECONDS = 3.0
# Nothing behind such an answer can be had. Any other may be of the first page alone: a mirror need not have one.
PROXY_REFUSED = 407
GATEWAY_FAILED = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing can be downloaded, as a clause, and what to do about it."""

    reason: str
    hint: str


OFFLINE_SET = Obstacle("offline is set", "Set offline = false in the config to download.")
OFFLINE_ENVIRONMENT = Obstacle("HF_HUB_OFFLINE is set", "Unset HF_HUB_OFFLINE to download.")
UNREACHED = Obstacle("the hub cannot be reached", "Check the network, and HF_ENDPOINT if it is set.")
FAILING = Obstacle("the hub fails just now", "Try again later, and check HF_ENDPOINT if it is set.")
PROXY = Obstacle("the proxy does not let the hub through", "Check HTTPS_PROXY and NO_PROXY.")
CERTIFICATE = Obstacle(
    "the hub's certificate is not trusted",
    "A company's proxy often does this: set SSL_CERT_FILE to its certificate. Check the clock as well.",
)


def endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")


async def obstacle_to_hub(settings: Settings) -> Obstacle | None:
    """What stands between this machine and the hub; None if it answers. Takes at most about TIMEOUT_SECONDS."""
    if settings.offline:
        return OFFLINE_SET
    if cache.is_offline():
        return OFFLINE_ENVIRONMENT
    import httpx2  # a quarter of a second, which a start with a downloaded model need not wait for

    if not urlsplit(endpoint()).hostname:
        return UNREACHED
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient() as client:
            status = (await client.head(endpoint(), timeout=TIMEOUT_SECONDS)).status_code
    except httpx2.ProxyError:
        return PROXY
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
        return CERTIFICATE if is_about_certificate(error) else UNREACHED
    if status == PROXY_REFUSED:
        return PROXY
    return FAILING if status in GATEWAY_FAILED else None


def is_about_certificate(error: BaseException) -> bool:
    """Whether a failed certificate check is behind it: the client wraps it once or twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
