"""Paths: where one really leads, and which ones are a floor, sensitive or protected. No I/O beyond `realpath`.

A path is compared component by component, after `realpath` has followed symlinks; parts that do not exist yet are
taken as they are written. Names are judged folded (case, width, ignorable characters), as macOS and Windows would.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shammah_tui.tools.permission.characters import folded
from shammah_tui.tools.permission.decision import Context

# Files that open doors elsewhere. The lists join those of gitleaks, Claude Code's sandbox and GitHub's advisories.
_CREDENTIAL = re.compile(
    r"/(?:\.ssh|\.aws|\.gnupg|\.azure|\.kube|\.password-store|\.oci|\.config/(?:gcloud|gh|op|hub|doctl|sops|rclone|git/credentials)|"
    r"\.local/share/keyrings|library/(?:keychains|cookies)|\.mozilla/firefox|\.config/(?:google-chrome|chromium)|"
    r"library/application support/(?:google/chrome|firefox)|run/secrets)(?:/|\Z)"
    r"|/(?:\.docker/config\.json|\.gem/credentials|\.cargo/credentials(?:\.toml)?|\.m2/settings\.xml|"
    r"\.terraform\.d/credentials\.tfrc\.json|\.shammah/(?:daemon\.token|config\.toml)|\.claude/\.credentials\.json|"
    r"\.codex/auth\.json|\.gemini/oauth_creds\.json|\.local/share/opencode/auth\.json|etc/g?shadow-?|etc/sudoers(?:\.d/.*)?|"
    r"etc/ssh/ssh_host_[^/]*_key|proc/(?:[^/]+/)+(?:environ|mem|auxv))\Z"
    r"|/(?:[._]netrc|\.env|\.env\.(?!(?:example|sample|template|dist|defaults)\Z)[^/]*|\.git-credentials|\.pgpass|"
    r"\.my\.cnf|\.npmrc|\.pypirc|\.vault-token|\.htpasswd|\.boto|\.s3cfg|id_(?:rsa|dsa|ecdsa|ed25519)"
    r"(?![^/]*\.(?:py|pyi|[cm]?[jt]sx?|go|rs|rb|java|kt|cs?|cc|cpp|h|hpp|php|swift|md|rst|html)\Z)[^/]*|"
    r"[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|agekey))\Z"
)
# Inside the project, and yet often a secret: reading one asks.
_SENSITIVE = re.compile(
    r"/(?:\.envrc|[^/]*\.tfstate(?:\.backup)?|[^/]*\.tfvars|credentials\.json|service[-_]account[^/]*\.json|"
    r"secrets?\.(?:ya?ml|json|toml|ini)|(?!example|sample|template|defaults?)[^/]+\.env|kubeconfig|"
    r"wallet\.dat|\.git/config|\.[a-z]+_history)\Z"
)
# What runs later by itself: git, shells, editors, tools that read settings from the folder they start in, and us; and
# the files that tell an assistant what to do, for what stands there is obeyed in every later session.
_PROTECTED = re.compile(
    r"/(?:\.git|\.husky|\.githooks|\.vscode|\.vscode-server|\.idea|\.vim|\.nvim|\.emacs\.d|\.zed|\.cursor|\.fleet|"
    r"\.devcontainer|\.direnv|\.shammah|\.claude|\.gemini|\.codex|\.opencode|\.windsurf|\.hg|\.svn|\.jj|\.ssh|\.bashrc\.d|\.config/(?:fish|nvim|git|autostart|"
    r"systemd|environment\.d)|library/launchagents|etc|boot|usr|bin|sbin|lib)(?:/|\Z)"
    r"|/(?:\.gitconfig|\.gitmodules|\.gitattributes|\.(?:bash|zsh|k|c|tc)shrc|\.bashrc|\.bash_(?:profile|login|logout|aliases)|"
    r"\.profile|\.z(?:shenv|profile|login|logout)|\.zshrc|\.login|\.logout|\.inputrc|\.xprofile|\.xsession|\.xinitrc|"
    r"\.g?vimrc|\.n?exrc|\.nvimrc|\.nvim\.lua|\.lvimrc|\.emacs|\.dir-locals\.el|\.envrc|\.mcp\.json|\.yarnrc(?:\.yml)?|"
    r"\.npmrc|\.pnpmfile\.cjs|\.pypirc|\.pip/pip\.conf|pip\.conf|\.cargo/config(?:\.toml)?|\.ripgreprc|\.tmux\.conf|"
    r"\.screenrc|\.pythonrc|(?:site|user)customize\.py|[^/]*\.pth|[^/]*\.code-workspace|crontab|"
    r"(?:agents?(?:\.override)?|claude(?:\.local)?|gemini|shammah)\.md|copilot-instructions\.md|\.(?:cursor|windsurf|cline)rules|"
    r"\.aider\.conf\.yml|opencode\.jsonc?|\.pre-commit-config\.yaml|\.gdbinit|\.lldbinit|\.?mise\.toml)\Z"
)
CREDENTIAL_SAMPLES = (
    ".env",
    ".env.local",
    ".netrc",
    ".git-credentials",
    "id_rsa",
    "id_ed25519",
    "server.pem",
    "server.key",
)
# More groups than this would take too long to spell out, and nobody types them.
_GROUPS_MAX = 3
_BRACES = re.compile(r"\{([^{}]*)\}")
_SYSTEM_FOLDERS = frozenset({"etc", "boot", "usr", "bin", "sbin", "lib"})
# Relative, without empty, `.` or `..` components: nothing for `normpath` to do.
_PLAIN_PATH = re.compile(r"(?!\.{1,2}(?:/|\Z))[^/\0]+(?:/(?!\.{1,2}(?:/|\Z))[^/\0]+)*\Z")
_KERNEL = re.compile(r"/+(?:proc|dev|sys)(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Place:
    """One path: `written` is joined with the folder and made plain, `real` is where it leads."""

    written: str
    real: str


def locate(text: str, cwd: str) -> Place:
    """Where `text` leads from `cwd`, which is a real path; neither needs to exist."""
    joined = f"{cwd}/{text}" if text[:1] != "/" else text
    if _PLAIN_PATH.match(text) and cwd != "/" and not _meets_symlink(cwd, text):
        return Place(joined, joined)
    return Place(os.path.normpath(joined), _real(joined))


def _real(path: str) -> str:
    """Where `path` leads; a link that may not be read (`/proc` has such) leads outside everything."""
    try:
        return os.path.realpath(path)
    except OSError:
        return os.path.normpath(path) if is_kernel(path) else "/"


def _meets_symlink(cwd: str, text: str) -> bool:
    """Whether a component of the relative path `text` is a symlink: the short way to what `realpath` would find."""
    path = cwd
    for component in text.split("/"):
        path = f"{path}/{component}"
        try:
            if stat.S_ISLNK(os.lstat(path).st_mode):
                return True
        except FileNotFoundError:
            return False
        except OSError:
            return True
    return False


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies under it; `/repo-evil` is not in `/repo`."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def is_kernel(text: str) -> bool:
    """Whether a path is written by way of `/proc`, `/dev` or `/sys`, which lead anywhere."""
    return _KERNEL.match(text) is not None


def _spelling(path: str) -> str:
    """The folded path; trailing dots and blanks of a name do not count, nor does Windows' short name of `.git`."""
    text = folded(path)
    if " " in text or "./" in text or text.endswith(".") or "~" in text or ":" in text:
        text = re.sub(r"(?<![. ])[. ]+(?=/|\Z)", "", text)
        text = re.sub(r"::?\$[a-z_]+(?=/|\Z)", "", text)
        text = re.sub(r"/git~[0-9](?=/|\Z)", "/.git", text)
    return text


def is_credential(place: Place) -> bool:
    """The floor: no rule and no mode opens it."""
    return any(_CREDENTIAL.search(_spelling(path)) is not None for path in {place.written, place.real})


def is_sensitive(place: Place) -> bool:
    return any(_SENSITIVE.search(_spelling(path)) is not None for path in {place.written, place.real})


def is_protected(place: Place, project: str, home: str) -> bool:
    """Writing here always asks, also where nothing exists yet. System folders, and hidden ones of the home, count
    outside the project alone."""
    for path in {place.written, place.real}:
        is_own = is_within(path, project) and project != home
        if not is_own and is_within(path, home) and path[len(home) :].startswith("/bin/"):
            return True
        if not is_own and is_within(path, home) and path[len(home) :].startswith("/."):
            return True
        inner = path[len(project) :] if is_within(path, project) else path
        spelled = _spelling(inner)
        found = _PROTECTED.search(spelled)
        while found is not None:
            name = found[0].strip("/")
            if name not in _SYSTEM_FOLDERS or (found.start() == 0 and inner is path):
                return True
            found = _PROTECTED.search(spelled, found.start() + 1)
    return False


def is_guarded(place: Place, context: Context) -> bool:
    """Whether writing here always asks: it is protected, or it is ours."""
    own = folded(context.own_home)
    is_own = any(is_within(folded(path), own) for path in (place.real, place.written))
    return is_own or is_protected(place, context.real_project, os.path.realpath(context.home))


def may_pick_credential(pattern: str) -> bool:
    """Whether a name filter handed to a program (`--include`, `-g`, a pathspec) singles out credential files.

    One that picks everything (`*`, `*.*`) is no filter, and a negated one (`!.env`) keeps them out.
    """
    if pattern.startswith("!"):
        return False
    if pattern.count("{") > _GROUPS_MAX:
        return True
    if found := _BRACES.search(pattern):
        choices = found[1].split(",")[:20]
        return any(
            may_pick_credential(pattern[: found.start()] + choice + pattern[found.end() :]) for choice in choices
        )
    name = folded(pattern.rstrip("/").rpartition("/")[2])
    return bool(name.strip("*?.")) and (
        names_credential(name) or any(fnmatchcase(sample, name) for sample in CREDENTIAL_SAMPLES)
    )


def names_credential(text: str) -> bool:
    """Whether a bare word, or a name pattern such as `.env*`, speaks of a credential file."""
    spelled = _spelling("/" + text.lstrip("/"))
    return _CREDENTIAL.search(spelled) is not None or _CREDENTIAL.search(spelled.rstrip("*?")) is not None
