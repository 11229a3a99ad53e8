"""The models that Shammah knows, read from `catalog.toml`, and what each needs of a machine.

The figures of a file are facts with their sources beside them; what follows from the architecture (keys and values,
memory) is computed here. `SHAMMAH_CATALOG` names another catalog, for a mirror that serves its own models.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shammah_tui.errors import ModelError

BUNDLED = Path(__file__).with_name("catalog.toml")
VARIABLE = "SHAMMAH_CATALOG"

Family = Literal["coder", "instruct"]

# What a model is promised at least when it is judged whether it fits: a conversation with a few files in it.
CHAT_CONTEXT_TOKENS = 8192
# An allowance for llama.cpp's compute buffers and the process around them.
CHAT_OVERHEAD_BYTES = 512 * 1024**2
KV_BYTES = 2
"""One cached value as f16."""

# A fit to the figures of the learning design, bf16 weights and activations: 0.5B 3 GB, 1.5B 5 GB, 3B 9 GB, 7B 18 GB.
TRAIN_BYTES_PER_PARAMETER = 2.1
TRAIN_OVERHEAD_BYTES = 2 * 10**9
BF16_BYTES = 2


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RemoteFile(_Data):
    """One file of a hub repository. `sha256` may be empty where only the hub's own word is known."""

    name: str
    size_bytes: int = Field(gt=0)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")


class Artifact(_Data):
    """One quantisation of a model: the parts of one GGUF at one commit of a repository."""

    repo: str
    revision: str = Field("", pattern=r"^([0-9a-f]{40})?$")
    quantization: str
    files: tuple[RemoteFile, ...] = Field(min_length=1)
    seen: tuple[str, ...] = Field(min_length=1)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(file.name for file in self.files)

    @property
    def id(self) -> str:
        """What `--model` takes to get exactly this one."""
        return f"{self.repo}:{self.quantization}"


class CatalogModel(_Data):
    """One model with its quantisations, the better first."""

    id: str
    name: str
    family: Family
    generation: str
    size: str
    architecture: str
    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context_tokens: int
    """Length it was trained for, without stretching."""
    recommended_ram_gb: int | None = None
    automatic: bool
    licence: str
    licence_note: str = ""
    base_repo: str
    """Safetensors of the same model, for training."""
    base_revision: str = ""
    seen: tuple[str, ...] = Field(min_length=1)
    artifact: tuple[Artifact, ...] = Field(min_length=1)

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token in f16: 2 × layers × heads × width × 2 bytes."""
        return 2 * self.layers * self.kv_heads * self.head_size * KV_BYTES

    def chat_bytes(self, artifact: Artifact, context_tokens: int = CHAT_CONTEXT_TOKENS) -> int:
        """Memory to answer with `artifact` and a context of this length."""
        return artifact.size_bytes + context_tokens * self.kv_bytes_per_token + CHAT_OVERHEAD_BYTES

    @property
    def train_bytes(self) -> int:
        """Memory to train an adapter beside the bf16 weights."""
        return int(TRAIN_BYTES_PER_PARAMETER * self.parameters) + TRAIN_OVERHEAD_BYTES

    @property
    def safetensors_bytes(self) -> int:
        """Tensors of `base_repo` in bf16, computed from the parameters; its files add some kilobytes of header."""
        return BF16_BYTES * self.parameters


class _File(_Data):
    model: tuple[CatalogModel, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    models: tuple[CatalogModel, ...]

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes there are, smallest first."""
        return tuple(sorted({model.size for model in self.models}, key=lambda size: float(size.rstrip("b"))))

    def by_id(self, name: str) -> CatalogModel | None:
        return next((model for model in self.models if model.id == name.lower()), None)

    def by_repo(self, repo: str) -> CatalogModel | None:
        """The model that this repository holds, as GGUF or as safetensors."""
        wanted = repo.lower()
        for model in self.models:
            if wanted in {model.base_repo.lower(), *(artifact.repo.lower() for artifact in model.artifact)}:
                return model
        return None

    def revision_of(self, repo: str) -> str:
        """The commit that this repository of GGUFs is pinned to; empty where the catalog has none."""
        artifacts = (artifact for model in self.models for artifact in model.artifact)
        return next((artifact.revision for artifact in artifacts if artifact.repo == repo), "")

    def by_size(self, size: str, family: Family) -> CatalogModel | None:
        """The model of this size: the preferred family first, then what "auto" may take, then any."""
        fitting = [model for model in self.models if model.size == size]
        return min(fitting, key=lambda model: (model.family != family, not model.automatic), default=None)


def load() -> Catalog:
    """The catalog named by `SHAMMAH_CATALOG`, else the bundled one. Raises ModelError if it cannot be read."""
    given = os.environ.get(VARIABLE)
    return read(Path(given).expanduser() if given else BUNDLED)


@cache
def read(file: Path) -> Catalog:
    """Read one catalog file. Raises ModelError naming the file and the first thing that is wrong in it."""
    try:
        data = tomllib.loads(file.read_text("utf-8"))
        models = _File.model_validate(data).model
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"The model catalog {file} cannot be read: {error}", _hint(file)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ModelError(f"The model catalog {file} is wrong at {place}: {first['msg']}", _hint(file)) from error
    return Catalog(models)


def _hint(file: Path) -> str:
    if file == BUNDLED:
        return "Install Shammah again; the file belongs to the program."
    return f"Correct the file, or unset {VARIABLE} to use the bundled catalog."
