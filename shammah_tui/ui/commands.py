"""Slash commands: what they are called and do, and which one a mistyped name means. The palette lists the same."""

from __future__ import annotations

import difflib
from typing import Literal, NamedTuple

QUESTION = "question"


class Command(NamedTuple):
    """`action` is the app's; it takes the rest of the line where `argument` names one."""

    name: str
    help: str
    action: str
    argument: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def usage(self) -> str:
        return f"/{self.name} [{self.argument}]" if self.argument else f"/{self.name}"


TABLE = (
    Command("adapter", "Adapter: NAME, off, auto, or project NAME", "adapter", "name"),
    Command("auto", "Who answers is Shammah's to choose again", "route", QUESTION),
    Command("cloud", "Claude answers from now on, or this question", "cloud", QUESTION),
    Command("copy", "Copy the last answer, nth last, or code", "copy", "n|code [n]"),
    Command("critical", "Rate the last answer red", "rate_red", "note"),
    Command("edit", "Write on in your editor", "edit"),
    Command("feedback", "Rate the last answer high, medium, normal", "feedback", "colour note"),
    Command("find", "Find in the conversation", "find", "words"),
    Command("good", "Rate the last answer green", "rate_green", "note"),
    Command("help", "All keys and commands", "show_help"),
    Command("learning", "Ratings, rules, training, adapters", "show_learning", aliases=("rules", "train")),
    Command("local", "The local model answers, or this question", "local", QUESTION),
    Command("medium", "Rate the last answer yellow", "rate_yellow", "note"),
    Command("mode", "Tools: ask, accept edits, plan or auto", "mode", "mode"),
    Command("model", "The model; or another: demo, 1.5b, a path", "model", "name"),
    Command("mouse", "The mouse for the terminal, or for here", "toggle_mouse"),
    Command("new", "Begin a new conversation", "new_conversation", aliases=("clear",)),
    Command("privacy", "What left this machine, and why", "privacy"),
    Command("quit", "Leave", "leave", aliases=("exit",)),
    Command("rename", "Give this conversation a title", "rename", "title"),
    Command("sessions", "Earlier conversations; go on with one", "sessions", "words", aliases=("resume",)),
    Command("settings", "Settings and where they come from", "show_settings", aliases=("config",)),
    Command("theme", "Choose the colours, or take those named", "theme", "name"),
    Command("undo", "Take back the last rating", "undo_rating"),
)

# What /feedback takes, and the colour that it means.
COLORS: dict[str, Literal["red", "yellow", "green"]] = {
    "high": "red",
    "critical": "red",
    "red": "red",
    "medium": "yellow",
    "yellow": "yellow",
    "normal": "green",
    "good": "green",
    "green": "green",
}

# Whole messages that mean to leave, as hands know them from elsewhere.
LEAVING = frozenset({"exit", "quit", ":q", ":wq"})


class Invocation(NamedTuple):
    """`shown`: the argument as it stood in the prompt, where it holds more."""

    command: Command
    argument: str
    shown: str = ""


class Unknown(NamedTuple):
    """No such command; `closest` is what was perhaps meant, or empty."""

    name: str
    closest: str


def parse(text: str) -> Invocation | Unknown | None:
    """What a message means as a command; None when it is a message. A path such as /etc/hosts is one.

    The beginning of a name will do, where it is that of no other command.
    """
    if text.strip() in LEAVING:
        return Invocation(_named("quit"), "")
    if not text.startswith("/") or not text[1:2].strip():
        return None
    word, *rest = text[1:].split(maxsplit=1)
    if "/" in word:
        return None
    argument = rest[0].strip() if rest else ""
    # What has several lines is a message; only a question may have them too.
    has_lines = "\n" in text.strip()
    for command in TABLE:
        if word.lower() in command.names:
            return None if has_lines and command.argument != QUESTION else Invocation(command, argument)
    if has_lines:
        return None
    if len(begun := begun_with(word.lower())) == 1:
        return Invocation(begun[0], argument)
    names = [name for command in TABLE for name in command.names]
    closest = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.4)
    return Unknown(word, closest[0] if closest else "")


def begun_with(typed: str) -> list[Command]:
    """The commands of which a name begins with what was typed."""
    return [command for command in TABLE if any(name.startswith(typed) for name in command.names)]


def written(question: str, asked: str) -> str:
    """A question as it is typed for whom it is: `parse` reads it back."""
    return f"/{asked} {question}" if asked else question


def _named(name: str) -> Command:
    return next(command for command in TABLE if command.name == name)
