"""The sandbox of macOS: the profile that sandbox-exec is given.

sandbox-exec is marked as deprecated and is what every program of this kind uses. Later rules win over earlier ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from shammah_tui.tools.permission.need import Need
from shammah_tui.tools.sandbox.ground import Ground, fixed_paths, key_paths, repository_paths, secret_paths

ADVICE = "it belongs to macOS and should be at /usr/bin/sandbox-exec"
_PROGRAM = "/usr/bin/sandbox-exec"
# Services through which a program would have another one, outside, do its work.
_SERVICES = (
    "com.apple.coreservices.launchservicesd",
    "com.apple.coreservices.appleevents",
    "com.apple.lsd.open",
    "com.apple.pasteboard.1",
    "com.apple.SecurityServer",
    "com.apple.securityd",
)


def program() -> str | None:
    return _PROGRAM if os.access(_PROGRAM, os.X_OK) else None


def wrapped(sandbox_exec: str, /, argv: Sequence[str], ground: Ground, need: Need) -> list[str]:
    """The argv that runs `argv` inside, with folders of its own for temporary files and caches."""
    temporary = f"{ground.cache}/tmp"
    environment = (
        f"TMPDIR={temporary}",
        f"XDG_CACHE_HOME={ground.cache}",
        f"npm_config_cache={ground.cache}/npm",
        "SHAMMAH_SANDBOX=sandbox-exec",
    )
    return [sandbox_exec, "-p", profile(ground, need), "/usr/bin/env", *environment, *argv]


def profile(ground: Ground, need: Need) -> str:
    """The rules, in the profile language (a Scheme)."""
    return "\n".join(_rules(ground, need))


def _rules(ground: Ground, need: Need) -> Iterator[str]:
    yield "(version 1)"
    yield "(allow default)"
    yield "(deny file-write*)"
    yield '(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/dtracehelper"))'
    yield f"(allow file-write* {_below(ground.cache)})"
    if ground.project:
        yield f"(allow file-write* {_below(ground.project)})"
        if need.repository:
            yield from (f"(allow file-write* {_below(path)})" for path in repository_paths(ground))
        yield from (f"(deny file-write* {_below(path)})" for path in fixed_paths(ground, need))
        if not need.secrets:
            yield from (f"(deny file-read* file-write* {_below(path)})" for path in secret_paths(ground))
    yield f"(deny file-read* file-write* {_below(ground.own_home)})"
    if ground.project and ground.project.startswith(f"{ground.own_home}/"):
        yield f"(allow file-read* file-write* {_below(ground.project)})"
    yield f"(allow file-read* file-write* {_below(ground.cache)})"
    yield from (f"(deny file-read* file-write* {_below(path)})" for path in key_paths(ground, need))
    if not need.network:
        yield "(deny network*)"
    names = " ".join(f"(global-name {_quoted(name)})" for name in _SERVICES)
    yield f"(deny mach-lookup {names})"
    yield "(deny appleevent-send)"
    yield "(deny signal (target others))"
    yield "(deny process-info* (target others))"


def _below(path: str) -> str:
    return f"(subpath {_quoted(path)})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
