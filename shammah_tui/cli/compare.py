"""`shammah adapters compare A B`: what the gate measured of two, and what they answer to the same prompts."""

from __future__ import annotations

import asyncio
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import Any

from shammah_tui import paths
from shammah_tui.cli.terminal import BOLD, painted, table
from shammah_tui.errors import ShammahError
from shammah_tui.learning.adapter import sha256, verify_files
from shammah_tui.learning.comparing import ALONE, Pair, compare, held_out_rows, prompt_row
from shammah_tui.learning.rows import Row, read_rows
from shammah_tui.learning.store import Entry
from shammah_tui.ui.plain import visible
from shammah_tui.wire import figure

SIDE_CELLS_MIN = 30
WIDTH_CELLS = 100


def comparison(options: Namespace, one: Entry, other: Entry, models: Iterable[Path]) -> dict[str, Any]:
    """As `--json` prints it, but for what is known of the adapters themselves. Raises ShammahError."""
    for entry in (one, other):
        if entry.name != ALONE:
            verify_files(entry.folder)
    rows = {_key(row): row for row in one.manifest.get("gate", [])}
    others = {_key(row): row for row in other.manifest.get("gate", [])}
    keys = list(dict.fromkeys((*rows, *others)))
    same_base = one.manifest["base"]["gguf_sha256"] == other.manifest["base"]["gguf_sha256"]
    gate = [{"criterion": key[0], "rule": key[1], "a": rows.get(key), "b": others.get(key)} for key in keys]
    asked = _rows(options, one, other)
    pairs: list[Pair] = []
    if asked:
        known = list(models)
        places = [(entry, _model(entry, known)) for entry in (one, other)]
        pairs = asyncio.run(compare(asked, places[0], places[1], max_tokens=options.max_tokens))
    answers = [asdict(pair) | {"same": pair.same} for pair in pairs]
    return {"same_base": same_base, "gate": gate, "answers": answers}


def tell(found: dict[str, Any], one: Entry, other: Entry) -> None:
    """In words: the table, then prompt by prompt both answers side by side."""
    if not found["same_base"]:
        print(f"They belong to different bases: {visible(one.base)} and {visible(other.base)}.")
    figures = [
        (visible(": ".join(filter(None, (row["criterion"], row["rule"])))), measured(row["a"]), measured(row["b"]))
        for row in found["gate"]
    ]
    print(table([("", one.name, other.name), ("made", one.created, other.created), *figures], sys.stdout))
    width = shutil.get_terminal_size((WIDTH_CELLS, 24)).columns
    for pair in found["answers"]:
        rule = f" ({visible(pair['rule'])})" if pair["rule"] else ""
        print(f"\n{painted(visible(pair['prompt']), BOLD, sys.stdout)}{rule}")
        if pair["same"]:
            print("\n".join(["both:", *visible(pair["a"]).splitlines()]))
        else:
            print("\n".join(_beside(one.name, other.name, pair["a"], pair["b"], width)))
    if found["answers"]:
        different = sum(not pair["same"] for pair in found["answers"])
        print(f"\n{different} of {len(found['answers'])} answers differ.")


def measured(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    is_share = row.get("is_share", True)
    before = "" if row.get("before") is None else f" (before {figure(row['before'], is_share=is_share)})"
    return f"{figure(row['value'], is_share=is_share)}{before}, n = {row['n']}"


def _rows(options: Namespace, one: Entry, other: Entry) -> list[Row]:
    """The prompts of the command line, of the file, and what was held out of both runs; each once."""
    rows = [prompt_row(text) for text in options.asked]
    if options.prompts:
        rows += _of_file(Path(options.prompts))
    if options.held_out:
        kept = [row for entry in (one, other) for row in held_out_rows(entry, paths.home() / "runs")]
        if not kept:
            raise ShammahError(
                "Neither adapter's held-out rows are here: they lie with the run that made it.",
                "Give prompts as arguments, or a file with --prompts.",
            )
        rows += kept
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(repr((row.messages, row.tools)), row)
    return list(seen.values())


def _of_file(path: Path) -> list[Row]:
    """Rows as `shammah train --rows` takes them where its name ends with .jsonl; else a prompt a line."""
    if path.suffix == ".jsonl":
        return read_rows(path)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ShammahError(f"{path} cannot be read: {error}.", "It holds a prompt a line, or rows (.jsonl).") from error
    return [prompt_row(line.strip()) for line in lines if line.strip()]


def _model(entry: Entry, models: list[Path]) -> Path:
    wanted = entry.manifest["base"]["gguf_sha256"]
    found = next((model for model in models if sha256(model) == wanted), None)
    if found is None:
        raise ShammahError(
            f"The model of {entry.name} ({entry.base}) is not here.", "Get it first, or name its file with --model."
        )
    return found


def _beside(a: str, b: str, left: str, right: str, width: int) -> list[str]:
    """Two texts side by side; one below the other where the terminal is narrow."""
    half = (width - 3) // 2
    if half < SIDE_CELLS_MIN:
        return [f"{a}:", *visible(left).splitlines(), f"{b}:", *visible(right).splitlines()]
    sides = [[name, *_lines(text, half)] for name, text in ((a, left), (b, right))]
    height = max(map(len, sides))
    ls, rs = ([*side, *[""] * (height - len(side))] for side in sides)
    return [f"{one[:half]:{half}} │ {other}".rstrip() for one, other in zip(ls, rs, strict=True)]


def _lines(text: str, width: int) -> list[str]:
    found: list[str] = []
    for line in visible(text).splitlines():
        found += wrap(line, width, drop_whitespace=False, replace_whitespace=False) or [""]
    return found


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return str(row.get("name", "")), str(row.get("rule", ""))
