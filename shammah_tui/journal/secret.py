"""Finds keys and passwords in text, and puts their kind in their place. What only looks like code is left alone."""

from __future__ import annotations

import re

KNOWN = "secret"

# The forms that the issuers publish, and what stands after the usual names in code and settings. Where a form has a
# group `value`, that alone is the secret.
_KINDS: tuple[tuple[str, str], ...] = (
    ("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    ("Anthropic key", r"\bsk-ant-[\w-]{16,}"),
    ("OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}"),
    ("GitHub token", r"\b(?:gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    ("GitLab token", r"\bglpat-[\w-]{16,}"),
    ("AWS key", r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b"),
    ("Google key", r"\b(?:AIza[\w-]{30,}|ya29\.[\w-]{20,})"),
    ("Slack token", r"\b(?:xox[abeoprs]|xapp)-[\w-]{10,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
    ("Stripe key", r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{30,}"),
    ("PyPI token", r"\bpypi-[\w-]{30,}"),
    ("SendGrid key", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("DigitalOcean token", r"\bdop_v1_[a-f0-9]{40,}"),
    ("JSON web token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    ("password in a URL", r"(?<=://)[^\s/:@'\"]*:[^\s/@'\"]{3,}(?=@)"),
    ("bearer token", r"(?i:\bbearer )(?P<value>[\w.~+/-]{12,}=*)"),
    # In quotes; what has spaces in it is a sentence more often than a password.
    (
        "password",
        r"(?i:\b[\w.-]*(?:password|passwd|pwd|secret|token|api_?-?key|access_?-?key|auth)[\"']?\s*(?:=>|[:=])\s*)"
        r"(?:\"(?P<value>[^\s\"{}<>$%]{8,})\"|'(?P<single>[^\s'{}<>$%]{8,})')",
    ),
    # As shells and .env files have it: NAME=value.
    (
        "password",
        r"\b[A-Z0-9_]*(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)[A-Z0-9_]*="
        r"(?P<value>[^\s\"',;(){}\[\]<>$]{8,})",
    ),
)
_COMPILED = tuple((kind, re.compile(form, re.DOTALL)) for kind, form in _KINDS)


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with "[GitHub token]" and the like in the place of secrets, and the kinds that were found."""
    found: list[str] = []
    for kind, form in _COMPILED:

        def replaced(match: re.Match[str], kind: str = kind) -> str:
            group = next((name for name in match.re.groupindex if match[name] is not None), 0)
            start, end = match.start(group) - match.start(), match.end(group) - match.start()
            return f"{match[0][:start]}[{kind}]{match[0][end:]}"

        text, count = form.subn(replaced, text)
        if count and kind not in found:
            found.append(kind)
    return text, tuple(found)


def mask(text: str, *known: str) -> str:
    """`text` without its secrets, and without each of `known` wherever that stands."""
    for secret in known:
        if secret:
            text = text.replace(secret, f"[{KNOWN}]")
    return masked(text)[0]
