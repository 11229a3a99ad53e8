"""Where things live on the person's machine and inside the package. Nothing here creates or reads a file.

The home is `$SHAMMAH_HOME`, else `~/.shammah`. What may be deleted without loss (logs, converted models) goes where
the platform puts logs and caches; under `$SHAMMAH_HOME` it goes into the home, so that a test leaves nothing behind.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# The length of sockaddr_un.sun_path is 104 on macOS and 108 on Linux, with the closing NUL.
SOCKET_PATH_BYTES_MAX = 100


def home() -> Path:
    given = os.environ.get("SHAMMAH_HOME")
    return Path(given).expanduser().absolute() if given else Path.home() / ".shammah"


def config_file() -> Path:
    return home() / "config.toml"


def database() -> Path:
    return home() / "shammah.db"


def metrics_folder() -> Path:
    return home() / "metrics"


def privacy_ledger() -> Path:
    return home() / "privacy.jsonl"


def adapters_folder(configured: str = "") -> Path:
    """`configured` is the setting `lora.adapters_dir`; a relative one lies in the home."""
    return home() / Path(configured or "adapters").expanduser()


def daemon_token() -> Path:
    return home() / "daemon.token"


def daemon_pid() -> Path:
    return home() / "daemon.pid"


def daemon_socket() -> Path:
    """The engine's Unix socket; where the home lies too deep for one, a short name in the runtime folder."""
    inside = home() / "daemon.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES_MAX:
        return inside
    import hashlib

    import platformdirs

    digest = hashlib.sha256(os.fsencode(home())).hexdigest()[:16]
    return Path(platformdirs.user_runtime_dir("shammah", appauthor=False)) / f"{digest}.sock"


def log_folder() -> Path:
    if os.environ.get("SHAMMAH_HOME"):
        return home() / "log"
    import platformdirs

    return Path(platformdirs.user_log_dir("shammah", appauthor=False))


def cache_folder() -> Path:
    if os.environ.get("SHAMMAH_HOME"):
        return home() / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("shammah", appauthor=False))


def gpu_attempt() -> Path:
    """The note on a model that is being loaded on a GPU."""
    return cache_folder() / "gpu_attempt"


def styles_folder() -> Path:
    """The `.tcss` sheets: inside the package when installed, beside it in a checkout."""
    installed = PACKAGE / "styles"
    return installed if installed.is_dir() else PACKAGE.parent / "styles"


def demo_model_folder() -> Path:
    return PACKAGE / "demo_model"


def demo_model_gguf() -> Path:
    return demo_model_folder() / "shammah-demo-q8_0.gguf"
