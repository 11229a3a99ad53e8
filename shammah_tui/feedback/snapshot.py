"""What a rating keeps of an answer: read from the session that it was given in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from shammah_tui.agent.instructions import instructions
from shammah_tui.agent.prompt import system_prompt
from shammah_tui.conversation import Entry, Message
from shammah_tui.errors import ShammahError
from shammah_tui.feedback.language import named_in, of_path, of_tag, paths_in
from shammah_tui.store.rating import Snapshot
from shammah_tui.store.session import StoredSession

PATHS_MAX = 20


def snapshot(stored: StoredSession, turn: int, system: str = "") -> Snapshot:
    """The answer of the turn whose question has the sequence number `turn`: its last text, with all before it.

    `system`: the system prompt as it was sent, without the rules; made anew from the session's folder where it is not
    given. Raises ShammahError where the turn has no answer.
    """
    places = [place for place, own in enumerate(stored.turns) if own == turn]
    answers = [place for place in places if _is_answer(stored.entries[place])]
    if not answers:
        raise ShammahError("There is no answer to rate in that turn.", "`shammah feedback list` shows what was rated.")
    last = answers[-1]
    entry, before = stored.entries[last], stored.entries[:last]
    messages = tuple(each.message for each in before if each.message.role != "system")
    turn_messages = [stored.entries[place].message for place in places]
    paths = _paths(turn_messages)
    question = stored.entries[turn].message.content if turn < len(stored.entries) else ""
    return Snapshot(
        messages,
        entry.message.content,
        system or _system_of(stored.summary.folder),
        stored.summary.id,
        turn,
        entry.model,
        entry.adapter,
        entry.route,
        stored.summary.folder,
        language_of(entry.message.content, question, paths),
        paths,
    )


def language_of(answer: str, question: str, paths: Sequence[str] = ()) -> str:
    """Of the answer's first code that says so, else what the question names, else of the first file; or empty."""
    for line in answer.split("\n"):
        if line.startswith(("```", "~~~")) and (language := of_tag(line[3:])):
            return language
    named = named_in(question)
    return named[0] if named else next((of_path(path) for path in paths if of_path(path)), "")


def _is_answer(entry: Entry) -> bool:
    return entry.message.role == "assistant" and bool(entry.message.content.strip())


def _system_of(folder: str) -> str:
    found = instructions(Path(folder)).text if folder else ""
    return system_prompt(folder=folder, instructions=found)


def _paths(messages: Sequence[Message]) -> tuple[str, ...]:
    """Files that the question named, and those that tools were called with."""
    found = [path for message in messages if message.role == "user" for path in paths_in(message.content)]
    for call in (call for message in messages for call in message.tool_calls):
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            continue
        path = arguments.get("file_path") if isinstance(arguments, dict) else None
        if isinstance(path, str):
            found.append(path)
    return tuple(dict.fromkeys(found))[:PATHS_MAX]
