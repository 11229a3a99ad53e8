"""Every key of the screen, in one table: the bindings, the footer and the help are made from it.

Left free for what comes: Esc Esc, to rewind. Bare digits mean nothing but in a question about a tool.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

Where = Literal[
    "everywhere",
    "chat",
    "prompt",
    "queue",
    "transcript",
    "find",
    "approval",
    "settings",
    "reason",
    "rating",
    "line",
    "model",
    "learning",
    "help",
    "picker",
]


class Key(NamedTuple):
    """`keys` as Textual names them, several separated by commas; `shown` as a person reads them. A key without `help`
    is told of by another one's."""

    keys: str
    action: str
    shown: str
    help: str
    where: Where
    footer: str = ""
    """A word for the footer; empty leaves it to the help."""

    @property
    def id(self) -> str:
        """Where and what, as in "chat.scroll.page_up"."""
        action = self.action.removeprefix("app.").replace("(", ".").replace("'", "").removesuffix(")")
        return f"{self.where}.{action}"


TABLE = (
    Key("enter", "send", "Enter", "Send the message; while an answer runs, queue it", "prompt", "send"),
    Key("ctrl+j,shift+enter,alt+enter", "new_line", "Ctrl+J", "New line (also Shift+Enter)", "prompt", "newline"),
    Key("up", "up", "Up", "In the first line: earlier message; on an empty prompt: the queue", "prompt"),
    Key("down", "down", "Down", "In the last line: later message", "prompt"),
    Key("tab", "complete", "Tab", "Complete a command or a file; on an empty prompt: an example question", "prompt"),
    Key("ctrl+r", "recall", "Ctrl+R", "Find something that you sent before", "prompt"),
    Key("ctrl+g", "open_editor", "Ctrl+G", "Write on in your editor (also Ctrl+X Ctrl+E)", "prompt"),
    Key("ctrl+d", "delete_or_leave", "Ctrl+D", "On an empty prompt: leave", "prompt"),
    Key("ctrl+underscore", "undo", "Ctrl+_", "Undo what was typed", "prompt"),
    Key("escape", "interrupt", "Esc", "Interrupt the answer at once; what was said stays", "chat", "interrupt"),
    Key("ctrl+o", "fold_all", "Ctrl+O", "Open or close all tool output and thinking", "chat"),
    Key("alt+up", "browse(-1)", "Alt+Up", "Go up from block to block, to copy or open one", "chat"),
    Key("ctrl+f", "find", "Ctrl+F", "Find in the conversation", "chat"),
    Key("ctrl+y", "app.copy('')", "Ctrl+Y", "Copy the last answer", "chat"),
    Key("alt+y", "app.copy('code')", "Alt+Y", "Copy the last code block", "chat"),
    Key("pageup", "scroll('page_up')", "PgUp", "Scroll up", "chat"),
    Key("pagedown", "scroll('page_down')", "PgDn", "Scroll down", "chat"),
    Key("ctrl+up", "scroll('line_up')", "Ctrl+Up", "Scroll up by a line", "chat"),
    Key("ctrl+down", "scroll('line_down')", "Ctrl+Down", "Scroll down by a line", "chat"),
    Key("ctrl+home", "scroll('start')", "Ctrl+Home", "Go to the beginning", "chat"),
    Key("ctrl+end", "scroll('end')", "Ctrl+End", "Go to the end and follow", "chat"),
    Key("up", "previous", "Up", "Message above", "queue"),
    Key("down", "next", "Down", "Message below; from the last one, back to the prompt", "queue"),
    Key("enter", "edit", "Enter", "Take the message back into the prompt", "queue", "edit"),
    Key("delete,backspace", "remove", "Del", "Remove the message", "queue", "remove"),
    Key("escape", "back", "Esc", "Back to the prompt", "queue", "back"),
    Key("up,k,alt+up", "move(-1)", "Up", "Block above (also K)", "transcript"),
    Key(
        "down,j,alt+down",
        "move(1)",
        "Down",
        "Block below (also J); from the last, back to the prompt",
        "transcript",
    ),
    Key("c,y", "copy", "C", "Copy the question, answer, code or output", "transcript", "copy"),
    Key("enter", "open", "Enter", "Open or close tool output and thinking; copy anything else", "transcript", "open"),
    Key("n", "find_again(1)", "N", "Next place that was found", "transcript"),
    Key("N", "find_again(-1)", "Shift+N", "Place before that was found", "transcript"),
    Key("escape", "back", "Esc", "Back to the prompt (any other letter goes there too)", "transcript", "back"),
    Key("enter,down", "step(1)", "Enter", "Next place (also Down)", "find", "next"),
    Key("shift+enter,up", "step(-1)", "Shift+Enter", "Place before (also Up)", "find", "before"),
    Key("escape,ctrl+f", "close", "Esc", "Back to the prompt", "find", "back"),
    Key("shift+tab", "app.next_mode", "Shift+Tab", "How tools are judged: ask, accept edits, plan, auto", "chat"),
    Key("ctrl+t", "app.ask_claude", "Ctrl+T", "Send what waits, or the last question, to Claude", "chat"),
    Key("f6", "app.rate('green')", "F6", "Rate the answer green: exactly right (1×)", "chat"),
    Key("f7", "app.rate('yellow')", "F7", "Rate the answer yellow: prefer something else (3×)", "chat"),
    Key("f8", "app.rate('red')", "F8", "Rate the answer red: a critical error (10×)", "chat"),
    Key("enter", "keep", "Enter", "Keep the note", "rating", "keep"),
    Key("escape", "skip", "Esc", "No note; the rating stays", "rating", "no note"),
    Key(
        "ctrl+g",
        "correct",
        "Ctrl+G",
        "Write the answer as it should have been, in your editor",
        "rating",
        "corrected answer",
    ),
    Key("f6", "color('green')", "F6", "Green instead", "rating"),
    Key("f7", "color('yellow')", "F7", "Yellow instead", "rating"),
    Key("f8", "color('red')", "F8", "Red instead", "rating"),
    Key("ctrl+d", "remove", "Ctrl+D", "Take the rating back", "rating", "take back"),
    Key("y", "pick('once')", "Y", "Allow it this once", "approval"),
    Key("s", "pick('session')", "S", "Allow it, and all that the rules cover, until you leave", "approval"),
    Key("a", "pick('always')", "A", "Allow it always: save the rules", "approval"),
    Key(
        "escape,n",
        "pick('deny')",
        "Esc",
        "Deny it (also N); the turn goes on",
        "approval",
        "no",
    ),
    Key("r,tab", "pick('reason')", "R", "Deny it with a reason that the model is told", "approval", "no, because …"),
    Key("up,k", "move(-1)", "Up", "Answer above (also K)", "approval"),
    Key("down,j", "move(1)", "Down", "Answer below (also J)", "approval"),
    Key("enter", "choose", "Enter", "Give the chosen answer, which is no to begin with", "approval", "choose"),
    Key("1", "number(1)", "1 … 5", "Give the answer with this number", "approval"),
    *(Key(str(number), f"number({number})", str(number), "", "approval") for number in range(2, 6)),
    Key("pageup", "scroll_asked('page_up')", "PgUp", "Scroll what is asked", "approval"),
    Key("pagedown", "scroll_asked('page_down')", "PgDn", "Scroll what is asked", "approval"),
    Key("ctrl+c", "interrupt", "Ctrl+C", "Deny it and end the turn", "approval", "end the turn"),
    Key("ctrl+z", "app.suspend_process", "Ctrl+Z", "Deny it and suspend", "approval"),
    Key("enter", "give", "Enter", "Deny with this reason", "reason", "deny"),
    Key("escape", "leave", "Esc", "Back to the answers", "reason", "back"),
    Key("f1", "app.show_help", "F1", "This help (also ? on an empty prompt)", "everywhere", "help"),
    Key("f2", "app.show_chat", "F2", "The conversation", "everywhere"),
    Key("f3", "app.show_model", "F3", "The model: state, choice, download", "everywhere", "model"),
    Key("f4", "app.show_learning", "F4", "Learning: ratings, rules, training, adapters", "everywhere", "learning"),
    Key(
        "f5", "app.show_settings", "F5", "Settings: values, where they come from, change one", "everywhere", "settings"
    ),
    Key("ctrl+p", "app.show_palette", "Ctrl+P", "Find a command", "everywhere", "commands"),
    Key("ctrl+c", "app.stop", "Ctrl+C", "Copy a selection, else interrupt, else clear, else leave", "everywhere"),
    Key("ctrl+l", "app.redraw", "Ctrl+L", "Draw the screen again", "everywhere"),
    Key("ctrl+z", "app.suspend_process", "Ctrl+Z", "Suspend; `fg` comes back", "everywhere"),
    Key("tab,right", "page(1)", "Tab", "Next page (also Right)", "learning", "page"),
    Key("shift+tab,left", "page(-1)", "Shift+Tab", "Page before (also Left)", "learning"),
    Key("up,k", "move(-1)", "Up", "Entry above", "learning"),
    Key("down,j", "move(1)", "Down", "Entry below", "learning"),
    Key("pageup", "move(-10)", "PgUp", "Ten entries up; in the run, a page", "learning"),
    Key("pagedown", "move(10)", "PgDn", "Ten entries down; in the run, a page", "learning"),
    Key("t", "train", "T", "Train on what was rated", "learning", "train"),
    Key("c", "cancel", "C", "Cancel the run", "learning", "cancel"),
    Key("enter,u", "use", "Enter", "Use the adapter; show the run", "learning", "use"),
    Key("o", "off", "O", "The rule off or on; no adapter", "learning", "off"),
    Key("b", "roll_back", "B", "Back to the adapter before", "learning", "roll back"),
    Key("e", "edit", "E", "Edit the rule, or the rating's note", "learning", "edit"),
    Key("delete,d", "remove", "D", "Take the rating back", "learning", "remove"),
    Key("r", "load", "R", "Read everything anew", "learning"),
    Key("escape,q", "app.show_chat", "Esc", "Back to the conversation", "learning", "back"),
    Key("enter", "keep", "Enter", "Keep the line", "line", "keep"),
    Key("escape", "leave", "Esc", "Leave the line as it was", "line", "back"),
    Key("up,k", "move(-1)", "Up", "Setting above (also K)", "settings"),
    Key("down,j", "move(1)", "Down", "Setting below (also J)", "settings"),
    Key("pageup", "move(-10)", "PgUp", "Ten settings up", "settings"),
    Key("pagedown", "move(10)", "PgDn", "Ten settings down", "settings"),
    Key("enter", "change", "Enter", "Change the setting in the file", "settings", "change"),
    Key("escape,q", "app.show_chat", "Esc", "Back to the conversation", "settings", "back"),
    Key("pagedown", "page(1)", "PgDn", "Further down", "model", "more"),
    Key("pageup", "page(-1)", "PgUp", "Further up", "model"),
    Key("r", "retry", "R", "Try again after a failure", "model", "try again"),
    Key("d", "use_demo", "D", "Use the demo model", "model", "demo model"),
    Key("escape,q", "app.show_chat", "Esc", "Back to the conversation", "model", "back"),
    Key("up", "move(-1)", "Up", "Entry above", "picker"),
    Key("down", "move(1)", "Down", "Entry below", "picker"),
    Key("enter", "choose", "Enter", "Do it", "picker", "choose"),
    Key("escape", "close", "Esc", "Back to where you were", "picker", "back"),
    Key("pagedown", "page(1)", "PgDn", "Further down", "help", "more"),
    Key("pageup", "page(-1)", "PgUp", "Further up", "help"),
    Key("escape,q", "app.close_help", "Esc", "Back to where you were", "help", "back"),
)


def bindings(*where: Where) -> list[BindingType]:
    """Textual's bindings for a place; their ids let a config change keys later."""
    return [
        Binding(
            key.keys,
            key.action,
            key.help,
            show=False,
            id=key.id,
        )
        for key in TABLE
        if key.where in where
    ]


_bound: dict[str, Key] = {}


def rebind(keys: Iterable[Key]) -> None:
    """What is shown of keys from now on: `keys` in place of those that have the same id."""
    _bound.clear()
    _bound.update((key.id, key) for key in keys)


def table() -> list[Key]:
    """The keys as they are really bound."""
    return [_bound.get(key.id, key) for key in TABLE]


def in_footer(*where: Where) -> list[Key]:
    return [key for place in where for key in table() if key.where == place and key.footer]


def only(where: Where, *actions: str) -> list[Key]:
    """Those of a place's footer that do one of `actions`."""
    return [key for key in in_footer(where) if key.action in actions]


def ratings() -> list[Key]:
    """The keys that rate an answer, the best first."""
    return [key for key in table() if key.where == "chat" and key.action.startswith("app.rate(")]


def together(keys: Iterable[Key], footer: str) -> list[Key]:
    """Several keys as one of the footer, "F6/F7/F8 rate"; none where there is none."""
    found = list(keys)
    return [found[0]._replace(shown="/".join(key.shown for key in found), footer=footer)] if found else []


def while_writing(rated: bool = False) -> list[Key]:
    """The footer of the prompt while nothing runs, the most important first; `rated`: there is an answer to rate."""
    send, *others = in_footer("prompt")
    shown = [send, *(together(ratings(), "rate") if rated else []), *in_footer("everywhere"), *others]
    return sorted(shown, key=lambda key: key.action == "app.show_palette")


def editing_bindings() -> list[BindingType]:
    """The text area's own keys that stay its own: moving, selecting, deleting, cut and paste."""
    taken = {
        "f6",
        "f7",
        "pageup",
        "pagedown",
        "ctrl+c",
        "super+c",
        "ctrl+z",
        "ctrl+y",
        "ctrl+d",
        "up",
        "down",
        "ctrl+f",
    }
    return _without(taken, TextArea.BINDINGS)


def line_bindings(*taken: str) -> list[BindingType]:
    """A line input's own keys, but for those that what it stands in has `taken`."""
    # The prompt, which is there first, has no need of it.
    from textual.widgets import Input

    return _without(taken, Input.BINDINGS)


def _without(taken: Container[str], declared: Iterable[object]) -> list[BindingType]:
    kept: list[BindingType] = []
    for binding in _bindings_of(declared):
        free = [key for key in binding.key.split(",") if key not in taken]
        if free:
            kept.append(Binding(",".join(free), binding.action, binding.description, show=False))
    return kept


def _bindings_of(declared: Iterable[object]) -> Iterable[Binding]:
    return (binding for binding in declared if isinstance(binding, Binding))
