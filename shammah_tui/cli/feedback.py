"""`shammah feedback list | add | edit | remove | export | import | prepare`: the ratings, without the screen."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shammah_tui import paths
from shammah_tui.cli.arguments import UsageError
from shammah_tui.cli.terminal import GREEN, RED, YELLOW, is_terminal, painted, table, tell, tell_warning
from shammah_tui.conversation import Message
from shammah_tui.errors import RequestError, ShammahError
from shammah_tui.feedback.service import Feedback, Rated
from shammah_tui.feedback.snapshot import language_of
from shammah_tui.files import write_private
from shammah_tui.store.database import Database
from shammah_tui.store.rating import COLOR_OF, Color, Filter, Rating, Snapshot
from shammah_tui.store.session import SessionStore
from shammah_tui.ui.plain import visible

if TYPE_CHECKING:
    from shammah_tui.feedback.exchange import Form

HEADING = ("", "COLOUR", "WHEN", "QUESTION", "NOTE", "FOR TRAINING")
COLOURS: dict[Color, str] = {"red": RED, "yellow": YELLOW, "green": GREEN}
CELL_CHARACTERS = 40
PROBLEMS_SHOWN = 20
# Between note and correction in the editor.
SCISSORS = "--- The answer as it should have been, below this line (may stay empty) ---"


def run(options: Namespace) -> int:
    """Raises ShammahError."""
    return asyncio.run(_run(options))


async def _run(options: Namespace) -> int:
    database = Database(paths.database())
    try:
        feedback = Feedback(database)
        as_json = "json" in options
        match options.action:
            case "add":
                return _tell_rated(await _add(feedback, SessionStore(database), options), "Kept", as_json=as_json)
            case "edit":
                return _tell_rated(await _edit(feedback, options), "Changed", as_json=as_json)
            case "remove":
                return await _remove(feedback, options.numbers, as_json=as_json)
            case "export":
                return await _export(feedback, options.file, options.form)
            case "import":
                return await _import(feedback, options, as_json=as_json)
            case "prepare":
                from shammah_tui.cli.feedback_prepare import prepare

                return await prepare(database, options, as_json=as_json)
            case _:
                return await _list(feedback, options, as_json=as_json)
    finally:
        if database.notice:
            tell_warning(database.notice)
        database.close()


async def _list(feedback: Feedback, options: Namespace, *, as_json: bool) -> int:
    wanted = Filter(
        color=COLOR_OF[options.color] if "color" in options else None,
        session=getattr(options, "session", ""),
        rule=getattr(options, "rule", None),
        state=getattr(options, "state", None),
        search=getattr(options, "search", ""),
        only_new="new" in options,
    )
    ratings = await feedback.ratings.list(wanted, limit=getattr(options, "limit", -1))
    if as_json:
        buffer = await feedback.buffer()
        _print({"ratings": [as_object(rating) for rating in ratings], "buffer": asdict(buffer)})
        return 0
    if not ratings:
        print("Nothing is rated yet." if wanted == Filter() else "No rating is like that.")
        return 0
    print(table([HEADING, *map(_cells, ratings)], sys.stdout))
    return 0


async def _add(feedback: Feedback, sessions: SessionStore, options: Namespace) -> Rated:
    note, correction = " ".join(options.note), _text(getattr(options, "correction", ""))
    color = COLOR_OF[options.color]
    if "question" in options or "answer" in options:
        if "question" not in options or "answer" not in options:
            raise UsageError("--question and --answer belong together.", "Leave out both to rate the last answer.")
        answer = _text(options.answer)
        if not answer.strip() or not options.question.strip():
            raise UsageError("The question or the answer is empty.")
        language = language_of(answer, options.question)
        shot = Snapshot((Message("user", options.question),), answer, language=language)
        return await feedback.add(Rating(0, color, shot, note, correction))
    newest = await sessions.newest() if "session" not in options else None
    session = newest.id if newest else getattr(options, "session", "")
    stored = await sessions.read(session) if session else None
    if stored is None:
        what = f'There is no session "{session}".' if session else "There is no conversation yet."
        raise RequestError(what, "Ask something first, or give --question and --answer.")
    turn = options.turn if "turn" in options else max(stored.turns, default=0)
    return await feedback.rate(stored.summary.id, turn, color, note, correction)


async def _edit(feedback: Feedback, options: Namespace) -> Rated:
    given: dict[str, Any] = {
        name: getattr(options, name) for name in ("color", "note", "correction") if name in options
    }
    if "color" in given:
        given["color"] = COLOR_OF[given["color"]]
    if "correction" in given:
        given["correction"] = _text(given["correction"])
    if not given:
        known = await feedback.ratings.get(options.number)
        if known is not None:
            given = _from_editor(known)
    changed = await feedback.edit(options.number, **given)
    if changed is None:
        raise _no_such(options.number)
    return changed


async def _remove(feedback: Feedback, numbers: Sequence[int], *, as_json: bool) -> int:
    for number in numbers:
        if await feedback.ratings.get(number) is None:
            raise _no_such(number)
    count = await feedback.ratings.remove(numbers)
    if as_json:
        _print({"removed": count})
    else:
        print(f"Forgotten: {count} rating{'s' if count != 1 else ''}.")
    return 0


async def _export(feedback: Feedback, file: str, form: Form) -> int:
    from shammah_tui.feedback.exchange import as_jsonl

    ratings = await feedback.ratings.list()
    data, silent = as_jsonl(tuple(reversed(ratings)), form)
    if file == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write(file, data)
        tell(f"{len(ratings) - silent} ratings were written to {file}.")
    if silent:
        tell(f"{silent} ratings have nothing to say in this form, and are left out.")
    return 0


async def _import(feedback: Feedback, options: Namespace, *, as_json: bool) -> int:
    from shammah_tui.feedback.exchange import BYTES_MAX, parse

    stream = sys.stdin.buffer if options.file == "-" else Path(options.file).open("rb")  # noqa: ASYNC230, SIM115
    with stream:
        data = stream.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise RequestError(f"{options.file} is larger than {BYTES_MAX >> 20} MiB.", "Split it.")
    parsed = parse(data, COLOR_OF[options.color])
    if parsed.problems and not options.skip_invalid:
        lines = [f"line {number}: {words}" for number, words in parsed.problems[:PROBLEMS_SHOWN]]
        more = len(parsed.problems) - len(lines)
        lines += [f"and {more} more" for _ in range(more > 0)]
        raise RequestError(
            f"Nothing was taken: {len(parsed.problems)} lines of {options.file} cannot be used.",
            "\n".join([*map(visible, lines), "--skip-invalid takes the other lines."]),
        )
    taken = await feedback.take(parsed.ratings)
    masked = sorted({kind for rating in taken.added for kind in rating.masked})
    if as_json:
        problems = [{"line": number, "reason": words} for number, words in parsed.problems]
        _print({"added": len(taken.added), "repeated": taken.repeated, "invalid": problems, "masked": masked})
        return 0
    print(f"Taken: {len(taken.added)} ratings; {taken.repeated} were here already; {len(parsed.problems)} left out.")
    _tell_masked(masked)
    return 0


def _tell_rated(rated: Rated, done: str, *, as_json: bool) -> int:
    rating, rule = rated.rating, rated.rule
    if as_json:
        _print({"rating": as_object(rating), "rule": None if rule is None else {"number": rule.id, "line": rule.line}})
        return 0
    print(f"{done}: {painted(rating.color, COLOURS[rating.color], sys.stdout)} rating {rating.id}.")
    if rule is not None:
        print(f"  Rule {rule.id}, from the next question on: {visible(rule.line)}")
        if not rule.proof:
            print("  Nothing here can check this rule: it works from the prompt, and is not trained.")
    elif rating.color != "green" and not rating.note and not rating.correction:
        print(f"  Without a note nothing follows from it: shammah feedback edit {rating.id} --note …")
    _tell_masked(rating.masked)
    return 0


def as_object(rating: Rating) -> dict[str, Any]:
    """For --json: without the conversation before the question, which `export` has."""
    found = asdict(rating)
    shot = found.pop("snapshot")
    kept = ("answer", "session", "turn", "model", "adapter", "route", "folder", "language", "paths")
    return {
        "number": found.pop("id"),
        "question": rating.snapshot.question,
        **found,
        **{key: shot[key] for key in kept},
    }


def write(file: str, data: bytes) -> None:
    """What a person asked for under this name: rows and ratings are nobody else's to read. Raises HomeError."""
    write_private(Path(file).absolute(), data)


def _cells(rating: Rating) -> tuple[str, ...]:
    state = rating.reason or {"waiting": "waits", "ready": "ready", "unusable": "no use"}[rating.state]
    return (
        str(rating.id),
        rating.color,
        time.strftime("%Y-%m-%d", time.localtime(rating.created_at)),
        _short(rating.snapshot.question),
        _short(rating.note),
        f"in {rating.run}" if rating.run else visible(state),
    )


def _short(text: str) -> str:
    words = " ".join(visible(text).split())
    return words if len(words) <= CELL_CHARACTERS else words[: CELL_CHARACTERS - 1] + "…"


def _tell_masked(kinds: Sequence[str]) -> None:
    if kinds:
        tell_warning(f"Found and masked: {', '.join(kinds)}.")


def _from_editor(rating: Rating) -> dict[str, Any]:
    from shammah_tui.cli.editor import edited

    if not is_terminal(sys.stdin):
        raise UsageError("Nothing to change was given.", "Give --color, --note or --correction.")
    text = edited(f"{rating.note}\n{SCISSORS}\n{rating.correction or rating.snapshot.answer}", ".md")
    note, _, correction = text.partition(f"\n{SCISSORS}\n")
    correction = correction.strip()
    unchanged = correction == rating.snapshot.answer.strip()
    return {"note": note.strip(), "correction": rating.correction if unchanged else correction}


def _text(given: str) -> str:
    return sys.stdin.read() if given == "-" else given


def _no_such(number: int) -> ShammahError:
    return RequestError(f"There is no rating {number}.", "`shammah feedback list` shows their numbers.")


def _print(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
