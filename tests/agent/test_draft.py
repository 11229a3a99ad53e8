"""A turn becomes part of the conversation, however it ends."""

from __future__ import annotations

import pytest

from shammah_tui.agent.draft import NOT_RUN, Draft, Record
from shammah_tui.conversation import FinishReason, Message, ToolCall
from shammah_tui.events import TextArrived, ToolRequested, TurnEnded, TurnStarted, TurnWaiting

EMPTY = Record("session", "system")


def test_messages_begin_with_the_system_prompt_and_the_question() -> None:
    draft = Draft(EMPTY, "hi")
    assert draft.messages == (Message("system", "system"), Message("user", "hi"))


def test_a_whole_answer_is_kept_with_its_reason() -> None:
    draft = Draft(EMPTY, "hi")
    for event in (TurnStarted("m", "local"), TextArrived("a"), TextArrived("b"), TurnEnded("length")):
        draft.hear(event)
    record = draft.close("interrupted")
    assert record.messages[1:] == (Message("user", "hi"), Message("assistant", "ab"))
    assert record.entries[-1].finish_reason == "length"
    assert record.last_answer == "ab"


@pytest.mark.parametrize("reason", ["interrupted", "lost"])
def test_a_partial_answer_is_kept_and_marked(reason: FinishReason) -> None:
    draft = Draft(EMPTY, "hi")
    draft.hear(TextArrived("half"))
    assert draft.close(reason).entries[-1].finish_reason == reason


def test_a_question_without_an_answer_is_not_kept() -> None:
    draft = Draft(EMPTY, "hi")
    draft.hear(TurnWaiting("loading"))
    draft.hear(TurnStarted("m", "local"))
    assert draft.close("interrupted") is EMPTY


def test_every_tool_call_has_its_result() -> None:
    draft = Draft(EMPTY, "hi")
    calls = (ToolCall("1", "Read", "{}"), ToolCall("2", "Glob", "{}"))
    for call in calls:
        draft.hear(ToolRequested(call))
    messages = draft.close("interrupted").messages
    assert messages[2] == Message("assistant", "", calls)
    assert messages[3:] == tuple(Message("tool", NOT_RUN, tool_call_id=call.id, failed=True) for call in calls)


def test_a_record_never_changes() -> None:
    draft = Draft(EMPTY, "hi")
    draft.hear(TextArrived("a"))
    assert draft.close("stop") is not EMPTY
    assert EMPTY.entries == ()
