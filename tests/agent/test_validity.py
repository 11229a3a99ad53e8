"""A conversation is sent only in the form that every backend accepts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shammah_tui.agent.validity import LOST, valid
from shammah_tui.conversation import Message, ToolCall

SYSTEM = Message("system", "s")
CALL = Message("assistant", "", (ToolCall("1", "Read", "{}"), ToolCall("2", "Glob", "{}")))


def result(identity: str, text: str = "r") -> Message:
    return Message("tool", text, tool_call_id=identity)


def test_a_valid_conversation_is_left_as_it_is() -> None:
    messages = (
        SYSTEM,
        Message("user", "a"),
        CALL,
        result("1"),
        result("2"),
        Message("assistant", "b"),
        Message("user", "c"),
    )
    assert valid(messages).messages == messages
    assert valid(messages).repairs == ()


def test_results_stand_in_the_order_of_their_calls() -> None:
    found = valid((SYSTEM, Message("user", "a"), CALL, result("2", "two"), result("1", "one")))
    assert [message.content for message in found.messages[3:]] == ["one", "two"]
    assert found.repairs == ()


def test_a_call_without_a_result_gets_one_and_a_result_without_a_call_is_left_out() -> None:
    found = valid((SYSTEM, Message("user", "a"), CALL, result("1"), result("9"), Message("user", "b")))
    assert [message.content for message in found.messages[3:5]] == ["r", LOST]
    assert len(found.repairs) == 2


def test_a_question_may_follow_an_interrupted_tool() -> None:
    messages = (SYSTEM, Message("user", "a"), CALL, result("1"), result("2"), Message("user", "b"))
    assert valid(messages).repairs == ()


_messages = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), st.sampled_from(["a", "b"])),
        st.builds(
            Message,
            st.just("assistant"),
            st.sampled_from(["", "x"]),
            st.lists(st.builds(ToolCall, st.sampled_from("123"), st.just("Read"), st.just("{}")), max_size=2).map(
                tuple
            ),
        ),
        st.sampled_from("1234").map(result),
    ),
    max_size=12,
)


@given(_messages)
def test_whatever_was_kept_what_is_sent_is_valid(messages: list[Message]) -> None:
    found = valid((SYSTEM, *messages)).messages
    assert found[0] == SYSTEM
    expected: list[str] = []
    before = ""
    seen: set[str] = set()
    for message in found[1:]:
        if expected:
            assert message.role == "tool"
            assert message.tool_call_id == expected.pop(0)
        else:
            assert message.role in ("user", "assistant")
            assert message.role != before
            expected = [call.id for call in message.tool_calls]
            assert not seen & set(expected)
            seen |= set(expected)
        before = message.role
    assert expected == []
    assert valid(found).messages == found
    if any(message.role == "user" for message in messages):
        assert any(message.role == "user" for message in found)
