"""WebFetch against a real server on this machine; the name resolution and the grant for loopback are the test's."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.journal.ledger import Ledger
from shammah_tui.tools import address
from shammah_tui.tools.page import decoded, to_markdown
from shammah_tui.tools.tool import Context, Limits, Refused
from tests.tools.conftest import Call

PAGE = b"""<html><head><title>The  title</title><script>evil()</script></head><body><h1>Head</h1>
<p>Some <b>bold</b> text and <a href="/next">a link</a>.</p><img src="http://x/y.png" alt="a cat">
<ul><li>one</li><li>two</li></ul><pre><code>x = 1</code></pre></body></html>"""


class Pages(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        Pages.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        status, headers, body = self.answer()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        html = {"Content-Type": "text/html; charset=utf-8"}
        if self.path == "/page":
            return 200, {**html, "Set-Cookie": "a=b"}, PAGE
        if self.path == "/zipped":
            return 200, {**html, "Content-Encoding": "gzip"}, gzip.compress(PAGE)
        if self.path == "/bomb":
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            data = b"".join(packer.compress(b"x" * 1_000_000) for _ in range(50)) + packer.flush()
            return 200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, data
        if self.path == "/moved":
            return 302, {"Location": "/page", "Set-Cookie": "a=b"}, b""
        if self.path == "/loop":
            return 302, {"Location": "/loop"}, b""
        if self.path == "/away":
            return 302, {"Location": "https://other.example/x"}, b""
        if self.path == "/image":
            return 200, {"Content-Type": "image/png"}, b"\x89PNG"
        return 404, html, b"<p>not here</p>"

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server of these pages."""
    Pages.seen = []
    server = QuietServer(("127.0.0.1", 0), Pages)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about."""


@pytest.fixture
def origin() -> Iterator[str]:
    with serving() as port:
        yield f"localhost:{port}"


@pytest.fixture
def granted(context: Context, origin: str) -> Context:
    return replace(context, granted_hosts=frozenset({origin}), private_hosts=frozenset({origin}))


async def test_a_page_becomes_readable_text(call: Call, granted: Context, origin: str) -> None:
    for path in ("page", "zipped", "moved"):
        result = await call("WebFetch", granted, url=f"http://{origin}/{path}", prompt="the head")
        assert not result.failed, result.text
        assert "Title: The title" in result.text
        assert "# Head" in result.text
        assert "**bold**" in result.text
        assert f"[a link](http://{origin}/next)" in result.text.replace("127.0.0.1", "localhost")
        assert "- one" in result.text
        assert "a cat" in result.text
        assert "y.png" not in result.text
        assert "evil" not in result.text
        assert "Look for: the head" in result.text


async def test_the_request_keeps_the_host_and_brings_nothing_of_the_person(
    call: Call, granted: Context, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert not (await call("WebFetch", granted, url=f"http://{origin}/moved")).failed
    assert [path for path, _ in Pages.seen] == ["/moved", "/page"]
    for _, headers in Pages.seen:
        assert headers["host"] == origin
        assert "cookie" not in headers


async def test_another_host_is_a_question_of_its_own(call: Call, granted: Context, origin: str) -> None:
    result = await call("WebFetch", granted, url=f"http://{origin}/away")
    assert "https://other.example/x" in result.text
    assert "another host" in result.text


async def test_redirects_errors_and_pictures_are_told(call: Call, granted: Context, origin: str) -> None:
    assert "more than 5 times" in (await call("WebFetch", granted, url=f"http://{origin}/loop")).text
    assert len(Pages.seen) == 6
    missing = await call("WebFetch", granted, url=f"http://{origin}/none")
    assert missing.failed
    assert "404" in missing.text
    assert "image/png" in (await call("WebFetch", granted, url=f"http://{origin}/image")).text


async def test_a_bomb_is_cut_at_the_decoded_bytes(call: Call, granted: Context, origin: str) -> None:
    small = replace(granted, limits=Limits(web_bytes=100_000, result_characters=1_000))
    result = await call("WebFetch", small, url=f"http://{origin}/bomb")
    assert result.truncated
    assert len(result.text) < 1_500


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "https://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://127.1/",
        "https://169.254.169.254/latest", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "ftp://example.com/",
        "file:///etc/passwd", "https://user@localhost/", "https://localhost\\@x/", "https://a b/", "https://localhost:8443/",
        "", "x", "https://", "https://ex\u200bample.com/", "https://100.64.0.1/", "https://2130706433/",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_or_not_plain_are_refused(call: Call, url: str) -> None:
    try:
        result = await call("WebFetch", url=url)
    except OSError as error:
        raise AssertionError(f"{url} was tried") from error
    assert result.failed
    assert not Pages.seen or Pages.seen[-1][0] != url


async def test_a_metadata_address_is_refused_in_spite_of_a_grant() -> None:
    places = frozenset({"192.0.0.192:443"})
    with pytest.raises(Refused, match="not a public"):
        await address.locate(address.read("https://192.0.0.192/"), places, places)


async def test_a_granted_port_does_not_lead_into_the_local_network(call: Call, context: Context, origin: str) -> None:
    granted = replace(context, granted_hosts=frozenset({origin}))
    assert "not a public address" in (await call("WebFetch", granted, url=f"http://{origin}/page")).text
    assert not Pages.seen


def test_a_page_nested_without_end_is_still_read() -> None:
    _, text = to_markdown("<div>" * 3_000 + "deep" + "</div>" * 3_000, "https://x/")
    assert "deep" in text


def test_the_charset_of_the_page_is_found() -> None:
    assert decoded('<meta charset="windows-1251">Привет'.encode("cp1251"), "").endswith("Привет")
    assert decoded("é".encode("latin-1"), "iso-8859-1") == "é"
    assert decoded("é".encode(), "no-such-charset") == "é"
    assert decoded("é".encode(), "zip") == "é"


def make_certificate(key: Path, certificate: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
async def test_an_encrypted_page_is_checked_by_its_name_although_an_address_is_dialled(
    call: Call, context: Context, folder: Path
) -> None:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    await asyncio.to_thread(make_certificate, key, certificate)
    names: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.sni_callback = lambda _, name, __: names.append(name)
    with serving(tls) as port:
        places = frozenset({f"localhost:{port}", f"127.0.0.1:{port}"})
        trusting = replace(context, granted_hosts=places, private_hosts=places, certificates=certificate)
        assert "# Head" in (await call("WebFetch", trusting, url=f"https://localhost:{port}/page")).text
        assert names == ["localhost"]
        wrong_name = await call("WebFetch", trusting, url=f"https://127.0.0.1:{port}/page")
        assert "cannot be fetched" in wrong_name.text
        unknown = replace(trusting, certificates=None)
        assert (await call("WebFetch", unknown, url=f"https://localhost:{port}/page")).failed


async def test_every_request_stands_in_the_ledger_before_it_leaves(call: Call, granted: Context, origin: str) -> None:
    await call("WebFetch", granted, url=f"http://{origin}/moved")
    sent = Ledger(paths.privacy_ledger()).read().sent
    assert [item.departure.to for item in sent] == [origin, origin]
    assert [item.departure.why for item in sent] == ["WebFetch", "WebFetch"]
    assert [item.outcome for item in sent] == ["answered", "answered"]
    assert all(item.departure.sent_bytes > 50 for item in sent)
    assert sent[1].departure.question.endswith("/page")
    paths.privacy_ledger().unlink()
    paths.privacy_ledger().mkdir()
    Pages.seen = []
    result = await call("WebFetch", granted, url=f"http://{origin}/page")
    assert result.failed
    assert "Nothing was sent" in result.text
    assert Pages.seen == []
