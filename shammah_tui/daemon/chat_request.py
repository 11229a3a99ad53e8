"""OpenAI's chat completion request, as far as this engine understands it; other fields are ignored, as OpenAI does.

null counts as not given, as in OpenAI's API. What could not be honoured (several choices, likely other tokens, images)
is refused rather than passed over.
Log-probabilities are told of the first tokens alone, at the end of the answer.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shammah_tui.engine.request import Sampling

MESSAGES_MAX = 4096
TOOLS_MAX = 128
STOPS_MAX = 16
# Beyond any model's context: a mistake. Below it, an answer ends where the context does.
TOKENS_MAX = 1 << 20

_SESSION = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if value is not None}
        return given


class TextPart(Part):
    type: Literal["text"]
    text: str


class CalledFunction(Part):
    name: Annotated[str, Field(max_length=256)]
    arguments: str | dict[str, Any] = ""


class Call(Part):
    id: str = ""
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(Part):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[TextPart, ...] | None = None
    tool_calls: tuple[Call, ...] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    def for_template(self) -> dict[str, Any]:
        """As chat templates expect it: text as content, and `system` for what newer models of OpenAI call developer."""
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content or ())
        message: dict[str, Any] = {"role": "system" if self.role == "developer" else self.role, "content": content}
        if self.tool_calls:
            message["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        if self.name:
            message["name"] = self.name
        return message


class Function(Part):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class Tool(Part):
    type: Literal["function"]
    function: Function


class ChosenName(Part):
    name: str


class ChosenFunction(Part):
    type: Literal["function"]
    function: ChosenName


class JsonSchema(Part):
    name: str = ""
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class ResponseFormat(Part):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _with_schema(self) -> ResponseFormat:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema is missing")
        return self


class StreamOptions(Part):
    include_usage: bool = False


class ChatRequest(Part):
    model: Annotated[str, Field(max_length=1024)] = ""
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=MESSAGES_MAX)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int | None, Field(ge=1, le=TOKENS_MAX)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=TOKENS_MAX)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    top_k: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    repeat_penalty: Annotated[float | None, Field(gt=0, le=10)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**64)] = None
    stop: str | tuple[str, ...] | None = None
    n: Literal[1] | None = None
    logprobs: bool | None = None
    top_logprobs: Literal[0] | None = None
    tools: Annotated[tuple[Tool, ...] | None, Field(max_length=TOOLS_MAX)] = None
    tool_choice: Literal["none", "auto", "required"] | ChosenFunction | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    """More names for the chat template, as vLLM and llama-server take them."""

    @field_validator("stop")
    @classmethod
    def _bounded(cls, value: str | tuple[str, ...] | None) -> tuple[str, ...]:
        stops = (value,) if isinstance(value, str) else value or ()
        if len(stops) > STOPS_MAX:
            raise ValueError(f"at most {STOPS_MAX} stop strings")
        if any(len(stop) > 1024 for stop in stops):
            raise ValueError("a stop string is at most 1024 characters long")
        return tuple(stop for stop in stops if stop)

    @model_validator(mode="after")
    def _consistent(self) -> ChatRequest:
        names = [tool.function.name for tool in self.tools or ()]
        if len(set(names)) < len(names):
            raise ValueError("two tools have the same name")
        if isinstance(self.tool_choice, ChosenFunction) and self.tool_choice.function.name not in names:
            raise ValueError(f'tool_choice names "{self.tool_choice.function.name[:64]}", which is not among the tools')
        if self.tool_choice == "required" and not names:
            raise ValueError("tool_choice is required, and there are no tools")
        if self.tools and self.response_format and self.response_format.type != "text":
            raise ValueError("response_format cannot be combined with tools")
        return self

    @property
    def offered_tools(self) -> tuple[Tool, ...]:
        """The tools that the model is told of."""
        return () if self.tool_choice == "none" else self.tools or ()

    @property
    def template_variables(self) -> dict[str, Any]:
        """An answer in a terminal is waited for, so a model that can leave out its thinking does, unless asked."""
        return {"enable_thinking": False, **(self.chat_template_kwargs or {})}

    @property
    def stops(self) -> tuple[str, ...]:
        return self.stop if isinstance(self.stop, tuple) else ()

    def token_limit(self, default: int) -> int:
        return self.max_completion_tokens or self.max_tokens or default

    def sampling(self, temperature: float) -> Sampling:
        """What was asked for; where nothing was, `temperature` and the engine's defaults."""
        given = {
            "temperature": temperature if self.temperature is None else self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repeat_penalty": self.repeat_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "seed": self.seed,
        }
        return Sampling(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def is_session_name(text: str) -> bool:
    return _SESSION.fullmatch(text) is not None
