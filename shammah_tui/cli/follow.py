"""`shammah train --follow [DIR]`: the steps of a run that another process makes, as they come, in plain text.

DIR is what was given as --out, or the folder of one of the engine's runs; while a run lives, its lines stand in a draft
beside or inside it. Without DIR it is the engine's run that lives, else the one that was written to last.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from shammah_tui import paths
from shammah_tui.cli.step_text import told
from shammah_tui.errors import ShammahError
from shammah_tui.learning.adapter import is_draft_of_the_living
from shammah_tui.learning.event import from_line

POLL_SECONDS = 0.2
# So often it is looked for a log that is being moved.
MOVING_POLLS = 15
LOG = "steps.jsonl"


def run(folder: Path | None, *, as_json: bool) -> int:
    """Prints until the run has ended. Raises `ShammahError` where there is none."""
    log = _log(folder)
    if not as_json:
        print(f"Following {_name(log.parent)}:", flush=True)
    at = 0
    while True:
        lives = is_draft_of_the_living(log.parent)
        at = _print(log, at, as_json=as_json)
        if not lives:
            break
        time.sleep(POLL_SECONDS)
        if not log.is_file():
            log = _moved(log)
    _print(log, at, as_json=as_json)
    return _verdict(log.parent / "report.json")


def _log(folder: Path | None) -> Path:
    if folder is None:
        runs = paths.home() / "runs"
        drafts, ended = [*runs.glob(f"*/.*.part/{LOG}")], runs.glob(f"*/{LOG}")
    else:
        folder = folder.absolute()
        drafts = [*folder.parent.glob(f".{folder.name}.*.part/{LOG}"), *folder.glob(f".*.part/{LOG}")]
        ended = folder.glob(LOG)
    found = [path for path in drafts if is_draft_of_the_living(path.parent)] or list(ended)
    if not found:
        raise ShammahError("There is no run to follow.", "Name the folder that was given as --out.")
    return max(found, key=lambda path: path.stat().st_mtime)


def _name(place: Path) -> str:
    """A run's, whose draft lies in a folder of its name, or that of the folder the draft shall become."""
    if not place.name.startswith("."):
        return place.name
    own = place.parent
    return own.name if own.parent == paths.home() / "runs" else place.name[1:].rsplit(".", 3)[0]


def _moved(log: Path) -> Path:
    """Where the lines are once the draft has become the adapter's folder, or was put into the engine's store. Raises
    `ShammahError` where they are gone with the run."""
    out = log.parent.with_name(log.parent.name[1:].rsplit(".", 3)[0])
    for _ in range(MOVING_POLLS):
        for place in (out / LOG, out.parent / LOG):
            if place.is_file():
                return place
        time.sleep(POLL_SECONDS)
    raise ShammahError("The run has ended without a result.", "Whoever started it knows why.")


def _print(log: Path, at: int, *, as_json: bool) -> int:
    """Prints the whole lines from byte `at` on; returns where the next one begins."""
    try:
        with log.open("rb") as file:
            file.seek(at)
            *lines, _ = file.read().split(b"\n")
    except FileNotFoundError:
        return at
    for line in lines:
        try:
            event = from_line(line.decode("utf-8"))
        except (ValueError, KeyError, TypeError):
            continue
        text = line.decode("utf-8") if as_json else told(event)
        if text:
            print(text, flush=True)
    return at + sum(len(line) + 1 for line in lines)


def _verdict(report: Path) -> int:
    try:
        said = json.loads(report.read_text("utf-8"))
        accepted, reasons = bool(said["accepted"]), list(map(str, said["reasons"]))
    except (OSError, ValueError, KeyError, TypeError):
        return 1
    print("Accepted." if accepted else "\n".join(["The gate refused the adapter:", *reasons]))
    return 0 if accepted else 3
