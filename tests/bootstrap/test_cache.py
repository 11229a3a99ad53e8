import subprocess
import sys
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.bootstrap import cache, ledger
from shammah_tui.bootstrap.hub.selection import select
from shammah_tui.bootstrap.reach import is_about_certificate

REPO = "owner/name"
VARIABLES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "/somewhere/hf"},
        {"HF_HOME": "~/hf"},
        {"XDG_CACHE_HOME": "/xdg"},
        {"HF_HUB_CACHE": "/cache", "HF_HOME": "/other"},
        {"HUGGINGFACE_HUB_CACHE": "$HOME/old"},
    ],
)
def test_the_cache_lies_where_the_library_puts_it(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    script = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    library = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert str(cache.hub_cache_folder()) == library


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "models--owner--name" / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (folder / "x.gguf").write_bytes(b"x")
    return folder


def test_files_are_found_by_their_commit_or_by_any(snapshot: Path) -> None:
    assert cache.find(REPO, ("x.gguf",)) == (snapshot / "x.gguf",)
    assert cache.find(REPO, ("x.gguf",), "a" * 40) == (snapshot / "x.gguf",)
    assert cache.find(REPO, ("x.gguf",), "b" * 40) is None
    assert cache.find(REPO, ("x.gguf", "y.gguf")) is None
    assert cache.find("owner/else", ("x.gguf",)) is None


def test_the_branch_that_was_fetched_last_goes_first(snapshot: Path) -> None:
    newer = snapshot.with_name("f" * 40)
    newer.mkdir()
    (newer / "x.gguf").write_bytes(b"newer")
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text("f" * 40)
    assert cache.find(REPO, ("x.gguf",)) == (newer / "x.gguf",)


def test_the_name_of_the_blob_is_the_promised_hash(snapshot: Path) -> None:
    blob = snapshot.parent.parent / "blobs" / ("0" * 64)
    blob.parent.mkdir()
    blob.write_bytes(b"x")
    (snapshot / "linked.gguf").symlink_to(blob)
    assert cache.expected_sha256(snapshot / "linked.gguf") == "0" * 64
    assert cache.expected_sha256(snapshot / "x.gguf") == ""


def test_a_check_is_remembered_until_the_file_changes(snapshot: Path) -> None:
    file = snapshot / "x.gguf"
    assert not ledger.is_verified(file, "1" * 64)
    ledger.remember(file, "1" * 64)
    assert ledger.is_verified(file, "1" * 64)
    assert ledger.is_verified(file, "")
    assert not ledger.is_verified(file, "2" * 64)
    file.write_bytes(b"xy")
    assert not ledger.is_verified(file, "1" * 64)
    assert (paths.home() / ledger.FILE).stat().st_mode & 0o777 == 0o600


def test_a_pin_stays_and_other_keys_stay_too(snapshot: Path) -> None:
    ledger.pin(REPO, "a" * 40)
    file = paths.home() / ledger.FILE
    file.write_text(file.read_text().replace("{", '{"later": 1,', 1))
    ledger.pin(REPO, "b" * 40)
    assert ledger.pinned(REPO) == "a" * 40
    assert '"later": 1' in file.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pinned": 3}', b"\0\0", b"[]"])
def test_a_ledger_that_cannot_be_read_counts_as_empty(snapshot: Path, content: bytes) -> None:
    paths.home().mkdir()
    (paths.home() / ledger.FILE).write_bytes(content)
    assert ledger.pinned(REPO) == ""
    ledger.pin(REPO, "a" * 40)
    assert ledger.pinned(REPO) == "a" * 40


SIZES = {
    "m-Q2_K.gguf": 1,
    "m-Q4_K_M-00001-of-00002.gguf": 2,
    "m-Q4_K_M-00002-of-00002.gguf": 2,
    "m-Q5_K_M-00001-of-00002.gguf": 2,
    "sub/m-q8_0.gguf": 5 * 10**9,
    "mmproj-m-Q4_K_M.gguf": 1,
    "README.md": 1,
}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", ["m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"]),
        ("q4_k_m", ["m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"]),
        ("Q8_0", ["sub/m-q8_0.gguf"]),
        ("Q2_K", ["m-Q2_K.gguf"]),
        ("Q2", []),
        ("Q5_K_M", []),
        ("m-Q4_K_M-00002-of-00002.gguf", ["m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"]),
        ("mmproj-m-Q4_K_M.gguf", []),
    ],
)
def test_a_gguf_is_selected_whole_or_not_at_all(selector: str, expected: list[str]) -> None:
    assert list(select(tuple(SIZES), SIZES, selector)) == expected


def test_a_certificate_that_is_not_trusted_is_recognised_behind_other_errors() -> None:
    outer = ConnectionError("failed")
    outer.__cause__ = OSError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    assert is_about_certificate(outer)
    assert not is_about_certificate(ConnectionError("refused"))
