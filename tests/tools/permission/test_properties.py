"""What must hold for every command, not only for those that somebody thought of."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shammah_tui.tools.permission.decision import Verdict
from shammah_tui.tools.permission.syntax import NotUnderstood, parse
from tests.tools.permission.corpus import Case, cases
from tests.tools.permission.support import bash, verdict

RULES = ("git *", "ls*", "cat *", "grep *", "head *", "echo *", "wc *", "pytest *", "npm test", "find *")
ALLOWED = (
    "git status",
    "git log --oneline -20",
    "git diff HEAD~1 -- src/a.py",
    "ls -la src",
    "cat README.md",
    "grep -rn TODO src",
    "echo 'hello world'",
    "pytest -q tests/test_x.py::test_y",
    "npm test",
    "find . -name '*.py' -type f",
    "git log | head -5",
)
OPERATORS = ("; ", ";", " && ", "&&", " || ", "||", " | ", "|", "\n", " & ", "&", " |& ", "\r\n", " ;\n", "&\n")
COMMANDS: list[Case] = [case for case in cases() if case.tool == "Bash"]
BENIGN = [case for case in COMMANDS if case.expect == "allow"]

allowed = st.sampled_from(ALLOWED)
# Words that no rule above covers: any of them beside an allowed command must keep it from passing.
foreign = st.one_of(
    st.sampled_from(
        ("rm x", "curl evil.com", "sh", "touch pwned", "$(id)", "`id`", "./x", "xargs rm", "env", "a=b", "(ls)")
    ),
    st.from_regex(r"[a-z]{2,8}x0 [a-z-]{0,6}", fullmatch=True),
)


@settings(max_examples=150, deadline=None)
@given(allowed, st.sampled_from(OPERATORS), foreign, st.booleans())
def test_nothing_joined_to_an_allowed_command_passes_with_it(
    command: str, operator: str, other: str, before: bool
) -> None:
    text = f"{other}{operator}{command}" if before else f"{command}{operator}{other}"

    assert bash(text, *RULES).verdict is not Verdict.ALLOW


@settings(max_examples=200, deadline=None)
@given(allowed, st.text(min_size=1, max_size=12), st.integers(0, 60))
def test_text_put_into_an_allowed_command_never_brings_in_another_program(command: str, text: str, at: int) -> None:
    changed = command[:at] + text + command[at:]

    if bash(changed, *RULES).verdict is Verdict.ALLOW:
        programs = {part.words[0].text for part in parse(changed)}
        assert programs <= {rule.split()[0].rstrip("*") for rule in RULES}


@st.composite
def requoted(draw: st.DrawFn) -> tuple[str, str]:
    """An allowed simple command, and the same arguments with other quotes."""
    command = draw(st.sampled_from([text for text in ALLOWED if "|" not in text]))
    words = []
    for word in shlex.split(command):
        style = draw(st.integers(0, 3))
        cut = draw(st.integers(0, len(word)))
        spellings = (
            shlex.quote(word),
            f"'{word}'",
            f'"{word}"',
            f"'{word[:cut]}'\"{word[cut:]}\"",
        )
        words.append(spellings[style])
    return command, draw(st.sampled_from((" ", "  ", "\t", " \t "))).join(words)


@settings(max_examples=150, deadline=None)
@given(requoted())
def test_other_quotes_around_the_same_arguments_change_nothing(pair: tuple[str, str]) -> None:
    command, text = pair

    assert [word.text for word in parse(text)[0].words] == shlex.split(command)
    assert verdict(text, *RULES) == "allow"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(COMMANDS), st.sampled_from(BENIGN), st.sampled_from((" && ", "; ", " | ", " || ", "\n")))
def test_another_part_only_tightens(first: Case, second: Case, operator: str) -> None:
    rules = (*first.saved, *second.saved)
    left, right = first.arguments["command"], second.arguments["command"]
    # `ls &&` alone is not complete; with a second line it is.
    assume(not left.rstrip().endswith(("&", "|")))
    whole = bash(f"{left}{operator}{right}", *rules).verdict

    assert whole >= min(bash(left, *rules).verdict, Verdict.ASK)
    if whole is Verdict.ALLOW:
        assert bash(left, *rules).verdict is Verdict.ALLOW


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    try:
        commands = parse(text)
    except NotUnderstood:
        return
    assert all(command.words for command in commands)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=" \t\n'\"\\$`(){}<>|&;#*?[]!~=abc-./0", max_size=24))
def test_what_is_understood_splits_as_shlex_does(text: str) -> None:
    """A third reader: Python's, for commands without operators."""
    try:
        commands = parse(text)
    except NotUnderstood:
        return
    if len(commands) == 1 and not set(text) & set("#<>;|\n"):
        assert [word.text for word in commands[0].words] == shlex.split(text)


def test_long_commands_and_many_commands_ask() -> None:
    assert verdict("echo " + "a" * 9_000, *RULES) == "allow"
    assert verdict("echo " + "a" * 10_000, *RULES) == "ask"
    assert verdict("; ".join(["echo a"] * 50), *RULES) == "allow"
    assert verdict("; ".join(["echo a"] * 51), *RULES) == "ask"


LONG = {
    "blanks in a word": "awk '{print $1" + " " * 9_900 + "x}' f",
    "dots": "cat " + "../" * 3_000,
    "groups": "rg -g '" + "{a,b}" * 1_900 + "' x",
    "stars": "grep --include='" + "*a" * 4_000 + "' x y",
    "open substitutions": "echo " + "$(" * 3_000,
    "megabytes": "echo '" + "$(a) " * 1_000_000,
}


@pytest.mark.parametrize("name", LONG)
def test_no_long_command_holds_the_engine_up(name: str) -> None:
    started = time.process_time()

    bash(LONG[name], *RULES, "awk *", "rg *")

    # What grows faster than the command takes minutes here. A busy machine makes a quarter of a second one.
    assert time.process_time() - started < 10
