"""Programs that run the project's own tests and checks. Allowing one means trusting the project's code, but no further:
what is left out names other configuration, other folders, plugins, or files to write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, version_only, words_of
from shammah_tui.tools.permission.syntax import Word

_PYTEST = Profile(
    words_of(
        "-q -v -vv -vvv -x -s -l --quiet --verbose --exitfirst --lf --last-failed --ff --failed-first --nf "
        "--new-first "
        "--sw --stepwise --stepwise-skip --co --collect-only --no-header --no-summary --showlocals --no-showlocals "
        "--disable-warnings --disable-pytest-warnings --strict-markers --strict-config --strict --cov --no-cov "
        "--full-trace --setup-show --fixtures --markers --cache-clear --version --benchmark-skip --doctest-modules "
        "--randomly-dont-reorganize --force-sugar"
    ),
    kinds_of(
        text="-k -m",
        number="--maxfail --durations --durations-min --timeout --count --reruns -j",
        name="-r -n --numprocesses --tb --capture --color --dist --show-capture --code-highlight --randomly-seed "
        "--asyncio-mode --maxprocesses --verbosity",
        path="--deselect --ignore",
    ),
    kinds_of(path="--cov", number="--cov-fail-under", text="--ignore-glob"),
    operands=Kind.NODE,
    runs_project=True,
)
_COV_REPORT = re.compile(r"--cov-report=(?:term|term-missing|term-missing:skip-covered|)\Z")
_WARNING = re.compile(r"(?:ignore|default|error|always|once|module)(?:::[A-Za-z]*Warning)?\Z")
_NO_PLUGIN = re.compile(r"no:[a-z_]+\Z")


def pytest(words: Sequence[Word], start: int = 1) -> Use:
    """Read `pytest …`; `-p` only to leave a plugin out. Raises Refused."""
    kept: list[Word] = []
    remaining = iter(words[start:])
    for word in remaining:
        if word.text == "-p":
            value = next(remaining, Word(""))
            if value.is_glob or not _NO_PLUGIN.match(value.text):
                raise Refused("`-p` loads a plugin")
        elif word.text == "-W":
            value = next(remaining, Word(""))
            if value.is_glob or not _WARNING.match(value.text):
                raise Refused("`-W` may load a module")
        elif not _COV_REPORT.match(word.text):
            kept.append(word)
    return _PYTEST.read(kept, Use(reads_folder=True, grant=start))


_SCRIPT = re.compile(r"(?:test|tests|lint|check|typecheck|type-check|tsc|build|format:check)(?::[a-z0-9_-]+)*\Z")
_TEST_ARGUMENT = Profile(
    words_of(
        "--coverage --verbose --silent --ci --runInBand -i --bail -b --run --watchAll=false --watch=false --no-watch "
        "--passWithNoTests --no-coverage --onlyChanged --detectOpenHandles --forceExit"
    ),
    kinds_of(text="-t --testNamePattern --grep -g", number="--maxWorkers --testTimeout"),
    runs_project=True,
)
_NPM_FLAGS = words_of("-s --silent --if-present --quiet -q")


def npm(words: Sequence[Word]) -> Use:
    """Read `npm test`, `npm run test…`, `npm ls`; pnpm and yarn alike. Raises Refused."""
    plain = [word for word in words if word.text not in _NPM_FLAGS]
    texts = [word.text for word in plain]
    if len(texts) == 2 and texts[1] in ("--version", "-v"):
        return Use()
    if len(texts) < 2:
        raise Refused("it names no command")
    if texts[1] in ("test", "t", "tst"):
        rest, use = plain[2:], Use(reads_folder=True, runs_project=True, grant=2)
    elif texts[1] in ("run", "run-script") and len(texts) > 2 and _SCRIPT.match(texts[2]):
        rest, use = plain[3:], Use(reads_folder=True, runs_project=True, grant=3, literal_words=2)
    elif texts[1] in ("ls", "list") and all(
        re.match(r"--(?:depth=\d+|all|json|long)\Z|[\w@/-]+\Z", t) for t in texts[2:]
    ):
        return Use(reads_folder=True, grant=2)
    else:
        raise Refused(f"`{words[0].text} {texts[1]}` is not known to be harmless")
    if not rest:
        return use
    if rest[0].text != "--":
        raise Refused(f"`{rest[0].text}` would be an option of {words[0].text} itself")
    return _TEST_ARGUMENT.read(rest[1:], use)


_CARGO = Profile(
    words_of(
        "-r -q -v -vv --release --all --workspace --all-features --no-default-features --lib --bins --tests --doc "
        "--examples --benches --all-targets --no-run --no-fail-fast --locked --offline --frozen --quiet "
        "--verbose --keep-going"
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
        if "--check" not in texts or not set(texts[2:]) <= {"--check", "--all", "--", "-v", "-q"}:
            raise Refused("without `--check` it rewrites files")
        return use
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
    r"(?:unit|integration)?[-_]?(?:test|tests|check|lint|typecheck|type-check|build|all)(?:[-_:][a-z0-9_-]+)?\Z"
)
_MAKE = Profile(
    words_of("-s -k -n --silent --quiet --keep-going --dry-run --just-print --no-print-directory -B --always-make"),
    {},
    {"-j": Kind.NUMBER, "--jobs": Kind.NUMBER},
    operands=Kind.TEXT,
    operands_min=1,
    runs_project=True,
)


def make(words: Sequence[Word]) -> Use:
    """Read `make test` and its like; a target must say that it checks or builds. Raises Refused."""
    kept: list[Word] = []
    for place, word in enumerate(words[1:], start=1):
        if words[place - 1].text in ("-j", "--jobs") and word.text.isdigit():
            continue
        if not word.text.startswith("-") and (word.is_glob or not _TARGET.match(word.text)):
            raise Refused(f"`{word.text}` is not a target that only checks or builds")
        kept.append(word)
    return _MAKE.read(kept, Use(reads_folder=True, grant=2))


_RUFF = Profile(
    words_of(
        "-q -v --quiet --verbose --check --diff --no-fix --no-cache --statistics --preview --show-files "
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
_TSC = Profile(words_of("--noEmit --pretty --skipLibCheck --strict"), operands=Kind.NONE, runs_project=True)
_GO = Profile(
    words_of("-v -race -cover -short -failfast -json -a -x -benchmem -trimpath"),
    kinds_of(text="-run -bench -skip", name="-timeout -count -parallel -p -cpu -covermode -shuffle -tags -benchtime"),
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
    if texts[1:2] == ["check"] or (texts[1:2] == ["format"] and {"--check", "--diff"} & set(texts)):
        return _RUFF.read(words[2:], Use(reads_folder=True, grant=2))
    raise Refused("only `ruff check` and `ruff format --check` are known to be harmless")


def black(words: Sequence[Word]) -> Use:
    if not {"--check", "--diff"} & {word.text for word in words}:
        raise Refused("without `--check` it rewrites files")
    return _BLACK.read(words[1:], Use(reads_folder=True))


def mypy(words: Sequence[Word]) -> Use:
    """Read `mypy …`; `@FILE` would read further arguments. Raises Refused."""
    if any(word.text.startswith("@") for word in words[1:]):
        raise Refused("`@` reads further arguments from a file")
    return _MYPY.read(words[1:], Use(reads_folder=True))


def tsc(words: Sequence[Word]) -> Use:
    if "--noEmit" not in {word.text for word in words}:
        raise Refused("without `--noEmit` it writes files")
    return _TSC.read(words[1:], Use(reads_folder=True))


def go(words: Sequence[Word]) -> Use:
    """Read `go test | vet | build PACKAGES | version`; Go takes `-flag=value` with one hyphen. Raises Refused."""
    texts = [word.text for word in words]
    if texts[1:] in (["version"], ["env", "GOPATH"], ["env", "GOROOT"]):
        return Use(grant=2)
    if texts[1:2] not in (["test"], ["vet"], ["list"]) and texts[1:] != ["build", "./..."]:
        raise Refused("it is not known to be harmless")
    spread: list[Word] = []
    for word in words[2:]:
        name, sign, value = word.text.partition("=")
        if name not in _GO.flags and name not in _GO.valued and name.startswith("-"):
            raise Refused(f"the flag `{name}` is not known to be harmless")
        if name in _GO.flags and sign:
            raise Refused(f"`{word.text}` is not plain")
        spread += [Word(name), Word(value)] if sign and name in _GO.valued else [word]
    return _GO.read(spread, Use(reads_folder=True, grant=2))


def python(words: Sequence[Word]) -> Use:
    """`python -m pytest …`, where a rule names all three words, and `--version`. Raises Refused."""
    texts = [word.text for word in words]
    if version_only(words):
        return Use()
    if texts[1:3] != ["-m", "pytest"]:
        raise Refused("an interpreter runs whatever it is given")
    use = pytest(words, start=3)
    use.literal_words = use.grant = 3
    return use
