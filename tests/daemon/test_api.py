"""OpenAI's own client, unchanged, against the engine on TCP."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from shammah_tui.backends.form import tools_as_openai
from shammah_tui.tools.specification import ALL
from tests.daemon.conftest import EngineProcess

# All of them: the demo model has not seen a few alone.
TOOLS: Any = tools_as_openai(ALL)
QUESTION: Any = [{"role": "user", "content": "Write a Python function that adds two numbers"}]


@pytest.fixture
def client(demo_engine: EngineProcess) -> OpenAI:
    return OpenAI(base_url=f"{demo_engine.url}/v1", api_key=demo_engine.token, max_retries=0)


def test_models_are_listed(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "demo"
    assert client.models.retrieve("demo").owned_by == "shammah"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_an_answer_in_one_piece(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="demo", messages=QUESTION, temperature=0)
    (choice,) = answer.choices
    assert "def " in (choice.message.content or "")
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model == "demo"
    assert (answer.model_extra or {})["timings"]["predicted_per_second"] > 0


def test_log_probabilities_are_told_of_the_first_tokens(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="demo", messages=QUESTION, temperature=0, logprobs=True)
    logprobs = whole.choices[0].logprobs
    assert logprobs is not None
    content = logprobs.content or []
    text = whole.choices[0].message.content or ""
    assert len(content) > 5
    assert text.startswith("".join(token.token for token in content)[:20])
    assert all(token.logprob <= 0 for token in content)
    chunks = list(
        client.chat.completions.create(model="demo", messages=QUESTION, temperature=0, logprobs=True, stream=True)
    )
    streamed = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert [token.logprob for part in streamed for token in part.content or ()] == [t.logprob for t in content]


def test_a_stream_says_the_same(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="demo", messages=QUESTION, temperature=0)
    options: Any = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model="demo", messages=QUESTION, temperature=0, stream=True, stream_options=options
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert len({chunk.id for chunk in chunks}) == 1


async def test_the_asynchronous_client_streams_tool_calls(demo_engine: EngineProcess) -> None:
    async with AsyncOpenAI(base_url=f"{demo_engine.url}/v1", api_key=demo_engine.token) as client:
        messages: Any = [{"role": "user", "content": "Read the file main.py"}]
        stream = await client.chat.completions.create(
            model="demo", messages=messages, tools=TOOLS, temperature=0, stream=True
        )
        name, identity, arguments, reason = "", "", "", None
        async for chunk in stream:
            for call in chunk.choices[0].delta.tool_calls or []:
                assert call.function is not None
                identity += call.id or ""
                name += call.function.name or ""
                arguments += call.function.arguments or ""
            reason = chunk.choices[0].finish_reason or reason
    assert (name, reason) == ("Read", "tool_calls")
    assert json.loads(arguments) == {"file_path": "main.py"}
    assert identity.startswith("call_")


def test_a_tools_result_goes_back_and_is_answered(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Read the file main.py"}]
    asked = client.chat.completions.create(model="demo", messages=messages, tools=TOOLS, temperature=0)
    assert asked.choices[0].message.tool_calls
    messages += [
        asked.choices[0].message.model_dump(),
        {"role": "tool", "tool_call_id": asked.choices[0].message.tool_calls[0].id, "content": "print('hello')"},
    ]
    answer = client.chat.completions.create(model="demo", messages=messages, tools=TOOLS, temperature=0)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert (answer.usage.prompt_tokens_details.cached_tokens or 0) > 0.9 * asked.usage.prompt_tokens  # type: ignore[union-attr]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "Read"}}])
def test_a_call_can_be_required(client: OpenAI, choice: Any) -> None:
    messages: Any = [{"role": "user", "content": "Read the file main.py"}]
    answer = client.chat.completions.create(
        model="demo", messages=messages, tools=TOOLS, tool_choice=choice, temperature=0
    )
    calls: Any = answer.choices[0].message.tool_calls
    assert calls[0].function.name in ({"Read"} if isinstance(choice, dict) else {tool.name for tool in ALL})
    assert isinstance(json.loads(calls[0].function.arguments), dict)


def test_a_call_that_a_stop_string_cuts_is_no_call_to_be_done(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Read the file main.py"}]
    answer = client.chat.completions.create(model="demo", messages=messages, tools=TOOLS, temperature=0, stop=["main"])
    calls: Any = answer.choices[0].message.tool_calls
    assert calls[0].function.arguments == '{"file_path": "'
    assert answer.choices[0].finish_reason == "stop"


def test_no_call_where_the_choice_is_none(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Read the file main.py"}]
    answer = client.chat.completions.create(
        model="demo", messages=messages, tools=TOOLS, tool_choice="none", temperature=0
    )
    assert not answer.choices[0].message.tool_calls


def test_limits_stops_and_seeds(client: OpenAI) -> None:
    def ask(**options: Any) -> Any:
        return client.chat.completions.create(model="demo", messages=QUESTION, **options).choices[0]

    assert ask(max_tokens=3).finish_reason == "length"
    assert ask(max_completion_tokens=3).finish_reason == "length"
    assert ask(temperature=0, stop=["def"]).message.content == "```python\n"
    assert ask(temperature=0, stop="def").finish_reason == "stop"
    every: Any = {"top_k": 50, "min_p": 0.01, "repeat_penalty": 1.1}
    sampled = [
        ask(temperature=1.9, top_p=0.99, presence_penalty=0.5, frequency_penalty=0.5, seed=5, extra_body=every)
        for _ in range(2)
    ]
    assert sampled[0].message.content == sampled[1].message.content


def test_null_is_as_if_it_were_not_given(demo_engine: EngineProcess) -> None:
    nothing = dict.fromkeys(
        ("stream", "stream_options", "max_tokens", "temperature", "top_p", "stop", "n", "seed", "tool_choice", "user")
    )
    function = {"name": "Read", "description": None, "parameters": None, "strict": None}
    body = {
        "model": None,
        "messages": [{"role": "user", "content": "Hello", "name": None, "tool_calls": None}],
        "tools": [{"type": "function", "function": function}],
        **nothing,
        "max_completion_tokens": 3,
    }
    with demo_engine.http() as http:
        response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    assert response.json()["usage"]["completion_tokens"] <= 3


def test_a_top_p_of_zero_takes_the_likeliest_token(client: OpenAI) -> None:
    def ask(**options: Any) -> Any:
        answer = client.chat.completions.create(model="demo", messages=QUESTION, max_tokens=20, **options)
        return answer.choices[0].message.content

    assert ask(top_p=0, temperature=2) == ask(temperature=0)


def test_an_answer_can_be_held_to_a_schema(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["ada", "bob"]}, "old": {"type": "boolean"}},
        "required": ["name", "old"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    answer = client.chat.completions.create(model="demo", messages=QUESTION, response_format=form)
    person = json.loads(answer.choices[0].message.content or "")
    assert person["name"] in ("ada", "bob")
    assert isinstance(person["old"], bool)


def test_a_prompt_longer_than_the_context_is_told_as_openai_does(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "word " * 20_000}])
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"


def test_content_in_parts(client: OpenAI) -> None:
    parts: Any = [
        {"type": "text", "text": "Write a Python function "},
        {"type": "text", "text": "that adds two numbers"},
    ]
    answer = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": parts}], temperature=0)
    assert "def " in (answer.choices[0].message.content or "")


def test_metrics_are_prometheus_text(demo_engine: EngineProcess) -> None:
    with demo_engine.http() as http:
        http.post("/v1/chat/completions", json={"messages": QUESTION, "max_tokens": 2})
        response = http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert values['shammah_bootstrap_phase{phase="ready"}'] == "1"
    assert float(values["shammah_generated_tokens_total"]) >= 2
    assert float(values['shammah_http_requests_total{route="/v1/chat/completions",status="200"}']) >= 1


def test_state_events_and_tokens(demo_engine: EngineProcess) -> None:
    with demo_engine.http() as http:
        assert http.get("/v1/shammah/state").json()["phase"] == "ready"
        with http.stream("GET", "/v1/shammah/events") as events:
            lines = events.iter_lines()
            first = next(lines)
            assert json.loads(first.removeprefix("data: "))["model"]["id"] == "demo"
            assert http.get("/health").json()["clients"] == 1
        report = http.post("/v1/shammah/tokenize", json={"text": "Hello"}).json()
        assert 1 <= report["tokens"] <= 5
        longer = http.post("/v1/shammah/tokenize", json={"messages": QUESTION}).json()
        assert longer["tokens"] > report["tokens"]
        assert longer["context_tokens"] == 4096


def test_the_model_can_be_called_by_any_of_its_names(demo_engine: EngineProcess) -> None:
    with demo_engine.http() as http:
        for name in ("demo", "default", ""):
            body = {"model": name, "messages": QUESTION, "max_tokens": 1}
            assert http.post("/v1/chat/completions", json=body).status_code == 200


def test_prompts_are_not_in_the_log(demo_engine: EngineProcess) -> None:
    with demo_engine.http() as http:
        secret = "hunter2-secret"
        http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": secret}], "max_tokens": 4})
        http.post("/v1/chat/completions", content=f"{{{secret}", headers={"content-type": "application/json"})
    assert secret not in demo_engine.log
    assert demo_engine.token not in demo_engine.log


def test_the_socket_and_its_folder_are_private(demo_engine: EngineProcess) -> None:
    assert demo_engine.socket.stat().st_mode & 0o777 == 0o600
    assert demo_engine.home.stat().st_mode & 0o777 == 0o700
    assert (demo_engine.home / "daemon.token").stat().st_mode & 0o777 == 0o600
    assert httpx2.get(f"{demo_engine.url}/health").status_code == 401
