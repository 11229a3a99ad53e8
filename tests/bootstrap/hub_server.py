"""The wire side of the hub for tests: what it answers to each request, and how it misbehaves. `hub` is the entrance."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Faults:
    """How the hub misbehaves; the default is a hub that is well. Statuses answer every request of their kind."""

    cut_at: tuple[int, ...] = ()
    """Ends the connection when these absolute positions of a file are reached, each once."""
    ignore_range: bool = False
    wrong_range: bool = False
    """Answers a Range with 206 and another part than was asked for."""
    wrong_bytes: bool = False
    """The right length, but the last byte is another."""
    wrong_bytes_once: bool = False
    stall_at: int | None = None
    """Sends nothing more from here on, and keeps the connection open."""
    first_page_status: int = 200
    api_status: int = 0
    resolve_status: int = 0
    cdn_status: int = 0
    cdn_status_times: int = 10**9
    """How many answers of the CDN carry `cdn_status`."""
    error_code: str = ""
    """X-Error-Code, by which the library tells what a status means: "GatedRepo", "RepoNotFound" …"""
    retry_after: str = ""
    declared_size: int | None = None
    etag_changes_after: int | None = None
    """From this many HEAD requests on, the file has another etag."""
    no_hashes: bool = False
    other_names: tuple[str, ...] = ()
    """Names that the repository lists besides its own."""
    redirect_cdn: bool = False
    """The CDN redirects once more, to the hub's own port under another host name."""
    html: bool = False
    """A login page instead of any answer."""
    bytes_per_second: int = 0


@dataclass
class Seen:
    """What was asked. `authorized_cdn` holds the paths that came to the CDN with a token: it must stay empty."""

    requests: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    authorized_hub: list[str] = field(default_factory=list)
    authorized_cdn: list[str] = field(default_factory=list)
    sent_bytes: int = 0


@dataclass(frozen=True)
class Repo:
    commit: str
    files: dict[str, bytes]


class State(Protocol):
    """What the two servers of a hub share."""

    repos: dict[str, Repo]
    faults: Faults
    seen: Seen
    heads: int
    cdn_failures: int
    cuts_left: list[int]
    open: bool

    @property
    def url(self) -> str: ...

    @property
    def cdn_url(self) -> str: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # A stalled answer must not hold up the end of a test.
    block_on_close = False

    def __init__(self, hub: State, port: int, *, is_cdn: bool) -> None:
        self.hub, self.is_cdn = hub, is_cdn
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        """Silent; `Seen` keeps what matters."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.seen.requests.append(f"{'CDN ' if self.server.is_cdn else ''}{self.command} {path}")
        if self.headers.get("Authorization"):
            (hub.seen.authorized_cdn if self.server.is_cdn else hub.seen.authorized_hub).append(path)
        if hub.faults.html:
            self._send(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        elif path.startswith("/cdn/"):
            self._cdn(path)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._model_info(match.group(1), match.group(2) or "main")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups())
        else:
            self._send(hub.faults.first_page_status, b"a hub for tests", {})

    def _model_info(self, repo: str, revision: str) -> None:
        hub = self.server.hub
        if hub.faults.api_status:
            self._refuse(hub.faults.api_status)
            return
        found = self._repo(repo, revision)
        if found is None:
            return
        siblings = [self._sibling(name, data) for name, data in found.files.items()]
        siblings += [self._sibling(name, b"GGUF") for name in hub.faults.other_names]
        answer = {"id": repo, "modelId": repo, "sha": found.commit, "gated": False, "siblings": siblings}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _sibling(self, name: str, data: bytes) -> dict[str, object]:
        faults = self.server.hub.faults
        size = faults.declared_size or len(data)
        sha256 = hashlib.sha256(data).hexdigest()
        told: dict[str, object] = {"rfilename": name, "size": size, "blobId": sha256[:40]}
        if not faults.no_hashes:
            told["lfs"] = {"size": size, "sha256": sha256, "pointerSize": 135}
        return told

    def _resolve(self, repo: str, revision: str, name: str) -> None:
        hub, faults = self.server.hub, self.server.hub.faults
        if faults.resolve_status:
            self._refuse(faults.resolve_status)
            return
        found = self._repo(repo, revision)
        if found is None:
            return
        if name not in found.files:
            self._refuse(404, "EntryNotFound")
            return
        data = found.files[name]
        hub.heads += 1
        changed = faults.etag_changes_after is not None and hub.heads > faults.etag_changes_after
        etag = "f" * 64 if changed else hashlib.sha256(data).hexdigest()
        headers = {
            "Location": f"{hub.cdn_url}/cdn/{quote(repo)}/{quote(name)}?signature=secret",
            "X-Repo-Commit": found.commit,
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(faults.declared_size or len(data)),
        }
        self._send(302, b"", headers)

    def _cdn(self, path: str) -> None:
        hub, faults = self.server.hub, self.server.hub.faults
        if faults.redirect_cdn and self.server.is_cdn:
            self._send(302, b"", {"Location": hub.url.replace("127.0.0.1", "localhost") + self.path})
            return
        if faults.cdn_status and hub.cdn_failures < faults.cdn_status_times:
            hub.cdn_failures += 1
            self._refuse(faults.cdn_status)
            return
        owner, repo, name = path.removeprefix("/cdn/").split("/", 2)
        data = self.server.hub.repos[f"{owner}/{repo}"].files[name]
        if faults.wrong_bytes or faults.wrong_bytes_once:
            data = data[:-1] + bytes([data[-1] ^ 1])
            hub.faults = replace(faults, wrong_bytes_once=False)
        start = self._start(len(data))
        if start is None:
            self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        self._stream(data, start)

    def _start(self, length: int) -> int | None:
        """Where to begin; None where the asked part is not there."""
        asked = self.headers.get("Range", "")
        self.server.hub.seen.ranges.append(asked)
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        if not match or self.server.hub.faults.ignore_range:
            return 0
        start = int(match.group(1))
        if start >= length:
            return None
        return 0 if self.server.hub.faults.wrong_range else start

    def _stream(self, data: bytes, start: int) -> None:
        hub, faults = self.server.hub, self.server.hub.faults
        ranged = bool(self.headers.get("Range")) and not faults.ignore_range
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        position = start
        while position < len(data) and hub.open:
            if faults.stall_at is not None and position >= faults.stall_at:
                time.sleep(0.05)
                continue
            stops = [stop for stop in (*hub.cuts_left, faults.stall_at) if stop is not None and stop > position]
            end = min([position + BLOCK_BYTES, len(data), *stops])
            self.wfile.write(data[position:end])
            hub.seen.sent_bytes += end - position
            if faults.bytes_per_second:
                time.sleep((end - position) / faults.bytes_per_second)
            position = end
            if position in hub.cuts_left:
                hub.cuts_left.remove(position)
                self.close_connection = True
                return

    def _repo(self, repo: str, revision: str) -> Repo | None:
        found = self.server.hub.repos.get(repo)
        if found is None:
            self._refuse(401, "RepoNotFound")
            return None
        if revision not in ("main", found.commit):
            self._refuse(404, "RevisionNotFound")
            return None
        return found

    def _refuse(self, status: int, code: str = "") -> None:
        faults = self.server.hub.faults
        headers = {"X-Error-Code": code or faults.error_code}
        if faults.retry_after:
            headers["Retry-After"] = faults.retry_after
        self._send(status, b"", headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
