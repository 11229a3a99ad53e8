"""What the engine and the child say to each other, one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shammah_tui.bootstrap.catalog import RemoteFile


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Line):
    """Files of one repository. With `files`, exactly these, and their sizes and hashes must be what the hub says; else
    the GGUF that `selector` names (a quantisation or a file; empty takes the usual one)."""

    repo: str
    revision: str = ""
    """A commit; empty takes what "main" points to now."""
    files: tuple[RemoteFile, ...] = ()
    selector: str = ""
    attempts: int = Field(ge=1)
    """How often in a row nothing may come before it is given up."""


class Resolved(_Line):
    """The repository answered: these files at this commit will be fetched."""

    event: Literal["resolved"] = "resolved"
    revision: str
    files: tuple[RemoteFile, ...]


class Advanced(_Line):
    """Bytes that are on this disk, over all files."""

    event: Literal["advanced"] = "advanced"
    file: str
    done_bytes: int


class Waited(_Line):
    """Another process is fetching the same file."""

    event: Literal["waited"] = "waited"
    file: str
    done_bytes: int


class Checked(_Line):
    """The sha256 of this file is being computed; all its bytes are here."""

    event: Literal["checked"] = "checked"
    file: str
    done_bytes: int


class Fetched(_Line):
    """All files are whole, verified and in the cache; `paths` in the order of `Resolved.files`."""

    event: Literal["fetched"] = "fetched"
    paths: tuple[str, ...]


class Failed(_Line):
    event: Literal["failed"] = "failed"
    message: str
    hint: str
    retryable: bool


Line = Resolved | Advanced | Waited | Checked | Fetched | Failed
line: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="event")])
