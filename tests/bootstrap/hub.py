"""A model hub on loopback that speaks the protocol of huggingface_hub 2.x, and misbehaves on request.

It serves bytes (the demo model, or any) under real repository and file names, with a second port as the "CDN" that
holds the large files. `Hub.environment` makes a program use it, with a catalog of the same names and the true sizes:

    with Hub.with_demo() as hub:
        hub.misbehave(Faults(cut_at=(100_000,)))
        subprocess.run(["shammah", …], env={**os.environ, **hub.environment(tmp_path)})

By hand: `python -m tests.bootstrap.hub --port 8100`, then `HF_ENDPOINT=http://127.0.0.1:8100 …`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from shammah_tui import paths
from shammah_tui.bootstrap import catalog
from shammah_tui.bootstrap.catalog import Artifact
from tests.bootstrap.hub_server import Faults, Repo, Seen, Server

__all__ = ["COMMIT", "OTHER_COMMIT", "Faults", "Hub", "Repo", "Seen"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


class Hub:
    """Two servers on loopback: the hub, and the host that its large files redirect to."""

    def __init__(self, repos: dict[str, Repo], *, port: int = 0, faults: Faults | None = None) -> None:
        self.repos = repos
        self.faults = faults or Faults()
        self.seen = Seen()
        self.heads = 0
        self.cdn_failures = 0
        self.cuts_left: list[int] = list(self.faults.cut_at)
        self.open = True
        self._servers = (Server(self, port, is_cdn=False), Server(self, 0, is_cdn=True))

    @classmethod
    def with_catalog(cls, data: bytes, *, port: int = 0) -> Self:
        """`data` under every repository and file name of the bundled catalog; the parts of a split model share it."""
        repos: dict[str, Repo] = {}
        for artifact in _artifacts():
            files = repos.setdefault(artifact.repo, Repo(artifact.revision or COMMIT, {})).files
            names = artifact.names
            step = -(-len(data) // len(names))
            files.update({name: data[n * step : (n + 1) * step] for n, name in enumerate(names)})
        return cls(repos, port=port)

    @classmethod
    def with_demo(cls, *, port: int = 0) -> Self:
        """The demo model under the names of the catalog. A split model is served as its parts in bytes, which llama.cpp
        cannot load: ask for one that is a single file where it is to be loaded."""
        return cls.with_catalog(paths.demo_model_gguf().read_bytes(), port=port)

    def misbehave(self, faults: Faults) -> None:
        self.faults, self.heads, self.cdn_failures = faults, 0, 0
        self.cuts_left = list(faults.cut_at)
        self.seen = Seen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def cdn_url(self) -> str:
        return f"http://localhost:{self._servers[1].server_port}"

    def write_catalog(self, file: Path) -> Path:
        """The bundled catalog with the sizes and hashes of what is served here."""
        text = catalog.BUNDLED.read_text("utf-8")
        for artifact in _artifacts():
            for known in artifact.files:
                data = self.repos[artifact.repo].files[known.name]
                pattern = rf'(name = "{re.escape(known.name)}"), size_bytes = [0-9_]+, sha256 = "[0-9a-f]+"'
                fact = rf'\1, size_bytes = {len(data)}, sha256 = "{hashlib.sha256(data).hexdigest()}"'
                text = re.sub(pattern, fact, text)
        file.write_text(text, "utf-8")
        return file

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that make a program use this hub, with its home and its cache in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DOWNLOAD_TIMEOUT": "1",
            "HF_HUB_ETAG_TIMEOUT": "2",
            "NO_PROXY": "127.0.0.1,localhost",
            "SHAMMAH_CATALOG": str(self.write_catalog(folder / "catalog.toml")),
            "SHAMMAH_HOME": str(folder / "home"),
        }

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open = False
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _artifacts() -> list[Artifact]:
    return [artifact for model in catalog.read(catalog.BUNDLED).models for artifact in model.artifact]


def main() -> None:
    parser = argparse.ArgumentParser(description="A model hub on loopback that serves the demo model.")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/shammah-hub"), help="home and cache of the example")
    parser.add_argument("--rate", type=int, default=0, help="bytes a second; 0 is as fast as it goes")
    given = parser.parse_args()
    with Hub.with_demo(port=given.port) as hub:
        hub.misbehave(Faults(bytes_per_second=given.rate))
        for name, value in hub.environment(given.folder).items():
            print(f"export {name}={value}")
        print("# serving; Ctrl+C ends it", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
