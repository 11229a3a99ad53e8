"""What an engine takes from settings and environment at its start and holds until it ends, as digests to compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shammah_tui.config.settings import Settings

_PROXIES = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
_OTHERS = frozenset({"HUGGINGFACE_HUB_CACHE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TRANSFORMERS_OFFLINE"})


def settings_digest(settings: Settings) -> str:
    """Of all that is not said anew with a request: not the model, nor how long and how freely it answers."""
    held = settings.model_dump(include={"offline", "model", "engine", "lora"})
    for section, key in (
        ("model", "size"),
        ("model", "temperature"),
        ("model", "max_tokens"),
        ("engine", "keep_alive"),
    ):
        del held[section][key]
    return _digest(held)


def hub_digest(environment: Mapping[str, str]) -> str:
    """Of the variables that say how the hub is reached, and where its files are kept."""
    return _digest({name: value for name, value in environment.items() if value and _is_of_the_hub(name)})


def _is_of_the_hub(name: str) -> bool:
    return name.startswith("HF_") or name.upper() in _PROXIES or name in _OTHERS


def _digest(held: dict[str, Any]) -> str:
    """So short that it tells others apart and confirms no guess: there may be a token in it, or a proxy's password."""
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:8]
