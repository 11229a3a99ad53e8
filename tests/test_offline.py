"""`offline = true` holds below every library: a sealed process reaches this machine alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TRIES = {
    "connect": "socket.create_connection(('192.0.2.1', 9), 1)",
    "connect of a socket": "socket.socket().connect(('192.0.2.1', 9))",
    "connect without a wait": "socket.socket().connect_ex(('192.0.2.1', 9))",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 9))",
    "IPv4 inside IPv6": "socket.socket(socket.AF_INET6).connect(('::ffff:192.0.2.1', 9))",
    "a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "a datagram by message": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 9))",
    "a name": "socket.getaddrinfo('api.anthropic.com', 443)",
    "an event loop": "asyncio.run(asyncio.open_connection('192.0.2.1', 9))",
    "an HTTP client": "httpx2.get('https://192.0.2.1/', timeout=1)",
    "the library of Claude": (
        "anthropic.Anthropic(api_key='k', max_retries=0).messages.create("
        "model='claude-opus-5-5', max_tokens=1, messages=[{'role': 'user', 'content': 'x'}])"
    ),
}


def sealed(statement: str) -> subprocess.CompletedProcess[str]:
    """Run `statement` in a sealed interpreter; it prints "stopped" where the seal did."""
    imports = "import asyncio, socket, sys"
    imports += "".join(f", {name}" for name in ("httpx2", "anthropic") if f"{name}." in statement)
    code = f"""
{imports}
from shammah_tui.offline import Sealed, seal
seal()
try:
    {statement}
except BaseException as error:
    while error is not None and not isinstance(error, Sealed):
        error = error.__cause__ or error.__context__
    print("stopped" if error is not None else "another error")
else:
    print("through")
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("statement", TRIES.values(), ids=TRIES.keys())
def test_a_sealed_process_reaches_no_other_machine(statement: str) -> None:
    answer = sealed(statement)
    assert answer.stdout == "stopped\n", answer.stderr


def test_a_sealed_process_still_reaches_this_machine() -> None:
    answer = sealed(
        "server = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(('localhost', server.getsockname()[1])).sendall(b'x'); "
        "one, two = socket.socketpair(); one.sendall(b'x')"
    )
    assert answer.stdout == "through\n", answer.stderr


def test_the_setting_seals_whatever_command_runs() -> None:
    code = """
import socket
from argparse import Namespace
from shammah_tui.cli.configured import configured
from shammah_tui.offline import Sealed
configured(Namespace())
try:
    socket.socket(type=socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
except Sealed:
    print("stopped")
else:
    print("through")
"""
    for offline, expected in (("true", "stopped"), ("false", "through")):
        environment = {**os.environ, "SHAMMAH_OFFLINE": offline}
        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False, env=environment
        )
        assert answer.stdout.strip() == expected, answer.stderr
