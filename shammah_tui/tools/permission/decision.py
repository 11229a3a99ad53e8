"""The values of a judgement: what is asked, where, under which mode, and what came out. No judging here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

from shammah_tui.tools.permission.mode import Mode as Mode

Resolver = Callable[[str], "str | None"]
"""The real path of a bare program name on the fixed search path, None where it is not installed."""

Addresses = Callable[[str], "tuple[str, ...] | None"]
"""The addresses of a host; an empty tuple where it has none, None where names are not looked up at this point."""


class Verdict(IntEnum):
    """Ordered by strictness, so that `max` takes the strictest of several."""

    ALLOW = 0
    ASK = 1
    DENY = 2

    def __str__(self) -> str:
        return self.name.lower()


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """One remembered answer, in the person's notation; `project` is empty where it holds everywhere."""

    tool: str
    pattern: str
    effect: Effect = Effect.ALLOW
    project: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call with its arguments decoded from the model's JSON."""

    tool: str
    arguments: Mapping[str, Any]


# No real path is it, and none begins with it.
_NO_FOLDER = "none"
_FOLDERS_OF_HOMES = frozenset({"home", "homes", "users"})


@dataclass(frozen=True)
class Context:
    """Where a call would run. `project` is the folder that may be read freely; `home` is the person's."""

    cwd: str
    home: str
    project: str = ""
    shammah_home: str = ""
    mode: Mode = Mode.ASK
    attended: bool = True
    """Whether a person is there to be asked; otherwise ask means deny."""
    sandboxed: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    """The whole scrubbed environment that the executor would give."""
    resolve: Resolver = lambda name: None
    addresses: Addresses = lambda host: None

    @cached_property
    def real_cwd(self) -> str:
        return os.path.realpath(self.cwd)

    @cached_property
    def real_project(self) -> str:
        """The project; a folder that holds everybody's files (`/`, `/home`) is none, and nothing lies in it."""
        found, home = os.path.realpath(self.project or self.cwd), os.path.realpath(self.home)
        holds_homes = found.rpartition("/")[2].lower() in _FOLDERS_OF_HOMES and home.startswith(f"{found}/")
        return _NO_FOLDER if found == "/" or holds_homes else found

    @property
    def has_project(self) -> bool:
        return self.real_project != _NO_FOLDER

    @cached_property
    def own_home(self) -> str:
        return os.path.realpath(self.shammah_home or os.path.join(self.home, ".shammah"))  # noqa: PTH118  no I/O but realpath

    @cached_property
    def binding(self) -> bytes:
        """The folder and the environment, as they go into every digest of this context."""
        return json.dumps([self.cwd, self.real_cwd, self.environment]).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `grants` are the rules that "always" would save; none where "always" is not offered.

    `digest` binds it to the call's exact bytes, its folder and its environment: an executor computes `digest_of` of
    what it is about to run and refuses where the two differ.
    """

    verdict: Verdict
    reason: str
    grants: tuple[Rule, ...] = ()
    display: str = ""
    digest: str = ""
    place: str = ""
    """For a tool that opens files: the real path that was judged. One that leads elsewhere by then is refused."""
    by_mode: bool = False
    """Whether the mode allowed it, and neither a person nor a rule of theirs."""


_ENCODER = json.JSONEncoder(sort_keys=True, default=repr)


def digest_of(call: Call, context: Context) -> str:
    """SHA-256 over tool, arguments, folder and environment, as hexadecimal digits."""
    arguments = _ENCODER.encode([call.tool, call.arguments])
    digest = hashlib.sha256(context.binding)
    digest.update(b"\0")
    digest.update(arguments.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement of one part; `pattern` is the rule that would let it pass, empty where none may.

    `reads_only` says that an allowed part changes nothing, `is_fixed` that no mode may lift a denial or a question,
    `place` is the real path that it is about, where it is about one, and `by_mode` that the mode answered.
    """

    verdict: Verdict
    reason: str
    patterns: tuple[str, ...] = ()
    reads_only: bool = False
    is_fixed: bool = False
    place: str = ""
    by_mode: bool = False


def strictest(findings: list[Finding]) -> Finding:
    """The strictest part speaks for the whole; patterns are gathered from all, and lost if one may have none."""
    if len(findings) == 1:
        return findings[0]
    worst = max(findings, key=lambda finding: finding.verdict)
    open_parts = [finding for finding in findings if finding.verdict is Verdict.ASK]
    can_be_saved = worst.verdict is Verdict.ASK and all(finding.patterns for finding in open_parts)
    patterns = dict.fromkeys(pattern for finding in open_parts for pattern in finding.patterns) if can_be_saved else {}
    return Finding(
        worst.verdict,
        worst.reason,
        tuple(patterns),
        reads_only=all(finding.reads_only for finding in findings),
        is_fixed=any(finding.is_fixed for finding in findings if finding.verdict is worst.verdict),
        place=findings[0].place,
    )
