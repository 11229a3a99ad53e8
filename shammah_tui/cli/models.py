"""`shammah models`: the catalog, what fits this machine, what is downloaded, what would be chosen and why."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import asdict
from itertools import groupby

from shammah_tui.bootstrap import catalog, choice
from shammah_tui.bootstrap.hardware import Hardware, probe
from shammah_tui.bootstrap.prepare import downloaded, for_device, partial_bytes
from shammah_tui.bootstrap.report import ModelRow, list_models
from shammah_tui.bootstrap.wish import parse_wish
from shammah_tui.cli.configured import configured, wanted_model
from shammah_tui.cli.terminal import table
from shammah_tui.config.settings import Settings
from shammah_tui.ui.wording import size

HEADING = ("", "MODEL", "QUANTISATION", "FILE", "TO CHAT", "TO TRAIN", "HERE", "LICENCE", "")


def run(options: Namespace) -> int:
    """Print the table, or one JSON object. Raises ConfigError, ModelError."""
    configuration = configured(options)
    wanted_model(configuration)
    machine = for_device(configuration.settings, probe())
    rows = asyncio.run(list_models(configuration.settings, hardware=machine))
    reason = _reason(configuration.settings, machine)
    if options.json:
        chosen = next((row for row in rows if row.is_chosen), None)
        print(
            json.dumps(
                {
                    "wish": configuration.settings.model.size,
                    "chosen": (chosen.source or chosen.id) if chosen else None,
                    "reason": reason,
                    "models": [asdict(row) for row in rows],
                },
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        _print_table(configuration.settings, rows, reason)
    return 0


def _print_table(settings: Settings, rows: tuple[ModelRow, ...], reason: str) -> None:
    print(table([HEADING, *(_cells(row) for row in rows)], sys.stdout))
    chosen = next((row for row in rows if row.is_chosen), None)
    taken = f"{chosen.name} {chosen.quantization}" if chosen else settings.model.size
    print(f'\n› model.size is "{settings.model.size}", which takes {taken}: {reason}.')
    if settings.offline:
        print('  Nothing is downloaded while offline is set; "auto" takes what is here, if need be the demo.')
    notes = sorted({(row.licence_note, row.name) for row in rows if row.licence_note})
    for note, group in groupby(notes, key=lambda pair: pair[0]):
        print(f"  * {', '.join(name for _, name in group)}: {note}")
    print("  Take another: --model MODEL for once, `shammah config set model.size MODEL` for good;")
    print("  MODEL is a size (7b), a name of this table, a hub name (owner/name:Q4_K_M), or the path of a GGUF.")


def _cells(row: ModelRow) -> tuple[str, ...]:
    return (
        "›" if row.is_chosen else " ",
        row.id,
        row.quantization,
        size(row.size_bytes),
        size(row.chat_bytes) if row.chat_bytes else "",
        size(row.train_bytes) if row.train_bytes else "",
        "yes" if row.is_downloaded else "",
        row.licence + ("*" if row.licence_note else ""),
        "" if row.fits else row.why_not,
    )


def _reason(settings: Settings, machine: Hardware) -> str:
    known = catalog.load()
    wish = parse_wish(settings.model.size, known)
    chosen = choice.choose(
        machine,
        known,
        wish,
        family=settings.model.family,
        downloaded=downloaded(known),
        partial_bytes=partial_bytes(known),
    )
    return chosen.reason
