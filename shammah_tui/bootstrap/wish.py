"""What a person may ask for with `--model` or `model.size`, told apart by its form alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from shammah_tui.bootstrap.catalog import Catalog
from shammah_tui.errors import ModelError
from shammah_tui.wire import is_path

SIZE = re.compile(r"\d+(\.\d+)?b", re.IGNORECASE)
# The hub's own rule for names: letters, digits, "-", "_", "."; no "--", no "..", no "-" or "." at an end.
REPO = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?/[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
REPO_LENGTH_MAX = 96
QUANTIZATION = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
GGUF = ".gguf"


class WishKind(StrEnum):
    AUTO = "auto"
    DEMO = "demo"
    SIZE = "size"
    MODEL = "model"
    HUB = "hub"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Wish:
    """A parsed wish. `text` is the size, the catalog id, the repository or the path; `selector` is the quantisation or
    the file within a repository, and may be empty."""

    kind: WishKind
    text: str = ""
    selector: str = ""

    @property
    def path(self) -> Path:
        return Path(self.text).expanduser()


def parse_wish(text: str, catalog: Catalog) -> Wish:
    """Tell what `text` asks for: "auto", "demo", a size ("7b"), a catalog id, a hub name ("owner/name", with ":quant"
    or ":file.gguf" behind it), or the path of a GGUF. Raises ModelError that lists what there is."""
    text = text.strip()
    word = text.lower()
    if word in ("", WishKind.AUTO):
        return Wish(WishKind.AUTO)
    if word == WishKind.DEMO:
        return Wish(WishKind.DEMO)
    if is_path(text):
        return Wish(WishKind.PATH, text)
    if SIZE.fullmatch(word):
        if word not in catalog.sizes:
            raise ModelError(f'There is no model of size "{text}".', available(catalog))
        return Wish(WishKind.SIZE, word)
    if catalog.by_id(word) is not None:
        return Wish(WishKind.MODEL, word)
    if "/" in text:
        return _hub(text)
    raise ModelError(f'"{text}" is no model that Shammah knows.', available(catalog))


def available(catalog: Catalog) -> str:
    """One line that says what can be asked for."""
    names = ", ".join(model.id for model in catalog.models)
    return (
        f"Sizes: {', '.join(catalog.sizes)}. Models: {names}. "
        'Also "auto", "demo", a hub name (owner/name, owner/name:Q4_K_M) or the path of a GGUF file.'
    )


def is_safe_name(name: str) -> bool:
    """Whether a file name within a repository stays inside it: relative, no "..", no backslash, no control signs."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and not name.startswith("/")
        and ".." not in parts
        and "\\" not in name
        and all(sign.isprintable() for sign in name)
    )


def _hub(text: str) -> Wish:
    repo, _, selector = text.partition(":")
    if not REPO.fullmatch(repo) or ".." in repo or "--" in repo or len(repo) > REPO_LENGTH_MAX:
        raise ModelError(
            f'"{repo}" is no name on the hub.',
            'A hub name is "owner/name"; a path starts with "/", "./" or "~", or ends in ".gguf".',
        )
    if selector.lower().endswith(GGUF):
        if not is_safe_name(selector):
            raise ModelError(f'"{selector}" is no file inside a repository.', "Name the file as the hub lists it.")
    elif selector and not QUANTIZATION.fullmatch(selector):
        raise ModelError(
            f'"{selector}" is neither a quantisation nor a GGUF file.',
            f"Write {repo}:Q4_K_M, {repo}:Q8_0, or {repo}:file.gguf.",
        )
    return Wish(WishKind.HUB, repo, selector)
