"""The folders that a sandbox is about, and what in them is hidden or must stay as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shammah_tui import paths
from shammah_tui.tools.permission.decision import Context
from shammah_tui.tools.permission.need import Need
from shammah_tui.tools.permission.place import Place, is_credential, is_protected

# What logs a person in elsewhere, relative to their home: the folders and files that `place` takes for credentials, as
# far as they lie at a known place, and the profiles of browsers.
KEYS = (
    ".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker", ".password-store", ".oci", ".netrc", "_netrc",
    ".git-credentials", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".vault-token", ".boto", ".s3cfg", ".env",
    ".config/git/credentials",
    ".config/gcloud", ".config/gh", ".config/glab-cli", ".config/op", ".config/hub", ".config/doctl", ".config/sops",
    ".config/rclone", ".config/google-chrome", ".config/chromium", ".config/containers/auth.json", ".mozilla",
    ".local/share/keyrings", ".gem/credentials", ".cargo/credentials", ".cargo/credentials.toml", ".m2/settings.xml",
    ".terraform.d/credentials.tfrc.json", "Library/Keychains", "Library/Cookies",
    "Library/Application Support/Google/Chrome", "Library/Application Support/Firefox",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """The folders that a sandbox is about, as real paths. `project` is empty where there is none to write in; `cache`
    is where the caches of what runs inside are kept, apart from the person's own."""

    project: str
    user_home: str
    own_home: str
    cache: str


def ground_of(project: Path, environment: Mapping[str, str]) -> Ground:
    """The ground of a session in `project`."""
    context = Context(str(project), environment.get("HOME") or str(Path.home()), shammah_home=str(paths.home()))
    return Ground(
        context.real_project if context.has_project else "",
        os.path.realpath(context.home),
        context.own_home,
        os.path.realpath(paths.cache_folder() / "sandbox"),
    )


def key_paths(ground: Ground, need: Need) -> Iterator[str]:
    """The keys that are there and not needed, as real paths."""
    for key in KEYS:
        if key not in need.keys and not any(key.startswith(f"{needed}/") for needed in need.keys):
            path = os.path.realpath(f"{ground.user_home}/{key}")
            if os.path.lexists(path):
                yield path


def fixed_paths(ground: Ground, need: Need) -> Iterator[str]:
    """What lies in the project and must not be changed inside: `.git`, and what other programs run by themselves."""
    if not ground.project:
        return
    for entry in _entries(ground.project):
        place = Place(entry.path, os.path.realpath(entry.path))
        if is_protected(place, ground.project, ground.user_home) and not (need.repository and entry.name == ".git"):
            yield place.real


def secret_paths(ground: Ground) -> Iterator[str]:
    """Credential files at the top of the project: a command that nobody looked at does not read them either."""
    for entry in _entries(ground.project) if ground.project else ():
        place = Place(entry.path, os.path.realpath(entry.path))
        if is_credential(place):
            yield place.real


def repository_paths(ground: Ground) -> Iterator[str]:
    """Where the project's repository keeps its things, where that is outside the project (a worktree, a subfolder)."""
    folder = Path(ground.project)
    for above in (folder, *folder.parents) if ground.project else ():
        marker = above / ".git"
        if marker.is_dir():
            if above != folder:
                yield os.path.realpath(marker)
            return
        if marker.is_file():
            yield from _linked(marker)
            return


def _linked(marker: Path) -> Iterator[str]:
    """A `.git` that is a file names the folder of its worktree, which names the one that all worktrees share."""
    named = marker.read_text(errors="replace").partition("gitdir:")[2].strip()
    folder = Path(os.path.realpath(marker.parent / named))
    if named and folder.is_dir():
        yield str(folder)
        common = folder / "commondir"
        if common.is_file():
            yield os.path.realpath(folder / common.read_text(errors="replace").strip())


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []
