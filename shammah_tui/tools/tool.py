"""What a tool is: a name, arguments that pydantic checks, and a run that yields output and then one result.

A tool never raises for what the world holds (a missing file, a refused connection): it answers with a `Result` that
tells the model in words. It raises `Refused` inside, and `toolbox.run` turns that into the result.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shammah_tui.conversation import ToolSpec
from shammah_tui.tools.former import FormerVersions
from shammah_tui.tools.job import Jobs
from shammah_tui.tools.seen import SeenFiles


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a tool reads, waits and returns. Sizes in bytes, texts in characters."""

    result_characters: int = 30_000
    line_characters: int = 2_000
    read_lines: int = 2_000
    read_scan_bytes: int = 256 << 20
    """How far into a file Read looks for the line that was asked for."""
    edit_bytes: int = 10 << 20
    diff_characters: int = 20_000
    former_bytes: int = 256 << 20
    glob_paths: int = 1_000
    grep_lines: int = 500
    grep_line_characters: int = 500
    grep_file_bytes: int = 64 << 20
    walk_entries: int = 2_000_000
    walk_seconds: float = 20.0
    bash_seconds: float = 120.0
    bash_seconds_max: float = 600.0
    bash_grace_seconds: float = 2.0
    """Between SIGTERM and SIGKILL when the time is up; a person who cancels does not wait that long."""
    jobs: int = 8
    web_bytes: int = 5 << 20
    """Of the decoded stream."""
    web_seconds: float = 30.0
    web_redirects: int = 5
    restart_seconds: float = 300.0
    """How long the program's own tests may take before it starts again."""


def bare(argv: Sequence[str]) -> Sequence[str]:
    """No sandbox: the command as it is."""
    return argv


@dataclass(frozen=True)
class Context:
    """Where a tool runs. One for a session, narrowed for each call with `dataclasses.replace`."""

    cwd: Path
    home: Path
    """The Shammah home, for what tools keep."""
    environment: Mapping[str, str]
    """The whole environment of a command: `environment.scrubbed`."""
    seen: SeenFiles = field(default_factory=SeenFiles)
    jobs: Jobs = field(default_factory=Jobs)
    limits: Limits = Limits()
    place: str = ""
    """The real path that this call was allowed for; a call that leads elsewhere by now is refused. Empty: not bound."""
    granted_hosts: frozenset[str] = frozenset()
    """`host:port` where WebFetch may go although the port is not 443 or the scheme is http."""
    private_hosts: frozenset[str] = frozenset()
    """`host:port` whose address need not be public. No grant of a person opens one: names lead elsewhere later."""
    certificates: Path | None = None
    """A bundle of authorities that WebFetch trusts instead of the system's."""
    wrap: Callable[[Sequence[str]], Sequence[str]] = bare
    """How a command's argv becomes the one that runs inside the sandbox."""
    bounds: str = ""
    """What the sandbox keeps a command from, in words for the model where one fails; empty where there is none."""

    @property
    def former(self) -> FormerVersions:
        return FormerVersions(self.home / "former", self.limits.former_bytes)


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what a running tool prints, for the screen; a flood is thinned out, the result has the bounds."""

    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A file that a tool wrote; `before` is the digest of the former version, empty where there was no file."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended: `text` for the model, `summary` (one line) and `diff` for the person."""

    text: str
    summary: str
    failed: bool = False
    diff: str = ""
    truncated: bool = False
    changes: tuple[Change, ...] = ()
    restart: str = ""
    """Why the program is to start again in this conversation; empty where it is not."""


Piece = Output | Result


class Refused(Exception):
    """The tool cannot do this; `text` tells the model why and what else to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Arguments(BaseModel):
    """What a model gives to a tool. An argument that nobody knows is an error that the model can mend."""

    model_config = ConfigDict(extra="forbid", frozen=True)


A = TypeVar("A", bound=Arguments)


class Tool(Generic[A]):
    """One tool; a subclass is one file. It holds no state: that is the context's."""

    name: ClassVar[str]
    description: ClassVar[str]
    reads_only: ClassVar[bool]
    """Whether calls of it may run beside one another."""
    arguments: type[A]

    def run(self, arguments: A, context: Context) -> AsyncGenerator[Piece, None]:
        """Yield any number of `Output`, then one `Result`. Raises Refused; closing it stops the work."""
        raise NotImplementedError


def specification(name: str, description: str, arguments: type[Arguments]) -> ToolSpec:
    """The tool as a model is told of it: the schema that pydantic derives, down to types and choices.

    The demo model was trained on exactly this text, so that titles, defaults and bounds stay out.
    """
    schema = arguments.model_json_schema()
    properties = {key: _plain(value) for key, value in schema["properties"].items()}
    return ToolSpec(
        name, description, {"type": "object", "properties": properties, "required": list(schema.get("required", ()))}
    )


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in ("type", "enum") if key in value}


def many(number: int, noun: str) -> str:
    """A count in words: 1 line, 2 lines."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
