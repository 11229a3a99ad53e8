import stat
from pathlib import Path

import pytest

from shammah_tui.bootstrap import hardware
from shammah_tui.bootstrap.hardware import (
    Gpu,
    Hardware,
    free_disk_bytes,
    is_for_gpus,
    is_unified,
    parse_cgroup_limit,
    parse_nvidia_smi,
    probe,
)


def test_probe_finds_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "not" / "yet" / "made"))
    found = probe()
    assert found.ram_bytes > 100 * 1024**2
    assert 0 < found.ram_available_bytes <= found.ram_bytes
    assert found.cores >= 1
    assert found.disk_free_bytes > 0
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("", ()),
        (
            "NVIDIA GeForce RTX 3090, 24576, 20000\n",
            (Gpu("NVIDIA GeForce RTX 3090", 24576 * 1024**2, 20000 * 1024**2),),
        ),
        ("A, 1, 1\nB, 2, 1\n", (Gpu("A", 1024**2, 1024**2), Gpu("B", 2 * 1024**2, 1024**2))),
        ("Odd, name, 8192, 8000", (Gpu("Odd, name", 8192 * 1024**2, 8000 * 1024**2),)),
        ("Tegra, [N/A], [N/A]\n", ()),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", ()),
    ],
)
def test_graphics_cards_are_read_from_nvidia_smi(text: str, cards: tuple[Gpu, ...]) -> None:
    assert parse_nvidia_smi(text) == cards


@pytest.mark.parametrize(
    ("names", "usable"),
    [
        (["libllama.so", "libggml.so", "libggml-base.so.0.25.3", "libggml-cpu.so", "libggml-blas.so"], False),
        (["libggml-base.so", "libggml-cpu-haswell.so", "libggml-cpu-zen4.so"], False),
        (["libggml-base.so", "libggml-cpu.so", "libggml-cuda.so"], True),
        (["libggml-base.dylib", "libggml-cpu.dylib", "libggml-metal.dylib"], True),
        (["ggml-base.dll", "ggml-cpu.dll", "ggml-vulkan.dll"], True),
        (["libllama.so"], True),
        ([], True),
    ],
)
def test_the_files_of_llama_cpp_tell_whether_it_can_use_a_card(names: list[str], usable: bool) -> None:
    assert is_for_gpus(names) is usable


@pytest.mark.parametrize(
    ("text", "limit"),
    [("max\n", None), ("2147483648\n", 2**31), ("9223372036854771712\n", None), ("", None), ("-1", None)],
)
def test_a_containers_share_of_memory_is_read(text: str, limit: int | None) -> None:
    assert parse_cgroup_limit(text) == limit


@pytest.mark.parametrize(
    ("system", "machine", "unified"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False)],
)
def test_apple_silicon_has_one_memory(system: str, machine: str, unified: bool) -> None:
    assert is_unified(system, machine) is unified


def test_memory_of_several_cards_is_added() -> None:
    cards = (Gpu("a", 3, 1), Gpu("b", 4, 1))
    assert Hardware(1, 1, 1, "linux", "x86_64", gpus=cards).vram_bytes == 7


def test_a_driver_that_hangs_does_not_hold_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(hardware, "NVIDIA_SMI_TIMEOUT_SECONDS", 0.2)
    assert probe().gpus == ()


def test_free_disk_of_a_folder_that_is_not_there_is_that_of_its_parent(tmp_path: Path) -> None:
    assert free_disk_bytes(tmp_path / "a" / "b") > 0
