"""The wheel as a person installs it: built, put into another environment, and used away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from shammah_tui import __version__

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 150


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    answer = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, f"{command} ended with {answer.returncode}:\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the wheel, which sees the libraries of this one: nothing is
    compiled or fetched again. The editable install is not seen: a path file inside an added folder does not count."""
    environment = tmp_path_factory.mktemp("environment")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(environment)
    commands = environment / "bin"
    library = Path(
        run(commands / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=ROOT).strip()
    )
    (library / "libraries_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", commands / "python")
    run(*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=environment)
    return commands


def test_the_wheel_holds_the_package_styles_and_demo_model_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"shammah_tui", f"shammah_tui-{__version__}.dist-info"}
    sheets = {f"shammah_tui/styles/{sheet.name}" for sheet in (ROOT / "styles").glob("*.tcss")}
    assert sheets
    assert sheets <= set(names)
    assert "shammah_tui/demo_model/shammah-demo-q8_0.gguf" in names
    assert f"shammah_tui-{__version__}.dist-info/licenses/LICENSE" in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_an_installed_shammah_is_the_wheels_own(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "shammah", "--version", cwd=tmp_path) == f"shammah {__version__}\n"
    ask = """
import json
from shammah_tui import paths
print(json.dumps([str(path) for path in (paths.PACKAGE, paths.styles_folder(), paths.demo_model_gguf())]))
"""
    package, styles, demo = (Path(path) for path in json.loads(run(installed / "python", "-c", ask, cwd=tmp_path)))
    assert package.is_relative_to(installed.parent)
    assert styles == package / "styles"
    assert (styles / "app.tcss").is_file()
    assert demo.is_file()


def test_an_installed_shammah_answers_a_question(installed: Path, tmp_path: Path) -> None:
    environment = {"SHAMMAH_ENGINE_KEEP_ALIVE": "always"}
    try:
        question = ("query", "--json", "--model", "demo", "--timeout", "120", "--temperature", "0")
        out = run(installed / "shammah", *question, "Hello, who are you?", cwd=tmp_path, environment=environment)
        told = json.loads(out)
        assert told["answer"].strip()
        assert (told["model"], told["error"]) == ("demo", None)
        assert "demo" in run(installed / "shammah", "daemon", "status", cwd=tmp_path)
    finally:
        run(installed / "shammah", "daemon", "stop", cwd=tmp_path)
