"""What can be typed after `shammah`. Imports nothing heavier than argparse; `shammah --help` does without even this."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from shammah_tui import __version__
from shammah_tui.cli.feedback_arguments import add_feedback, add_rules
from shammah_tui.cli.help import COMMANDS, EXIT_CODES, HELP
from shammah_tui.errors import ShammahError

SHELLS = ("bash", "zsh", "fish")
OUTPUT_FORMATS = ("text", "json", "stream-json")
JUDGED_TOOLS = ("Bash", "Read", "Edit", "Write", "Glob", "Grep", "WebFetch")

# Not given is not in the namespace, so that the same option may stand before the command and after it.
ABSENT = argparse.SUPPRESS
PERMISSION_MODES = ("ask", "accept-edits", "plan", "auto")


class UsageError(ShammahError):
    """The arguments cannot be understood."""

    exit_code = 2


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError in place of printing and leaving."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter, **options})

    def error(self, message: str) -> NoReturn:
        unknown = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if unknown is None:
            raise UsageError(message[:1].upper() + message[1:] + ".", f"`{self.prog} --help` tells what can be given.")
        import difflib

        choices = [choice.strip(" '") for choice in unknown[2].split(",")]
        near = difflib.get_close_matches(unknown[1], choices, n=1)
        kind = "command" if choices == list(COMMANDS) else "choice"
        hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(choices)}."
        raise UsageError(f'There is no {kind} "{unknown[1]}".', hint)


class TopParser(Parser):
    """`shammah` itself, whose help is a text that needs no parser."""

    def format_help(self) -> str:
        return HELP


def parse(arguments: list[str]) -> argparse.Namespace:
    """The arguments as a namespace; `command` is None for the screen. Raises UsageError; leaves after `--help`."""
    options = build_parser().parse_args(arguments)
    if options.command is None and "prompt" in options:
        options.command, options.text = "query", [options.prompt]
    elif options.command is None and given_for_query(options):
        raise UsageError(f"{given_for_query(options)[0]} needs a question.", 'Add -p "…", or use `shammah query`.')
    elif options.command is not None and "prompt" in options:
        raise UsageError("-p stands for a command of its own.", f"Leave out -p, or `{options.command}`.")
    if options.command is not None and "plain" in options:
        raise UsageError("--plain is for the conversation, which has no command.", "Leave it out: commands print text.")
    return options


def given_for_query(options: argparse.Namespace) -> list[str]:
    """The flags in `options` that only a query understands."""
    names = ("output_format", "temperature", "max_tokens", "timeout", "no_stream")
    return ["--" + name.replace("_", "-") for name in names if name in options]


def build_parser() -> Parser:
    shared = Parser(add_help=False)
    shared.add_argument("--debug", action="store_true", default=ABSENT, help="show the trace of an error")
    parser = TopParser(prog="shammah", parents=[shared])
    parser.add_argument("-V", "--version", action="version", version=f"shammah {__version__}")
    parser.add_argument("-p", "--prompt", metavar="TEXT", default=ABSENT)
    parser.add_argument("--plain", action="store_true", default=ABSENT)
    _add_query_options(parser, shown=False)
    # A command's own parser is no TopParser.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def add(name: str, **options: Any) -> Parser:
        added = commands.add_parser(name, help=COMMANDS[name], description=_sentence(name), parents=[shared], **options)
        assert isinstance(added, Parser)
        return added

    _add_query(add)
    _add_models(add)
    doctor = add("doctor")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    _add_config(add)
    _add_permissions(add)
    _add_privacy(add)
    _add_daemon(add, shared)
    add_feedback(add)
    add_rules(add)
    _add_train(add)
    _add_adapters(add)
    completion = add(
        "completion",
        epilog='Bash: eval "$(shammah completion bash)" in ~/.bashrc; likewise in ~/.zshrc;'
        "\nfish: shammah completion fish > ~/.config/fish/completions/shammah.fish",
    )
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
    return parser


def _add_train(add: Callable[..., Parser]) -> None:
    train = add("train", epilog="Exit codes: 0 the gate accepted the adapter; 3 it refused, with its reasons.")
    train.add_argument("--base", metavar="DIR", help="Hugging Face folder, its GGUF beside the weights")
    train.add_argument("--rows", metavar="FILE", help="JSONL, one row a line")
    train.add_argument("--out", metavar="DIR", help="folder to make for the adapter")
    train.add_argument("--json", action="store_true", help="print one JSON object a line")
    train.add_argument("--dry-run", action="store_true", help="print rows, steps, memory and time; train nothing")
    train.add_argument("--resume", action="store_true", help="go on with the same run, if one was killed")
    train.add_argument("--tensorboard", metavar="DIR", help="write event files for TensorBoard, too")
    train.add_argument(
        "--follow", metavar="DIR", nargs="?", const="", help="print the steps of a run that another process makes"
    )
    for name, kind, words in (
        ("seed", int, "the same seed gives the same adapter"),
        ("steps", int, "optimizer steps; 60 a rule where not given (120 for a tiny base), at most 300"),
        ("rank", int, "rank of the adapter"),
        ("alpha", float, "its scale is alpha / rank"),
        ("learning-rate", float, "by the size of the base where not given"),
        ("kl-weight", float, "how strongly other answers are held to the base's"),
        ("batch-rows", int, "rated rows in a step"),
        ("replay-share", float, "replayed rows to each of them"),
        ("made-up", int, "variants made of the file's prompts; by the size of the base where not given"),
        ("threads", int, "CPU threads; the physical cores where not given"),
        ("device", str, "cpu, cuda or mps; the best there is where not given"),
    ):
        train.add_argument(f"--{name}", type=kind, metavar="X", default=ABSENT, help=words)


def _add_adapters(add: Callable[..., Parser]) -> None:
    adapters = add("adapters")
    actions = adapters.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def action(name: str, words: str) -> Parser:
        added = actions.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
        added.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
        assert isinstance(added, Parser)
        return added

    adapters.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
    action("list", "print what is there, newest first (the default)")
    use = action("use", "let one take effect with the next answer")
    use.add_argument("name", metavar="NAME")
    use.add_argument("--scale", type=float, metavar="X", default=1.0, help="its strength; 1, as it was measured")
    action("off", "let the base answer alone")
    action("rollback", "go back to what was in use before")
    action("show", "print what one knows of itself: base, rules, what the gate measured").add_argument(
        "name", metavar="NAME"
    )
    export = action("export", "write one to a single file")
    export.add_argument("name", metavar="NAME")
    export.add_argument("file", metavar="FILE", nargs="?", help="NAME.adapter.zip where not given")
    taken = action("import", "take one from such a file, or from a folder that `shammah train` wrote")
    taken.add_argument("file", metavar="FILE")
    taken.add_argument("--name", metavar="NAME", help="what to call it; the file's name where not given")
    taken.add_argument("--model", metavar="PATH", help="the GGUF it belongs to, or its folder, if not one of Shammah's")
    action("remove", "delete one; if it is in use, the base answers alone").add_argument("name", metavar="NAME")
    compare = action("compare", "print what the gate measured of two, and what they answer, side by side")
    compare.add_argument("name", metavar="A", help="an adapter, or off: the model as it came")
    compare.add_argument("other", metavar="B")
    compare.add_argument("asked", metavar="PROMPT", nargs="*", help="ask both this")
    compare.add_argument("--prompts", metavar="FILE", help="ask both these: a prompt a line, or rows (.jsonl)")
    compare.add_argument("--held-out", action="store_true", help="ask both what their runs held out")
    compare.add_argument("--max-tokens", type=int, metavar="N", default=256, help="the longest answer; 256")
    compare.add_argument("--model", metavar="PATH", help="the GGUF they belong to, if not one of Shammah's")


def _add_query(add: Callable[..., Parser]) -> None:
    query = add("query", epilog=EXIT_CODES)
    query.add_argument("text", nargs="*", metavar="TEXT", help="the question; standard input is added to it")
    _add_query_options(query, shown=True)


def _add_query_options(parser: Parser, *, shown: bool) -> None:
    def text(words: str) -> str:
        return words if shown else argparse.SUPPRESS

    parser.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        default=ABSENT,
        help=text('"auto", "demo", a size, a hub name or the path of a GGUF'),
    )
    parser.add_argument(
        "--output-format",
        choices=OUTPUT_FORMATS,
        default=ABSENT,
        help=text("text (as it is written), json (one object at the end), stream-json (one event a line)"),
    )
    parser.add_argument(
        "--json",
        dest="output_format",
        action="store_const",
        const="json",
        default=ABSENT,
        help=text("the same as --output-format json"),
    )
    parser.add_argument(
        "--temperature", type=float, metavar="T", default=ABSENT, help=text("0 always takes the likeliest token")
    )
    parser.add_argument("--max-tokens", type=int, metavar="N", default=ABSENT, help=text("longest answer, in tokens"))
    parser.add_argument(
        "--no-stream", action="store_true", default=ABSENT, help=text("print the answer when it is complete")
    )
    route = parser.add_mutually_exclusive_group()
    route.add_argument(
        "--local",
        dest="asked",
        action="store_const",
        const="local",
        default=ABSENT,
        help=text("the local model answers, and nobody else"),
    )
    route.add_argument(
        "--cloud",
        dest="asked",
        action="store_const",
        const="cloud",
        default=ABSENT,
        help=text("Claude answers: the conversation is sent to it"),
    )
    parser.add_argument(
        "--permission-mode",
        choices=PERMISSION_MODES,
        default=ABSENT,
        help=text("how tool calls are judged; where nobody can be asked, what would be asked is denied"),
    )
    parser.add_argument(
        "-c",
        "--continue",
        dest="resume",
        action="store_const",
        const="@newest",  # store.session.NEWEST
        default=ABSENT,
        help=text("go on with this folder's last conversation"),
    )
    parser.add_argument(
        "-r",
        "--resume",
        nargs="?",
        const="",
        metavar="ID",
        default=ABSENT,
        help=text("go on with a conversation, by the beginning of its id; without one the screen lists them"),
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        default=ABSENT,
        help=text("give up after this long, waiting for the model included (exit code 75)"),
    )


def _add_models(add: Callable[..., Parser]) -> None:
    models = add("models")
    models.add_argument("--json", action="store_true", help="print one JSON object")
    models.add_argument("-m", "--model", metavar="MODEL", default=ABSENT, help="what would be chosen for this wish")


def _add_config(add: Callable[..., Parser]) -> None:
    config = add("config")
    actions = config.add_subparsers(dest="action", metavar="ACTION", title="actions")
    show = actions.add_parser("show", help="all settings and where each comes from (the default)")
    show.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
    get = actions.add_parser("get", help="print one value")
    get.add_argument("key", metavar="KEY", help='such as "model.size"')
    put = actions.add_parser("set", help="change one value in the file; its comments stay")
    put.add_argument("key", metavar="KEY")
    put.add_argument("value", metavar="VALUE", help='"-" reads it from standard input, for a secret')
    actions.add_parser("keys", help="the keys of the screen, and the names by which [keys] changes them")
    actions.add_parser("edit", help="open the file in $VISUAL or $EDITOR, and check it afterwards")
    actions.add_parser("path", help="print where the file is")


def _add_permissions(add: Callable[..., Parser]) -> None:
    permissions = add("permissions")
    actions = permissions.add_subparsers(dest="action", metavar="ACTION", title="actions")
    listing = actions.add_parser("list", help="print the saved rules (the default)")
    listing.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
    check = actions.add_parser(
        "check",
        help="tell why a call would be asked: one that is given, or one JSON object a line from standard input",
        description='Without TOOL: a line is {"tool", "input", "saved_patterns": [...], "cwd", "home"}, perhaps with\n'
        '"dns": {host: [addresses]}; its answer is {"decision", "reason"}. What a line leaves out of the last three\n'
        "is yours: the saved rules, the working folder, your home.",
        epilog="example: shammah permissions check Bash 'git push'",
    )
    check.add_argument("tool", nargs="?", choices=JUDGED_TOOLS, metavar="TOOL", help=", ".join(JUDGED_TOOLS))
    check.add_argument("subject", nargs="?", metavar="WHAT", help="the command, path, pattern or address")
    check.add_argument(
        "--mode",
        choices=PERMISSION_MODES,
        metavar="MODE",
        help=f"as if in it, instead of that of the settings: {', '.join(PERMISSION_MODES)}",
    )
    check.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")
    removal = actions.add_parser("remove", help="forget rules")
    removal.add_argument("numbers", type=int, nargs="*", metavar="NUMBER", help="their numbers in the list")
    removal.add_argument("--all", action="store_true", help="forget every rule")
    removal.add_argument("--json", action="store_true", default=ABSENT, help="print one JSON object")


def _add_privacy(add: Callable[..., Parser]) -> None:
    privacy = add("privacy")
    privacy.add_argument("--json", action="store_true", help="print one JSON object, with all requests")
    privacy.add_argument("-n", "--number", type=_count, metavar="N", default=20, help="how many requests to show (20)")


def _add_daemon(add: Callable[..., Parser], shared: Parser) -> None:
    daemon = add("daemon", epilog="Without an action it runs in the foreground, until it is interrupted.")
    daemon.add_argument("--bind", metavar="HOST:PORT", help="serve TCP as well, with the token of daemon.token")
    daemon.add_argument("--allow-remote", action="store_true", help="permit a --bind that other machines can reach")
    daemon.add_argument("-m", "--model", metavar="MODEL", default=ABSENT, help="the model to load")
    daemon.add_argument("--keep-alive", metavar="TIME", default=ABSENT, help='how long to stay idle: "10m", "always"')
    actions = daemon.add_subparsers(dest="action", metavar="ACTION", title="actions")
    start = actions.add_parser("start", help="start it in the background, if it does not run", parents=[shared])
    start.add_argument("-m", "--model", metavar="MODEL", default=ABSENT, help="the model to load")
    stop = actions.add_parser("stop", help="end it", parents=[shared])
    status = actions.add_parser(
        "status", help="tell whether it runs, and with what (exit code 1: it does not)", parents=[shared]
    )
    for action in (stop, status):
        action.add_argument("--json", action="store_true", help="print one JSON object")


def _sentence(command: str) -> str:
    words = COMMANDS[command]
    return words[:1].upper() + words[1:] + "."


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of lines")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds
