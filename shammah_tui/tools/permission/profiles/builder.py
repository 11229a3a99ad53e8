"""Programs that build the project and run its tests: cargo, make, go, mvn, gradle, dotnet. Allowing one means trusting
the project's code, but no further: what is left out names other configuration, other folders, or files to write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, version_only, words_of
from shammah_tui.tools.permission.syntax import Word

_CARGO = Profile(
    words_of(
        "-r -q -v -vv --release --all --workspace --all-features --no-default-features --lib --bins --tests --doc "
        "--examples --benches --all-targets --no-run --no-fail-fast --locked --offline --frozen --quiet "
        "--verbose --keep-going --no-deps"
    ),
    kinds_of(
        name="-p --package -F --features --bin --test --example --bench --exclude --message-format --color",
        number="-j --jobs",
    ),
    operands=Kind.NAME,
    runs_project=True,
)
_HARNESS = Profile(
    words_of("--nocapture --no-capture --ignored --include-ignored --exact --list --show-output -q --quiet --test"),
    kinds_of(name="--skip --color --format", number="--test-threads"),
    operands=Kind.NAME,
    runs_project=True,
)
_CLIPPY_LINT = re.compile(r"-[DWAF]\Z|[a-z_:]+\Z")
_CRATE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.-]*\Z")


def cargo(words: Sequence[Word]) -> Use:
    """Read `cargo test | check | build | clippy | doc | tree | fmt --check`. Raises Refused."""
    texts = [word.text for word in words]
    if version_only(words):
        return Use()
    name = texts[1] if len(texts) > 1 else ""
    use = Use(reads_folder=True, runs_project=True, grant=2)
    if name == "fmt":
        if not set(texts[2:]) <= {"--check", "--all", "--", "-v", "-q"}:
            raise Refused("an argument of `cargo fmt` is not known to be harmless")
        use.changes = "--check" not in texts
        return use
    if name == "clean" and len(texts) == 2:
        use.changes = True
        return use
    if name == "metadata":
        return Profile(
            words_of("--no-deps --offline --locked"), kinds_of(number="--format-version"), operands=Kind.NONE
        ).read(words[2:], use)
    if name == "tree":
        return Profile(words_of("-d -e -i"), kinds_of(name="-p --depth --edges"), operands=Kind.NONE).read(
            words[2:], use
        )
    if name not in ("test", "t", "check", "c", "build", "b", "clippy", "doc", "bench", "nextest"):
        raise Refused(f"`cargo {name}` is not known to be harmless")
    rest = list(words[2:])
    if name == "nextest":
        if not rest or rest.pop(0).text != "run":
            raise Refused("only `cargo nextest run` is known to be harmless")
        use.grant = 3
    split = next((place for place, word in enumerate(rest) if word.text == "--"), len(rest))
    _check_packages(rest[:split])
    _CARGO.read(rest[:split], use)
    if name == "clippy":
        if not all(_CLIPPY_LINT.match(word.text) for word in rest[split + 1 :]):
            raise Refused("an argument after `--` is not a plain lint")
        return use
    return _HARNESS.read(rest[split + 1 :], use)


def _check_packages(words: Sequence[Word]) -> None:
    """A package may be given by address or path, which would fetch or leave the project."""
    for before, word in pairwise(words):
        if before.text in ("-p", "--package", "--exclude") and not _CRATE.match(word.text):
            raise Refused(f"`{word.text}` is not a plain package name")


_TARGET = re.compile(
    r"(?:unit|integration)?[-_]?(?:test|tests|check|checks|lint|typecheck|type-check|types|build|compile|all|clean|format|fmt"
    r"|docs|doc|help|coverage|cov|bench|run|dev|start|serve|ci|verify|e2e)(?:[-_:](?!deploy|publish|release|install)[a-z0-9]+)*\Z"
)
_MAKE = Profile(
    words_of("-s -k -n --silent --quiet --keep-going --dry-run --just-print --no-print-directory -B --always-make"),
    {},
    {"-j": Kind.NUMBER, "--jobs": Kind.NUMBER},
    operands=Kind.TEXT,
    runs_project=True,
)


def make(words: Sequence[Word]) -> Use:
    """Read `make`, `make test` and its like; a target must say that it checks or builds. Raises Refused."""
    kept: list[Word] = []
    for place, word in enumerate(words[1:], start=1):
        if words[place - 1].text in ("-j", "--jobs") and word.text.isdigit():
            continue
        if not word.text.startswith("-") and (word.is_glob or not _TARGET.match(word.text)):
            raise Refused(f"`{word.text}` is not a target that only checks or builds")
        kept.append(word)
    return _MAKE.read(kept, Use(reads_folder=True, grant=2))


_GO_DOC = re.compile(r"-(?:all|src|short|u|c)\Z|[A-Za-z_][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*\Z")
_GO_VARIABLE = re.compile(r"[A-Z0-9_]+\Z|-json\Z")
_GO = Profile(
    words_of("-v -race -cover -short -failfast -json -a -x -benchmem -trimpath"),
    kinds_of(text="-run -bench -skip", name="-timeout -count -parallel -p -cpu -covermode -shuffle -tags -benchtime"),
    runs_project=True,
)


def go(words: Sequence[Word]) -> Use:
    """Read `go test | vet | build | fmt`, `go mod tidy` and the like. Raises Refused.

    Go takes `-flag=value` with one hyphen.
    """
    texts = [word.text for word in words]
    use = Use(reads_folder=True, grant=2)
    if texts[1:] == ["version"] or (texts[1:2] == ["env"] and all(_GO_VARIABLE.match(text) for text in texts[2:])):
        return Use(grant=2)
    if texts[1:2] == ["doc"] and all(_GO_DOC.match(text) for text in texts[2:]):
        return use
    if texts[1:] in (["mod", "tidy"], ["mod", "verify"], ["mod", "graph"]):
        use.changes = texts[2] == "tidy"
        return use
    if texts[1:2] not in (["test"], ["vet"], ["list"], ["build"], ["fmt"]):
        raise Refused("it is not known to be harmless")
    use.changes = texts[1] in ("build", "fmt")
    spread: list[Word] = []
    for word in words[2:]:
        name, sign, value = word.text.partition("=")
        if name not in _GO.flags and name not in _GO.valued and name.startswith("-"):
            raise Refused(f"the flag `{name}` is not known to be harmless")
        if name in _GO.flags and sign:
            raise Refused(f"`{word.text}` is not plain")
        spread += [Word(name), Word(value)] if sign and name in _GO.valued else [word]
    return _GO.read(spread, use)


_GOAL = re.compile(r"(?:test|check|verify|compile|build|assemble|package|clean|validate|lint|tasks|classes)\Z")
_JVM = Profile(
    words_of("-q -B -o -e -U --quiet --batch-mode --offline --info --stacktrace --no-daemon --continue"),
    kinds_of(text="--tests"),
    operands=Kind.NAME,
    operands_min=1,
    runs_project=True,
)
_DOTNET = Profile(
    words_of("--no-build --no-restore --nologo"),
    kinds_of(name="-c --configuration -v --verbosity -f --framework", text="--filter"),
    operands=Kind.NONE,
    runs_project=True,
)


def jvm(words: Sequence[Word]) -> Use:
    """Read `mvn test`, `gradle build` and their like: properties (`-D`) may name a program. Raises Refused."""
    if version_only(words):
        return Use(grant=2)
    for before, word in pairwise(words):
        if not word.text.startswith("-") and before.text != "--tests" and not _GOAL.match(word.text):
            raise Refused(f"`{word.text}` is not a goal that only checks or builds")
    return _JVM.read(words[1:], Use(reads_folder=True, grant=2))


def dotnet(words: Sequence[Word]) -> Use:
    """Read `dotnet test | build`. Raises Refused."""
    if version_only(words):
        return Use(grant=2)
    if len(words) < 2 or words[1].text not in ("test", "build"):
        raise Refused("only `dotnet test` and `dotnet build` are known to be harmless")
    return _DOTNET.read(words[2:], Use(reads_folder=True, grant=2))
