"""Pins what a picture of the screen could take from the machine; the pictures are in the top-level `snapshots/`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.location import PyTestLocation

from shammah_tui.bootstrap import report
from tests.bootstrap.conftest import LAPTOP

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"


def _dirname(cls: type[SVGImageExtension], *, test_location: PyTestLocation) -> str:
    return str(SNAPSHOTS / test_location.basename)


# syrupy has no option for the folder. Patched at import: it also looks there for pictures that no test takes any more.
SVGImageExtension.dirname = classmethod(_dirname)


@pytest.fixture(autouse=True)
def pinned_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TEXTUAL_THEME", "COLORFGBG", "LINES", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(report, "probe", lambda: LAPTOP)
