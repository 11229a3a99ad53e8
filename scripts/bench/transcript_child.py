"""The programs that `scripts.bench.transcript` looks at: `talk SIZE REPORT`, `ours REPORT`, `plain REPORT`."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from shammah_tui.agent.history import History
from shammah_tui.conversation import Entry, Message
from shammah_tui.events import TextArrived, TurnEvent, TurnStarted
from shammah_tui.store.session import SessionSummary, StoredSession
from shammah_tui.ui.app import ShammahApp
from shammah_tui.ui.replay import replayed
from tests.ui.script import Scripted

TOKENS_A_SECOND = 100
MEASURED_SECONDS = 10.0
BEFORE = (0, 1_000, 10_000, 100_000)
TEXT = """## Part {number}

A paragraph with **bold words**, `code`, [a link](https://example.com/{number}) and so many words that it takes more
than one line on the screen, as most paragraphs of an answer do when something is explained.

- one thing that is listed
- another thing, with *emphasis*
  - and one below it

```python
def function_{number}(first: int, second: int) -> int:
    \"\"\"Return the sum.\"\"\"
    return first + second  # {number}
```

"""


def tokens() -> Iterator[str]:
    """The text without end, four characters at a time, as long as a token is."""
    for number in itertools.count(1):
        part = TEXT.format(number=number)
        for at in range(0, len(part), 4):
            yield part[at : at + 4]


def conversation(messages: int) -> StoredSession:
    entries: list[Entry] = []
    turns: list[int] = []
    for number in range(messages // 2):
        said = TEXT.format(number=number) if number + 1 < messages // 2 else "The last answer"
        entries += [
            Entry(Message("user", f"Question {number}: how is this done, and why?")),
            Entry(Message("assistant", said), model="Shammah Demo", route="local"),
        ]
        turns += [2 * number, 2 * number]
    return StoredSession(SessionSummary("s", "t", "/", 0.0, 0.0, messages // 2), tuple(entries), tuple(turns))


class Talk(ShammahApp):
    """A long conversation, opened as a session is resumed."""

    def __init__(self, messages: int, report: Path) -> None:
        super().__init__(Scripted(), history=History(None))
        self._messages = messages
        self._report = report

    def on_ready(self) -> None:
        super().on_ready()
        stored = conversation(self._messages)
        began = time.perf_counter()
        self.chat._show_conversation(True)
        self.chat._exchanges = replayed(self.chat.transcript, stored)
        self._report.write_text(json.dumps({"opening_seconds": time.perf_counter() - began}))


class Streaming(Scripted):
    """An answer that is measured at some of its lengths."""

    report = Path()
    app: App[Any]

    async def ask(self, question: str, **options: object) -> AsyncGenerator[TurnEvent, None]:
        yield TurnStarted("Demo", "local")
        said, parts = tokens(), list[dict[str, float]]()
        count = 0
        rest = await processor_seconds(MEASURED_SECONDS)
        for before in BEFORE:
            while count < before:
                # As fast as it goes, drawn as often as the screen draws.
                for _ in range(20):
                    yield TextArrived(next(said))
                    count += 1
                await asyncio.sleep(0)
            began, moment = time.process_time(), time.monotonic()
            while time.monotonic() - moment < MEASURED_SECONDS:
                yield TextArrived(next(said))
                count += 1
                await pace(moment, count - before)
            spent = time.process_time() - began
            parts.append({"tokens": before, "ms_a_token": 1e3 * (spent - rest) / max(1, count - before)})
        self.report.write_text(json.dumps(parts))
        self.app.exit()


class Asking(ShammahApp):
    """Sends a question by itself."""

    def on_ready(self) -> None:
        super().on_ready()
        self.chat.prompt.put("go")
        self.chat.prompt.action_send()


class Plain(App[None]):
    """Textual's own Markdown widget, given every token as it comes."""

    def __init__(self, report: Path) -> None:
        super().__init__()
        self._report = report

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            yield Markdown()
        scroll.anchor()

    def on_ready(self) -> None:
        self.run_worker(self._stream())

    async def _stream(self) -> None:
        widget = self.query_one(Markdown)
        rest = await processor_seconds(MEASURED_SECONDS)
        began, moment, count = time.process_time(), time.monotonic(), 0
        for token in tokens():
            await widget.append(token)
            count += 1
            await pace(moment, count)
            if time.monotonic() - moment >= MEASURED_SECONDS:
                break
        spent = time.process_time() - began
        self._report.write_text(json.dumps([{"tokens": 0, "ms_a_token": 1e3 * (spent - rest) / count}]))
        self.exit()


async def processor_seconds(seconds: float) -> float:
    """What this program takes in that time while nothing happens."""
    began = time.process_time()
    await asyncio.sleep(seconds)
    return time.process_time() - began


async def pace(begin: float, count: int) -> None:
    """Wait until token `count` is due."""
    await asyncio.sleep(max(0.0, begin + count / TOKENS_A_SECOND - time.monotonic()))


def main(kind: str, *arguments: str) -> None:
    report = Path(arguments[-1])
    if kind == "talk":
        Talk(int(arguments[0]), report).run()
    elif kind == "plain":
        Plain(report).run()
    else:
        runtime = Streaming()
        runtime.report = report
        runtime.app = Asking(runtime, history=History(None))
        runtime.app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
