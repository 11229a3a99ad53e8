"""`scripts/setup.sh`: what a fresh clone is told, step by step, without fetching or compiling anything."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the scripts may use on a bare machine, beside Python and a compiler.
TOOLS = (
    *("awk", "bash", "cat", "cksum", "cut", "dirname", "env", "grep", "id"),
    *("mkdir", "rm", "sed", "sleep", "tail", "tr", "uname"),
)
TIMEOUT_SECONDS = 60


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout without `.venv`, as far as set-up looks at it."""
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("demo_model", "bench", "*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH with nothing on it but the plainest tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (folder / tool).symlink_to(found)
    return str(folder)


def script(folder: str, name: str, text: str) -> None:
    file = Path(folder) / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def bash(clone: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` after setup.sh, as the scripts do."""
    command = ["bash", "-c", f"set -euo pipefail; . scripts/setup.sh; mkdir -p .setup; {code}"]
    return subprocess.run(
        command, cwd=clone, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
        stdin=subprocess.DEVNULL, env={**os.environ, **environment},
    )  # fmt: skip


def made_current(clone: Path) -> None:
    """Make the clone look set up, with a `shammah` that tells its arguments."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    script(str(clone / ".venv" / "bin"), "shammah", 'echo "shammah $*"')
    (clone / ".venv" / "pyvenv.cfg").write_text("version = 3.11.7\n")
    stamp = bash(clone, "fingerprint").stdout
    (clone / ".venv" / ".shammah-run").write_text(stamp)


@pytest.mark.parametrize("name", ["run", "test", "setup.sh"])
def test_the_scripts_are_sound_bash(name: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / "scripts" / name)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-x", str(ROOT / "scripts" / name)], check=True, cwd=ROOT)


def test_without_python_the_commands_that_install_it_are_told(clone: Path, bare_path: str) -> None:
    found = subprocess.run(
        ["bash", "scripts/run", "--version"],
        cwd=clone, env={"PATH": bare_path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (1, "")
    assert "Python 3.11 or newer is needed. Tried: none found." in found.stderr
    for command in ("sudo apt install python3 python3-venv", "sudo dnf", "sudo pacman", "brew install python"):
        assert command in found.stderr


def test_an_older_python_is_named_and_a_newer_one_beside_it_is_taken(clone: Path, bare_path: str) -> None:
    script(bare_path, "python3", 'case "$2" in *print*) echo 3.9.2;; *) exit 1;; esac')
    found = bash(clone, "find_python", PATH=bare_path)
    assert found.returncode == 1
    assert "Tried: python3 (3.9.2)." in found.stderr
    Path(bare_path, "python3.12").symlink_to(sys.executable)
    assert bash(clone, "find_python", PATH=bare_path).stdout == "python3.12"


def test_a_python_without_venv_is_told_with_its_package(clone: Path, bare_path: str) -> None:
    script(bare_path, "python3", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12.1;; esac')
    found = bash(clone, "find_python", PATH=bare_path)
    assert found.returncode == 1
    assert "sudo apt install python3.12-venv" in found.stderr


def test_without_a_compiler_the_commands_that_install_one_are_told(clone: Path, bare_path: str) -> None:
    found = bash(clone, "check_compiler", PATH=bare_path, CXX="")
    assert found.returncode == 1
    for command in (
        "sudo apt install build-essential cmake",
        "sudo dnf install gcc-c++ cmake",
        "xcode-select --install",
    ):
        assert command in found.stderr
    script(bare_path, "g++", "echo g++ 12.2")
    found = bash(clone, "check_compiler", PATH=bare_path, CXX="")
    assert found.returncode == 0
    assert "C++ compiler: g++ 12.2\n  cmake is not installed: pip brings its own" in found.stderr


def test_a_checkout_that_is_set_up_starts_at_once_and_needs_nothing(clone: Path, bare_path: str) -> None:
    made_current(clone)
    found = subprocess.run(
        ["bash", "scripts/run", "query", "two words"],
        cwd=clone, env={"PATH": bare_path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (found.stdout, found.stderr) == ("shammah query two words\n", "")


def test_what_decides_the_environment_and_nothing_else_asks_for_a_new_set_up(clone: Path) -> None:
    made_current(clone)
    project = clone / "pyproject.toml"
    text = project.read_text()
    project.write_text(text.replace("line-length = 120", "line-length = 100").replace("timeout = 180", "timeout = 9"))
    assert bash(clone, "is_current run").returncode == 0
    project.write_text(text.replace('"numpy>=2",', '"numpy>=3",'))
    assert bash(clone, "is_current run").returncode == 1
    project.write_text(text)
    assert bash(clone, "is_current test").returncode == 1
    (clone / ".venv" / "bin" / "python").unlink()
    assert bash(clone, "is_current run").returncode == 1


def test_a_failing_step_shows_the_end_of_the_log_and_what_to_do(clone: Path) -> None:
    failing = ("bash", "-c", "'echo a line; echo No space left on device >&2; exit 3'")
    found = bash(clone, f"step 'llama.cpp' {' '.join(failing)}")
    assert found.returncode == 1
    assert "  | No space left on device" in found.stderr
    assert f"this step failed: llama.cpp. The whole log: {clone}/.setup/setup.log" in found.stderr
    assert "The disk is full" in found.stderr


def test_the_time_that_passes_is_shown_and_kept_out_of_standard_output(clone: Path) -> None:
    found = bash(clone, "step 'waiting' sleep 1; echo done")
    assert found.stdout == "done\n"
    assert re.fullmatch(r"  waiting: \d+ s\n", found.stderr)


def holding_the_lock(clone: Path) -> subprocess.Popen[str]:
    """A set-up that has the lock until it gets a line."""
    return subprocess.Popen(
        [
            "bash",
            "-c",
            f". scripts/setup.sh; mkdir -p .setup; take_lock {sys.executable}; echo held; read -r _; exit 0",
        ],
        cwd=clone,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_set_ups_at_once_wait_for_each_other(clone: Path) -> None:
    first = holding_the_lock(clone)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    second = holding_the_lock(clone)
    assert second.stderr is not None
    assert second.stderr.readline() == "Another set-up of this checkout is running; waiting for it …\n"
    assert second.poll() is None
    first.communicate("\n", timeout=TIMEOUT_SECONDS)
    assert second.communicate("\n", timeout=TIMEOUT_SECONDS) == ("held\n", "")


def test_a_killed_set_up_leaves_no_lock_behind(clone: Path) -> None:
    first = holding_the_lock(clone)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.communicate()
    assert bash(clone, f"take_lock {sys.executable}").stderr == ""


def test_an_interruption_ends_what_runs_and_the_next_start_goes_on(clone: Path, bare_path: str) -> None:
    fake = clone / "fake-python"
    # It makes an environment that never ends being made.
    script(str(clone), "fake-python", f'case "$*" in *venv*.venv) exec sleep 600;; esac; exec {sys.executable} "$@"')
    process = subprocess.Popen(
        ["bash", "scripts/run"],
        cwd=clone, env={**os.environ, "SHAMMAH_PYTHON": str(fake)}, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    log = clone / ".setup" / "setup.log"
    end = time.monotonic() + 20
    while not (log.exists() and "virtual environment" in log.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 130
    assert "Set-up interrupted. Start again to go on where it stopped." in told
    assert bash(clone, "is_current run").returncode == 1


# A pip that writes down what it is asked for, and leaves a file where a wheel would be.
FAKE_PIP = """#!/bin/sh
echo "$* [$CMAKE_ARGS]" >>asked
while [ $# -gt 1 ]; do
  if [ "$1" = --wheel-dir ]; then mkdir -p "$2"; touch "$2/llama_cpp_python-1.whl"; fi
  shift
done
"""


def install_llama_cpp(clone: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(FAKE_PIP)
    python.chmod(0o755)
    return bash(clone, "install_llama_cpp", HOME=str(home), XDG_CACHE_HOME=f"{home}/.cache", **environment)


def asked_of_pip(clone: Path, home: Path, **environment: str) -> list[str]:
    """A line for each call while llama.cpp is installed: the arguments, and CMAKE_ARGS."""
    install_llama_cpp(clone, home, **environment).check_returncode()
    asked = clone / "asked"
    lines = asked.read_text().splitlines() if asked.exists() else []
    asked.unlink(missing_ok=True)
    return lines


def test_llama_cpp_is_compiled_once_and_its_wheel_serves_the_next_checkout(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    compiled, installed = asked_of_pip(clone, home)
    assert compiled.startswith("-m pip wheel ")
    assert installed.startswith(f"-m pip install --force-reinstall --no-deps {home}/")
    assert asked_of_pip(clone, home) == []
    shutil.rmtree(clone / ".venv")
    assert asked_of_pip(clone, home) == [installed]


def test_other_options_another_recipe_and_another_processor_are_other_wheels(clone: Path, tmp_path: Path) -> None:
    asked_of_pip(clone, tmp_path)
    assert "[-DLLAVA_BUILD=OFF -DGGML_BLAS=ON]" in asked_of_pip(clone, tmp_path, CMAKE_ARGS="-DGGML_BLAS=ON")[0]
    (clone / "scripts" / "llama_cpp.cmake").write_text("# nothing\n")
    assert asked_of_pip(clone, tmp_path)[0].startswith("-m pip wheel ")
    recipe = bash(clone, "llama_cpp_recipe x").stdout
    script(str(tmp_path), "uname", "echo another")
    assert bash(clone, "llama_cpp_recipe x", PATH=f"{tmp_path}:{os.environ['PATH']}").stdout != recipe


def test_the_options_given_once_hold_for_later_set_ups_until_they_are_taken_back(clone: Path) -> None:
    assert bash(clone, "unset CMAKE_ARGS; llama_cpp_options").stdout == "-DLLAVA_BUILD=OFF"
    bash(clone, "printf %s -DGGML_BLAS=ON >.setup/cmake_args")
    assert bash(clone, "unset CMAKE_ARGS; llama_cpp_options").stdout == "-DLLAVA_BUILD=OFF -DGGML_BLAS=ON"
    assert bash(clone, "llama_cpp_options", CMAKE_ARGS="").stdout == "-DLLAVA_BUILD=OFF"


def test_a_cache_that_cannot_be_written_is_told_with_another_place(clone: Path, tmp_path: Path) -> None:
    cache = Path(bash(clone, "cache_folder", HOME=str(tmp_path), XDG_CACHE_HOME=f"{tmp_path}/.cache").stdout)
    cache.parent.mkdir(parents=True)
    cache.write_text("a file, where a folder is wanted")
    failed = install_llama_cpp(clone, tmp_path)
    assert failed.returncode == 1
    assert f"cannot write to {cache}/wheels." in failed.stderr
    assert "XDG_CACHE_HOME=/a/folder/of/yours scripts/run" in failed.stderr


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_one_file_of_llama_cpp_is_compiled_to_ask_for_the_weights_ahead(tmp_path: Path) -> None:
    """A project with the names of llama.cpp's, configured as set-up configures it."""
    cpu = tmp_path / "ggml" / "src" / "ggml-cpu"
    (cpu / "llamafile").mkdir(parents=True)
    for file in ("llamafile/sgemm.cpp", "ops.cpp"):
        (cpu / file).touch()
    top = "cmake_minimum_required(VERSION 3.21)\n"
    (tmp_path / "CMakeLists.txt").write_text(top + "project(llama_cpp)\nadd_subdirectory(ggml)\n")
    (tmp_path / "ggml" / "CMakeLists.txt").write_text(top + 'project("ggml" C CXX)\nadd_subdirectory(src)\n')
    sources = "ggml-cpu/llamafile/sgemm.cpp ggml-cpu/ops.cpp"
    (tmp_path / "ggml" / "src" / "CMakeLists.txt").write_text(f"add_library(ggml-cpu {sources})\n")
    included = f"-DCMAKE_PROJECT_ggml_INCLUDE={ROOT / 'scripts' / 'llama_cpp.cmake'}"
    subprocess.run(
        ["cmake", "-S", ".", "-B", "build", included, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
        cwd=tmp_path, check=True, capture_output=True, timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    commands = json.loads((tmp_path / "build" / "compile_commands.json").read_text())
    asking = [Path(command["file"]).name for command in commands if "-fprefetch-loop-arrays" in command["command"]]
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=True).stdout
    is_gcc = "Free Software Foundation" in compiler
    assert asking == (["sgemm.cpp"] if is_gcc and platform.machine() in {"x86_64", "AMD64"} else [])
