"""Programs that run the project's own tests and scripts: pytest, npm and its like. Allowing one means trusting the
project's code, but no further: what is left out names other configuration, other folders, plugins, or files to write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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


# Names of scripts that check, build, lay out or start the project; what publishes or installs is another matter.
_SCRIPT = re.compile(
    r"(?:(?:pre|post)?test|tests|lint|check|checks|verify|validate|typecheck|type-check|types|tsc|build|compile|bundle"
    r"|dist|format|fmt|prettier|coverage|cov|bench|docs|dev|develop|start|serve|watch|preview|storybook|generate|codegen|clean"
    r"|e2e|unit|integration|ci)(?:[:_-](?!deploy|publish|release|install)[a-z0-9]+)*\Z"
)
# npm 6 and yarn 1 put a script's arguments between double quotes into a command line.
_SHELL = re.compile(r"[$`\"\\!;&|<>\n]")
_OWN_COMMANDS = words_of("ci dist docs")
_TEST_ARGUMENT = Profile(
    words_of(
        "--coverage --verbose --silent --ci --runInBand -i --bail -b --run --watchAll=false --watch=false --no-watch "
        "--watch --watchAll --fix --check --production --debug --color --no-color "
        "--passWithNoTests --no-coverage --onlyChanged --detectOpenHandles --forceExit"
    ),
    kinds_of(text="-t --testNamePattern --grep -g", number="--maxWorkers --testTimeout --port -p"),
    runs_project=True,
)
_NPM_FLAGS = words_of("-s --silent --if-present --quiet -q")


def npm(words: Sequence[Word]) -> Use:
    """Read `npm test`, `npm run build`, `npm ls` and their like; pnpm and yarn alike. Raises Refused."""
    plain = [word for word in words if word.text not in _NPM_FLAGS]
    texts = [word.text for word in plain]
    if len(texts) == 2 and texts[1] in ("--version", "-v"):
        return Use()
    if len(texts) < 2:
        raise Refused("it names no command")
    if texts[1] in ("test", "t", "tst"):
        rest, use = plain[2:], Use(reads_folder=True, runs_project=True, grant=2)
    elif texts[1] in ("run", "run-script") and len(texts) > 2 and _SCRIPT.match(texts[2]):
        rest, use = plain[3:], Use(reads_folder=True, runs_project=True, grant=3)
    elif texts[0] in ("yarn", "pnpm") and _SCRIPT.match(texts[1]) and texts[1] not in _OWN_COMMANDS:
        rest, use = plain[2:], Use(reads_folder=True, runs_project=True, grant=2)
    elif texts[1] in ("outdated", "audit") and set(texts[2:]) <= {"--json", "--long", "--production"}:
        return Use(reads_folder=True, grant=2)
    elif texts[1] in ("view", "info", "show") and all(re.match(r"--json\Z|[@\w][\w@./^-]*\Z", t) for t in texts[2:]):
        return Use(grant=2)
    elif texts[1] in ("ls", "list") and all(
        re.match(r"--(?:depth=\d+|all|json|long)\Z|(?!-)[\w@/-]+\Z", t) for t in texts[2:]
    ):
        return Use(reads_folder=True, grant=2)
    else:
        raise Refused(f"`{words[0].text} {texts[1]}` is not known to be harmless")
    if not rest:
        return use
    if rest[0].text != "--":
        raise Refused(f"`{rest[0].text}` would be an option of {words[0].text} itself")
    if any(_SHELL.search(word.text) for word in rest[1:]):
        raise Refused("npm hands the arguments of a script to a shell, which would read more in them")
    return _TEST_ARGUMENT.read(rest[1:], use)


_UNITTEST = Profile(
    words_of("-v -q -f -b --verbose --quiet --failfast --buffer --locals"),
    kinds_of(text="-k -p", path="-s --start-directory"),
    operands=Kind.NODE,
    reads_folder=True,
    runs_project=True,
)


def python(words: Sequence[Word]) -> Use:
    """`python -m pytest …` and `python -m unittest …`, where a rule names all three words, and `--version`. Raises
    Refused."""
    texts = [word.text for word in words]
    if version_only(words):
        return Use()
    match texts[1:3]:
        case ["-m", "pytest"]:
            use = pytest(words, start=3)
        case ["-m", "unittest"]:
            use = _UNITTEST.read(words[4:] if texts[3:4] == ["discover"] else words[3:], Use())
        case _:
            raise Refused("an interpreter runs whatever it is given")
    use.literal_words = use.grant = 3
    return use
