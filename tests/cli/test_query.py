"""`shammah query` from end to end: a process, the real engine, the demo model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from shammah_tui import paths
from tests.cli.program import COMMAND, TIMEOUT_SECONDS, in_terminal, shammah, shammah_in

ADD = "Write a Python function that adds two numbers"
DEMO = ("--model", "demo", "--temperature", "0")


@pytest.fixture
def engine_ends(own_ground: Path) -> Iterator[None]:
    """For tests that start an engine in their own home."""
    yield
    shammah("daemon", "stop")


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A home whose engine runs with the demo model for all tests here that only ask."""
    home = str(tmp_path_factory.mktemp("shared") / "home")
    quiet = {"SHAMMAH_HOME": home, "HF_ENDPOINT": "http://127.0.0.1:9", "SHAMMAH_ENGINE_KEEP_ALIVE": "always"}
    started = shammah("daemon", "start", "--model", "demo", **quiet)
    assert started.returncode == 0, started.stderr
    yield home
    assert shammah("daemon", "stop", **quiet).returncode == 0


def asked(home: str, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return shammah("query", *DEMO, *arguments, stdin=stdin, SHAMMAH_HOME=home)


def function_in(answer: str) -> dict[str, object]:
    """The names that the first block of code in `answer` defines."""
    names: dict[str, object] = {}
    exec(answer.split("```")[1].removeprefix("python"), names)
    return names


@pytest.mark.usefixtures("engine_ends")
def test_the_first_question_on_a_new_machine_is_answered_with_a_function_that_works() -> None:
    found = shammah("query", *DEMO, ADD)
    assert (found.returncode, found.stderr) == (0, "")
    add = function_in(found.stdout)["add"]
    assert callable(add)
    assert add(2, 3) == 5
    assert paths.config_file().stat().st_mode & 0o777 == 0o600
    assert paths.daemon_socket().exists()


def test_p_is_the_same_as_query(shared_home: str) -> None:
    found = shammah("-p", ADD, *DEMO, SHAMMAH_HOME=shared_home)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == asked(shared_home, ADD).stdout


def test_standard_input_is_added_to_the_question(shared_home: str) -> None:
    def prompt_tokens(*arguments: str, stdin: str | None = None) -> int:
        told = json.loads(asked(shared_home, "--json", *arguments, stdin=stdin).stdout)
        assert told["error"] is None
        tokens: int = told["usage"]["prompt_tokens"]
        return tokens

    alone, piped = prompt_tokens("review this"), prompt_tokens(stdin="-x = 1\n+x = 2\n")
    both = prompt_tokens("review this", stdin="-x = 1\n+x = 2\n")
    assert alone < both
    assert piped < both


def test_json_names_the_model_and_counts_what_was_used(shared_home: str) -> None:
    told = json.loads(asked(shared_home, "--json", ADD).stdout)
    assert (told["model"], told["is_demo"], told["route"], told["finish_reason"]) == ("demo", True, "local", "stop")
    assert told["usage"]["completion_tokens"] > 5
    assert 0 < told["timings"]["first_token_seconds"] <= told["timings"]["total_seconds"]
    assert callable(function_in(told["answer"])["add"])


def test_stream_json_adds_up_to_the_answer(shared_home: str) -> None:
    out = asked(shared_home, "--output-format", "stream-json", ADD).stdout
    objects = [json.loads(line) for line in out.splitlines()]
    text = "".join(item["text"] for item in objects if item["type"] == "text_arrived")
    assert objects[-1]["type"] == "result"
    assert objects[-1]["answer"] == text
    assert "def add" in text


def test_a_cut_answer_says_so_and_is_no_error(shared_home: str) -> None:
    found = asked(shared_home, "--json", "--max-tokens", "3", ADD)
    assert found.returncode == 0
    assert json.loads(found.stdout)["finish_reason"] == "length"


def test_bytes_that_are_no_text_are_read_as_far_as_they_go(shared_home: str) -> None:
    found = subprocess.run(
        [*COMMAND, "query", *DEMO, "What is this?"],
        input=b"\xff\xfe\x00\x80 end",
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, "SHAMMAH_HOME": shared_home},
    )
    assert (found.returncode, found.stderr) == (0, b"")


def test_a_reader_that_went_away_ends_it_quietly_and_the_engine_lives(shared_home: str) -> None:
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "SHAMMAH_HOME": shared_home}
    process = subprocess.run(
        [*COMMAND, "query", *DEMO, ADD],
        stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environment,
    )  # fmt: skip
    os.close(write)
    assert (process.returncode, process.stderr) == (141, "")
    assert asked(shared_home, ADD).returncode == 0


def test_a_terminal_gets_the_answer_and_a_note_that_it_is_the_demos(shared_home: str) -> None:
    with in_terminal(["query", *DEMO, ADD], SHAMMAH_HOME=shared_home) as terminal:
        assert terminal.end() == 0
    assert "def add" in terminal.output
    assert "built-in demo model" in terminal.output


def test_a_question_without_words_is_refused() -> None:
    for arguments in ([], [" "]):
        found = shammah("query", *arguments)
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.startswith("shammah: There is no question.\n")


def test_more_than_any_model_can_read_is_refused_at_once() -> None:
    found = shammah("query", "x", stdin="x" * (8 * 1024 * 1024 + 1))
    assert found.returncode == 2
    assert "Standard input is larger than 8 MB" in found.stderr


def test_a_prompt_longer_than_the_context_is_told_and_the_engine_lives(shared_home: str) -> None:
    found = asked(shared_home, "sum this up", stdin="many words " * 200_000)
    assert (found.returncode, found.stdout) == (1, "")
    assert "Traceback" not in found.stderr
    assert "tokens" in found.stderr
    assert asked(shared_home, ADD).returncode == 0


@pytest.mark.usefixtures("engine_ends")
def test_an_engine_that_was_killed_is_started_again() -> None:
    assert shammah("query", *DEMO, ADD).returncode == 0
    pid = json.loads(paths.daemon_pid().read_text())["pid"]
    psutil.Process(pid).kill()
    found = shammah("query", *DEMO, ADD)
    assert (found.returncode, found.stderr) == (0, "")
    assert "def add" in found.stdout


@pytest.fixture
def silent_hub() -> Iterator[str]:
    """A hub that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.usefixtures("engine_ends")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting_for_a_model(silent_hub: str, number: signal.Signals, code: int) -> None:
    environment = {**os.environ, "HF_ENDPOINT": silent_hub, "SHAMMAH_MODEL": "1.5b"}
    process = subprocess.Popen(
        [*COMMAND, "query", "--json", "x"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    end = time.monotonic() + 30
    while not paths.daemon_socket().exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == code
    assert json.loads(out)["finish_reason"] == "interrupted"
    assert f"Interrupted ({number.name})" in err


@pytest.mark.usefixtures("engine_ends")
def test_the_time_limit_counts_the_waiting_for_a_model(silent_hub: str) -> None:
    found = shammah("query", "--timeout", "1.5", "x", HF_ENDPOINT=silent_hub, SHAMMAH_MODEL="1.5b")
    assert (found.returncode, found.stdout) == (75, "")
    assert "No whole answer within 1.5 seconds." in found.stderr


CREATE = "create hello.py that prints hello and run it"


def in_folder(folder: Path, home: str, *arguments: str) -> dict[str, Any]:
    """The object that a query in `folder` printed."""
    found = shammah_in(folder, "query", *DEMO, "--json", *arguments, SHAMMAH_HOME=home)
    parsed: dict[str, Any] = json.loads(found.stdout)
    return parsed


def test_a_file_of_the_project_is_read_without_a_question(shared_home: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My Great Project\n\nIt does things.\n")
    found = in_folder(tmp_path, shared_home, "read README.md and tell me its title")
    assert "My Great Project" in found["answer"]
    assert [call["outcome"] for call in found["tool_calls"]] == ["done"]


@pytest.mark.parametrize("mode", ["ask", "plan"])
def test_nothing_is_written_where_nobody_can_be_asked_or_plan_mode_only_reads(
    shared_home: str, tmp_path: Path, mode: str
) -> None:
    found = in_folder(tmp_path, shared_home, "--permission-mode", mode, CREATE)
    assert {call["outcome"] for call in found["tool_calls"]} == {"refused"}
    assert list(tmp_path.iterdir()) == []


def test_edits_are_accepted_in_that_mode_and_commands_still_are_not(shared_home: str, tmp_path: Path) -> None:
    found = in_folder(tmp_path, shared_home, "--permission-mode", "accept-edits", CREATE)
    outcomes = {call["name"]: call["outcome"] for call in found["tool_calls"]}
    assert outcomes == {"Write": "done", "Bash": "refused"}
    assert (tmp_path / "hello.py").read_text().startswith("print(")


def test_a_conversation_goes_on_where_it_was(shared_home: str, tmp_path: Path) -> None:
    first = in_folder(tmp_path, shared_home, "What does F8 do?")
    second = in_folder(tmp_path, shared_home, "--continue", "What does F7 do?")
    assert second["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"] + 10
    other = tmp_path / "other"
    other.mkdir()
    found = shammah_in(other, "query", "--continue", "And now?", SHAMMAH_HOME=shared_home)
    assert found.returncode == 2
    assert "no conversation" in found.stderr
