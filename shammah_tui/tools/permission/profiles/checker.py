"""Programs that check the project's sources or lay them out anew. What is left out names other configuration, plugins,
or files to write. Laying out rewrites sources in place, which is all that it does: a rule for the program means that.
"""

from __future__ import annotations

from collections.abc import Sequence

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, version_only, words_of
from shammah_tui.tools.permission.syntax import Word

_RUFF = Profile(
    words_of(
        "-q -v --quiet --verbose --check --diff --fix --no-fix --no-cache --statistics --preview --show-files "
        "--no-respect-gitignore"
    ),
    kinds_of(name="--select --ignore --output-format --target-version --extend-select", number="--line-length"),
    runs_project=True,
)
_MYPY = Profile(
    words_of(
        "--strict --no-incremental --pretty --show-error-codes --ignore-missing-imports --no-error-summary -v "
        "--explicit-package-bases --namespace-packages --check-untyped-defs --warn-unreachable --show-error-context"
    ),
    kinds_of(name="-p -m --package --module --python-version --follow-imports --platform"),
    runs_project=True,
)
_TSC = Profile(
    words_of("--noEmit --pretty --skipLibCheck --strict"),
    kinds_of(path="-p --project"),
    operands=Kind.NONE,
    runs_project=True,
)
_ESLINT = Profile(
    words_of("--fix --fix-dry-run --quiet --no-color --color --no-cache"),
    kinds_of(text="--ext", number="--max-warnings"),
    runs_project=True,
)
_PRETTIER = Profile(
    words_of("-c -l -w -u --check --list-different --write --ignore-unknown --no-color --no-cache"),
    kinds_of(name="--log-level"),
    runs_project=True,
)
_BLACK = Profile(
    words_of("--check --diff --color --no-color -q -v --quiet --verbose --fast --safe"),
    kinds_of(number="-l --line-length"),
)


def ruff(words: Sequence[Word]) -> Use:
    texts = [word.text for word in words]
    if version_only(words):
        return Use()
    if texts[1:2] not in (["check"], ["format"]):
        raise Refused("only `ruff check` and `ruff format` are known to be harmless")
    rewrites = "--fix" in texts if texts[1] == "check" else not {"--check", "--diff"} & set(texts)
    return _RUFF.read(words[2:], Use(reads_folder=True, grant=2, changes=rewrites))


def black(words: Sequence[Word]) -> Use:
    if version_only(words):
        return Use()
    rewrites = not {"--check", "--diff"} & {word.text for word in words}
    return _BLACK.read(words[1:], Use(reads_folder=True, changes=rewrites))


def eslint(words: Sequence[Word]) -> Use:
    if version_only(words):
        return Use()
    return _ESLINT.read(words[1:], Use(reads_folder=True, changes="--fix" in {word.text for word in words}))


def prettier(words: Sequence[Word]) -> Use:
    if version_only(words):
        return Use()
    rewrites = bool({"--write", "-w"} & {word.text for word in words})
    return _PRETTIER.read(words[1:], Use(reads_folder=True, changes=rewrites))


def mypy(words: Sequence[Word]) -> Use:
    """Read `mypy …`; `@FILE` would read further arguments. Raises Refused."""
    if any(word.text.startswith("@") for word in words[1:]):
        raise Refused("`@` reads further arguments from a file")
    return _MYPY.read(words[1:], Use(reads_folder=True))


def tsc(words: Sequence[Word]) -> Use:
    if "--noEmit" not in {word.text for word in words}:
        raise Refused("without `--noEmit` it writes files")
    return _TSC.read(words[1:], Use(reads_folder=True))
