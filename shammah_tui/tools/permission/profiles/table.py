"""Every program that has a profile, by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shammah_tui.tools.permission.profiles import expression, git, runner
from shammah_tui.tools.permission.profiles.reader import READERS
from shammah_tui.tools.permission.profiles.shape import Judge, Profile, Refused, Use
from shammah_tui.tools.permission.syntax import Word


def _read(profile: Profile, words: Sequence[Word]) -> Use:
    return profile.read(words[1:], Use())


def _version(words: Sequence[Word]) -> Use:
    if [word.text for word in words[1:]] not in (["--version"], ["-v"], ["-V"]):
        raise Refused(f"of `{words[0].text}` only its version is known to be harmless")
    return Use(literal_words=2, grant=2)


JUDGES: dict[str, Judge] = {
    **{name: partial(_read, profile) for name, profile in READERS.items()},
    "echo": expression.echo,
    "true": expression.echo,
    "false": expression.echo,
    "printf": expression.printf,
    "find": expression.find,
    "sed": expression.sed,
    "awk": expression.awk,
    "jq": expression.jq,
    "test": expression.test,
    "date": expression.date,
    "command": expression.command,
    "ps": expression.ps,
    "git": git.judge,
    "pytest": runner.pytest,
    "py.test": runner.pytest,
    "python": runner.python,
    "python3": runner.python,
    "npm": runner.npm,
    "pnpm": runner.npm,
    "yarn": runner.npm,
    "cargo": runner.cargo,
    "make": runner.make,
    "ruff": runner.ruff,
    "black": runner.black,
    "mypy": runner.mypy,
    "tsc": runner.tsc,
    "go": runner.go,
    "node": _version,
    "rustc": _version,
    "java": _version,
    "ruby": _version,
    "gcc": _version,
    "docker": _version,
}
