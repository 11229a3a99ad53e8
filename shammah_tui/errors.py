"""The errors that a person may see. Each says what happened in their words, and what to do next.

ShammahError
├── ConfigError          a setting cannot be used (names file, line and key)
├── HomeError            the Shammah home cannot be read or written
├── ModelError           a model cannot be found, fetched, verified or loaded
│   ├── DownloadError    the hub did not give the file (its `retryable` says whether trying again may help)
│   └── ContextOverflow  the conversation is longer than the model can read
├── EngineError          the engine process cannot be started, reached or understood
│   ├── EngineGone       it went away in the middle of an answer
│   ├── EngineStopped    somebody ended it on purpose
│   └── EngineBusy       its queue is full (`retry_after_seconds`)
├── CloudError           Claude gave no answer, or no more of it (its `trouble` says why)
└── RequestError         the request itself is wrong (a 4xx of the API)
"""

from __future__ import annotations

from enum import StrEnum


class ShammahError(Exception):
    """What happened (`message`) and what to do next (`hint`, may be empty); `exit_code` is for the command line."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigError(ShammahError):
    exit_code = 2


class HomeError(ShammahError):
    pass


class ModelError(ShammahError):
    pass


class DownloadError(ModelError):
    def __init__(self, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(message, hint)
        self.retryable = retryable


class ContextOverflow(ModelError):
    def __init__(self, message: str, hint: str = "", *, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(message, hint)
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class EngineError(ShammahError):
    pass


class EngineGone(EngineError):
    pass


class EngineStopped(EngineError):
    def __init__(self) -> None:
        super().__init__("The engine was stopped.", "The next question starts it.")


class EngineBusy(EngineError):
    exit_code = 75

    def __init__(self, message: str, hint: str = "", *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, hint)
        self.retry_after_seconds = retry_after_seconds


class CloudTrouble(StrEnum):
    """Why Claude gave no answer. The last six may pass by themselves."""

    OFFLINE = "offline"
    FORBIDDEN = "forbidden"
    KEY_MISSING = "key_missing"
    KEY_REFUSED = "key_refused"
    NOT_PERMITTED = "not_permitted"
    BILLING = "billing"
    MODEL_NOT_FOUND = "model_not_found"
    REQUEST = "request"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER = "server"
    CUT = "cut"

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered a moment later."""
        return self in _PASSING


_PASSING = frozenset(
    {
        CloudTrouble.UNREACHABLE,
        CloudTrouble.TIMED_OUT,
        CloudTrouble.RATE_LIMITED,
        CloudTrouble.OVERLOADED,
        CloudTrouble.SERVER,
        CloudTrouble.CUT,
    }
)


class CloudError(ShammahError):
    """`retry_after_seconds`: when the provider said to come back, where it did."""

    def __init__(
        self, message: str, hint: str = "", *, trouble: CloudTrouble, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.trouble = trouble
        self.retry_after_seconds = retry_after_seconds
        self.exit_code = 75 if trouble.may_pass else 1


class RequestError(ShammahError):
    """A request that the API refuses; `status` is HTTP's, `param` names the field where one is at fault."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "", *, status: int = 400, param: str | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
        self.param = param
