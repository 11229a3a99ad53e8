"""Finds keys and passwords in text, and puts their kind in their place: they must never become training rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.store.rating import Rating

# The forms that the issuers publish, and what stands after the usual names in code and settings.
_KINDS: tuple[tuple[str, str], ...] = (
    ("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    ("Anthropic key", r"\bsk-ant-[\w-]{16,}"),
    ("OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}"),
    ("GitHub token", r"\b(?:gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    ("GitLab token", r"\bglpat-[\w-]{16,}"),
    ("AWS key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("Google key", r"\bAIza[\w-]{30,}"),
    ("Slack token", r"\bxox[abeoprs]-[\w-]{10,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
    ("Stripe key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{30,}"),
    ("PyPI token", r"\bpypi-[\w-]{30,}"),
    ("JSON web token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    ("password in a URL", r"(?<=://)[^\s/:@'\"]+:[^\s/@'\"]{3,}(?=@)"),
    (
        "password",
        r"(?<![A-Za-z])(?i:password|passwd|pwd|secret|token|api_?-?key|access_?-?key|auth)[\"']?\s*[:=]\s*[\"']"
        r"(?P<value>[^\s\"'{}<>$%]{8,})(?=[\"'])",
    ),
    ("bearer token", r"(?i:\bbearer )(?P<value>[\w.~+/-]{20,}=*)"),
)
_COMPILED = tuple(
    (kind, re.compile(form, re.DOTALL | (re.IGNORECASE if kind == "password" else 0))) for kind, form in _KINDS
)


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with "[GitHub token]" and the like in the place of secrets, and the kinds that were found."""
    found: list[str] = []
    for kind, form in _COMPILED:

        def mask(match: re.Match[str], kind: str = kind) -> str:
            if "value" not in match.re.groupindex:
                return f"[{kind}]"
            start, end = match.start("value") - match.start(), match.end("value") - match.start()
            return f"{match[0][:start]}[{kind}]{match[0][end:]}"

        text, count = form.subn(mask, text)
        if count:
            found.append(kind)
    return text, tuple(found)


def without_secrets(rating: Rating) -> Rating:
    """The rating with every text masked, and `masked` telling what was found (with what it told before)."""
    found: list[str] = list(rating.masked)

    def clean(text: str) -> str:
        text, kinds = masked(text)
        found.extend(kinds)
        return text

    shot = rating.snapshot
    shot = replace(
        shot,
        messages=_clean_messages(shot.messages, clean),
        answer=clean(shot.answer),
        system=clean(shot.system),
    )
    cleaned = replace(rating, snapshot=shot, note=clean(rating.note), correction=clean(rating.correction))
    return replace(cleaned, masked=tuple(dict.fromkeys(found)))


def _clean_messages(messages: Sequence[Message], clean: Callable[[str], str]) -> tuple[Message, ...]:
    return tuple(
        replace(
            message,
            content=clean(message.content),
            tool_calls=tuple(ToolCall(call.id, call.name, clean(call.arguments)) for call in message.tool_calls),
        )
        for message in messages
    )
