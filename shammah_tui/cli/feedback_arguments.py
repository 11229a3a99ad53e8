"""What can be typed after `shammah feedback` and `shammah rules`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shammah_tui.cli.arguments import Parser

    Add = Callable[..., Parser]

ABSENT = argparse.SUPPRESS
# Colours and what else they are called; `store.rating` maps them.
COLOR_WORDS = ("red", "yellow", "green", "high", "medium", "normal", "critical", "good")
FORMS = ("full", "preference", "completion")
STATES = ("waiting", "ready", "unusable")


def add_feedback(add: Add) -> None:
    feedback = add("feedback", epilog="Without an action it lists the ratings, the newest first.")
    actions = feedback.add_subparsers(dest="action", metavar="ACTION", title="actions")
    listing = actions.add_parser("list", help="print the ratings (the default)")
    listing.add_argument("--color", choices=COLOR_WORDS, default=ABSENT, help="only those of this colour")
    listing.add_argument("--session", metavar="ID", default=ABSENT, help="only those of this session")
    listing.add_argument("--rule", metavar="NUMBER", type=int, default=ABSENT, help="only those of this rule")
    listing.add_argument("--state", choices=STATES, default=ABSENT, help="only those that are so for training")
    listing.add_argument("--search", metavar="WORDS", default=ABSENT, help="only those in which these words stand")
    listing.add_argument("--new", action="store_true", default=ABSENT, help="only those that no training has used")
    listing.add_argument("--limit", metavar="N", type=int, default=ABSENT, help="at most so many")
    _json(listing)
    adding = actions.add_parser("add", help="rate an answer: the last one, one of a session, or one that you give")
    adding.add_argument("color", choices=COLOR_WORDS, metavar="COLOR", help="red, yellow or green; or high, medium …")
    adding.add_argument("note", nargs="*", metavar="NOTE", help="what was wrong, in a few words")
    adding.add_argument("--session", metavar="ID", default=ABSENT, help="the session (the one used last)")
    adding.add_argument("--turn", metavar="N", type=int, default=ABSENT, help="number of its question (the last one)")
    adding.add_argument("--question", metavar="TEXT", default=ABSENT, help="a question that was asked elsewhere")
    adding.add_argument("--answer", metavar="TEXT", default=ABSENT, help='its answer; "-" reads standard input')
    adding.add_argument(
        "--correction", metavar="TEXT", default=ABSENT, help='the right answer; "-" reads standard input'
    )
    _json(adding)
    edit = actions.add_parser("edit", help="change a rating; without options in $VISUAL or $EDITOR")
    edit.add_argument("number", metavar="NUMBER", type=int)
    edit.add_argument("--color", choices=COLOR_WORDS, default=ABSENT)
    edit.add_argument("--note", metavar="TEXT", default=ABSENT)
    edit.add_argument("--correction", metavar="TEXT", default=ABSENT, help='"-" reads standard input')
    _json(edit)
    removal = actions.add_parser("remove", help="forget ratings; they are gone from the next training")
    removal.add_argument("numbers", metavar="NUMBER", type=int, nargs="+")
    _json(removal)
    export = actions.add_parser("export", help="write the ratings as JSONL")
    export.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help='standard output where it is not given, or "-"'
    )
    export.add_argument(
        "--form", choices=FORMS, default="full", help="full (read back by import), or one of TRL's forms"
    )
    importing = actions.add_parser("import", help="read ratings from JSONL, in any of the forms of export")
    importing.add_argument("file", metavar="FILE", help='"-" reads standard input')
    importing.add_argument(
        "--color", choices=COLOR_WORDS, default="yellow", help="for pairs of answers that have none (yellow)"
    )
    importing.add_argument("--skip-invalid", action="store_true", help="take the other lines where some are wrong")
    _json(importing)
    prepare = actions.add_parser(
        "prepare", help="make rewrites and rows of what waits, now", epilog="The screen does this by itself."
    )
    prepare.add_argument("-m", "--model", metavar="MODEL", default=ABSENT, help="the model that is asked")
    prepare.add_argument("--rows", metavar="FILE", default=ABSENT, help="write the rows for training, as JSONL")
    _json(prepare)


def add_rules(add: Add) -> None:
    rules = add("rules", epilog="Without an action it lists the rules, the most important first.")
    actions = rules.add_subparsers(dest="action", metavar="ACTION", title="actions")
    _json(actions.add_parser("list", help="print the rules (the default)"))
    edit = actions.add_parser("edit", help="give a rule other words; its scope and checks are read from them")
    edit.add_argument("number", metavar="NUMBER", type=int)
    edit.add_argument("line", metavar="LINE", help='such as "In Python, outside tests: use `logging`, no `print`."')
    _json(edit)
    for name, words in (
        ("off", "leave a rule out of the prompt and of training"),
        ("on", "put a rule back into the prompt"),
        ("remove", "forget a rule; its ratings stay"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("number", metavar="NUMBER", type=int)
        _json(action)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
