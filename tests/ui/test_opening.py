"""The prompt before Textual is there: painted at once, in its place, and no key lost, doubled or moved."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shammah_tui.ui import theme
from shammah_tui.ui.colour import PALETTES
from shammah_tui.ui.keys import rebind, while_writing
from shammah_tui.ui.opening import FOOTER
from shammah_tui.ui.preview import Keys, Preview, rows
from tests.ui.pty_screen import ROOT, PtyScreen, in_pty, shammah

SLOW_SECONDS = "0.4"
# The first question brings what draws answers, which a busy machine may take long for.
SETTLED_SECONDS = 1.2


def painted(report: Path, seconds: str = SLOW_SECONDS) -> list[str]:
    return [sys.executable, "-m", "tests.ui.painted", str(report), seconds]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def wait_until_complete(shown: PtyScreen, report: Path) -> None:
    shown.wait_until(report.exists, "no screen of Textual's")
    shown.read(0.05)


# The picture


@pytest.mark.parametrize(
    ("columns", "rows", "environment"),
    [
        (80, 24, {}),
        (120, 40, {}),
        (48, 30, {}),
        (79, 20, {"SHAMMAH_THEME": "shammah-light"}),
        (101, 33, {"COLORTERM": ""}),
        (80, 24, {"COLORTERM": "", "TERM": "xterm", "SHAMMAH_THEME": "shammah-light"}),
        (80, 24, {"NO_COLOR": "1"}),
    ],
    ids=["80x24", "120x40", "48x30", "light", "256 colours", "16 colours", "no colour"],
)
def test_nothing_changes_on_the_screen_when_textual_takes_over(
    tmp_path: Path, report: Path, columns: int, rows: int, environment: dict[str, str]
) -> None:
    """What `ui/opening.py`, `ui/frame.py` and `ui/colour.py` paint is what the screen shows first, cell by cell."""
    with in_pty(painted(report), tmp_path, columns, rows, **environment) as shown:
        shown.wait_for("│ › Ask anything")
        shown.wait_for("Enter send")
        shown.type("grün 中".encode())
        shown.wait_for("grün")
        shown.read(0.02)
        first = shown.cells()
        begun = len(shown.pictures)
        wait_until_complete(shown, report)
        assert shown.cells() == first
        assert shown.pictures[begun:] == [], "it flickered"


def test_the_footer_of_the_first_frame_is_that_of_the_table_of_keys() -> None:
    rebind(())  # a test before this one may have had keys of its own
    assert tuple((key.shown, key.footer) for key in while_writing()) == FOOTER


def test_the_colours_of_our_themes_are_those_of_the_first_frame() -> None:
    for own in theme.OWN:
        palette = PALETTES[own.name]
        assert (palette["foreground"], palette["background"]) == (own.foreground, own.background)


def test_a_theme_of_the_config_is_painted_from_the_beginning(tmp_path: Path, report: Path) -> None:
    (tmp_path / "config.toml").write_text('# mine\ntheme = "shammah-light" # bright\n[model]\n')
    with in_pty(painted(report), tmp_path) as shown:
        shown.wait_for("Shammah")
        assert shown.screen.buffer[23][0].bg == PALETTES["shammah-light"]["background"].removeprefix("#")


# What is loaded


def loaded_before(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `statement`, beyond those of its own start."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(answer.stdout.split())


def test_the_first_frame_needs_hardly_more_than_the_interpreter_has() -> None:
    loaded = loaded_before("import shammah_tui.__main__, shammah_tui.ui.first_paint")
    ours = {name for name in loaded if name.startswith("shammah_tui")}
    assert loaded - ours <= {"__future__", "select", "termios"}
    assert len(ours) <= 7, sorted(ours)


def test_the_screen_loads_nothing_that_its_first_picture_does_not_show() -> None:
    loaded = loaded_before("import shammah_tui.cli.screen, shammah_tui.ui.app, shammah_tui.ui.late_runtime")
    later = {
        *("pydantic", "tomlkit", "sqlite3", "markdown_it", "pygments", "argparse", "httpx2", "psutil", "jinja2"),
        *("anthropic", "huggingface_hub", "torch", "peft", "transformers", "llama_cpp", "numpy"),
        *("shammah_tui.runtime", "shammah_tui.events", "shammah_tui.conversation", "shammah_tui.config.load"),
        *("shammah_tui.ui.markdown", "shammah_tui.ui.exchange", "shammah_tui.ui.screens.help"),
        *("shammah_tui.ui.widgets.block", "shammah_tui.ui.widgets.completion", "shammah_tui.ui.widgets.find"),
        *("shammah_tui.ui.widgets.model_panel", "shammah_tui.ui.find", "json"),
        *("shammah_tui.ui.widgets.queue", "shammah_tui.ui.widgets.reading", "shammah_tui.ui.widgets.transcript"),
        *("shammah_tui.ui.screens.model", "shammah_tui.ui.screens.picker"),
    }
    assert loaded & later == set(), "import it where it is first used, and warm it up in `cli.screen`"


async def test_the_yardstick_of_the_start_has_as_many_widgets_as_the_first_picture() -> None:
    """`scripts/bench/startup` divides by a plain app with the same number of plain widgets."""
    from scripts.bench.startup_minimal import Minimal
    from shammah_tui.agent.history import History
    from shammah_tui.ui.app import ShammahApp
    from tests.ui.script import Scripted

    counts = []

    class First(ShammahApp):
        def on_ready(self) -> None:
            counts.append(len(list(self.screen.walk_children())))
            super().on_ready()

    async with First(Scripted(), history=History(None)).run_test(size=(80, 24)):
        assert counts
    minimal = Minimal()
    async with minimal.run_test(size=(80, 24)):
        assert [len(list(minimal.screen.walk_children()))] == counts


# Keys

TOKENS = (
    *(b"a", b"Z", b"_", b" ", b"  ", b"(", b")", b"7", "é".encode(), "中".encode(), "👍".encode(), "e\u0301".encode()),
    *(
        b"\x1b[D",
        b"\x1b[C",
        b"\x1bOD",
        b"\x1b[H",
        b"\x1b[F",
        b"\x1b[3~",
        b"\x1b[1;5D",
        b"\x1b[1;5C",
        b"\x1b[A",
        b"\x1b[B",
    ),
    *(b"\x7f", b"\x17", b"\x15", b"\x0b", b"\x01", b"\x05", b"\x1f", b"\n"),
    *(b"\x1b[97;;97u", b"\x1b[13;2u", b"\x1b[127u", b"\x1b[97;5u", b"\x1b[1;1D"),
    b"\x1b[200~two\rlines \x1b[201~",
)
ENTER = b"\r"


def typed_later(keys: bytes, tmp_path: Path) -> dict[str, Any]:
    """What the same keys bring about when they are typed into the complete screen."""
    report = tmp_path / "later.json"
    with in_pty(painted(report, "0"), tmp_path / "later", ESCDELAY="5000") as shown:
        wait_until_complete(shown, report)
        shown.type(keys)
        return settled(shown, report)


def settled(shown: PtyScreen, report: Path) -> dict[str, Any]:
    """The report once it has not changed for a while."""
    last: dict[str, Any] = {}
    since = time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS:
        shown.read(0.05)
        told = json.loads(report.read_bytes()) if report.exists() else {}
        if told != last or not told:
            last, since = told, time.monotonic()
    return last


@pytest.mark.parametrize("seed", range(6))
def test_keys_arrive_as_they_were_typed_however_they_fall(tmp_path: Path, report: Path, seed: int) -> None:
    """Typed in pieces that may end within a key, from before the first frame until after Textual has taken over."""
    chance = random.Random(seed)
    tokens = [chance.choice(TOKENS) for _ in range(60)]
    for at in sorted(chance.sample(range(60), seed % 3), reverse=True):
        tokens.insert(at, b"words" + ENTER)
    keys = b"".join(tokens)
    with in_pty(painted(report, "0.1"), tmp_path, ESCDELAY="5000") as shown:
        shown.wait_for("Ask anything")
        left = keys
        while left:
            size = chance.randint(1, 9)
            shown.type(left[:size])
            left = left[size:]
            shown.read(chance.random() * 0.02)
        assert settled(shown, report) == typed_later(keys, tmp_path)


def test_what_is_typed_before_the_program_is_there_is_kept(tmp_path: Path, report: Path) -> None:
    with in_pty(["sh", "-c", f"sleep 0.5; exec {' '.join(painted(report))}"], tmp_path) as shown:
        shown.type(b"first question\nand more")
        told = settled(shown, report)
    assert (told["asked"], told["text"]) == (["first question"], "and more")


def test_questions_sent_meanwhile_are_asked_and_queued_in_order(tmp_path: Path, report: Path) -> None:
    with in_pty(painted(report), tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.type(b"one\rtwo\rthree\rdraft")
        told = settled(shown, report)
    assert (told["asked"], told["queue"], told["text"]) == (["one"], ["two", "three"], "draft")


def test_a_lone_escape_is_a_key_and_does_not_change_the_next_one(tmp_path: Path, report: Path) -> None:
    with in_pty(painted(report, "0.8"), tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.type(b"one \x1b")
        shown.read(0)
        time.sleep(0.3)
        shown.type(b"b two")
        assert settled(shown, report)["text"] == "one b two"


@pytest.mark.parametrize("seed", range(40))
def test_the_preview_breaks_lines_as_the_text_area_does(seed: int) -> None:
    from textual._wrap import compute_wrap_offsets

    chance = random.Random(seed)
    for _ in range(40):
        text = "".join(chance.choice(("a", "bc", "中", " ", "  ", "wordword")) for _ in range(chance.randint(0, 30)))
        width = chance.randint(4, 20)
        offsets = [0, *compute_wrap_offsets(text, width, 4), len(text)]
        assert rows(text, width) == list(pairwise(offsets)), (text, width)


async def test_the_preview_edits_as_the_text_area_does(tmp_path: Path) -> None:
    from textual._xterm_parser import XTermParser

    from shammah_tui.agent.history import History
    from shammah_tui.ui.app import ShammahApp
    from tests.ui.script import Scripted

    chance = random.Random(7)
    compared = 0
    app = ShammahApp(Scripted(), history=History(None))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(250):
            keys, preview, followed = Keys(), Preview(), ""
            preview.width = 71
            for token in [chance.choice(TOKENS).decode() for _ in range(14)]:
                for key in filter(None, map(keys.push, token)):
                    preview.press(key)
                if preview.lost:
                    break
                followed += token
            else:
                app.chat.prompt.clear()
                for event in XTermParser().feed(followed):
                    event.set_sender(app)
                    app.post_message(event)
                await pilot.pause()
                prompt = app.chat.prompt
                row, column = prompt.cursor_location
                before = sum(len(line) + 1 for line in prompt.text.split("\n")[:row])
                assert (preview.text, preview.cursor) == (prompt.text, before + column), followed
                compared += 1
    assert compared > 10


# Keys and signals that end or suspend


def test_ctrl_c_clears_then_warns_then_leaves(tmp_path: Path, report: Path) -> None:
    with in_pty(painted(report, "30"), tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.type(b"words")
        shown.wait_for("› words")
        shown.type(b"\x03")
        shown.wait_for("Ask anything")
        shown.type(b"\x03")
        shown.wait_for("Press Ctrl+C again to leave")
        shown.type(b"\x03")
        assert shown.end() == 0
        assert shown.output.endswith(b"\x1b[?1049l\x1b[?25h")


@pytest.mark.parametrize(
    ("keys", "number", "status"),
    [(b"\x04", None, 0), (b"", signal.SIGTERM, 143), (b"", signal.SIGHUP, 129)],
    ids=["ctrl+d", "SIGTERM", "SIGHUP"],
)
def test_the_terminal_is_as_it_was_after_an_early_end(
    tmp_path: Path, report: Path, keys: bytes, number: signal.Signals | None, status: int
) -> None:
    script = (
        f"stty -a > {tmp_path}/before; {' '.join(painted(report, '30'))}; echo ended $?; stty -a > {tmp_path}/after"
    )
    with in_pty(["sh", "-c", script], tmp_path) as shown:
        shown.wait_for("Ask anything")
        if number is not None:
            (program,) = subprocess.run(
                ["pgrep", "-P", str(shown.pid)], capture_output=True, text=True, check=True
            ).stdout.split()
            os.kill(int(program), number)
        shown.type(keys)
        shown.wait_until(lambda: b"ended" in shown.output)
        shown.end()
        assert f"ended {status}".encode() in shown.output
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
    for mode in (b"?1049", b"?2004"):
        assert shown.output.rfind(mode + b"l") > shown.output.rfind(mode + b"h")
    assert shown.output.count(b"\x1b[<u") == shown.output.count(b"\x1b[>25u")


def test_suspended_in_the_first_moment_it_comes_back_with_what_was_typed(tmp_path: Path, report: Path) -> None:
    shell = f"set -m; {' '.join(painted(report, '1'))}; echo stopped; fg; echo over"
    with in_pty(["bash", "-c", shell], tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.type(b"words")
        shown.wait_for("› words")
        shown.type(b"\x1a")
        shown.wait_until(lambda: b"stopped" in shown.output)
        shown.wait_for("› words")
        told = settled(shown, report)
        assert told["text"] == "words"


def test_another_size_is_painted_at_once(tmp_path: Path, report: Path) -> None:
    with in_pty(painted(report, "1"), tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.resize(100, 30)
        shown.wait_until(lambda: "│ › Ask anything" in shown.lines[26], "not in its new place")
        wait_until_complete(shown, report)
        assert "│ › Ask anything" in shown.lines[26]


def test_a_terminal_that_never_answers_delays_nothing(tmp_path: Path, report: Path) -> None:
    with in_pty(painted(report), tmp_path) as shown:
        shown.answers = False
        shown.wait_for("Ask anything")
        shown.type(b"words")
        assert settled(shown, report)["text"] == "words"


def test_a_database_that_does_not_open_delays_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shammah.db")
    with in_pty(shammah("--model", "demo"), tmp_path) as shown:
        # Painted, and drawn by Textual.
        shown.wait_until(lambda: shown.output.count(b"newline") >= 2)
        shown.type(b"words")
        shown.wait_for("› words")


@pytest.mark.parametrize(("columns", "rows"), [(47, 24), (80, 10)])
def test_a_small_terminal_waits_for_textual(tmp_path: Path, columns: int, rows: int) -> None:
    with in_pty(shammah("--model", "nonsense"), tmp_path, columns, rows) as shown:
        assert shown.end() == 2


def test_a_wrong_setting_gives_the_terminal_back_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[model]\ntemperature = 'hot'\n")
    with in_pty(shammah(), tmp_path) as shown:
        shown.wait_for("Ask anything")
        shown.type(b"a thought")
        assert shown.end() == 2
        words = "\n".join(shown.lines)
        assert "temperature" in words
        assert "a thought" in words
        assert shown.output.rfind(b"temperature") > shown.output.rfind(b"\x1b[?1049l")


# A terminal that goes away


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.15, 0.3, 0.45, 0.7, 1.2])
@pytest.mark.parametrize("hears", [True, False], ids=["hung up", "unheard"])
def test_a_terminal_that_is_gone_ends_the_program(tmp_path: Path, report: Path, seconds: float, hears: bool) -> None:
    # Without the hang-up signal only reading tells it.
    deaf = "" if hears else "trap '' HUP; "
    command = ["sh", "-c", f"{deaf}exec {' '.join(painted(report, '0.1'))}"]
    with in_pty(command, tmp_path) as shown:
        shown.wait_for("Ask anything")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown.read(0.01)
        shown.close()
        shown.wait_for_death(20)
