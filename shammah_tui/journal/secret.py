"""Secrets in text, made unreadable before the text is kept. It finds what has the form of a secret, and no other."""

from __future__ import annotations

import re

MASK = "[secret]"

_FORMS = (
    # A private key, whole.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    # Keys that tell whose they are by how they begin: Anthropic, OpenAI, GitHub, GitLab, Slack, Google, AWS, Stripe,
    # Hugging Face, npm, PyPI, SendGrid, DigitalOcean, Square, Twilio, Discord bots.
    r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{16,}",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    r"\bglpat-[A-Za-z0-9_-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\bxapp-[A-Za-z0-9-]{10,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b",
    r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bwhsec_[A-Za-z0-9]{16,}",
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{30,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\bdop_v1_[a-f0-9]{40,}",
    r"\bsq0[a-z]{3}-[A-Za-z0-9_-]{20,}",
    # A JSON Web Token.
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
)
# What follows one of these words is the secret; the words stay.
_NAMED = (
    r"(?i)(\b(?:proxy-)?authorization\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)[^\s\"',;]{6,}",
    r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}",
    r"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:)[^\s/@]{3,}(?=@)",
    r"(?i)(\b[A-Za-z0-9_.-]*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"auth[_-]?token|access[_-]?token|refresh[_-]?token|client[_-]?secret|_token|_pwd)[A-Za-z0-9_]*[\"']?"
    r"\s*(?::=|=>|[:=])\s*)(?:\"[^\"\n]{6,}\"|'[^'\n]{6,}'|[^\s\"',;(){}\[\]<>$]{8,})",
)
_WHOLE = re.compile("|".join(f"(?:{form})" for form in _FORMS), re.DOTALL)
_AFTER = tuple(re.compile(form) for form in _NAMED)


def mask(text: str, *known: str) -> str:
    """`text` without its secrets, and without each of `known` wherever that stands."""
    for secret in known:
        if secret:
            text = text.replace(secret, MASK)
    text = _WHOLE.sub(MASK, text)
    for form in _AFTER:
        text = form.sub(lambda found: found[1] + MASK, text)
    return text
