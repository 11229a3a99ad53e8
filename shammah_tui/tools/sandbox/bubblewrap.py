"""The sandbox of Linux: how bubblewrap is called. Its manual: https://github.com/containers/bubblewrap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from shammah_tui.tools.permission.need import Need
from shammah_tui.tools.permission.search_path import SEARCH_PATH
from shammah_tui.tools.sandbox.ground import Ground, fixed_paths, key_paths, repository_paths, secret_paths

ADVICE = "`apt install bubblewrap`, or the like"
# Inside; the folder of temporary files is the sandbox's own and empty.
_CACHE = "/tmp/.cache"
# The network's names are looked up through these, which lie where sockets of other programs are hidden.
_RESOLVERS = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager")
_SYSTEM_SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/var/run/secrets")


def program() -> str | None:
    return shutil.which("bwrap", path=":".join(SEARCH_PATH))


def wrapped(bwrap: str, /, argv: Sequence[str], ground: Ground, need: Need) -> list[str]:
    """The argv that runs `argv` inside.

    Unix sockets can be connected to on a read-only mount, so that folders of sockets (`/run`, `/tmp`) are replaced;
    a process may not see others, whose environment holds keys.
    """
    mounts: dict[str, tuple[str, ...]] = {
        "/": ("--ro-bind", "/", "/"),
        "/dev": ("--dev", "/dev"),
        "/proc": ("--proc", "/proc"),
        **{path: ("--tmpfs", path) for path in ("/tmp", "/var/tmp", "/run")},
        # A person's own programs may lie here (NixOS), and nothing can be written.
        "/run/current-system": ("--ro-bind-try", "/run/current-system", "/run/current-system"),
    }
    mounts[_CACHE] = ("--bind-try", ground.cache, _CACHE)
    mounts[ground.own_home] = _hidden(ground.own_home)
    if need.network:
        mounts |= {path: ("--ro-bind-try", path, path) for path in _RESOLVERS}
    for key in need.keys:
        if key.startswith("/"):
            mounts[key] = ("--bind-try", key, key)
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    if ".ssh" in need.keys and agent.startswith("/"):
        mounts[agent] = ("--bind-try", agent, agent)
    if ground.project:
        mounts[ground.project] = ("--bind", ground.project, ground.project)
        if need.repository:
            mounts |= {path: ("--bind", path, path) for path in repository_paths(ground)}
        mounts |= {path: ("--ro-bind", path, path) for path in fixed_paths(ground, need)}
        if not need.secrets:
            mounts |= {path: _hidden(path) for path in secret_paths(ground)}
    for path in (*key_paths(ground, need), *filter(os.path.lexists, _SYSTEM_SECRETS)):
        mounts[os.path.realpath(path)] = _hidden(os.path.realpath(path))
    # What lies above comes first; what is mounted over it stays on top.
    ordered = sorted(mounts, key=lambda path: (path != "/", path.count("/")))
    return [
        bwrap,
        "--die-with-parent",
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(() if need.network else ("--unshare-net",)),
        *("--cap-drop", "ALL"),
        *(part for path in ordered for part in mounts[path]),
        *("--setenv", "XDG_CACHE_HOME", _CACHE, "--setenv", "npm_config_cache", f"{_CACHE}/npm"),
        *("--setenv", "TMPDIR", "/tmp", "--setenv", "SHAMMAH_SANDBOX", "bubblewrap"),
        "--",
        *argv,
    ]


def _hidden(path: str) -> tuple[str, ...]:
    """An empty folder or an empty file in its place; nothing where it is not there, for it could not be put there."""
    if os.path.isdir(path):  # noqa: PTH112  a path is a string here
        return ("--tmpfs", path, "--remount-ro", path)
    return ("--ro-bind-try", "/dev/null", path) if os.path.lexists(path) else ()
