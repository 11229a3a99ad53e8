"""Programs that ask a service, or an index of packages, and print: docker, kubectl, gh, pip. What is left out changes
something there, names another server, opens a shell or a browser, or prints secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, version_only, words_of
from shammah_tui.tools.permission.syntax import Word

_DOCKER_LIST = Profile(
    words_of("-a -q -s -l --all --quiet --size --latest --no-trunc --digests"),
    kinds_of(text="-f --filter --format", number="-n --last"),
    operands=Kind.NAME,
    operands_max=1,
)
_DOCKER_LOGS = Profile(
    words_of("-f -t --follow --timestamps --details --no-color --no-log-prefix"),
    kinds_of(name="-n --tail --since --until"),
    operands=Kind.NAME,
)
_DOCKER: Mapping[tuple[str, ...], Profile] = {
    ("ps",): _DOCKER_LIST,
    ("images",): _DOCKER_LIST,
    ("container", "ls"): _DOCKER_LIST,
    ("image", "ls"): _DOCKER_LIST,
    ("volume", "ls"): _DOCKER_LIST,
    ("network", "ls"): _DOCKER_LIST,
    ("compose", "ps"): _DOCKER_LIST,
    ("compose", "ls"): _DOCKER_LIST,
    ("logs",): _DOCKER_LOGS,
    ("compose", "logs"): _DOCKER_LOGS,
    ("top",): Profile(operands=Kind.NAME, operands_max=1),
    ("port",): Profile(operands=Kind.NAME, operands_max=1),
    ("stats",): Profile(words_of("-a --all --no-stream --no-trunc"), kinds_of(text="--format"), operands=Kind.NAME),
    ("history",): Profile(words_of("-q -H --quiet --human --no-trunc"), operands=Kind.NAME, operands_max=1),
    ("version",): Profile(frozenset(), kinds_of(text="-f --format"), operands=Kind.NONE),
    ("info",): Profile(frozenset(), kinds_of(text="-f --format"), operands=Kind.NONE),
}

_KUBECTL_WHERE = kinds_of(name="-n --namespace -c --container --context", text="-l --selector --field-selector")
_KUBECTL_OUTPUT = re.compile(r"(?:wide|yaml|json|name|jsonpath=.*)\Z")
_KUBECTL: Mapping[str, Profile] = {
    "get": Profile(
        words_of("-A -w --all-namespaces --watch --show-labels --no-headers --ignore-not-found"),
        _KUBECTL_WHERE | kinds_of(text="-o --output --sort-by", name="-L"),
        operands=Kind.NAME,
        operands_min=1,
    ),
    "describe": Profile(words_of("-A --all-namespaces"), _KUBECTL_WHERE, operands=Kind.NAME, operands_min=1),
    "logs": Profile(
        words_of("-f -p --follow --previous --timestamps --all-containers --prefix"),
        _KUBECTL_WHERE | kinds_of(number="--tail", name="--since"),
        operands=Kind.NAME,
        operands_min=1,
    ),
    "top": Profile(words_of("-A --all-namespaces --containers"), _KUBECTL_WHERE, operands=Kind.NAME, operands_min=1),
    "explain": Profile(words_of("--recursive"), operands=Kind.NAME, operands_min=1, operands_max=1),
    "version": Profile(words_of("--client --short"), kinds_of(name="-o --output"), operands=Kind.NONE),
    "api-resources": Profile(operands=Kind.NONE),
    "cluster-info": Profile(operands=Kind.NONE),
}
_SECRET = re.compile(r"secrets?(?:[./,]|\Z)", re.IGNORECASE)

_GH_LIST = kinds_of(
    name="-s --state -L --limit -a --assignee -l --label -B --base -H --head -b --branch -w --workflow --json "
    "-R --repo",
    text="-A --author -S --search -m --milestone",
)
_GH_VIEW = Profile(
    words_of("-c --comments --log --log-failed --name-only --patch"), _GH_LIST, operands=Kind.NAME, operands_max=1
)
_GH: Mapping[tuple[str, str], Profile] = {
    **{
        (noun, "list"): Profile(words_of("-d --draft"), _GH_LIST, operands=Kind.NONE)
        for noun in ("pr", "issue", "run", "release", "workflow", "label", "repo")
    },
    **{(noun, "view"): _GH_VIEW for noun in ("pr", "issue", "run", "release", "repo")},
    ("pr", "diff"): _GH_VIEW,
    ("pr", "checks"): _GH_VIEW,
    ("pr", "status"): Profile(frozenset(), _GH_LIST, operands=Kind.NONE),
    ("issue", "status"): Profile(frozenset(), _GH_LIST, operands=Kind.NONE),
    ("auth", "status"): Profile(operands=Kind.NONE),
}

_PIP: Mapping[str, Profile] = {
    "list": Profile(
        words_of("-o -u -l --outdated --uptodate --local --user --not-required"),
        kinds_of(name="--format"),
        operands=Kind.NONE,
    ),
    "show": Profile(words_of("-f -v --files --verbose"), operands=Kind.NAME, operands_min=1),
    "freeze": Profile(words_of("-l --local --user --all"), operands=Kind.NONE),
    "check": Profile(operands=Kind.NONE),
}


def docker(words: Sequence[Word]) -> Use:
    """Read `docker ps`, `docker compose logs` and their like. Raises Refused."""
    if version_only(words) or (len(words) == 2 and words[1].text == "-v"):
        return Use(grant=2)
    for length in (2, 1):
        profile = _DOCKER.get(tuple(word.text for word in words[1 : 1 + length]))
        if profile is not None:
            return profile.read(words[1 + length :], Use(grant=1 + length))
    raise Refused(f"`{_head(words)}` is not known to be harmless")


def kubectl(words: Sequence[Word]) -> Use:
    """Read `kubectl get pods` and its like; secrets are never shown by a rule. Raises Refused."""
    texts = [word.text for word in words]
    if texts[1:] in (["config", "current-context"], ["config", "get-contexts"]):
        return Use(grant=3)
    profile = _KUBECTL.get(texts[1]) if len(texts) > 1 else None
    if profile is None:
        raise Refused(f"`{_head(words)}` is not known to be harmless")
    if any(_SECRET.search(text) for text in texts[2:]):
        raise Refused("it shows secrets")
    for place, text in enumerate(texts):
        before = texts[place - 1]
        glued = re.match(r"(?:--output=|-o=?)(.+)", text)
        value = text if before in ("-o", "--output") else glued[1] if glued else None
        if value is not None and not _KUBECTL_OUTPUT.match(value):
            raise Refused(f"the output `{value}` is not plain")
    return profile.read(words[2:], Use(grant=2))


def gh(words: Sequence[Word]) -> Use:
    """Read `gh pr list`, `gh issue view 3` and their like. Raises Refused."""
    if version_only(words):
        return Use(grant=2)
    texts = [word.text for word in words]
    profile = _GH.get((texts[1], texts[2])) if len(texts) > 2 else None
    if profile is None:
        raise Refused(f"`{_head(words)}` is not known to be harmless")
    if any("://" in text or text.count("/") > 1 for text in texts):
        raise Refused("it may lead to another server")
    return profile.read(words[3:], Use(reads_folder=True, grant=3))


def pip(words: Sequence[Word]) -> Use:
    """Read `pip list | show | freeze | check`. Raises Refused."""
    if version_only(words):
        return Use(grant=2)
    profile = _PIP.get(words[1].text) if len(words) > 1 else None
    if profile is None:
        raise Refused(f"`{_head(words)}` is not known to be harmless")
    return profile.read(words[2:], Use(grant=2))


def uv(words: Sequence[Word]) -> Use:
    """Read `uv pip list` and its like. Raises Refused."""
    if version_only(words):
        return Use(grant=2)
    if len(words) < 3 or words[1].text != "pip":
        raise Refused(f"`{_head(words)}` is not known to be harmless")
    use = pip(words[1:])
    use.grant = 3
    return use


def _head(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words[:2])
