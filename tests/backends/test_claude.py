"""Claude through Anthropic's own library, against a local server that speaks its API and holds requests to it."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing, suppress
from types import ModuleType
from typing import Any

import pytest

from shammah_tui import paths
from shammah_tui.backends.claude.backend import BackendEvent, Claude
from shammah_tui.config.settings import ClaudeSettings, RouterSettings, Settings
from shammah_tui.conversation import Message, ToolCall, ToolSpec
from shammah_tui.errors import CloudError, CloudTrouble, ConfigError, ContextOverflow, HomeError, ShammahError
from shammah_tui.events import TextArrived, ThinkingArrived, ToolRequested, TurnEnded, TurnWaiting
from shammah_tui.journal.ledger import Ledger
from tests.backends.messages_server import Answer, Call, Fault, MessagesServer, Raw, Reply, Text, Think, answer

KEY = "sk-ant-test"
READ = ToolSpec("Read", "Read a file.", {"type": "object", "properties": {"file_path": {"type": "string"}}})
GREP = ToolSpec("Grep", "Search.", {"type": "object", "properties": {"pattern": {"type": "string"}}})
QUESTION = (Message("system", "Be brief."), Message("user", "hi"))


def settings_for(server: MessagesServer, **claude: Any) -> Settings:
    given = {"base_url": server.url, "timeout_seconds": 5, "retries": 2, **claude}
    return Settings(api_key=KEY, claude=ClaudeSettings(**given))  # type: ignore[arg-type]


async def ask(
    server: MessagesServer,
    messages: tuple[Message, ...] = QUESTION,
    *,
    tools: tuple[ToolSpec, ...] = (),
    max_tokens: int = 2048,
    heard: list[BackendEvent] | None = None,
    settings: Settings | None = None,
    **claude: Any,
) -> list[BackendEvent]:
    events: list[BackendEvent] = [] if heard is None else heard
    connection = Claude(settings or settings_for(server, **claude), Ledger(paths.privacy_ledger()))
    try:
        stream = connection.backend("UserAsked").stream(
            messages, tools=tools, session="s1", temperature=0.5, max_tokens=max_tokens
        )
        async with aclosing(stream) as answers:
            async for event in answers:
                events.append(event)
    finally:
        await connection.close()
    return events


async def trouble_of(*script: Reply, heard: list[BackendEvent] | None = None, **options: Any) -> ShammahError:
    async with MessagesServer.running(script) as server:
        with pytest.raises(ShammahError) as caught:
            await ask(server, heard=heard, **options)
    return caught.value


def text_of(events: list[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextArrived))


def end_of(events: list[BackendEvent]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


async def test_an_answer_is_streamed_piece_by_piece_and_counted() -> None:
    async with MessagesServer.running([answer("Hello, person. שלום 👋\u2028end")]) as server:
        events = await ask(server)
    assert text_of(events) == "Hello, person. שלום 👋\u2028end"
    assert len(events) > 3
    end = end_of(events)
    assert end.finish_reason == "stop"
    assert end.usage.prompt_tokens > 0
    assert end.usage.completion_tokens > 0
    assert 0 < end.first_token_seconds <= end.total_seconds
    assert not end.verbatim


async def test_the_request_holds_the_system_prompt_apart_and_no_temperature() -> None:
    async with MessagesServer.running([answer("ok")]) as server:
        await ask(server, tools=(READ,))
    (body,) = server.requests
    assert body["system"][0]["text"] == "Be brief."
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert body["model"] == "claude-opus-5-5"
    assert body["max_tokens"] == 2048
    assert body["tools"][0]["input_schema"]["type"] == "object"
    assert "temperature" not in body


async def test_tools_are_asked_for_in_parallel_and_their_results_go_back_in_one_message() -> None:
    calls = answer("I look.", Call("Read", {"file_path": "ä.py"}), Call("Grep", {"pattern": "x"}))
    async with MessagesServer.running([calls, answer("Done.")]) as server:
        events = await ask(server, tools=(READ, GREP))
        asked = tuple(event.call for event in events if isinstance(event, ToolRequested))
        assert [call.name for call in asked] == ["Read", "Grep"]
        assert json.loads(asked[0].arguments) == {"file_path": "ä.py"}
        assert end_of(events).finish_reason == "tool_calls"
        results = (
            Message("tool", "one", tool_call_id=asked[0].id),
            Message("tool", "two", tool_call_id=asked[1].id, failed=True),
        )
        conversation = (*QUESTION, Message("assistant", "I look.", asked), *results)
        assert text_of(await ask(server, conversation, tools=(READ, GREP))) == "Done."
    last = server.requests[1]["messages"][-1]
    assert [block["type"] for block in last["content"]] == ["tool_result", "tool_result"]
    assert [block.get("is_error", False) for block in last["content"]] == [False, True]


async def test_a_call_without_arguments_has_an_empty_object() -> None:
    async with MessagesServer.running([answer(Call("Read", {}))]) as server:
        events = await ask(server, tools=(READ,))
    assert [event.call.arguments for event in events if isinstance(event, ToolRequested)] == ["{}"]


async def test_thinking_is_told_apart_and_goes_back_as_it_came() -> None:
    first = answer(Think("Let me see."), "I read it.", Think("", redacted=True), Call("Read", {"file_path": "a"}))
    async with MessagesServer.running([first, answer("Read.")]) as server:
        events = await ask(server, tools=(READ,))
        assert "".join(event.text for event in events if isinstance(event, ThinkingArrived)) == "Let me see."
        assert text_of(events) == "I read it."
        (call,) = (event.call for event in events if isinstance(event, ToolRequested))
        said = Message("assistant", "I read it.", (call,), verbatim=end_of(events).verbatim)
        conversation = (*QUESTION, said, Message("tool", "text", tool_call_id=call.id))
        await ask(server, conversation, tools=(READ,))
    blocks = server.requests[1]["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text", "redacted_thinking", "tool_use"]
    assert blocks[0]["signature"]


async def test_thinking_of_a_changed_conversation_is_left_out_when_the_api_refuses_it() -> None:
    async with MessagesServer.running([answer(Think("Hm."), "One."), answer("Two.")]) as server:
        events = await ask(server)
        said = Message("assistant", "One.", verbatim=end_of(events).verbatim)
        changed = (Message("system", "Be long."), *QUESTION[1:], said, Message("user", "more"))
        assert text_of(await ask(server, changed)) == "Two."
    assert [block["type"] for block in server.requests[-1]["messages"][1]["content"]] == ["text"]


async def test_refused_thinking_is_not_sent_a_second_time_and_newer_thinking_is() -> None:
    script = [answer(Think("Hm."), "One."), answer(Think("Ah."), "Two."), answer("Three.")]
    async with MessagesServer.running(script) as server:
        claude = Claude(settings_for(server), Ledger(paths.privacy_ledger()))

        async def said(*messages: Message) -> Message:
            stream = claude.backend("x").stream(messages, tools=(), session="s", temperature=0, max_tokens=2048)
            events = [event async for event in stream]
            return Message("assistant", text_of(events), verbatim=end_of(events).verbatim)

        one = await said(*QUESTION)
        changed = (Message("system", "Be long."), QUESTION[1], one, Message("user", "more"))
        two = await said(*changed)
        asked = len(server.heads)
        await said(*changed, two, Message("user", "and more"))
        await claude.close()
    assert (asked, len(server.heads)) == (3, 4)
    kinds = [[block["type"] for block in turn["content"]] for turn in server.requests[-1]["messages"]]
    assert kinds == [["text"], ["text"], ["text"], ["thinking", "text"], ["text"]]


async def test_thinking_is_not_sent_to_another_model() -> None:
    async with MessagesServer.running([answer(Think("Hm."), "One."), answer("Two.")]) as server:
        events = await ask(server)
        said = Message("assistant", "One.", verbatim=end_of(events).verbatim)
        await ask(server, (*QUESTION, said, Message("user", "more")), model="claude-sonnet-5-5")
    assert [block["type"] for block in server.requests[-1]["messages"][1]["content"]] == ["text"]


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        ("claude-opus-5-5", False, {"type": "adaptive", "display": "summarized"}),
        ("claude-sonnet-5-5", True, {"type": "adaptive", "display": "summarized"}),
        ("claude-sonnet-5-5", False, {"type": "between_tools"}),
        ("claude-opus-5", False, {"type": "disabled"}),
        ("claude-haiku-4-5-20251001", True, {"type": "enabled", "budget_tokens": 2000}),
        ("claude-haiku-4-5", False, None),
        ("claude-of-tomorrow-9", True, None),
    ],
)
async def test_each_model_is_told_to_think_in_its_own_way(model: str, thinking: bool, sent: object) -> None:
    async with MessagesServer.running([answer("ok")]) as server:
        await ask(server, model=model, thinking=thinking, thinking_tokens=2000)
    assert server.requests[0].get("thinking") == sent


async def test_the_highest_efforts_come_with_thinking() -> None:
    async with MessagesServer.running([answer("ok")]) as server:
        await ask(server, model="claude-opus-5", thinking=False, effort="max")
    assert server.requests[0]["thinking"]["type"] == "adaptive"


async def test_effort_is_sent_to_models_that_know_it() -> None:
    async with MessagesServer.running([answer("ok"), answer("ok")]) as server:
        await ask(server, effort="low")
        await ask(server, effort="low", model="claude-haiku-4-5")
    assert [body.get("output_config") for body in server.requests] == [{"effort": "low"}, None]


async def test_the_second_request_reads_tools_system_and_history_from_the_cache() -> None:
    long = Message("user", "A long question. " * 200)
    async with MessagesServer.running([answer("One."), answer("Two."), answer("Three.")]) as server:
        first = end_of(await ask(server, (QUESTION[0], long), tools=(READ, GREP))).usage
        longer = (QUESTION[0], long, Message("assistant", "One."), Message("user", "more"))
        second = end_of(await ask(server, longer, tools=(READ, GREP))).usage
        longest = (*longer, Message("assistant", "Two."), Message("user", "and more"))
        third = end_of(await ask(server, longest, tools=(READ, GREP))).usage
    assert (first.cached_tokens, second.cached_tokens > 800, third.cached_tokens > second.cached_tokens) == (
        0,
        True,
        True,
    )
    assert first.cache_write_tokens > 800 > second.cache_write_tokens
    assert first.cost_usd is not None
    assert second.cost_usd is not None
    assert second.cost_usd < first.cost_usd / 3


async def test_what_other_models_left_behind_is_made_fit_for_the_api() -> None:
    odd = (
        Message("assistant", "An answer without a question."),
        Message("user", "   "),
        Message("user", "one"),
        Message("user", "two"),
        Message("assistant", "", (ToolCall("call 0!", "Read", "{broken"), ToolCall("", "Read", "[1]"))),
        Message("tool", "", tool_call_id="call 0!"),
        Message("assistant", "", (ToolCall("call 0!", "Grep", ""),)),
        Message("tool", "found", tool_call_id="call 0!"),
        Message("tool", "of nobody", tool_call_id="other"),
        Message("assistant", ""),
        Message("user", "three"),
        Message("assistant", "half an answ"),
    )
    async with MessagesServer.running([answer("ok")]) as server:
        await ask(server, odd, tools=(READ, GREP))
    turns = server.requests[0]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 4 + ["user"]
    calls = [block for turn in turns for block in turn["content"] if block["type"] == "tool_use"]
    assert len({call["id"] for call in calls}) == 3
    assert [call["input"] for call in calls] == [{"arguments": "{broken"}, {"arguments": [1]}, {}]


@pytest.mark.parametrize(
    ("stop", "reason", "words"),
    [
        ("max_tokens", "length", "limit of 2,048 tokens"),
        ("model_context_window_exceeded", "length", "Claude Opus 5.5 can read"),
        ("stop_sequence", "stop", ""),
        ("pause_turn", "stop", ""),
        ("something_new", "stop", ""),
    ],
)
async def test_an_answer_that_a_limit_cut_says_which(stop: str, reason: str, words: str) -> None:
    async with MessagesServer.running([answer("half", stop_reason=stop)]) as server:
        end = end_of(await ask(server))
    assert end.finish_reason == reason
    assert words in end.notice


@pytest.mark.parametrize(
    ("fault", "trouble", "words"),
    [
        (Fault(400, "invalid_request_error", "messages: odd"), CloudTrouble.REQUEST, "messages: odd"),
        (Fault(400, "invalid_request_error", "Your credit balance is too low"), CloudTrouble.BILLING, "credit balance"),
        (Fault(402, "billing_error", "Pay first"), CloudTrouble.BILLING, "Pay first"),
        (Fault(403, "permission_error", "Not yours"), CloudTrouble.NOT_PERMITTED, "may not use claude-opus-5-5"),
        (Fault(404, "not_found_error", "model: x"), CloudTrouble.MODEL_NOT_FOUND, 'no model "claude-opus-5-5"'),
    ],
)
async def test_a_refused_request_says_why_and_is_sent_once(fault: Fault, trouble: CloudTrouble, words: str) -> None:
    error = await trouble_of(fault, answer("never"))
    assert isinstance(error, CloudError)
    assert error.trouble is trouble
    assert words in error.message
    assert error.hint
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault(429, "rate_limit_error", "Slow down", (("retry-after-ms", "10"),)), CloudTrouble.RATE_LIMITED),
        (Fault(529, "overloaded_error", "Overloaded", (("retry-after-ms", "10"),)), CloudTrouble.OVERLOADED),
        (Fault(500, "api_error", "Internal", (("retry-after-ms", "10"),)), CloudTrouble.SERVER),
        (Fault(503, "api_error", "Gone", (("retry-after-ms", "10"),)), CloudTrouble.SERVER),
    ],
)
async def test_a_busy_api_is_asked_again_visibly_and_then_given_up(fault: Fault, trouble: CloudTrouble) -> None:
    async with MessagesServer.running([fault, fault, answer("There.")]) as server:
        events = await ask(server)
    waits = [event.reason for event in events if isinstance(event, TurnWaiting)]
    assert len(waits) == 2
    assert "(1 of 2)" in waits[0]
    assert text_of(events) == "There."
    error = await trouble_of(fault, fault, fault, answer("never"))
    assert isinstance(error, CloudError)
    assert error.trouble is trouble
    assert error.exit_code == 75


async def test_who_is_told_to_come_back_much_later_is_told_so_at_once() -> None:
    heard: list[BackendEvent] = []
    later = Fault(429, "rate_limit_error", "Slow down", (("retry-after", "3600"),))
    error = await trouble_of(later, answer("never"), heard=heard)
    assert isinstance(error, CloudError)
    assert error.retry_after_seconds == 3600
    assert "60 min" in error.hint
    assert heard == []


async def test_an_overload_that_the_stream_begins_with_is_tried_again() -> None:
    async with MessagesServer.running([answer("x", error_after=1), answer("There.")]) as server:
        events = await ask(server)
    assert text_of(events) == "There."


async def test_an_error_in_the_middle_keeps_what_was_said() -> None:
    heard: list[BackendEvent] = []
    error = await trouble_of(answer("A sentence that ends", error_after=5), answer("never"), heard=heard)
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.OVERLOADED
    assert text_of(heard) == "A sentence tha"


@pytest.mark.parametrize("cut", [4, 5, 7])
async def test_a_stream_cut_in_the_middle_is_said_to_be(cut: int) -> None:
    heard: list[BackendEvent] = []
    error = await trouble_of(answer("A sentence that", cut_after=cut), answer("never"), heard=heard)
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.CUT
    assert "broke off" in error.message
    assert text_of(heard)


async def test_a_stream_that_ends_without_its_last_event_is_cut() -> None:
    """Every event but the last came, and the connection was closed in good order."""
    whole = (
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        'event: content_block_start\ndata: {"type": "content_block_start", "index": 0, "content_block": '
        '{"type": "text", "text": "half"}}\n\n'
    )
    error = await trouble_of(Raw(whole.encode()))
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.CUT


async def test_a_refusal_is_told_with_its_reason() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "It could harm."}
    heard: list[BackendEvent] = []
    error = await trouble_of(answer("I can", stop_reason="refusal", stop_details=details), heard=heard)
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.REFUSED
    assert "(cyber)" in error.message
    assert "It could harm." in error.message
    assert text_of(heard) == "I can"


async def test_a_conversation_that_is_too_long_says_by_how_much() -> None:
    error = await trouble_of(
        Fault(400, "invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum")
    )
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context_tokens) == (1_200_000, 1_000_000)
    assert isinstance(
        await trouble_of(Fault(413, "request_too_large", "Request exceeds the maximum size")), ContextOverflow
    )


async def test_a_wrong_key_says_where_it_comes_from() -> None:
    async with MessagesServer.running([answer("never")], key="sk-ant-other") as server:
        with pytest.raises(CloudError) as caught:
            await ask(server)
    assert caught.value.trouble is CloudTrouble.KEY_REFUSED
    assert "the settings" in caught.value.message
    assert KEY not in str(caught.value)


async def test_no_key_is_said_before_anything_is_sent() -> None:
    async with MessagesServer.running([answer("never")]) as server:
        with pytest.raises(CloudError) as caught:
            await ask(server, settings=Settings(claude=ClaudeSettings(base_url=server.url)))
        assert server.heads == []
    assert caught.value.trouble is CloudTrouble.KEY_MISSING
    assert "config set api_key" in caught.value.hint


async def test_a_closed_port_is_unreachable() -> None:
    async with MessagesServer.running([]) as server:
        settings = settings_for(server, retries=0)
    with pytest.raises(CloudError) as caught:
        await ask(server, settings=settings)
    assert caught.value.trouble is CloudTrouble.UNREACHABLE
    assert "127.0.0.1 refuses the connection" in caught.value.message


async def test_a_server_that_says_nothing_times_out() -> None:
    error = await trouble_of(answer("x", stall_after=0), timeout_seconds=0.3, retries=0)
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.TIMED_OUT


async def test_a_stream_that_stands_still_counts_as_cut() -> None:
    heard: list[BackendEvent] = []
    error = await trouble_of(answer("A sentence", stall_after=5), timeout_seconds=0.3, retries=0, heard=heard)
    assert isinstance(error, CloudError)
    assert error.trouble is CloudTrouble.CUT
    assert text_of(heard)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello, world",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nevent: x\ndata: {broken\n\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 7}\n\n',
        b"not HTTP at all\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none_is_an_error_with_words(data: bytes) -> None:
    error = await trouble_of(Raw(data), retries=0)
    assert isinstance(error, CloudError)
    assert error.hint


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    async with MessagesServer.running([answer("never")]) as other:
        elsewhere = Fault(307, "x", "moved", (("location", f"{other.url}/v1/messages"),))
        error = await trouble_of(elsewhere, retries=0)
        assert isinstance(error, CloudError)
        assert other.heads == []


async def test_closing_the_answer_closes_the_connection() -> None:
    async with MessagesServer.running([Answer((Text("word " * 500),), pause_seconds=0.02)]) as server:
        claude = Claude(settings_for(server), Ledger(paths.privacy_ledger()))
        stream = claude.backend("UserAsked").stream(QUESTION, tools=(), session="s", temperature=0, max_tokens=100)
        async for event in stream:
            if isinstance(event, TextArrived):
                break
        await asyncio.wait_for(stream.aclose(), 1)
        for _ in range(100):
            if server.left:
                break
            await asyncio.sleep(0.01)
        await claude.close()
    assert server.left == 1
    (sent,) = Ledger(paths.privacy_ledger()).read().sent
    assert sent.outcome == "interrupted"


@pytest.mark.parametrize("url", ["http://api.example.com", "ftp://x", "api.anthropic.com", "https://", "http://[::1"])
async def test_an_address_that_would_show_the_key_is_refused(url: str) -> None:
    settings = Settings(api_key=KEY, claude=ClaudeSettings(base_url=url))  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        await Claude(settings, Ledger(paths.privacy_ledger())).warm()


async def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with MessagesServer.running([answer("ok")]) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")
        assert text_of(await ask(server, settings=Settings())) == "ok"
    assert server.heads[0]["authorization"] == f"Bearer {KEY}"


async def test_a_key_in_the_keyring_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = ModuleType("keyring")
    kept = {("shammah", "anthropic"): KEY}
    keyring.get_password = lambda service, name: kept.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    async with MessagesServer.running([answer("ok")]) as server:
        settings = Settings(claude=ClaudeSettings(base_url=server.url))
        assert text_of(await ask(server, settings=settings)) == "ok"


@pytest.mark.parametrize(
    ("settings", "trouble"),
    [
        (Settings(offline=True), CloudTrouble.OFFLINE),
        (Settings(router=RouterSettings(cloud="never")), CloudTrouble.FORBIDDEN),
    ],
)
def test_where_the_settings_forbid_it_there_is_no_client(settings: Settings, trouble: CloudTrouble) -> None:
    with pytest.raises(CloudError) as caught:
        Claude(settings, Ledger(paths.privacy_ledger()))
    assert caught.value.trouble is trouble


async def test_the_ledger_says_what_left_to_whom_and_why() -> None:
    busy = Fault(529, "overloaded_error", "Overloaded", (("retry-after-ms", "1"),))
    async with MessagesServer.running([busy, answer("ok")]) as server:
        await ask(server, (*QUESTION, Message("user", "my key is sk-ant-" + "api03-abcdefghijklmnop")), tools=(READ,))
    listing = Ledger(paths.privacy_ledger()).read()
    first, second = listing.sent
    assert first.departure.to == server.url.removeprefix("http://")
    assert listing.sent_bytes == server.received_bytes
    assert (first.outcome, second.outcome) == ("failed: Claude is overloaded.", "answered")
    assert second.departure.why == "UserAsked"
    assert second.departure.contents is not None
    assert (second.departure.contents["messages"], second.departure.contents["tools"]) == (2, 1)
    assert second.departure.question == "my key is [Anthropic key]"
    assert second.received_bytes > 0
    assert second.cost_usd
    assert "api03" not in paths.privacy_ledger().read_text()
    assert paths.privacy_ledger().stat().st_mode & 0o777 == 0o600


async def test_what_it_took_is_added_up_where_an_answer_broke_off_as_well() -> None:
    async with MessagesServer.running([answer("Hello."), answer("Half of it", cut_after=5)]) as server:
        claude = Claude(settings_for(server), Ledger(paths.privacy_ledger()))
        taken: list[float] = []
        for _ in range(2):
            stream = claude.backend("UserAsked").stream(
                QUESTION, tools=(), session="s", temperature=0.5, max_tokens=100
            )
            with suppress(CloudError):
                async for _event in stream:
                    pass
            taken.append(claude.ledger.spent.cost_usd)
            assert claude.ledger.spent.tokens > 0
        await claude.close()
    assert 0 < taken[0] < taken[1]
    costs = [sent.cost_usd for sent in claude.ledger.read().sent]
    assert taken[1] == pytest.approx(sum(cost or 0.0 for cost in costs))


async def test_without_a_ledger_nothing_is_sent() -> None:
    paths.privacy_ledger().mkdir(parents=True)
    async with MessagesServer.running([answer("never")]) as server:
        with pytest.raises(HomeError):
            await ask(server)
        assert server.requests == []
