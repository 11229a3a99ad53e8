"""The table of machines and wishes."""

from dataclasses import replace

import pytest

from shammah_tui.bootstrap import catalog
from shammah_tui.bootstrap.catalog import Family
from shammah_tui.bootstrap.choice import choose, fallback, obstacle_to
from shammah_tui.bootstrap.hardware import Gpu, Hardware
from shammah_tui.bootstrap.wish import Wish, WishKind, parse_wish
from shammah_tui.errors import ModelError

GIBIBYTE = 1024**3
KNOWN = catalog.read(catalog.BUNDLED)


def linux(ram: float, vram: float = 0, disk: float = 500) -> Hardware:
    gpus = (Gpu("card", int(vram * GIBIBYTE), int(vram * GIBIBYTE)),) if vram else ()
    size = int(ram * GIBIBYTE)
    return Hardware(size, size // 2, 8, "linux", "x86_64", gpus=gpus, disk_free_bytes=int(disk * GIBIBYTE))


def mac(ram: float) -> Hardware:
    return replace(linux(ram), system="darwin", machine="arm64", unified_memory=True)


@pytest.mark.parametrize(
    ("machine", "family", "expected"),
    [
        (linux(4), "coder", "qwen2.5-coder-0.5b Q8_0"),
        (linux(7.6), "coder", "qwen2.5-coder-1.5b Q8_0"),
        (linux(8), "instruct", "qwen2.5-1.5b Q8_0"),
        (linux(12), "coder", "qwen2.5-coder-1.5b Q8_0"),
        (linux(15.4), "coder", "qwen2.5-coder-3b Q8_0"),
        (linux(24), "coder", "qwen2.5-coder-3b Q8_0"),
        (linux(31), "coder", "qwen2.5-coder-7b Q4_K_M"),
        (linux(31), "instruct", "qwen2.5-7b Q4_K_M"),
        (linux(62), "coder", "qwen2.5-coder-14b Q4_K_M"),
        (linux(62), "instruct", "qwen2.5-14b Q4_K_M"),
        (linux(512), "coder", "qwen2.5-coder-14b Q4_K_M"),
        (mac(8), "coder", "qwen2.5-coder-1.5b Q8_0"),
        (mac(16), "coder", "qwen2.5-coder-3b Q8_0"),
        (mac(36), "coder", "qwen2.5-coder-7b Q4_K_M"),
        (mac(64), "coder", "qwen2.5-coder-14b Q4_K_M"),
        # Graphics memory that holds more than the tier of the RAM.
        (linux(16, vram=8), "coder", "qwen2.5-coder-7b Q4_K_M"),
        (linux(16, vram=24), "coder", "qwen2.5-coder-14b Q4_K_M"),
        (linux(16, vram=2), "coder", "qwen2.5-coder-3b Q8_0"),
        (linux(62, vram=80), "coder", "qwen2.5-coder-32b Q4_K_M"),
        # Not enough disk for the usual one.
        (linux(31, disk=4.2), "coder", "qwen2.5-coder-3b Q4_K_M"),
        (linux(31, disk=2.2), "coder", "qwen2.5-coder-1.5b Q4_K_M"),
        # No room at all: the demo.
        (linux(31, disk=0.5), "coder", "demo"),
        (linux(1), "coder", "demo"),
        # Nothing known of the disk is no obstacle.
        (linux(16, disk=0), "coder", "qwen2.5-coder-3b Q8_0"),
    ],
)
def test_auto_takes_the_tier_of_the_machine(machine: Hardware, family: Family, expected: str) -> None:
    chosen = choose(machine, KNOWN, Wish(WishKind.AUTO), family=family)
    if expected == "demo":
        assert chosen.is_demo
        assert "no downloadable model fits" in chosen.reason
    else:
        assert chosen.model is not None
        assert chosen.artifact is not None
        assert f"{chosen.model.id} {chosen.artifact.quantization}" == expected
        assert chosen.fits
        assert "GB" in chosen.reason


@pytest.mark.parametrize(
    ("machine", "wish", "expected", "fits"),
    [
        (linux(8), "0.5b", "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:Q8_0", True),
        (linux(8), "3B", "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF:Q8_0", True),
        (linux(5), "3b", "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF:Q4_K_M", True),
        (linux(8), "14b", "Qwen/Qwen2.5-Coder-14B-Instruct-GGUF:Q4_K_M", False),
        (linux(8), "qwen3-4b", "Qwen/Qwen3-4B-GGUF:Q4_K_M", True),
        (linux(32), "30b", "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M", True),
        (linux(8), "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q8_0", True),
        (
            linux(8),
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:q4_k_m",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q4_K_M",
            True,
        ),
        (
            linux(8),
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q4_K_M",
            True,
        ),
        (linux(8), "Qwen/Qwen2.5-Coder-1.5B-Instruct", "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q8_0", True),
        (linux(8, disk=1), "1.5b", "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q8_0", False),
    ],
)
def test_what_is_named_is_taken(machine: Hardware, wish: str, expected: str, fits: bool) -> None:
    chosen = choose(machine, KNOWN, parse_wish(wish, KNOWN))
    assert chosen.artifact is not None
    assert (chosen.artifact.id, chosen.fits) == (expected, fits)
    assert fits or "although it needs" in chosen.reason


@pytest.mark.parametrize("wish", ["someone/model-GGUF", "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF:Q2_K"])
def test_what_the_catalog_has_not_is_left_to_the_hub(wish: str) -> None:
    chosen = choose(linux(8), KNOWN, parse_wish(wish, KNOWN))
    assert chosen.artifact is None
    assert not chosen.is_demo
    assert "not in the catalog" in chosen.reason


def test_another_quantisation_of_a_known_model_is_looked_for_where_its_ggufs_are() -> None:
    chosen = choose(linux(8), KNOWN, parse_wish("Qwen/Qwen2.5-Coder-7B-Instruct:Q8_0", KNOWN))
    assert chosen.wish.text == "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF"
    assert len(KNOWN.revision_of(chosen.wish.text)) == 40


def test_the_3b_says_that_it_is_not_for_commercial_use() -> None:
    assert "not for commercial use" in choose(linux(16), KNOWN, Wish(WishKind.AUTO)).licence_note
    assert choose(linux(32), KNOWN, Wish(WishKind.AUTO)).licence_note == ""


def test_alternatives_name_all_others_and_why_not() -> None:
    chosen = choose(linux(8), KNOWN, Wish(WishKind.AUTO))
    assert {other.model.id for other in chosen.alternatives} == {m.id for m in KNOWN.models} - {"qwen2.5-coder-1.5b"}
    by_id = {other.model.id: other for other in chosen.alternatives}
    assert by_id["qwen2.5-coder-0.5b"].fits
    assert not by_id["qwen2.5-coder-32b"].fits
    assert "of memory" in by_id["qwen2.5-coder-32b"].why


def test_a_downloaded_model_needs_no_more_disk() -> None:
    full = linux(8, disk=0.1)
    chosen = choose(full, KNOWN, Wish(WishKind.AUTO), downloaded=["Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q8_0"])
    assert chosen.model is not None
    assert chosen.model.id == "qwen2.5-coder-1.5b"


def test_what_a_download_left_is_no_missing_room() -> None:
    machine = linux(31, disk=1.2)
    model = KNOWN.by_id("qwen2.5-coder-7b")
    assert model is not None
    artifact = model.artifact[-1]
    assert "of disk" in obstacle_to(machine, model, artifact)
    begun = {artifact.id: artifact.size_bytes - 100_000_000}
    assert not obstacle_to(machine, model, artifact, (), begun)
    chosen = choose(machine, KNOWN, Wish(WishKind.AUTO), partial_bytes=begun)
    assert chosen.artifact == artifact
    assert "1.5 GB more of disk" in obstacle_to(
        machine, model, artifact, (), {artifact.id: artifact.size_bytes - 500_000_000}
    )


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ([], None),
        (["Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0"], "qwen2.5-0.5b"),
        (["Qwen/Qwen2.5-3B-Instruct-GGUF:Q4_K_M", "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:Q8_0"], "qwen2.5-coder-0.5b"),
        (["Qwen/Qwen2.5-Coder-32B-Instruct-GGUF:Q4_K_M"], None),
        (["Qwen/Qwen3-4B-GGUF:Q4_K_M", "Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0"], "qwen2.5-0.5b"),
        (["Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q8_0", "Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0"], "qwen2.5-1.5b"),
    ],
)
def test_without_the_hub_the_best_that_is_here_is_taken(here: list[str], expected: str | None) -> None:
    found = fallback(linux(8), KNOWN, "coder", here)
    assert (found and found[0].id) == expected


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("", Wish(WishKind.AUTO)),
        ("AUTO", Wish(WishKind.AUTO)),
        ("demo", Wish(WishKind.DEMO)),
        (" 7B ", Wish(WishKind.SIZE, "7b")),
        ("Qwen3-8B", Wish(WishKind.MODEL, "qwen3-8b")),
        ("owner/name", Wish(WishKind.HUB, "owner/name")),
        ("owner/name:Q4_K_M", Wish(WishKind.HUB, "owner/name", "Q4_K_M")),
        ("owner/name:sub/file.gguf", Wish(WishKind.HUB, "owner/name", "sub/file.gguf")),
        ("/models/x.gguf", Wish(WishKind.PATH, "/models/x.gguf")),
        ("./x", Wish(WishKind.PATH, "./x")),
        ("~/x.gguf", Wish(WishKind.PATH, "~/x.gguf")),
        ("models/x.gguf", Wish(WishKind.PATH, "models/x.gguf")),
    ],
)
def test_a_wish_is_told_by_its_form(text: str, wish: Wish) -> None:
    assert parse_wish(text, KNOWN) == wish


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("5b", 'no model of size "5b"', "0.5b"),
        ("gpt-4", "no model that Shammah knows", "qwen2.5-coder-7b"),
        ("a/b/c", "no name on the hub", "owner/name"),
        ("../a/b", "", ""),
        ("a--b/c", "no name on the hub", "owner/name"),
        ("owner/..", "no name on the hub", "owner/name"),
        ("owner/name:../x.gguf", "no file inside", "as the hub lists it"),
        ("owner/name:Q4 K", "neither a quantisation", "Q4_K_M"),
        ("owner/name:sub/x\x1b.gguf", "no file inside", ""),
    ],
)
def test_a_wish_that_means_nothing_says_what_there_is(text: str, words: str, hint: str) -> None:
    if not words:
        assert parse_wish(text, KNOWN).kind is WishKind.PATH
        return
    with pytest.raises(ModelError, match=words) as caught:
        parse_wish(text, KNOWN)
    assert hint in caught.value.hint
