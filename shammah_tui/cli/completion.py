"""`shammah completion SHELL`: completions made from the parser itself, so that they cannot fall behind it."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator

from shammah_tui.cli.arguments import build_parser
from shammah_tui.cli.help import COMMANDS

BASH = """\
_shammah() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" command="" candidate words
  for candidate in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$candidate" in {commands}) command="$candidate"; break ;; esac
  done
  case "$command" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [ ${{#COMPREPLY[@]}} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$word")); fi
}}
complete -F _shammah shammah
"""
ZSH = """\
#compdef shammah
_shammah() {{
  local candidate command=""
  local -a names
  for candidate in ${{words[2,CURRENT-1]}}; do
    case "$candidate" in {commands}) command="$candidate"; break ;; esac
  done
  case "$command" in
{cases}
  esac
  compadd -- $names || _files
}}
if [ "$funcstack[1]" = "_shammah" ]; then _shammah "$@"; else compdef _shammah shammah; fi
"""


def run(options: Namespace) -> int:
    """Print the completions for `options.shell`."""
    match options.shell:
        case "bash":
            print(_with_cases(BASH, '    {name}) words="{words}" ;;'), end="")
        case "zsh":
            print(_with_cases(ZSH, "    {name}) names=({words}) ;;"), end="")
        case _:
            print("\n".join(_fish()))
    return 0


def _with_cases(template: str, case: str) -> str:
    lines = [case.format(name=name or '""', words=" ".join(_words(parser))) for name, parser in _parsers()]
    return template.format(commands="|".join(COMMANDS), cases="\n".join(lines))


def _fish() -> Iterator[str]:
    """Fish shows a description beside each word, which the parser has."""
    yield "complete -c shammah -f"
    for name, words in COMMANDS.items():
        yield f"complete -c shammah -n __fish_use_subcommand -a {name} -d {_quoted(words)}"
    for name, parser in _parsers():
        condition = _quoted(f"__fish_seen_subcommand_from {name}") if name else "__fish_use_subcommand"
        for action in parser._actions:
            yield from _fish_action(action, f"complete -c shammah -n {condition}", is_top=not name)
        for inner_name, inner in _actions_of(parser) if name else ():
            condition = _quoted(f"__fish_seen_subcommand_from {name}; and __fish_seen_subcommand_from {inner_name}")
            for action in inner._actions:
                yield from _fish_action(action, f"complete -c shammah -n {condition}", is_top=False)


def _fish_action(action: argparse.Action, start: str, *, is_top: bool) -> Iterator[str]:
    if isinstance(action.choices, dict) and is_top:
        return
    for choice in action.choices or () if not action.option_strings else ():
        yield f"{start} -a {choice}"
    flags = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in action.option_strings]
    if flags:
        described = f" -d {_quoted(action.help)}" if action.help and action.help != argparse.SUPPRESS else ""
        takes_value = " -r" if action.nargs != 0 else ""
        yield f"{start} {' '.join(flags)}{takes_value}{described}"


def _parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The top parser under an empty name, then each command's."""
    top = build_parser()
    yield "", top
    yield from _actions_of(top)


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """All that a command takes, and what each of its actions takes."""
    words = [word for action in parser._actions for word in (*action.option_strings, *_choices(action))]
    for _, inner in _actions_of(parser) if parser.prog.count(" ") else ():
        words += _words(inner)
    return list(dict.fromkeys(words))


def _actions_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action.choices, dict):
            yield from action.choices.items()


def _choices(action: argparse.Action) -> list[str]:
    return [str(choice) for choice in action.choices or ()]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
