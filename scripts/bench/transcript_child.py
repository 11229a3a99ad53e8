"""The programs that `scripts.bench.transcript` looks at: `talk SIZE REPORT`, `ours TOKENS FOLDER`, `plain 0 FOLDER`.

The last two say in FOLDER that they are ready, and measure once it has a file `go`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
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
REST_SECONDS, SETTLE_SECONDS, MEASURED_SECONDS = 3.0, 1.0, 15.0
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


@dataclass(frozen=True)
class Measure:
    """Of one program, which has `before` tokens on its screen when it begins."""

    kind: str
    before: int
    folder: Path

    async def paced(self, tokens: Iterator[str], rest: float) -> AsyncGenerator[str, None]:
        """One token after the other at a steady rate, for some seconds; then what each took is written down.

        `rest`: the share of a processor that the program takes anyway.
        """
        (self.folder / f"{self.kind}-{self.before}.ready").touch()
        await asyncio.to_thread(wait_for, self.folder / "go")
        await asyncio.sleep(SETTLE_SECONDS)
        began, moment, count = time.process_time(), time.monotonic(), 0
        while (passed := time.monotonic() - moment) < MEASURED_SECONDS:
            yield next(tokens)
            count += 1
            await asyncio.sleep(max(0.0, moment + count / TOKENS_A_SECOND - time.monotonic()))
        cost = 1e3 * (time.process_time() - began - passed * rest) / count
        (self.folder / f"{self.kind}-{self.before}.json").write_text(json.dumps({"ms_a_token": cost}))


class Streaming(Scripted):
    """An answer whose cost is measured after its first tokens."""

    measure: Measure
    app: App[Any]

    async def ask(self, question: str, **options: object) -> AsyncGenerator[TurnEvent, None]:
        yield TurnStarted("Demo", "local")
        said, rest = tokens(), await processor_share()
        for at, token in enumerate(itertools.islice(said, self.measure.before)):
            yield TextArrived(token)
            if at % 20 == 0:
                # As fast as it goes, drawn as often as the screen draws.
                await asyncio.sleep(0)
        async for token in self.measure.paced(said, rest):
            yield TextArrived(token)
        self.app.exit()


class Asking(ShammahApp):
    """Sends a question by itself."""

    def on_ready(self) -> None:
        super().on_ready()
        self.chat.prompt.put("go")
        self.chat.prompt.action_send()


class Plain(App[None]):
    """Textual's own Markdown widget, given every token as it comes."""

    def __init__(self, measure: Measure) -> None:
        super().__init__()
        self._measure = measure

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            yield Markdown()
        scroll.anchor()

    def on_ready(self) -> None:
        self.run_worker(self._stream())

    async def _stream(self) -> None:
        widget = self.query_one(Markdown)
        async for token in self._measure.paced(tokens(), await processor_share()):
            await widget.append(token)
        self.exit()


async def processor_share() -> float:
    """Of one processor, what this program takes while nothing happens."""
    began = time.process_time()
    await asyncio.sleep(REST_SECONDS)
    return (time.process_time() - began) / REST_SECONDS


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.05)


def main(kind: str, count: str, path: str) -> None:
    if kind == "talk":
        Talk(int(count), Path(path)).run()
        return
    measure = Measure(kind, int(count), Path(path))
    if kind == "plain":
        Plain(measure).run()
    else:
        runtime = Streaming()
        runtime.measure = measure
        runtime.app = Asking(runtime, history=History(None))
        runtime.app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
