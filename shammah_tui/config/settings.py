"""The settings tree: every key, its type, its default and what it means (the text becomes a comment in the file)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from shammah_tui.config.duration import parse_duration


def _a_duration(text: str) -> str:
    parse_duration(text)
    return text


class Section(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True, allow_inf_nan=False)


class ModelSettings(Section):
    size: Annotated[
        str,
        Field(description='"auto" fits this machine; or "0.5b" … "14b", a hub name, a path to a GGUF, or "demo"'),
    ] = "auto"
    family: Annotated[Literal["coder", "instruct"], Field(description="Which family to prefer")] = "coder"
    device: Annotated[Literal["auto", "metal", "cuda", "cpu"], Field(description="Where the model runs")] = "auto"
    context_tokens: Annotated[
        int, Field(ge=0, description="Context length; 0 takes what fits memory, at most 32768")
    ] = 0
    threads: Annotated[int, Field(ge=0, description="CPU threads; 0 takes the number of physical cores")] = 0
    slots: Annotated[int, Field(ge=1, le=64, description="How many answers the engine writes at the same time")] = 8
    flash_attention: Annotated[Literal["auto", "on", "off"], Field(description="Flash attention")] = "auto"
    kv_type: Annotated[Literal["f16", "q8_0"], Field(description="Type of the cached keys and values")] = "f16"
    temperature: Annotated[float, Field(ge=0, le=2, description="0 always takes the likeliest token")] = 0.7
    max_tokens: Annotated[int, Field(ge=1, description="Longest answer, in tokens")] = 4096


class EngineSettings(Section):
    keep_alive: Annotated[
        str,
        AfterValidator(_a_duration),
        Field(description='How long an idle engine stays: "10m", "1h", "0" ends it at once, "always" never'),
    ] = "10m"
    queue: Annotated[int, Field(ge=0, description="Requests that may wait for a slot; further ones get 429")] = 64


class ClaudeSettings(Section):
    model: Annotated[str, Field(min_length=1, description="Model of the Claude API")] = "claude-opus-5-5"
    max_tokens: Annotated[
        int, Field(ge=1, le=128_000, description="Longest answer of Claude, in tokens, its thinking included")
    ] = 16_384
    effort: Annotated[
        Literal["default", "low", "medium", "high", "xhigh", "max"],
        Field(description="How much Claude works on an answer, where the model knows such levels"),
    ] = "default"
    thinking: Annotated[bool, Field(description="Whether Claude may think first; some models always do")] = True
    thinking_tokens: Annotated[
        int, Field(ge=1024, description="How long older models may think, in tokens; newer ones go by effort")
    ] = 4096
    base_url: Annotated[
        str, Field(description="Where the API is; empty means ANTHROPIC_BASE_URL, else Anthropic itself")
    ] = ""
    timeout_seconds: Annotated[float, Field(gt=0, description="How long to wait for the next sign of an answer")] = 120
    retries: Annotated[int, Field(ge=0, le=10, description="How often to try again when the API is busy")] = 4


class RouterSettings(Section):
    cloud: Annotated[
        Literal["ask", "allow", "never"],
        Field(description="May a question go to Claude by itself: ask first, allow, or never (not on demand either)"),
    ] = "ask"
    escalate: Annotated[
        Literal["offer", "auto", "never"],
        Field(description="What to do when the local model seems unsure: offer Claude, take it, or neither"),
    ] = "offer"


class MetricsSettings(Section):
    enabled: Annotated[
        bool, Field(description="Keep questions and answers on this machine, as material for learning")
    ] = True


class AgentSettings(Section):
    steps: Annotated[
        int, Field(ge=1, description="How often the model may go on after its tools before a turn ends")
    ] = 50


class PermissionsSettings(Section):
    mode: Annotated[
        Literal["ask", "accept-edits", "plan", "auto"],
        Field(description="How tool calls are judged at the start; /mode changes it"),
    ] = "ask"
    sandbox: Annotated[
        Literal["auto", "on", "off"],
        Field(description='Whether commands run in a sandbox; "on" refuses them where this machine has none'),
    ] = "auto"


class ToolsSettings(Section):
    """Named as in `tools.tool.Limits`, which has the further bounds."""

    result_characters: Annotated[
        int, Field(ge=1_000, description="Longest result of a tool that the model is given, in characters")
    ] = 30_000
    read_lines: Annotated[int, Field(ge=1, description="How many lines Read gives at once")] = 2_000
    glob_paths: Annotated[int, Field(ge=1, description="How many paths Glob lists")] = 1_000
    grep_lines: Annotated[int, Field(ge=1, description="How many lines Grep lists")] = 500
    bash_seconds: Annotated[
        float, Field(gt=0, description="How long a command may run where the model names no time, in seconds")
    ] = 120
    bash_seconds_max: Annotated[float, Field(gt=0, description="The longest that the model may name, in seconds")] = 600
    web_seconds: Annotated[float, Field(gt=0, description="How long a page may take, in seconds")] = 30
    web_bytes: Annotated[int, Field(ge=1_000, description="How much of a page is taken, unpacked, in bytes")] = (
        5_242_880
    )
    restart_seconds: Annotated[
        float, Field(gt=0, description="How long the tests may take before the program starts again, in seconds")
    ] = 300


class LoraSettings(Section):
    rank: Annotated[int, Field(ge=1, le=256, description="Rank of the adapter")] = 16
    alpha: Annotated[float, Field(gt=0, description="Scale of the adapter is alpha / rank")] = 32
    learning_rate: Annotated[float, Field(ge=0, description="0 chooses by the size of the model")] = 0
    steps: Annotated[int, Field(ge=0, description="Steps of a training; 0 goes by the rules, at most 300")] = 0
    batch_size: Annotated[
        int, Field(ge=4, description="Rated rows in a step; the weights are normalised inside it")
    ] = 8
    auto_train: Annotated[bool, Field(description="Train by itself when enough ratings are there")] = True
    auto_train_threshold: Annotated[int, Field(ge=1, description="How many new ratings start a training")] = 10
    high_weight: Annotated[float, Field(gt=0, description="Red: a critical error")] = 10
    medium_weight: Annotated[float, Field(gt=0, description="Yellow: prefer something else")] = 3
    normal_weight: Annotated[float, Field(gt=0, description="Green: exactly right")] = 1
    adapters_dir: Annotated[str, Field(description="Where adapters are kept; empty means in the home")] = ""


class Settings(Section):
    api_key: Annotated[
        SecretStr,
        Field(description="Key of the Claude API; when it is empty, ANTHROPIC_API_KEY or the keyring is used"),
    ] = SecretStr("")
    streaming_enabled: Annotated[bool, Field(description="Show answers while they are written")] = True
    offline: Annotated[bool, Field(description="Nothing leaves this machine, no download, no cloud")] = False
    theme: Annotated[str, Field(description="Theme of the screen")] = "shammah-dark"
    notifications: Annotated[
        Literal["auto", "bell", "off"],
        Field(description="What calls you back to a terminal that you do not look at: notification and bell, the bell"),
    ] = "auto"
    model: ModelSettings = ModelSettings()
    engine: EngineSettings = EngineSettings()
    claude: ClaudeSettings = ClaudeSettings()
    router: RouterSettings = RouterSettings()
    metrics: MetricsSettings = MetricsSettings()
    agent: AgentSettings = AgentSettings()
    permissions: PermissionsSettings = PermissionsSettings()
    tools: ToolsSettings = ToolsSettings()
    lora: LoraSettings = LoraSettings()
