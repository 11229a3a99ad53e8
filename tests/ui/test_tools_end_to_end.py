"""Tools, approvals, Claude and the router, driven by the keys in a real terminal: with the real engine and the demo
model, and with Claude's real library against the server of `tests.backends.messages_server` and its brain."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.backends.messages_brain import reply_to
from tests.backends.messages_server import Answer, Call, MessagesServer, Reply, Think
from tests.backends.messages_server import answer as say
from tests.bootstrap.hub import Faults, Hub
from tests.ui.pty_screen import in_pty, shammah
from tests.ui.test_end_to_end import Terminal, shown_in, terminal

__all__ = ["terminal"]

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
    pytest.mark.timeout(300),
]

HELLO = "create hello.py that prints hello and run it"
# A question takes no keys in its first moment, and each key that comes too early makes that moment longer.
AGAIN_SECONDS = 3.0
ANSWERED = r"(?s:.*)(tok/s|tokens|\$\d)[^\n]*\n(?s:.*)(Ask anything|› )"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "README.md").write_text("# Corner Shop\n\nA tiny shop.\n")
    (tmp_path / "src/cart.py").write_text("def total(prices):\n    # TODO: round half up\n    return sum(prices)\n")
    (tmp_path / "src/pay.py").write_text("# TODO: write it\n")
    return tmp_path


@contextmanager
def claude(brain: Callable[[dict[str, Any]], Reply] = reply_to) -> Iterator[MessagesServer]:
    """The server, in a thread: the tests here wait for a screen."""
    found: list[MessagesServer] = []
    ready, over = threading.Event(), threading.Event()

    def script(body: dict[str, Any]) -> Reply:
        reply = brain(body)
        return replace(reply, pause_seconds=0.005) if isinstance(reply, Answer) and not reply.pause_seconds else reply

    async def serve() -> None:
        async with MessagesServer.running(script) as server:
            found.append(server)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield found[0]
    finally:
        over.set()
        thread.join(20)


def setting(server: MessagesServer, **more: str) -> dict[str, str]:
    return {"SHAMMAH_CLAUDE_BASE_URL": server.url, "ANTHROPIC_API_KEY": server.key, **more}


def send(terminal: Terminal, text: str) -> None:
    terminal.type(text)
    terminal.press("Enter")


def ask(terminal: Terminal, question: str) -> str:
    """What is below `question` once it is answered."""
    send(terminal, question)
    screen = terminal.wait_for(rf"▌ [^\n]*{re.escape(question[-30:])}{ANSWERED}")
    return screen[screen.rindex("▌") :]


def answer(terminal: Terminal, subject: str, *keys: str) -> str:
    """Wait for the question about `subject`, and answer it by `keys`; gives the question as it stood."""
    question = terminal.wait_for(
        rf"(file|command|Read|Fetch|Restart)[^\n]*\?(?s:.*)│ (\$ )?{re.escape(subject)}(?s:.*)\d No\b"
    )
    deadline = time.monotonic() + 60
    while re.search(rf"│ (\$ )?{re.escape(subject)} ", terminal.screen):
        assert time.monotonic() < deadline, terminal.screen
        terminal.press(*keys)
        again = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < again and re.search(rf"│ (\$ )?{re.escape(subject)} ", terminal.screen):
            time.sleep(0.05)
    return question


def permissions(terminal: Terminal) -> list[str]:
    command = [sys.executable, "-m", "shammah_tui", "permissions", "list", "--json"]
    done = subprocess.run(command, env=terminal.environment, capture_output=True, text=True, check=True)
    return [f"{rule['tool']}({rule['pattern']})" for rule in json.loads(done.stdout)["rules"]]


def leave(terminal: Terminal) -> None:
    terminal.press("C-u")
    terminal.wait_for("Ask anything")
    terminal.press("C-d")
    terminal.wait_for("left with 0")


def test_the_three_wishes_with_the_demo_model(terminal: Terminal, project: Path) -> None:
    terminal.export({"SHAMMAH_MODEL_TEMPERATURE": "0"})
    terminal.start(folder=project)
    terminal.wait_for("is ready")
    assert "Corner Shop" in ask(terminal, "read README.md and tell me its title")
    assert "src/cart.py:2" in ask(terminal, "find all TODO comments")

    # No, with a reason: nothing is written, the model hears why, and says so.
    send(terminal, HELLO)
    shown = terminal.wait_for("Write a file")
    assert "Write(hello.py)" in shown
    assert 'print("hello")' in shown
    while "it is told" not in terminal.screen:
        terminal.press("r")
        time.sleep(0.6)
    terminal.type("not today")
    terminal.wait_for("not today")
    terminal.press("Enter")
    terminal.wait_for("Write hello.py · denied")
    terminal.wait_for("I leave it(?s:.*)Ask anything")
    assert not (project / "hello.py").exists()

    # No, by the answer that is at hand.
    send(terminal, "/new")
    terminal.wait_for("denied", gone=True)
    send(terminal, HELLO)
    answer(terminal, "hello.py", "Enter")
    terminal.wait_for("Write hello.py · denied(?s:.*)I leave it(?s:.*)Ask anything")
    assert not (project / "hello.py").exists()

    # Once, and always for the command, whose rule is shown whole.
    send(terminal, "/new")
    terminal.wait_for("denied", gone=True)
    send(terminal, HELLO)
    answer(terminal, "hello.py", "y")
    assert "Bash(python hello.py)" in answer(terminal, "python hello.py", "a")
    terminal.wait_for("printed: hello")
    assert permissions(terminal) == ["Bash(python hello.py)"]

    # The rule holds, also after the program began again; writing asks again.
    leave(terminal)
    (project / "hello.py").unlink()
    terminal.start(folder=project)
    terminal.wait_for("is ready")
    send(terminal, HELLO)
    answer(terminal, "hello.py", "s")
    terminal.wait_for("printed: hello")


def test_the_same_with_claude_and_an_edit_and_what_it_cost(terminal: Terminal, project: Path) -> None:
    terminal.resize(120, 40)
    with claude() as server:
        terminal.export(setting(server))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("↗ Claude  answers all questions")
        told = ask(terminal, "read README.md and tell me its title")
        assert "Its title is: Corner Shop" in told
        assert re.search(r"∴ Thought · \d+ words ▸", told)
        assert "The file has to be read first" not in told
        assert re.search(r"UserAsked · .*\$0\.\d+", told)
        terminal.wait_for(r"Claude \d[\d.k]* tok \$0\.\d+")
        assert "src/cart.py:2" in ask(terminal, "find all TODO comments")

        # The change stands in the question, line by line.
        send(terminal, "add URGENT to src/pay.py")
        shown = answer(terminal, "src/pay.py", "n")
        assert re.search(r"1 \+ URGENT\s+│\n │ 2   # TODO: write it", shown)
        assert "Edit(src/pay.py)" in shown
        terminal.wait_for("Edit src/pay.py · denied(?s:.*)did not allow this")
        assert (project / "src/pay.py").read_text() == "# TODO: write it\n"
        send(terminal, "add URGENT to src/pay.py")
        answer(terminal, "src/pay.py", "y")
        terminal.wait_for(r"Edit src/pay.py · \+1 −0 lines(?s:.*)The tool said(?s:.*)Ask anything")
        assert (project / "src/pay.py").read_text() == "URGENT\n# TODO: write it\n"

        # Three at once: always by the arrows, once by a digit, and no.
        send(terminal, "write three files")
        answer(terminal, "one.txt", "Up", "Enter")
        answer(terminal, "two.txt", "1")
        answer(terminal, "three.txt", "Escape")
        terminal.wait_for("Of three files(?s:.*)Ask anything")
        assert [(project / f"{name}.txt").exists() for name in ("one", "two", "three")] == [True, True, False]
        assert permissions(terminal) == ["Write(one.txt)"]

        # Two that only read stand in a queue.
        send(terminal, "look outside")
        assert "1 of 2" in answer(terminal, "/etc/hostname", "n")
        assert "2 of 2" in answer(terminal, "/etc/hosts", "n")
        terminal.wait_for("Outside(?s:.*)Ask anything")

        send(terminal, HELLO)
        answer(terminal, "hello.py", "y")
        answer(terminal, "python3 hello.py", "y")
        terminal.wait_for("It printed: hello(?s:.*)Ask anything")

        send(terminal, "/privacy")
        terminal.wait_for(r"What left this machine: \d+ requests(?s:.*)UserAsked +answered")
        terminal.press("Escape")
        terminal.wait_for("What left this machine", gone=True)
        send(terminal, "/auto")
        terminal.wait_for("● Shammah demo")


WRONG = {
    "you are overloaded": "Claude is overloaded",
    "over the rate limit": "rate limit of this key is reached(?s:.*)come back in 2 min",
    "a server error": "Claude's server failed: Internal server error",
    "there is no money": "because of billing",
    "an unknown model": "knows no model",
    "please refuse": "Claude declined to answer this question",
    "please break off": "broke off in the middle",
}


def test_each_trouble_with_claude_has_its_words_and_keeps_the_question(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server, SHAMMAH_CLAUDE_RETRIES="0"))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("↗ Claude")
        for question, words in WRONG.items():
            send(terminal, question)
            screen = terminal.wait_for(rf"▌ {question}(?s:.*){words}(?s:.*)│ › {question}")
            assert "Traceback" not in screen
            terminal.press("C-u")
            terminal.wait_for("Ask anything")
        # What went wrong is not in the conversation, and the next question is answered.
        assert "You said: good morning" in ask(terminal, "good morning")
        assert "refuse" not in json.dumps(server.requests[-1]["messages"])
        leave(terminal)

        terminal.export({"ANTHROPIC_API_KEY": "sk-ant-wrong"})
        terminal.start("demo", "--cloud", folder=project)
        send(terminal, "good morning")
        terminal.wait_for("does not accept the key from ANTHROPIC_API_KEY(?s:.*)│ › good morning")
        leave(terminal)
    terminal.start("demo", "--cloud", folder=project)
    send(terminal, "good morning")
    terminal.wait_for("refuses the connection(?s:.*)│ › good morning")
    leave(terminal)
    terminal.export({"ANTHROPIC_API_KEY": ""})
    terminal.start("demo", "--cloud", folder=project)
    send(terminal, "good morning")
    terminal.wait_for("no key for Claude(?s:.*)│ › good morning")


def test_while_the_model_downloads_claude_answers_where_that_is_agreed(terminal: Terminal, project: Path) -> None:
    with claude() as server, Hub.with_demo() as hub:
        # Until the test has seen what it wants to see.
        hub.misbehave(Faults(bytes_per_second=60_000))
        terminal.resize(120, 40)
        environment = hub.environment(terminal.home) | {"SHAMMAH_HOME": str(terminal.home)}
        terminal.export(environment | setting(server))
        terminal.start("0.5b", folder=project)
        send(terminal, "good morning")
        terminal.wait_for(r"The model is downloading\. The answer begins by itself\. Ctrl\+T asks Claude now")
        assert server.requests == []
        terminal.press("C-t")
        terminal.wait_for("You said: good morning(?s:.*)claude · UserAsked")
        terminal.wait_for("Downloading Qwen2.5-Coder 0.5B Instruct")
        # Agreed once, for as long as the program runs.
        send(terminal, "and again")
        terminal.wait_for("You said: and again(?s:.*)claude · ModelNotReady(?s:.*)Ask anything")
        hub.misbehave(Faults())
        terminal.wait_for("Qwen2.5-Coder 0.5B Instruct +CPU · ready")
        send(terminal, "What does the red key do?")
        terminal.wait_for("red key do(?s:.*)F8(?s:.*)Instruct · local · [^C]*tok/s")
        assert len(server.requests) == 2


def test_a_doubtful_answer_offers_claude_or_takes_it_as_the_settings_say(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server, SHAMMAH_MODEL_TEMPERATURE="0"))
        terminal.start(folder=project)
        terminal.wait_for("is ready")
        send(terminal, "prove the Riemann hypothesis")
        terminal.wait_for(r"says that it\s+cannot answer this\. Ctrl\+T(?s:.*)Ask anything")
        assert server.requests == []
        terminal.press("C-t")
        terminal.wait_for("You said: prove the Riemann hypothesis(?s:.*)claude · UserAsked")
        leave(terminal)

        terminal.export({"SHAMMAH_ROUTER_CLOUD": "allow", "SHAMMAH_ROUTER_ESCALATE": "auto"})
        terminal.start(folder=project)
        terminal.wait_for("is ready")
        send(terminal, "prove the Riemann hypothesis")
        terminal.wait_for("The answer above is doubtful(?s:.*)You said: (?s:.*)claude · NoMatch")
        leave(terminal)
        # It is the same when it is read from the disk.
        terminal.start("demo", "--continue", folder=project)
        terminal.wait_for("small demo model(?s:.*)The answer above is doubtful(?s:.*)You said: (?s:.*)claude · NoMatch")


def test_offline_nothing_leaves(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server, SHAMMAH_OFFLINE="true"))
        terminal.start(folder=project)
        terminal.wait_for("is ready")
        send(terminal, "/cloud good morning")
        terminal.wait_for("offline by its settings(?s:.*)› good morning")
        terminal.press("C-u")
        send(terminal, "/privacy")
        terminal.wait_for("Nothing has left this machine")
        assert (server.heads, server.requests) == ([], [])


def test_plan_mode_never_writes(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("answers all questions")
        terminal.press("BTab", "BTab")
        terminal.wait_for("◇ plan")
        send(terminal, HELLO)
        terminal.wait_for("Write hello.py · plan mode only reads(?s:.*)Ask anything")
        assert not (project / "hello.py").exists()


@pytest.mark.parametrize("way", ["suspended", "closed"])
def test_a_question_whose_terminal_is_suspended_or_closed_means_no(terminal: Terminal, project: Path, way: str) -> None:
    with claude() as server:
        terminal.export(setting(server))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("answers all questions")
        send(terminal, HELLO)
        terminal.wait_for("Write a file")
        if way == "suspended":
            (shown,) = shown_in(terminal)
            shown.send_signal(signal.SIGTSTP)
            terminal.wait_for(r"Stopped|stopped|\$ $")
            send(terminal, "fg")
            terminal.wait_for("Write hello.py · denied(?s:.*)Ask anything")
        else:
            (shown,) = shown_in(terminal)
            shown.send_signal(signal.SIGHUP)
            terminal.wait_for("left with 129")
            terminal.start("demo", "--continue", folder=project)
            terminal.wait_for("Write hello.py(?s:.*)Ask anything")
        assert not (project / "hello.py").exists()


def test_esc_ends_a_command_with_all_that_it_started(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("answers all questions")
        send(terminal, "run `sh -c 'trap \"\" TERM; echo begun; sleep 4321' & sleep 4321; wait`")
        answer(terminal, "sh -c", "y")
        terminal.wait_for("│ begun")
        assert len(_sleepers()) == 2
        terminal.press("Escape")
        terminal.wait_for("Interrupted")
        deadline = time.monotonic() + 10
        while _sleepers():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "You said: good morning" in ask(terminal, "good morning")


def _sleepers() -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "4321"]]


def test_a_restart_asks_and_comes_back_in_the_same_conversation(terminal: Terminal, project: Path) -> None:
    with claude() as server:
        terminal.export(setting(server))
        terminal.start("demo", "--cloud", folder=project)
        terminal.wait_for("answers all questions")
        assert "You said: good morning" in ask(terminal, "good morning")
        send(terminal, "restart yourself")
        shown = answer(terminal, "you asked for it", "y")
        assert "none could be saved" in shown
        deadline = time.monotonic() + 60
        while not any("--resume" in process.cmdline() for process in shown_in(terminal)):
            assert time.monotonic() < deadline, terminal.screen
            time.sleep(0.1)
        terminal.wait_for("Restart .*restarting(?s:.*)Ask anything(?s:.*)↗ Claude")
        assert "good morning" in terminal.screen
        assert "You said: and again" in ask(terminal, "and again")
        heard = json.dumps(server.requests[-1]["messages"])
        assert "good morning" in heard
        leave(terminal)


OBEYED = (
    "\x1b]52;c;T0JFWUVE\x07 \x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\ \x1bPq#0\x1b\\ \x1b[2J "
    "\u202etxt.exe [/b] [@click=app.quit]x[/]"
)


def test_what_a_terminal_would_obey_is_shown_and_never_sent_to_it(terminal: Terminal, project: Path) -> None:
    (project / "hostile.txt").write_text(OBEYED)

    def brain(body: dict[str, Any]) -> Reply:
        if len(body["messages"]) == 1:
            return say(Think(OBEYED), OBEYED, Call("Read", {"file_path": "hostile.txt"}))
        if len(body["messages"]) == 3:
            return say(Call("Bash", {"command": "cat hostile.txt", "description": OBEYED}))
        return say("All of it was seen.")

    with claude(brain) as server:
        command = ["sh", "-c", f"cd {project} && exec {shlex.join(shammah('--model', 'demo', '--cloud'))}"]
        with in_pty(command, terminal.home, 120, 40, **setting(server)) as shown:
            shown.wait_for("answers all questions")
            shown.type(b"!cat hostile.txt\r")
            shown.wait_for("]52;c;T0JFWUVE")
            shown.type(b"what is in it?\r")
            shown.wait_for("Run a command")
            shown.wait_for("␛]52;c;T0JFWUVE␇")
            shown.wait_for("[@click=app.quit]x[/]")
            shown.type(b"\x03")
            shown.wait_for("Interrupted")
            shown.type(b"\x0f")
            shown.wait_until(lambda: "\n".join(shown.lines).count("T0JFWUVE") > 1, "unfolded")
            shown.type(b"\x04")
            assert shown.end() == 0
        for sequence in (b"\x1b]52", b"\x1b]8;;http://evil", b"\x1bPq", "\u202e".encode()):
            assert sequence not in shown.output
