"""What can be typed, what is said about slips, and that the help tells the truth."""

from __future__ import annotations

import pytest

from shammah_tui import __version__
from shammah_tui.cli.arguments import UsageError, build_parser, parse
from shammah_tui.cli.help import COMMANDS, HELP
from shammah_tui.cli.main import MODULES
from tests.cli.program import in_terminal, shammah


def test_the_help_text_names_every_command_and_every_visible_option() -> None:
    parser = build_parser()
    for action in parser._actions:
        if action.help != "==SUPPRESS==":
            assert all(flag in HELP for flag in action.option_strings)
    assert set(COMMANDS) == set(MODULES) - {None}
    assert parser.format_help() == HELP
    assert max(len(line) for line in HELP.splitlines()) <= 120


def test_help_and_version_go_to_standard_output() -> None:
    for flag in ("--help", "-h", "help"):
        assert shammah(flag).stdout == HELP
    for flag in ("--version", "-V"):
        assert shammah(flag).stdout == f"shammah {__version__}\n"
    assert shammah("--debug", "--version").stdout == f"shammah {__version__}\n"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_each_command_has_a_help_of_its_own(command: str) -> None:
    found = shammah(command, "--help")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"usage: shammah {command} ")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["quary"], 'There is no command "quary".', "Did you mean `query`?"),
        (["zzz"], 'There is no command "zzz".', f"There are: {', '.join(COMMANDS)}."),
        (["daemon", "statu"], 'There is no choice "statu".', "Did you mean `status`?"),
        (["completion", "tcsh"], 'There is no choice "tcsh".', "There are: bash, zsh, fish."),
        (["config", "get"], "The following arguments are required: KEY.", "`shammah config get --help`"),
        (["query", "--modle", "demo"], "Unrecognized arguments: --modle.", "--help` tells what can be given."),
        (["query", "--temperature", "warm"], "Argument --temperature: invalid float value: 'warm'.", "--help`"),
        (["query", "--timeout", "-1"], "is no number of seconds", "--help`"),
        (["query", "--output-format", "xml"], 'There is no choice "xml".', "There are: text, json, stream-json."),
        (["--json"], "--output-format needs a question.", "-p"),
        (["-p", "x", "models"], "-p stands for a command of its own.", "Leave out -p, or `models`."),
    ],
)
def test_a_slip_is_told_with_what_to_do(arguments: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(arguments)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_slip_on_the_command_line_is_two_lines_and_exit_code_2() -> None:
    found = shammah("quary")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == 'shammah: There is no command "quary".\n  Did you mean `query`?\n'


def test_p_is_query_with_its_options_on_either_side() -> None:
    for arguments in (
        ["-p", "why?", "--json", "-m", "demo", "--timeout", "3"],
        ["--timeout", "3", "-m", "demo", "--output-format", "json", "--prompt", "why?"],
        ["-m", "demo", "query", "--json", "--timeout", "3", "why?"],
    ):
        options = parse(arguments)
        assert (options.command, options.text, options.output_format) == ("query", ["why?"], "json")
        assert (options.model, options.timeout) == ("demo", 3.0)


def test_without_a_terminal_the_screen_points_to_query() -> None:
    found = shammah()
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("shammah: The full-screen program needs a terminal.\n  Ask one question with")


def test_errors_are_coloured_in_a_terminal_that_may_have_colours() -> None:
    with in_terminal(["quary"]) as terminal:
        terminal.end()
    assert "\x1b[31mshammah:\x1b[0m" in terminal.output
    with in_terminal(["quary"], NO_COLOR="1") as terminal:
        terminal.end()
    assert "\x1b" not in terminal.output
