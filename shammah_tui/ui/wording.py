"""Numbers and states as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shammah_tui.state import BootstrapState, ModelSummary, Phase, Progress
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.ui.opening import STARTING, STARTING_SIGN
from shammah_tui.ui.plain import visible

if TYPE_CHECKING:
    from shammah_tui.tools.sandbox.sandbox import Sandbox

DEVICES = {"cpu": "CPU", "metal": "Metal", "cuda": "CUDA"}
# A colour variable and a sign for each phase; the sign says the same where there is no colour.
SIGNS: dict[Phase, tuple[str, str]] = {
    Phase.INITIALIZING: (STARTING_SIGN, "$quiet"),
    Phase.DOWNLOADING: ("↓", "$accent"),
    Phase.LOADING: ("◍", "$accent"),
    Phase.READY: ("●", "$success"),
    Phase.FAILED: ("✕", "$error"),
    Phase.NOT_AVAILABLE: ("○", "$warning"),
}
# What each way to judge tools means.
MODES = {
    Mode.ASK: "Shammah asks before a tool changes or runs anything",
    Mode.ACCEPT_EDITS: "edits inside the project go through, commands are asked",
    Mode.PLAN: "tools only read, everything else is refused",
    Mode.AUTO: "edits and commands inside the sandbox go through without a question",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def mode(mode: Mode, sandbox: Sandbox) -> str:
    """What a way to judge tools means where this is the sandbox."""
    if mode is Mode.AUTO and sandbox.refuses:
        return f"as accept edits, and commands are refused: {_short(sandbox.reason)}"
    if mode is Mode.AUTO and not sandbox.is_on:
        return f"as accept edits, for there is no sandbox: {_short(sandbox.reason)}"
    return MODES[mode]


def sandbox(sandbox: Sandbox, *, why: bool) -> tuple[str, str]:
    """Whether commands run in one, in two or three words, and the style of that; `why`: with the reason if not."""
    if sandbox.is_on:
        return "sandbox", "$quiet"
    text, style = ("commands refused", "bold $error") if sandbox.refuses else ("no sandbox", "$warning")
    return (f"{text}: {_short(sandbox.reason)}" if why else text), style


def _short(reason: str) -> str:
    """Without the advice after it."""
    return visible(reason.partition(";")[0])


def size(size_bytes: float) -> str:
    """1536 -> "1.5 kB"; decimal units, as downloads are counted."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit in _UNITS[:2] or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def ago(seconds: float) -> str:
    """How long since something was: "5 min ago", "3 h ago", "2 days ago"."""
    for size, unit in ((86_400, "day"), (3600, "h"), (60, "min")):
        if (count := int(seconds // size)) > 0:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def tokens(count: int) -> str:
    """1234 -> "1.2k", 4096 -> "4k"."""
    if count >= 1024 and count % 1024 == 0:
        return f"{count // 1024}k"
    return str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 10_000 else f"{count / 1000:.0f}k"


def speed(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.0f} tok/s" if tokens_per_second >= 10 else f"{tokens_per_second:.1f} tok/s"


def percent(progress: Progress) -> int:
    """Rounded down: 100 only when it is whole."""
    return progress.done_bytes * 100 // progress.total_bytes if progress.total_bytes else 0


def sentence(text: str) -> str:
    """With a capital at the beginning and a stop at the end."""
    ended = text if not text or text[-1] in ".!?…" else f"{text}."
    return ended[:1].upper() + ended[1:]


def model_name(model: ModelSummary | None) -> str:
    return model.name if model is not None else "the model"


def headline(state: BootstrapState) -> str:
    """The state in a few words."""
    name = model_name(state.model)
    match state.phase:
        case Phase.INITIALIZING:
            return STARTING
        case Phase.DOWNLOADING:
            return f"Downloading {name}"
        case Phase.LOADING:
            return f"Loading {name}"
        case Phase.READY:
            return f"{name} is ready"
        case Phase.FAILED:
            return "No model: something went wrong"
        case Phase.NOT_AVAILABLE:
            return "No model is available"


def amount(progress: Progress) -> str:
    """ "421 MB of 1.6 GB · 12.3 MB/s · 1 min 40 s left" as far as it is known."""
    parts = [f"{size(progress.done_bytes)} of {size(progress.total_bytes)}"]
    if progress.bytes_per_second > 0:
        parts.append(f"{size(progress.bytes_per_second)}/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(parts)


def count(number: int, noun: str) -> str:
    """1, "line" -> "1 line"; 1200, "line" -> "1,200 lines"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def dollars(cost_usd: float) -> str:
    """0.0042 -> "$0.0042", 1.5 -> "$1.50"."""
    return f"${cost_usd:.2f}" if cost_usd >= 0.1 else f"${cost_usd:.4f}"
