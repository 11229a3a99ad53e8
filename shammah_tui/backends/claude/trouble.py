"""What goes wrong between here and Claude, as errors that say in plain words what happened and what to do next.

Statuses and types: platform.claude.com, API reference, errors. In the middle of a stream only the type tells.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

import httpx2

from shammah_tui.errors import CloudError, CloudTrouble, ContextOverflow, ShammahError

if TYPE_CHECKING:
    from anthropic import APIStatusError

_TYPES = {
    "authentication_error": CloudTrouble.KEY_REFUSED,
    "billing_error": CloudTrouble.BILLING,
    "permission_error": CloudTrouble.NOT_PERMITTED,
    "not_found_error": CloudTrouble.MODEL_NOT_FOUND,
    "rate_limit_error": CloudTrouble.RATE_LIMITED,
    "timeout_error": CloudTrouble.TIMED_OUT,
    "overloaded_error": CloudTrouble.OVERLOADED,
    "api_error": CloudTrouble.SERVER,
}
_STATUSES = {
    401: CloudTrouble.KEY_REFUSED,
    402: CloudTrouble.BILLING,
    403: CloudTrouble.NOT_PERMITTED,
    404: CloudTrouble.MODEL_NOT_FOUND,
    408: CloudTrouble.TIMED_OUT,
    429: CloudTrouble.RATE_LIMITED,
    504: CloudTrouble.TIMED_OUT,
    529: CloudTrouble.OVERLOADED,
}
_TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+)|exceed context limit: (\d+) .*> (\d+)")
_NO_MONEY = re.compile(r"credit balance|spend(?:ing)? limit|usage limit", re.IGNORECASE)
_THINKING = re.compile(r"signature|thinking.{0,40}block", re.IGNORECASE)

KEY_HINT = (
    "Make a key at platform.claude.com and keep it with `shammah config set api_key -`, or in ANTHROPIC_API_KEY, or "
    "in the keyring (`keyring set shammah anthropic`)."
)
ASK_LOCAL = "The local model can answer meanwhile: /local."
_WORDS: dict[CloudTrouble, tuple[str, str]] = {
    CloudTrouble.KEY_REFUSED: ("Claude does not accept the key from {key}.", KEY_HINT),
    CloudTrouble.BILLING: (
        "Claude does not answer because of billing: {said}",
        "Look at the balance and the limits at platform.claude.com. " + ASK_LOCAL,
    ),
    CloudTrouble.NOT_PERMITTED: (
        "The key from {key} may not use {model}: {said}",
        "Choose another model (`shammah config set claude.model …`), or look at the key's workspace.",
    ),
    CloudTrouble.MODEL_NOT_FOUND: (
        'Claude\'s API knows no model "{model}".',
        "`shammah config set claude.model NAME` takes another; platform.claude.com lists them. " + ASK_LOCAL,
    ),
    CloudTrouble.RATE_LIMITED: ("The rate limit of this key is reached.", "Try again in a moment. " + ASK_LOCAL),
    CloudTrouble.TIMED_OUT: (
        "Claude did not answer in time.",
        "Send the question again; claude.timeout_seconds allows more. " + ASK_LOCAL,
    ),
    CloudTrouble.OVERLOADED: ("Claude is overloaded.", "Try again in a moment. " + ASK_LOCAL),
    CloudTrouble.SERVER: (
        "Claude's server failed: {said}",
        "Send the question again; status.claude.com tells of trouble. " + ASK_LOCAL,
    ),
    CloudTrouble.REQUEST: ("Claude refuses the request: {said}", "Please report this: it is a fault of Shammah."),
}


def from_status(error: APIStatusError, *, model: str, key: str) -> ShammahError:
    """The error in a response, or in the middle of a stream. `key`: where the key comes from."""
    said = (error.api_message or "").strip() or f"HTTP status {error.status_code}"
    if (overflow := _overflow(said, error.status_code)) is not None:
        return overflow
    trouble = _TYPES.get(error.type or "") or _STATUSES.get(error.status_code)
    if trouble is None:
        trouble = CloudTrouble.SERVER if error.status_code >= 500 else CloudTrouble.REQUEST
    if trouble is CloudTrouble.REQUEST and _NO_MONEY.search(said):
        trouble = CloudTrouble.BILLING
    message, hint = _WORDS[trouble]
    if trouble is CloudTrouble.SERVER and error.request_id:
        hint += f" (request {error.request_id})"
    after = _seconds(error.response.headers)
    if after is not None and after >= 1:
        hint = f"It asks to come back in {_duration(after)}. {ASK_LOCAL}"
    return CloudError(message.format(said=said, model=model, key=key), hint, trouble=trouble, retry_after_seconds=after)


def from_transport(error: BaseException, host: str, *, began: bool) -> CloudError:
    """What the way to `host` broke on. `began`: whether a part of the answer had come."""
    causes = list(_causes(error))
    if began:
        return cut()
    if any(isinstance(cause, httpx2.ReadTimeout | httpx2.WriteTimeout | httpx2.PoolTimeout) for cause in causes):
        message, hint = _WORDS[CloudTrouble.TIMED_OUT]
        return CloudError(message, hint, trouble=CloudTrouble.TIMED_OUT)
    return CloudError(_unreachable(causes, host), _unreachable_hint(causes), trouble=CloudTrouble.UNREACHABLE)


def cut() -> CloudError:
    return CloudError(
        "Claude's answer broke off in the middle.", "Send the question again. " + ASK_LOCAL, trouble=CloudTrouble.CUT
    )


def not_understood() -> CloudError:
    return CloudError(
        "Claude's answer could not be understood.",
        "Check claude.base_url: is that the Messages API?",
        trouble=CloudTrouble.SERVER,
    )


def refused(category: str, explanation: str) -> CloudError:
    about = f" ({category})" if category else ""
    return CloudError(
        f"Claude declined to answer this question{about}. {explanation}".rstrip(),
        "Put it in other words, or ask the local model: /local. What was declined is not kept in the conversation.",
        trouble=CloudTrouble.REFUSED,
    )


def key_missing() -> CloudError:
    return CloudError("There is no key for Claude.", KEY_HINT, trouble=CloudTrouble.KEY_MISSING)


def offline() -> CloudError:
    return CloudError(
        "Shammah is offline by its settings: nothing is sent to Claude.",
        "`shammah config set offline false` permits it.",
        trouble=CloudTrouble.OFFLINE,
    )


def forbidden() -> CloudError:
    return CloudError(
        "The settings forbid sending to Claude.",
        "`shammah config set router.cloud ask` permits it, when you ask for it.",
        trouble=CloudTrouble.FORBIDDEN,
    )


def is_about_thinking(error: ShammahError) -> bool:
    """Whether the API refuses the thinking of earlier answers: something before it has changed since."""
    is_refusal = isinstance(error, CloudError) and error.trouble is CloudTrouble.REQUEST
    return is_refusal and _THINKING.search(error.message) is not None


def _overflow(said: str, status: int) -> ContextOverflow | None:
    found = _TOO_LONG.search(said)
    if found is None and status != 413:
        return None
    numbers = [int(number) for number in found.groups() if number] if found else [0, 0]
    return ContextOverflow(
        f"The conversation is too long for Claude: {numbers[0]:,} tokens of {numbers[1]:,}."
        if found
        else "The conversation is too large for Claude.",
        "Start a new conversation with /new, or make this one shorter with /compact.",
        prompt_tokens=numbers[0],
        context_tokens=numbers[1],
    )


def _unreachable(causes: list[BaseException], host: str) -> str:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{host} cannot be found: is this machine online?"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"The connection to {host} is not safe: its certificate cannot be verified."
    if any(isinstance(cause, httpx2.ProxyError) for cause in causes):
        return f"The proxy does not lead to {host}."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"{host} refuses the connection."
    if any(isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError) for cause in causes):
        return f"{host} closed the connection without an answer."
    return f"{host} cannot be reached: is this machine online?"


def _unreachable_hint(causes: list[BaseException]) -> str:
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "Behind a proxy of a company, point SSL_CERT_FILE to its certificate. " + ASK_LOCAL
    return "Check the network, HTTPS_PROXY and claude.base_url. " + ASK_LOCAL


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what led to it, the outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _seconds(headers: httpx2.Headers) -> float | None:
    """`Retry-After` in seconds, with the API's finer `retry-after-ms` before it."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    return None
