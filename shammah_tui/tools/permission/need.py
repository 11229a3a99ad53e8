"""What a command needs beyond the project's files: the network, to change the repository, keys. Judged by names alone.

The sandbox gives a command no more than that, and only after somebody allowed it: auto mode, which asks nobody, gives
nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shammah_tui.tools.permission.profiles.reader import READERS
from shammah_tui.tools.permission.profiles.shape import words_of
from shammah_tui.tools.permission.syntax import NotUnderstood, parse

_SPLIT = re.compile(r"[\s;|&<>(){},`$\"'\\]+")


@dataclass(frozen=True, slots=True)
class Need:
    """`keys` are files or folders of the person's home that log them in, relative to it, or sockets (absolute)."""

    network: bool = False
    repository: bool = False
    keys: frozenset[str] = frozenset()
    secrets: bool = False
    """Whether it may read the credential files of the project: a server reads its `.env`, and `grep -r` need not."""

    def __bool__(self) -> bool:
        return self.network or self.repository or bool(self.keys)

    def __or__(self, other: Need) -> Need:
        return Need(
            self.network or other.network,
            self.repository or other.repository,
            self.keys | other.keys,
            self.secrets or other.secrets,
        )

    def __str__(self) -> str:
        """In words for the person, empty where it needs nothing."""
        parts = ["the network"] if self.network else []
        parts += ["the repository (.git)"] if self.repository else []
        parts += [f"keys ({', '.join(sorted(self.keys))})"] if self.keys else []
        return ", ".join(parts)


NOTHING = Need()
_SSH = frozenset({".ssh"})
_GIT_KEYS = frozenset({".ssh", ".git-credentials", ".netrc", ".config/gh"})
# Programs that do nothing without the network, with what logs the person in.
_PROGRAMS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        words_of(
            "curl wget http https nc ncat telnet ping dig host nslookup traceroute npx bunx uvx brew apt apt-get apk "
            "dnf yum gem bundle composer mvn gradle"
        ),
        frozenset(),
    ),
    **dict.fromkeys(words_of("ssh scp sftp rsync"), _SSH),
    "gh": frozenset({".config/gh"}),
    "glab": frozenset({".config/glab-cli"}),
    "docker": frozenset({".docker", "/run/docker.sock"}),
    "podman": frozenset({".docker", ".config/containers"}),
    "kubectl": frozenset({".kube"}),
    "helm": frozenset({".kube"}),
    "terraform": frozenset({".terraform.d", ".aws"}),
    "aws": frozenset({".aws"}),
    "gcloud": frozenset({".config/gcloud"}),
    "az": frozenset({".azure"}),
    "twine": frozenset({".pypirc"}),
}
_NPM = words_of(
    "install i ci add update upgrade up publish view info show outdated audit exec x dlx create init login whoami "
    "search"
)
_NPM_KEYS = frozenset({".npmrc"})
# Programs that need it for some of their commands.
_COMMANDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "git": (words_of("clone fetch pull push ls-remote submodule"), _GIT_KEYS),
    "npm": (_NPM, _NPM_KEYS),
    "pnpm": (_NPM, _NPM_KEYS),
    "yarn": (_NPM, _NPM_KEYS),
    "bun": (_NPM, _NPM_KEYS),
    "pip": (words_of("install download index wheel search"), frozenset()),
    "pip3": (words_of("install download index wheel search"), frozenset()),
    "uv": (words_of("pip sync add run tool lock publish python"), frozenset()),
    "poetry": (words_of("install add update lock publish"), frozenset()),
    "cargo": (words_of("install add update fetch search publish login"), frozenset({".cargo"})),
    "go": (words_of("get install mod generate"), frozenset()),
}
_READERS = frozenset(READERS) | words_of("git find sed awk jq printf test date ps cd true")
_GIT_READERS = words_of(
    "status diff log show blame grep ls-files ls-tree rev-parse rev-list describe shortlog cat-file for-each-ref "
    "merge-base name-rev show-ref count-objects check-ignore version help ls-remote clone archive"
)


def need_of(command: str) -> Need:
    """What the commands of a line need together; in a shape that is not understood, every word may be a program."""
    try:
        lines = [[word.text for word in part.words] for part in parse(command)]
    except NotUnderstood:
        words = [word for word in _SPLIT.split(command) if word]
        lines = [words[place:] for place in range(len(words))]
    found = NOTHING
    for words in lines:
        found |= _need_of(words)
    return found


def programs_of(command: str) -> list[str]:
    """The names of the programs that a line starts; none where its shape is not understood."""
    try:
        return [part.words[0].text for part in parse(command)]
    except NotUnderstood:
        return []


def _need_of(words: Sequence[str]) -> Need:
    name = words[0].rpartition("/")[2]
    if name in _PROGRAMS:
        return Need(network=True, keys=_PROGRAMS[name], secrets=True)
    verbs, keys = _COMMANDS.get(name, (frozenset(), frozenset()))
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    is_remote = verb in verbs or (name == "git" and verb == "remote" and bool({"update", "show"} & {*words}))
    need = Need(network=True, keys=keys) if is_remote or (name == "yarn" and not verb) else NOTHING
    return need | Need(repository=name == "git" and verb not in _GIT_READERS, secrets=name not in _READERS)
