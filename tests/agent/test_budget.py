"""What is left out when the context is full, and what never is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shammah_tui.agent import own_output
from shammah_tui.agent.budget import fit
from shammah_tui.conversation import Message
from shammah_tui.errors import ContextOverflow

LONG = "word " * 400


def counter(context: int):  # type: ignore[no-untyped-def]
    async def count(messages: Sequence[Message]) -> tuple[int, int]:
        return sum(len(message.content.split()) + 1 for message in messages), context

    return count


def conversation(results: int) -> tuple[Message, ...]:
    steps = [Message("tool", LONG, tool_call_id=str(number)) for number in range(results)]
    return (Message("system", "s"), Message("user", "question " * 50), *steps)


async def test_what_fits_is_left_as_it_is() -> None:
    messages = conversation(2)
    found = await fit(messages, counter(2000), answer_tokens=100)
    assert found.messages == messages
    assert found.notice == ""


async def test_the_oldest_results_go_first_and_it_is_said() -> None:
    messages = conversation(6)
    found = await fit(messages, counter(2000), answer_tokens=100)
    assert found.messages[:2] == messages[:2]
    assert "2,000 characters" in found.messages[2].content
    assert found.messages[-2:] == messages[-2:]
    left_out = sum(message.content != LONG for message in found.messages[2:])
    assert f"{left_out} older tool results" in found.notice


async def test_what_people_said_is_never_left_out() -> None:
    messages = (Message("system", "s"), *[Message("user", LONG) for _ in range(6)])
    with pytest.raises(ContextOverflow) as error:
        await fit(messages, counter(2000), answer_tokens=100)
    assert "/new" in error.value.hint
    assert "(/model)" in error.value.hint, "what there is on the screen and line by line, unlike a key"


async def test_a_new_result_that_is_too_long_is_cut_and_not_left_out() -> None:
    text = "\n".join(f"line {number}" for number in range(2000))
    messages = (Message("system", "s"), Message("user", "read it"), Message("tool", text, tool_call_id="1"))
    found = await fit(messages, counter(2000), answer_tokens=100)
    shown = found.messages[-1].content
    assert shown.startswith("line 0\nline 1\n")
    assert shown.endswith("\nline 1999")
    assert "ask for a smaller part" in shown
    assert "1 tool result was cut to 8,192 characters" in found.notice
    # One step later the beginning is the same, so the engine need not read it anew.
    more = (*messages, Message("assistant", "I see."))
    assert (await fit(more, counter(2000), answer_tokens=100)).messages[:3] == found.messages


async def test_what_the_persons_own_commands_printed_is_shortened_and_their_words_stay() -> None:
    texts = [own_output.told(f"cat {name}", LONG) for name in "abc"]
    # As they stand before the question that follows them.
    question = "\n\n".join([*texts, "What is in them?"])
    messages = (Message("system", "s"), Message("user", question))
    found = await fit(messages, counter(700), answer_tokens=100)
    shown = found.messages[1].content
    assert all(f"$ cat {name}\n" in shown for name in "abc")
    assert shown.endswith("(That is all it printed.)\n\nWhat is in them?")
    assert "1 older tool result was left out" in found.notice
    assert "2 tool results were cut" in found.notice
    assert own_output.parts("no command") == ["no command"]


async def test_results_that_have_no_room_even_when_cut_are_refused() -> None:
    messages = (Message("user", LONG * 4), Message("tool", LONG, tool_call_id="1"))
    with pytest.raises(ContextOverflow):
        await fit(messages, counter(1000), answer_tokens=100)
