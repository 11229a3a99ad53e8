"""`shammah privacy`: what may leave, and what did."""

from __future__ import annotations

import json

from shammah_tui import paths
from shammah_tui.journal.ledger import Departure, Ledger
from tests.cli.program import shammah


async def test_what_left_is_listed_with_its_reason_and_its_end() -> None:
    ledger = Ledger(paths.privacy_ledger())
    name = await ledger.depart(Departure("api.anthropic.com", "ModelNotReady", 4321, "s1", 1, "m", "why\x1b[31m\nso?"))
    await ledger.end(name, "answered", received_bytes=99, cost_usd=0.0123)
    await ledger.depart(Departure("api.anthropic.com", "UserAsked", 1000))
    found = shammah("privacy")
    assert (found.returncode, found.stderr) == (0, "")
    first, second = (line for line in found.stdout.splitlines() if "api.anthropic.com  " in line)
    assert "4,321  ModelNotReady  $0.0123  answered" in first
    assert "␛[31m" in first
    assert "unknown" in second
    assert "api.anthropic.com: 2 requests, 5,321 bytes in all" in found.stdout
    assert shammah("privacy", "-n", "1").stdout.count("api.anthropic.com  ") == 1
    told = json.loads(shammah("privacy", "--json").stdout)
    assert told["sent_bytes"] == 5321
    assert [item["outcome"] for item in told["sent"]] == ["answered", "unknown"]


def test_where_nothing_left_it_says_so_and_what_may() -> None:
    found = shammah("privacy", ANTHROPIC_API_KEY="sk-ant-x")
    assert "Nothing has left this machine." in found.stdout
    assert "the key is in ANTHROPIC_API_KEY" in found.stdout
    assert "sk-ant-x" not in found.stdout + found.stderr
    assert "Offline: nothing leaves this machine" in shammah("privacy", SHAMMAH_OFFLINE="true").stdout
    assert "nothing is sent to Claude" in shammah("privacy", SHAMMAH_ROUTER_CLOUD="never").stdout


def test_damaged_lines_are_passed_over_and_counted() -> None:
    paths.home().mkdir(parents=True)
    paths.privacy_ledger().write_text('{"id": "1", "at": "x", "to": "h", "why": "w"}\n{torn\n{"id": "2"}\n')
    found = shammah("privacy")
    assert "2 damaged lines" in found.stderr
    assert "h: 1 request, 0 bytes" in found.stdout


def test_a_wrong_number_is_a_wrong_argument() -> None:
    assert shammah("privacy", "-n", "0").returncode == 2
