"""The prompt with what belongs to it: the list of completions, what was sent before, the person's editor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from shammah_tui.agent.history import History
from shammah_tui.errors import ShammahError
from shammah_tui.ui.complaint import complain
from shammah_tui.ui.widgets.prompt import Prompt, PromptFrame

if TYPE_CHECKING:
    from shammah_tui.ui.widgets.completion import Completion

SHOWN_CHARACTERS = 200


class PromptArea(Vertical):
    """`folder` is where files are completed from; `arguments` gives what a command may be followed by."""

    def __init__(self, history: History, folder: Path, arguments: Callable[[str], Awaitable[Sequence[str]]]) -> None:
        super().__init__(id="prompt-area")
        self._arguments = arguments
        self._history = history
        self._folder = folder
        self._completing = asyncio.Lock()
        self._walk: asyncio.Task[Sequence[str]] | None = None

    def compose(self) -> ComposeResult:
        yield PromptFrame(self._history)

    async def complete(self) -> None:
        """Bring what the first picture does without: the list of completions."""
        from shammah_tui.ui.widgets.completion import Completion

        async with self._completing:
            if not self.query(Completion):
                await self.mount(Completion(id="completion"), before=0)
            self.prompt.completion = self.query_one(Completion)

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    # Completion

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _typed(self) -> None:
        before, completion = self.prompt.before_cursor, self.prompt.completion
        if (completion is not None and completion.is_open) or before[:1] == "/" or "@" in before:
            self._suggest(before)

    @work(exclusive=True, group="suggest")
    async def _suggest(self, before: str) -> None:
        from shammah_tui.ui.suggesting import command_before, suggestions, wants_files

        command = command_before(before)
        arguments = await self._arguments(command) if command else ()
        if wants_files(before):
            found = await asyncio.to_thread(suggestions, before, await self._files(), arguments)
        else:
            found = suggestions(before, (), arguments)
        await self.complete()
        completion = self.prompt.completion
        if completion is not None and before == self.prompt.before_cursor:
            completion.suggest(found)

    async def _files(self) -> Sequence[str]:
        """One walk through the folder for all letters that are typed before it ends."""
        # Not before the first picture: the list of files brings the tools' room along.
        from shammah_tui.agent.project_file import listed

        if self._walk is None or self._walk.done():
            self._walk = asyncio.create_task(asyncio.to_thread(listed, self._folder), name="list-files")
        return await asyncio.shield(self._walk)

    # Found by its name: the list is imported when it is first needed.
    def on_completion_chosen(self, event: Completion.Chosen) -> None:
        self.prompt.take(event.suggestion)
        self.prompt.focus()

    # What was sent before, and the editor

    @on(Prompt.RecallWanted)
    def _recall(self) -> None:
        from shammah_tui.ui.screens.picker import Choice, Picker, among

        texts = self._history.texts
        choices = [Choice(" ".join(text.split())[:SHOWN_CHARACTERS], "", text) for text in texts]
        picker = Picker(among(choices), prompt="Find what you sent before", empty="Nothing that you sent has this.")
        self.app.push_screen(picker, self._recalled)

    def _recalled(self, text: str | None) -> None:
        if text is not None:
            self.prompt.put(text)

    @on(Prompt.EditorWanted)
    @work(exclusive=True, group="editor")
    async def _edit(self) -> None:
        from shammah_tui.ui import editor

        try:
            self.prompt.put(await editor.edit(self.app, self.prompt.whole_text))
        except ShammahError as error:
            complain(self.app, error)
