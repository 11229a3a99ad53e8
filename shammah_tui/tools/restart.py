"""Starts this program again in the same conversation. Where its own source was changed meanwhile, its tests come first.

The tool ends with a wish (`Result.restart`); whoever holds the whole program saves the session and carries it out.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

import psutil

from shammah_tui import paths
from shammah_tui.tools.bounded import Decoder, HeadAndTail
from shammah_tui.tools.shell import Shell
from shammah_tui.tools.tool import Arguments, Context, Output, Piece, Result, Tool

_SOURCES = (".py", ".tcss", ".toml")
_IMPORTED = "import shammah_tui.cli.screen, shammah_tui.ui.app, shammah_tui.runtime"
_CANCEL_GRACE_SECONDS = 0.05
_SHOWN_CHARACTERS = 4_000


class RestartArguments(Arguments):
    reason: str


class Restart(Tool[RestartArguments]):
    name = "Restart"
    description = "Restart Shammah in the same conversation."
    reads_only = False
    arguments = RestartArguments

    async def run(self, arguments: RestartArguments, context: Context) -> AsyncGenerator[Piece, None]:
        async with aclosing(restart(Program(), arguments.reason, context)) as pieces:
            async for piece in pieces:
                yield piece


@dataclass(frozen=True, slots=True)
class Program:
    """The program that runs: where its package lies, since when it runs (seconds of the epoch), what it must import."""

    package: Path = paths.PACKAGE
    started: float = field(default_factory=lambda: psutil.Process().create_time())
    imported: str = _IMPORTED

    @property
    def root(self) -> Path:
        """The checkout, where it is one."""
        return self.package.parent

    def changed(self) -> tuple[Path, ...]:
        """Source files that changed since the start, relative to the checkout; none where this is no checkout."""
        if not (self.root / "pyproject.toml").is_file():
            return ()
        found = (path for folder in (self.package, self.root / "styles") for path in sorted(folder.rglob("*")))
        return tuple(
            path.relative_to(self.root)
            for path in found
            if path.suffix in _SOURCES and path.is_file() and path.stat().st_mtime > self.started
        )

    def checks(self, changed: Sequence[Path]) -> list[tuple[str, list[str]]]:
        """What must pass before it starts again: it can be imported, and the tests of the rooms that changed pass."""
        checks = [("it can be imported", [sys.executable, "-c", self.imported])]
        tests = [str(path) for path in self._tests(changed)]
        if tests and util.find_spec("pytest") is not None:
            checks.append(("its tests", [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]))
        return checks

    def _tests(self, changed: Sequence[Path]) -> list[Path]:
        rooms = [path.parts[1].removesuffix(".py") if path.parts[0] != "styles" else "ui" for path in changed]
        wanted = [Path("tests/architecture")]
        for room in dict.fromkeys(rooms):
            wanted += [Path("tests") / room, Path("tests") / f"test_{room}.py"]
        return [path for path in wanted if (self.root / path).exists()]


async def restart(program: Program, reason: str, context: Context) -> AsyncGenerator[Piece, None]:
    """See `Restart.run`: the output of the checks, then a result that carries the wish, or says what failed."""
    changed = await asyncio.to_thread(program.changed)
    for name, argv in program.checks(changed) if changed else ():
        kept = HeadAndTail(context.limits.result_characters)
        yield Output(f"{name}: {' '.join(argv[1:])[:200]}\n")
        async with aclosing(_run(argv, program.root, kept, context)) as outcome:
            async for piece in outcome:
                if isinstance(piece, Output):
                    yield piece
                    continue
                if piece.failed:
                    yield Result(
                        f"Not restarted: the changed program does not pass ({name}). The one that runs goes on.\n"
                        f"{piece.text}",
                        f"not restarted: {name} failed",
                        failed=True,
                        truncated=bool(kept.left_out),
                    )
                    return
    passed = f", after the tests of {len(changed)} changed files passed" if changed else ""
    yield Result(
        f"Restarting{passed}. The conversation goes on.", "restarting", restart=reason or "a tool asked for it"
    )


async def _run(argv: list[str], folder: Path, kept: HeadAndTail, context: Context) -> AsyncGenerator[Piece, None]:
    """The output of one check, then a result that failed where it did. Closing it stops the check."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + context.limits.restart_seconds
    decoder = Decoder()
    shell = await Shell.start(argv, folder, context.environment)
    is_over = False
    try:
        while (left := deadline - loop.time()) > 0:
            data = await shell.read(left)
            if data is None:
                is_over = True
                break
            if text := decoder.decode(data):
                kept.add(text)
                yield Output(text[-_SHOWN_CHARACTERS:])
    finally:
        await asyncio.shield(asyncio.ensure_future(shell.stop(_CANCEL_GRACE_SECONDS)))
    note = "" if is_over else f"\n[stopped after {context.limits.restart_seconds:g} s]"
    text = kept.text("run the tests through Bash to see the rest").strip() + note
    yield Result(text, "", failed=not is_over or shell.status != 0)
