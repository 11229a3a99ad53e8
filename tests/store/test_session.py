"""Sessions on disk: what was said is there after whatever ended the program."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shammah_tui.conversation import Entry, FileChange, Message, ToolCall
from shammah_tui.errors import HomeError
from shammah_tui.store.database import Database
from shammah_tui.store.schema import FEEDBACK, SESSIONS
from shammah_tui.store.session import NEWEST, SessionStore, _list

QUESTION = Entry(Message("user", "What is in a.py?\nTell me."), shown="What is in @a.py?")
CALL = Entry(Message("assistant", "", (ToolCall("1", "Read", '{"file_path":"a.py"}'),)), "tool_calls", "Demo", "local")
RESULT = Entry(
    Message("tool", "x = 1", tool_call_id="1", failed=True),
    shown="1 line",
    diff="-a\n+b",
    changes=(FileChange("/a.py", "", "ff"),),
)
ANSWER = Entry(
    Message("assistant", "One line: \ud83d \u2028 é"),
    model="Demo",
    route="local",
    reason="r",
    adapter="a@1",
    adapter_why="learned for Rust",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "home" / "shammah.db")
    yield opened
    opened.close()


async def test_a_session_comes_back_as_it_was_said(database: Database) -> None:
    store = SessionStore(database)
    await store.write("abc", "/project", 0, [QUESTION, CALL, RESULT, ANSWER], 0)
    found = await store.read("a")
    assert found is not None
    assert found.entries[:3] == (QUESTION, CALL, RESULT)
    assert found.entries[3].message.content == "One line: ? \u2028 é"
    assert (found.entries[3].adapter, found.entries[3].adapter_why) == ("a@1", "learned for Rust")
    assert found.turns == (0, 0, 0, 0)
    assert found.summary.title == "What is in @a.py?"
    assert found.summary.questions == 1


async def test_an_answer_grows_in_place_and_a_later_turn_follows(database: Database) -> None:
    store = SessionStore(database)
    for text in ("He", "Hello"):
        await store.write("s", "/p", 1, [Entry(Message("assistant", text))], 0)
    await store.write("s", "/p", 2, [QUESTION], 2)
    found = await store.read("s")
    assert found is not None
    assert [entry.message.content for entry in found.entries] == ["Hello", QUESTION.message.content]
    assert found.turns == (0, 2)


async def test_a_search_that_nobody_waits_for_ends_and_the_next_one_finds(database: Database) -> None:
    store = SessionStore(database)
    await store.write("long", "/p", 0, [Entry(Message("user", "about wool"))] * 3000, 0)
    unwanted = threading.Event()
    unwanted.set()
    with pytest.raises(HomeError, match="interrupted"):
        await database.run(lambda connection: _list(connection, "", "silk", 10, unwanted))
    assert [found.id for found in await store.list(search="wool")] == ["long"]


async def test_the_list_is_ordered_by_use_and_searched_by_words(database: Database) -> None:
    store = SessionStore(database)
    for name, text in (("one", "about 100% wool"), ("two", "about silk"), ("three", "about_silk")):
        await store.write(name, f"/{name}", 0, [Entry(Message("user", text))], 0)
    await store.write("one", "/one", 1, [Entry(Message("assistant", "soft"))], 0)
    assert [found.id for found in await store.list()] == ["one", "three", "two"]
    assert [found.id for found in await store.list(search="silk about")] == ["three", "two"]
    assert [found.id for found in await store.list(search="0% soft")] == ["one"]
    assert [found.id for found in await store.list(search="about_")] == ["three"]
    newest = await store.newest("/two")
    assert newest is not None
    assert newest.id == "two"
    assert await store.newest("/nowhere") is None
    for wanted, found in ((NEWEST, "two"), ("on", "one"), ("nine", None)):
        stored = await store.find(wanted, "/two")
        assert (stored.summary.id if stored else None) == found
    assert await store.find(NEWEST, "/nowhere") is None


async def test_an_id_that_fits_two_sessions_names_none(database: Database) -> None:
    store = SessionStore(database)
    await store.write("ab", "/", 0, [QUESTION], 0)
    await store.write("abc", "/", 0, [QUESTION], 0)
    assert await store.read("a") is None
    assert await store.read("") is None
    found = await store.read("ab")
    assert found is not None
    assert found.summary.id == "ab"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from shammah_tui.conversation import Entry, Message\n"
        "from shammah_tui.store.database import Database\n"
        "from shammah_tui.store.session import SessionStore\n"
        "async def main():\n"
        "    store = SessionStore(Database(pathlib.Path(sys.argv[1])))\n"
        "    for number in range(100000):\n"
        "        await store.write('s', '/', number, [Entry(Message('user', str(number)))], number)\n"
        "        print(number, flush=True)\n"
        "asyncio.run(main())\n"
    )
    path = tmp_path / "shammah.db"
    for delay in (1, 17, 60):
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(delay):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in child.stdout.read().split() if line.isdigit())])
        child.wait()
        child.stdout.close()
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            count = connection.execute("SELECT COUNT(*) FROM entry").fetchone()[0]
        connection.close()
        assert count >= acknowledged + 1
        path.unlink()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


async def test_a_damaged_file_is_kept_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "shammah.db"
    path.write_bytes(b"not a database, but text" * 100)
    database = Database(path)
    store = SessionStore(database)
    await store.write("s", "/", 0, [QUESTION], 0)
    assert "kept as" in database.notice
    assert _kept_aside(tmp_path).startswith(b"not a database")
    assert path.stat().st_mode & 0o777 == 0o600
    database.close()


def _kept_aside(folder: Path) -> bytes:
    (file,) = folder.glob("shammah.db.bad-*")
    return file.read_bytes()


async def test_a_file_of_a_later_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "shammah.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    database = Database(path)
    with pytest.raises(HomeError, match="later version"):
        await SessionStore(database).list()
    database.close()


async def test_nothing_is_kept_of_work_that_failed(database: Database) -> None:
    store = SessionStore(database)

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO session VALUES ('x', 1, 1, '', '', '', 0, 0, 0)")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await database.run(fail)
    assert await store.list() == ()


async def steps(database: Database, listing: Callable[[], Awaitable[object]]) -> int:
    """Thousands of steps that SQLite takes for `listing`: what it costs, whatever the machine does meanwhile."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    await database.run(lambda connection: connection.set_progress_handler(count, 1000))
    await listing()
    await database.run(lambda connection: connection.set_progress_handler(None, 0))
    return counted


async def test_a_list_costs_the_same_with_5000_sessions_as_with_200(database: Database) -> None:
    store = SessionStore(database)

    def fill(first: int, end: int) -> Callable[[sqlite3.Connection], None]:
        def write(connection: sqlite3.Connection) -> None:
            for number in range(first, end):
                name = f"{number:032x}"
                connection.execute(
                    "INSERT INTO session (id, title, folder, created_at, updated_at, number, touched) "
                    "VALUES (?, ?, '/work', 0, 0, ?, ?)",
                    (name, f"Question {number}", number, number),
                )
                for seq, role in enumerate(("user", "assistant")):
                    connection.execute(
                        "INSERT INTO entry VALUES (?, ?, 0, ?, ?, 'stop', '', '', '{}', 0)",
                        (name, seq, role, f"What is {number}?"),
                    )

        return write

    await database.run(fill(0, 200))
    newest = store.newest

    few = await steps(database, lambda: store.list(limit=100)), await steps(database, newest)
    await database.run(fill(200, 5000))
    many = await steps(database, lambda: store.list(limit=100)), await steps(database, newest)
    assert [summary.title for summary in await store.list(limit=2)] == ["Question 4999", "Question 4998"]
    assert many[0] <= few[0] + 1
    assert many[1] <= few[1] + 1


WORDS = ("wool", "Wo", "o", "silk worm", "É", "ß", "100%", "a_b", "nowhere")
TEXT = st.lists(st.sampled_from([*WORDS, "WOOLLY", "é", "ss", "a", "%"]), max_size=4).map(" ".join)


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=4), st.sampled_from(WORDS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_signed_search_finds_what_an_unsigned_one_does(
    tmp_path: Path, texts: list[str], later: list[int], words: str
) -> None:
    with TemporaryDirectory(dir=tmp_path) as folder:
        database = Database(Path(folder) / "shammah.db")
        store = SessionStore(database)
        for number, text in enumerate(texts):
            await store.write(
                f"s{number}", "/p", 0, [Entry(Message("user", text)), Entry(Message("assistant", "a"))], 0
            )
        await store.sign()
        # What changes afterwards is read, until it is signed again.
        for number in later:
            match number:
                case 0:
                    await store.write("s0", "/p", 2, [Entry(Message("user", "late wool"))], 2)
                case 1:
                    await store.rename("s0", "silk worm and nowhere")
                case 2:
                    await store.remove("s0")
                case _:
                    await store.sign()
        signed = await store.list(search=words)
        await database.run(lambda connection: connection.execute("DELETE FROM signature"))
        assert signed == await store.list(search=words)
        database.close()


async def test_a_word_found_nowhere_is_looked_for_in_no_session_that_is_signed(database: Database) -> None:
    store = SessionStore(database)
    for number in range(30):
        await store.write(f"s{number}", "/p", 0, [Entry(Message("user", f"question {number} about wool"))], 0)
    read = 0

    def count_reads(pattern: str, text: str, escape: str) -> bool:
        nonlocal read
        read += 1
        return pattern.strip("%") in text

    await database.run(lambda connection: connection.create_function("like", 3, count_reads))
    await store.list(search="quantum")
    unsigned, read = read, 0
    await store.sign()
    await store.list(search="quantum")
    assert unsigned >= 30
    assert read == 0
    assert len(await store.list(search="wool 29")) == 1


async def test_a_file_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "shammah.db"
    with sqlite3.connect(path) as connection:
        for statement in (*SESSIONS, *FEEDBACK, "PRAGMA user_version = 2"):
            connection.execute(statement)
    connection.close()
    database = Database(path)
    store = SessionStore(database)
    await store.write("s", "/p", 0, [QUESTION], 0)
    await store.sign()
    assert [found.id for found in await store.list(search="a.py")] == ["s"]
    database.close()


async def test_a_session_that_another_terminal_went_on_with_goes_on_in_a_copy(database: Database) -> None:
    store = SessionStore(database)
    await store.write("s", "/p", 0, [QUESTION, ANSWER], 0)
    assert not await store.branch("s", 2, "fresh")
    assert not await store.branch("unknown", 0, "fresh")
    await store.write("s", "/p", 2, [QUESTION], 2)
    assert await store.branch("s", 2, "fresh")
    await store.write("fresh", "/p", 2, [ANSWER], 2)
    mine, theirs = await store.read("fresh"), await store.read("s")
    assert mine is not None
    assert theirs is not None
    assert [entry.message.role for entry in mine.entries] == ["user", "assistant", "assistant"]
    assert [entry.message.role for entry in theirs.entries] == ["user", "assistant", "user"]
    assert mine.summary.title == theirs.summary.title
    assert (mine.turns, theirs.turns) == ((0, 0, 2), (0, 0, 2))
