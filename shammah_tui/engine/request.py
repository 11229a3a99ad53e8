"""What is asked of the engine and what it gives back. Tokens in, text out; templates and tool calls lie above."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from shammah_tui.conversation import Usage


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a GGUF. 0 means: choose what fits this machine."""

    device: Literal["auto", "metal", "cuda", "cpu"] = "auto"
    context_tokens: int = 0
    slots: int = 8
    threads: int = 0
    batch_tokens: int = 512
    flash_attention: Literal["auto", "on", "off"] = "auto"
    kv_type: Literal["f16", "q8_0"] = "f16"
    session_folder: Path | None = None
    """Where keys and values of sessions are kept across a restart; None keeps nothing."""
    attempt_note: Path | None = None
    """The file in which a load on a GPU is noted until it is over (`gpu_attempt`); None notes nothing."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """llama.cpp's sampler chain; temperature 0 is greedy. The defaults are Qwen2.5's `generation_config.json`."""

    temperature: float = 0.7
    top_p: float = 0.8
    top_k: int = 20
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Grammar:
    """A GBNF grammar. With `triggers` it sleeps until one of these texts was generated, and starts with that text
    (its root rule begins with the trigger); without, it holds from the first token. Where the grammar is complete
    the answer ends, unless the grammar itself goes on."""

    gbnf: str
    triggers: tuple[str, ...] = ()
    root: str = "root"


@dataclass(frozen=True, slots=True)
class AdapterUse:
    """A loaded adapter, by the sha256 of its file, and how strongly it speaks (1: as it was made)."""

    identity: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    prompt: Sequence[int]
    """Token ids, with the template's special tokens."""
    max_tokens: int | None = None
    """None: until the context is full."""
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()
    grammar: Grammar | None = None
    session: str = ""
    """Names the conversation whose keys and values are worth keeping; empty for none."""
    adapter: AdapterUse | None = None
    """None: the base alone."""
    certainty_tokens: int = 0
    """How many of the first tokens are measured; see `gauge`."""


@dataclass(frozen=True, slots=True)
class TextGenerated:
    """Whole characters only; `tokens` were generated for it (several tokens may come at once)."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class TokenCertainty:
    """Of the model's own distribution, in nats."""

    piece: bytes
    """The token's bytes as they appear in an answer."""
    logprob: float
    entropy: float


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """`stop`: an end token or a stop string; `length`: `max_tokens` or the context; durations in seconds."""

    reason: Literal["stop", "length", "cancelled"]
    usage: Usage
    queued_seconds: float
    first_token_seconds: float
    decode_seconds: float
    certainty: tuple[TokenCertainty, ...] = ()
    """Of the first tokens, the end token too, as far as it was asked for."""


class Generation(Protocol):
    """One answer under way: iterate it for `TextGenerated`, then one `GenerationEnded`. Leaving early cancels it, and
    so does dropping it unread. Iterating raises `EngineError` where the model fails or is closed before it began."""

    def __aiter__(self) -> AsyncIterator[TextGenerated | GenerationEnded]: ...

    def cancel(self) -> None:
        """Stops within one token; safe from any thread, any number of times."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What is known once a model is loaded."""

    path: Path
    architecture: str
    name: str
    parameters: int
    size_bytes: int
    context_tokens: int
    training_context_tokens: int
    vocabulary: int
    slots: int
    device: Literal["cpu", "metal", "cuda"]
    notice: str
    """Something the person should know (a fallback to the CPU, a smaller context than asked); else empty."""
    chat_template: str
    bos_text: str
    eos_text: str
    control_texts: tuple[str, ...] = field(default=(), repr=False)
    """How the vocabulary writes its control tokens."""


@dataclass(frozen=True, slots=True)
class EngineCounts:
    """Counters since loading, for `/metrics`."""

    requests_total: int = 0
    prompt_tokens_total: int = 0
    cached_tokens_total: int = 0
    generated_tokens_total: int = 0
    active: int = 0
    queued: int = 0


class Engine(Protocol):
    """The port that the daemon speaks to; `engine.llama.LlamaEngine` is the one implementation."""

    model: LoadedModel

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """`special` reads `<|im_start|>` and its like as the tokens they name."""

    def generate(self, request: GenerationRequest) -> Generation:
        """Queues a request. Raises `ContextOverflow`, `EngineBusy`, `EngineError` or `RequestError` at once."""

    def load_adapter(self, path: Path, identity: str) -> None:
        """Reads a GGUF adapter, unless one of this identity is there. Blocks; answers go on meanwhile. Raises
        `ModelError` where it does not fit. What nobody asked for of late may be let go again."""

    def counts(self) -> EngineCounts: ...

    def close(self) -> None:
        """Ends every answer, saves sessions, frees the model. Blocks; safe to call twice."""
