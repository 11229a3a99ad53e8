"""Every program that has a profile, by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shammah_tui.tools.permission.profiles import builder, checker, client, expression, git, runner
from shammah_tui.tools.permission.profiles.reader import MAKERS, READERS
from shammah_tui.tools.permission.profiles.shape import Judge, Profile, Refused, Use, words_of
from shammah_tui.tools.permission.syntax import Word


def _read(profile: Profile, words: Sequence[Word]) -> Use:
    return profile.read(words[1:], Use())


def _version(words: Sequence[Word]) -> Use:
    if [word.text for word in words[1:]] not in (["--version"], ["-v"], ["-V"]):
        raise Refused(f"of `{words[0].text}` only its version is known to be harmless")
    return Use(grant=2)


def _make(profile: Profile, words: Sequence[Word]) -> Use:
    use = profile.read(words[1:], Use())
    use.writes = use.paths
    return use


JUDGES: dict[str, Judge] = {
    **{name: partial(_read, profile) for name, profile in READERS.items()},
    **{name: partial(_make, profile) for name, profile in MAKERS.items()},
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
    "cargo": builder.cargo,
    "make": builder.make,
    "ruff": checker.ruff,
    "black": checker.black,
    "mypy": checker.mypy,
    "tsc": checker.tsc,
    "eslint": checker.eslint,
    "prettier": checker.prettier,
    "go": builder.go,
    "mvn": builder.jvm,
    "gradle": builder.jvm,
    "dotnet": builder.dotnet,
    "node": _version,
    "rustc": _version,
    "java": _version,
    "ruby": _version,
    "gcc": _version,
    "docker": client.docker,
    "kubectl": client.kubectl,
    "gh": client.gh,
    "pip": client.pip,
    "pip3": client.pip,
    "uv": client.uv,
}

RUN_THE_PROJECT = words_of(
    "pytest py.test python python3 npm pnpm yarn node cargo make go mvn gradle dotnet ruff black mypy tsc eslint "
    "prettier"
)
"""Allowing one means trusting the project's code, so that it may be a file of the project (`.venv/bin/pytest`)."""
