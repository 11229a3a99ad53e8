"""The key of the Claude API: from the settings, else ANTHROPIC_API_KEY, else the system's keyring.

The keyring is read by the package `keyring`, where that is installed (the extra of that name); its own command
`keyring set shammah anthropic` keeps a key there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from shammah_tui.config.settings import Settings

VARIABLE = "ANTHROPIC_API_KEY"
KEYRING_SERVICE = "shammah"
KEYRING_NAME = "anthropic"
# A locked keyring may wait for a window that nobody sees.
KEYRING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Key:
    value: SecretStr
    source: str
    """Where it comes from, in words."""


def near_key(settings: Settings, environment: Mapping[str, str] | None = None) -> Key | None:
    """The key that needs no keyring; costs nothing."""
    if text := settings.api_key.get_secret_value().strip():
        return Key(SecretStr(text), "the settings")
    if text := (os.environ if environment is None else environment).get(VARIABLE, "").strip():
        return Key(SecretStr(text), VARIABLE)
    return None


async def find_key(settings: Settings, environment: Mapping[str, str] | None = None) -> Key | None:
    """The key, wherever it is; None where there is none, or the keyring does not give it within a few seconds."""
    near = near_key(settings, environment)
    if near is not None:
        return near
    try:
        async with asyncio.timeout(KEYRING_SECONDS):
            text = await asyncio.to_thread(_from_keyring)
    except TimeoutError:
        return None
    return Key(SecretStr(text), "the keyring") if text else None


def _from_keyring() -> str:
    try:
        import keyring
    except ImportError:
        return ""
    try:
        return (keyring.get_password(KEYRING_SERVICE, KEYRING_NAME) or "").strip()
    except Exception:  # noqa: BLE001  the back ends raise what they like; a keyring that fails holds no key for us
        return ""
