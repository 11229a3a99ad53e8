"""Turns in which tools are asked for and run, as the runtime tells of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shammah_tui.conversation import ToolCall, Usage
from shammah_tui.events import (
    Noticed,
    PermissionAsked,
    StepEnded,
    TextArrived,
    ThinkingArrived,
    ToolFinished,
    ToolOutput,
    ToolRequested,
    ToolStarted,
    TurnEnded,
    TurnEvent,
    TurnStarted,
)

DIFF = """--- src/greeting.py
+++ src/greeting.py
@@ -1,7 +1,8 @@
 import sys


-def greet(name):
-    print("Hello " + name)
+def greet(name: str) -> None:
+    \"\"\"Say hello.\"\"\"
+    print(f"Hello {name}")


 greet(sys.argv[1])"""


def call(id: str, name: str, **arguments: object) -> ToolCall:
    return ToolCall(id, name, json.dumps(arguments))


def done(call: ToolCall, text: str, summary: str, **more: object) -> tuple[TurnEvent, ...]:
    """A call that was allowed and ran."""
    return (ToolStarted(call), ToolFinished(call.id, text, summary, **more))  # type: ignore[arg-type]


def asked(
    call: ToolCall, display: str, reason: str, rules: Sequence[str] = (), preview: str = "", reach: str = ""
) -> PermissionAsked:
    """The runtime that is played makes the future."""
    return PermissionAsked(call, display, reason, tuple(rules), preview, None, reach)  # type: ignore[arg-type]


STARTED = TurnStarted("claude-opus-5-5", "claude", "you asked for it", 1)
READ = call("1", "Read", file_path="src/greeting.py")
GREP = call("2", "Grep", pattern="greet\\(", path="src")
EDIT = call("3", "Edit", file_path="src/greeting.py", old_string="a", new_string="b")
TEST = call("4", "Bash", command="pytest -q tests/test_greeting.py", description="Run the tests")
REMOVE = call("5", "Bash", command="rm -rf build")
FETCH = call("6", "WebFetch", url="https://docs.python.org/3/library/sys.html")

READ_DONE = done(READ, "1  import sys\n2  \n3  \n4  def greet(name):", "11 lines")
GREP_DONE = done(GREP, "src/greeting.py:4\nsrc/greeting.py:8", "2 lines in 1 file")
EDIT_DONE = done(EDIT, "src/greeting.py changed.", "+3 −2 lines", diff=DIFF)
FAILED = done(TEST, "E   assert 1 == 2\n1 failed in 0.12s\nexit status 1", "exit status 1", failed=True, seconds=2.4)

RUNNING: Sequence[TurnEvent] = (
    STARTED,
    TextArrived("I run the tests."),
    ToolRequested(TEST),
    StepEnded(),
    ToolStarted(TEST),
    ToolOutput("4", "collected 12 items\n\ntests/test_greeting.py ....\ntests/test_more.py ..."),
)
EVERY_STATE: Sequence[TurnEvent] = (
    STARTED,
    ThinkingArrived("The greeting is built by hand. "),
    ThinkingArrived("An f-string reads better."),
    TextArrived("I look at the file first."),
    *map(ToolRequested, (READ, GREP, EDIT, TEST, REMOVE)),
    StepEnded(Usage(900, 80)),
    *READ_DONE,
    *GREP_DONE,
    *EDIT_DONE,
    *FAILED,
    ToolFinished("5", "The person did not allow this.", "denied", failed=True, refused=True),
    Noticed("An older tool result was shortened to make room."),
    *map(ToolRequested, (TEST, FETCH)),
    StepEnded(),
    *RUNNING[4:],
)
WHOLE_TURN: Sequence[TurnEvent] = (
    STARTED,
    ToolRequested(READ),
    StepEnded(),
    *READ_DONE,
    ToolRequested(EDIT),
    StepEnded(),
    *EDIT_DONE,
    TextArrived("Done: `greet` has type hints and an **f-string** now."),
    TurnEnded("stop", Usage(1800, 140, cost_usd=0.0231), 0.4, 3.2, 61.0),
)

COMMIT = call("7", "Bash", command='git add -A && git commit -m "Mend it"', description="Keep the change")
LONG = "\n".join(["python - <<'END'", *(f"print({number})" for number in range(60)), "END"])
SCRIPT = call("8", "Bash", command=LONG)
HOSTILE = "echo \x1b]52;c;YQ==\x07 [@click=app.quit]x[/] \u202egpj.exe\u202c; rm -rf zero\u200bwidth"
ASK_COMMIT = asked(
    COMMIT,
    'git add -A && git commit -m "Mend it"',
    "no rule allows git add, git commit",
    ["Bash(git add -A)", 'Bash(git commit -m "Mend it")'],
    reach="inside the sandbox, with the repository (.git)",
)
ASK_EDIT = asked(EDIT, "src/greeting.py", "it changes a file", ["Edit(src/greeting.py)"], DIFF)
ASK_SCRIPT = asked(
    SCRIPT,
    LONG,
    "a heredoc is not understood well enough to be judged",
    reach="without a sandbox: bubblewrap is not installed; `apt install bubblewrap`, or the like",
)
ASK_HOSTILE = asked(call("9", "Bash", command=HOSTILE), HOSTILE, "it holds hidden characters")


def asking(*questions: PermissionAsked) -> Sequence[TurnEvent]:
    """A turn that asks, and ends when all is answered."""
    calls = [ToolRequested(question.call) for question in questions]
    finished = [ToolFinished(question.call.id, "done", "done") for question in questions]
    return (STARTED, *calls, StepEnded(), *questions, *finished, TextArrived("All done."), TurnEnded("stop"))
