"""What the slash commands do in the line mode: the same as on the screen, told in lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path

from shammah_tui.cli.beside import Beside
from shammah_tui.cli.editor import edited
from shammah_tui.cli.plain_input import LineInput
from shammah_tui.config.load import load
from shammah_tui.events import Phase
from shammah_tui.runtime import Runtime
from shammah_tui.store.session import StoredSession
from shammah_tui.tools.permission.mode import Mode
from shammah_tui.tools.sandbox.sandbox import Sandbox
from shammah_tui.ui import adapter_command, clipboard, commands, wording
from shammah_tui.ui.plain import first_line, visible

LISTED_MAX = 20
REPLAYED_TURNS = 3
ON_SCREEN = frozenset({"theme", "mouse"})
FENCE = "```"


class PlainCommands:
    """`send` asks a question, perhaps of the local model or Claude alone; `leave` ends the program; `flags` are the
    settings that it was started with. All that a command raises is a ShammahError, or KeyboardInterrupt."""

    def __init__(
        self,
        runtime: Runtime,
        beside: Beside,
        line: LineInput,
        send: Callable[..., None],
        leave: Callable[[], None],
        flags: Mapping[str, object],
    ) -> None:
        self._runtime = runtime
        self._beside = beside
        self._input = line
        self._send = send
        self._leave = leave
        self._flags = flags
        self._turn: int | None = None
        self._private = False
        self._rated: int | None = None

    def answered(self, turn: int, *, private: bool) -> None:
        """This answer is what a rating means from now on."""
        self._turn, self._private = turn, private

    def run(self, invocation: commands.Invocation) -> None:
        name, argument = invocation.command.name, invocation.argument
        if name in ON_SCREEN:
            print(f"/{name} is for the full screen: start shammah without --plain.")
            return
        match name:
            case "help":
                self._help()
            case "quit":
                self._leave()
            case "new":
                self._runtime.begin_anew()
                self._turn = None
                print("A new conversation begins; the one before stays in /sessions.")
            case "adapter":
                self._adapter(argument)
            case "model":
                self._model(argument)
            case "mode":
                self._mode(argument)
            case "local" | "cloud":
                self._route("local" if name == "local" else "cloud", argument)
            case "auto":
                self._runtime.routing.asked = ""
                print("Shammah chooses again: the local model first.")
            case "privacy":
                self._privacy()
            case "sessions":
                self.sessions(argument)
            case "rename":
                self._rename(argument)
            case "copy":
                self._copy(argument)
            case "find":
                self._find(argument)
            case "edit":
                text = edited("", ".md").strip()
                if text:
                    self._send(text)
            case "feedback":
                word, _, note = argument.partition(" ")
                self._feedback(word, note)
            case "critical" | "medium" | "good":
                self._feedback(name, argument)
            case "undo":
                self._undo()
            case "settings":
                self._settings()
            case "learning":
                print("`shammah feedback` and `shammah rules` list and change what was rated.")
                print("`shammah train --follow` tells how far a training is.")
                print("`shammah adapters` lists what was learned, and shows how it was measured.")
            case _:
                raise AssertionError(name)

    def _help(self) -> None:
        for command in commands.TABLE:
            if command.name not in ON_SCREEN:
                print(f"{command.usage}: {command.help}")
        print("!COMMAND runs a command of your own; @FILE sends a file along; a line that ends in \\ goes on.")

    # Who answers, and how tools are judged

    def _adapter(self, wanted: str) -> None:
        learning = self._beside.call(self._runtime.learning())
        if not wanted:
            found = self._beside.call(adapter_command.listed(learning))
            for number, one in enumerate(found, 1):
                print(f"{number}: {visible(one.name)}{f' ({one.mark})' if one.mark else ''}: {one.about}")
            chosen = self._choose("Number of the one that answers (Enter changes nothing): ", len(found))
            if chosen is None:
                return
            wanted = found[chosen].name
        print(f"{visible(self._beside.call(adapter_command.obey(learning, wanted)))}.")

    def _model(self, name: str) -> None:
        if name:
            self._beside.call(self._runtime.switch_model(name))
        state = self._runtime.state
        print(f"{wording.headline(state)}.")
        if state.model is not None:
            print(f"  {visible(state.model.id)}, {wording.size(state.model.size_bytes)}. {visible(state.model.reason)}")
        for text in (state.reason, state.hint):
            if text:
                print(f"  {visible(text)}")
        if state.phase is not Phase.READY and state.progress is not None:
            print(f"  {wording.amount(state.progress)}")
        use = self._beside.call(self._runtime.context())
        if use is not None:
            share = use.used_tokens / use.context_tokens
            print(f"  Context: {use.used_tokens:,} of {use.context_tokens:,} tokens ({share:.0%}).")

    def _mode(self, name: str) -> None:
        wanted = name.lower().replace("-", " ")
        if wanted in {mode.value for mode in Mode}:
            self._beside.call(self._set_mode(Mode(wanted)))
            print(f"{wanted}: {wording.mode(Mode(wanted), self._sandbox)}.")
            return
        print(f"Tools are judged by {self._runtime.mode.value}. /mode takes another:")
        for mode in Mode:
            print(f"  {mode.value}: {wording.mode(mode, self._sandbox)}.")
        print(f"Commands: {wording.sandbox(self._sandbox, why=True)[0]}.")

    @property
    def _sandbox(self) -> Sandbox:
        return self._beside.call(self._runtime.guard()).sandbox

    async def _set_mode(self, mode: Mode) -> None:
        self._runtime.set_mode(mode)

    def _route(self, asked: str, question: str) -> None:
        if question:
            self._send(question, asked)
        elif asked == "local":
            self._runtime.routing.asked = "local"
            print("The local model answers from now on; /auto leaves it to Shammah again.")
        else:
            self._runtime.routing.asked = "cloud"
            print("Claude answers from now on, away from this machine; /auto ends it.")

    def _privacy(self) -> None:
        listing = self._runtime.ledger.read()
        for sent in listing.sent[-LISTED_MAX:]:
            departure = sent.departure
            print(
                f"{sent.at[:16].replace('T', ' ')}, to {visible(departure.to)}, {departure.sent_bytes:,} bytes, "
                f"{visible(departure.why)}: {visible(sent.outcome)}"
            )
        total = f"{wording.count(len(listing.sent), 'request')}, {listing.sent_bytes:,} bytes"
        print(f"{total} in all." if listing.sent else "Nothing has left this machine.")

    def _settings(self) -> None:
        for value in load(self._flags).values.values():
            print(f"{value.key.full_name}: {value.shown or 'empty'} ({value.origin.value}). {value.key.description}.")
        print("`shammah config set KEY VALUE` changes one.")

    # Conversations

    def sessions(self, words: str) -> None:
        """Go on with the conversation whose id begins with `words`; where there is none, or more than one, list those
        that have these words, and go on with the one whose number is typed."""
        named = self._beside.call(self._runtime.sessions.read(words))
        if named is not None:
            self._go_on(named)
            return
        found = self._beside.call(self._runtime.sessions.list(search=words, limit=LISTED_MAX))
        found = tuple(summary for summary in found if summary.id != self._runtime.record.session)
        if not found:
            print("No earlier conversation has these words." if words else "There is no earlier conversation yet.")
            return
        for number, summary in enumerate(found, 1):
            questions = wording.count(summary.questions, "question")
            print(f"{number}: {first_line(summary.title)}, {questions}, in {visible(Path(summary.folder).name)}")
        chosen = self._choose("Number to go on with (Enter stays here): ", len(found))
        if chosen is not None:
            stored = self._beside.call(self._runtime.sessions.read(found[chosen].id))
            if stored is not None:
                self._go_on(stored)

    def _choose(self, prompt: str, count: int) -> int | None:
        """Which of the `count` that were listed is wanted, from 0; None where none of them is."""
        typed = self._input.ask(prompt)
        if typed.isdecimal() and 1 <= int(typed) <= count:
            return int(typed) - 1
        if typed:
            print(f"There is no number {visible(typed)} in the list; nothing was changed.")
        return None

    def _go_on(self, stored: StoredSession) -> None:
        self._runtime.resume(stored)
        self.replay(stored)

    def replay(self, stored: StoredSession | None = None) -> None:
        """Print the last turns of the conversation that was gone on with."""
        if stored is None:
            stored = self._beside.call(self._runtime.sessions.read(self._runtime.record.session))
        if stored is None:
            return
        print(f"You are in: {first_line(stored.summary.title)}")
        turns = [
            (turn, [entry for _, entry in group])
            for turn, group in groupby(zip(stored.turns, stored.entries, strict=True), key=lambda pair: pair[0])
        ]
        if len(turns) > REPLAYED_TURNS:
            print(f"({wording.count(len(turns) - REPLAYED_TURNS, 'earlier question')} before these)")
        for turn, entries in turns[-REPLAYED_TURNS:]:
            print(f"You: {visible(entries[0].shown or entries[0].message.content)}")
            for entry in entries[1:]:
                if entry.message.role == "assistant" and entry.message.content:
                    print(f"{visible(entry.model) or 'Answer'}:\n{visible(entry.message.content)}")
                    self.answered(turn, private=False)

    def _rename(self, title: str) -> None:
        if not title or not self._runtime.record.entries:
            print("/rename takes the new title of a conversation that has begun.")
            return
        self._beside.call(self._runtime.sessions.rename(self._runtime.record.session, title))
        print(f"This conversation is now called {visible(title)}.")

    # Reading

    @property
    def _answers(self) -> list[str]:
        """The last first."""
        entries = reversed(self._runtime.record.entries)
        return [e.message.content for e in entries if e.message.role == "assistant" and e.message.content]

    def _copy(self, what: str) -> None:
        word, _, number = what.partition(" ")
        if word == "code":
            codes = next((found for answer in self._answers if (found := code_blocks(answer))), [])
            index, texts = (int(number) - 1 if number.isdecimal() else len(codes) - 1), codes
        elif not what or what.isdecimal():
            index, texts = (int(what) - 1 if what else 0), self._answers
        else:
            print("/copy takes a number, or code and a number.")
            return
        if not 0 <= index < len(texts):
            print("There is no such text to copy.")
            return
        if not clipboard.command(os.environ):
            print("There is no program here that keeps a clipboard (wl-copy, xclip, xsel, pbcopy, tmux).")
            return
        trouble = self._beside.call(clipboard.copy(texts[index]))
        print(trouble or f"Copied {wording.count(len(texts[index]), 'character')}.")

    def _find(self, words: str) -> None:
        if not words:
            print("/find takes the words to look for.")
            return
        found = 0
        for entry in self._runtime.record.entries:
            for line in visible(entry.shown or entry.message.content).splitlines():
                if words.lower() in line.lower():
                    found += 1
                    print(f"{'You' if entry.message.role == 'user' else 'Answer'}: {line}")
        if not found:
            print("Nothing in this conversation has these words.")

    # Rating

    def _feedback(self, word: str, note: str) -> None:
        color = commands.COLORS.get(word.lower())
        if color is None:
            print("/feedback takes high, medium or normal, and a note: /feedback high use logging")
        elif self._turn is None:
            print("There is no answer to rate yet.")
        elif self._private:
            print("Nothing is kept of this answer, so it cannot be rated.")
        else:
            note = note.strip() or self._input.ask("What was it? (Enter: no note) ")
            rated = self._beside.call(self._runtime.rate(self._turn, color, note))
            self._rated = rated.rating.id
            masked = f" ({', '.join(rated.rating.masked)} masked)" if rated.rating.masked else ""
            print(f"Rated {color}{masked}. /undo takes it back.")
            if rated.rule is not None:
                print(f"From now on: {visible(rated.rule.line)}")

    def _undo(self) -> None:
        if self._rated is None:
            print("Nothing was rated since the start. `shammah feedback` lists what was before.")
            return
        rated = self._rated

        async def undo() -> str:
            before = await (await self._runtime.feedback()).undo(rated)
            return f"The rating is as it was: {before.color}." if before else "The rating is taken back."

        told = self._beside.call(undo())
        self._rated = None if told.endswith("back.") else rated
        print(told)


def code_blocks(text: str) -> list[str]:
    """What stands between fences in `text`, in their order; one that was not closed counts up to the end."""
    blocks: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith(FENCE):
            inside = not inside
            if inside:
                blocks.append("")
        elif inside:
            blocks[-1] += line + "\n"
    return [block.removesuffix("\n") for block in blocks]
