"""A GGUF's chat template: messages in OpenAI's form to the text that the model reads, as Hugging Face renders it.

A template comes with a download, so it runs in jinja2's sandbox, and within limits: steps, time, length of the text.
That holds loops and recursion without an end; it is no defence against a template made to exhaust memory.
What a person, a file or a tool's result says must not end its own message: control tokens spelled out in contents
are marked, and `Prompt.pieces` says which stretches are plain text.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shammah_tui.conversation import as_object
from shammah_tui.engine.toolless import as_plain_messages
from shammah_tui.errors import RequestError

SECONDS_MAX = 5.0
STEPS_MAX = 2_000_000
CHARACTERS_MAX = 16_000_000

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a model that brings no template: the form that most chat models have seen."""

# Private-use characters that no message keeps; what stands between them is to be read as plain text.
_OPEN, _CLOSE = "\U0010fff0", "\U0010fff1"
_MARKS = re.compile(f"[{_OPEN}{_CLOSE}]")
_CONTROL = r"<\|[A-Za-z0-9_]{1,64}\|>"
_HINT = "The template comes with the model's file; another conversion of the model may have a sound one."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered conversation. `pieces`: (text, whether control tokens in it count as such), in order."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


class ChatTemplate:
    """One compiled template. `render` may be called from any thread. Raises RequestError where it cannot be read.

    `control_texts`: how the model's vocabulary writes its control tokens; `<|name|>` counts as one in any case.
    """

    def __init__(
        self, source: str, *, bos_text: str = "", eos_text: str = "", control_texts: Iterable[str] = ()
    ) -> None:
        self._variables = {"bos_token": bos_text, "eos_token": eos_text}
        self._knows_tools = "tools" in source
        try:
            known = _any_of(sorted({text for text in control_texts if text}))
            self._control = re.compile(f"{known}|{_CONTROL}" if known else _CONTROL)
            self._template = _environment().from_string(source or CHATML)
        except (jinja2.TemplateError, RecursionError) as error:
            raise RequestError(f"The model's chat template cannot be read: {error}", _HINT, status=500) from error

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        variables: Mapping[str, Any] | None = None,
    ) -> Prompt:
        """The prompt up to where the assistant begins to speak.

        `messages` and `tools` are OpenAI's, with plain strings as contents; the JSON text in a tool call's arguments
        is handed to the template as the object that it holds. `variables` are more names for the template, such as
        Qwen3's `enable_thinking`. Raises RequestError where the template refuses the conversation or goes beyond the
        limits.
        """
        try:
            spoken: list[Any] = [_prepared(message, self._control) for message in messages]
            offered: list[Any] = _marked(list(tools), self._control)
        except RecursionError as error:
            raise RequestError("The conversation's tools or calls are nested too deeply.", param="tools") from error
        if not self._knows_tools:
            spoken, offered = as_plain_messages(spoken, offered), []
        return Prompt(tuple(_split(self._rendered(spoken, offered, variables or {}))))

    def _rendered(self, messages: list[Any], tools: list[Any], variables: Mapping[str, Any]) -> str:
        budget = _Budget()
        token = _budget.set(budget)
        try:
            parts: list[str] = []
            names = {**self._variables, **variables, "messages": messages, "tools": tools or None}
            pieces = self._template.generate({**names, "add_generation_prompt": True})
            for part in pieces:
                budget.spend_text(len(part))
                parts.append(part)
        except _Exhausted as error:
            raise RequestError(f"The model's chat template {error}.", _HINT, status=500) from error
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise RequestError(
                f"The model's chat template refuses this conversation: {error}", _HINT, param="messages"
            ) from error
        except (RecursionError, MemoryError) as error:
            raise RequestError("The model's chat template does not come to an end.", _HINT, status=500) from error
        finally:
            _budget.reset(token)
        return "".join(parts)


def _any_of(texts: Sequence[str]) -> str:
    """A pattern that takes the longest of `texts`, which are sorted and differ; empty for none.

    A tree by common beginnings: some vocabularies have thousands of control tokens, and a flat list of alternatives is
    tried from its start at every "<" of a page.
    """
    branches = []
    for _, group in groupby((text for text in texts if text), lambda text: text[0]):
        alike = list(group)
        pairs = zip(alike[0], alike[-1], strict=False)
        start = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        branches.append(re.escape(start) + _any_of([text[len(start) :] for text in alike]))
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'' if texts[0] else '?'}"


def _prepared(message: Mapping[str, Any], control: re.Pattern[str]) -> dict[str, Any]:
    """A message as templates expect it: never `None` as content, arguments as objects, control tokens marked."""
    prepared = dict(message)
    prepared["content"] = _marked(message.get("content") or "", control)
    calls = message.get("tool_calls")
    if calls:
        prepared["tool_calls"] = [
            {
                **call,
                "function": {
                    **call["function"],
                    "arguments": _marked(as_object(call["function"].get("arguments")), control),
                },
            }
            for call in calls
        ]
    return prepared


def _marked(value: Any, control: re.Pattern[str]) -> Any:
    """Every text in `value` with its control tokens marked as plain text."""
    if isinstance(value, str):
        return control.sub(lambda found: f"{_OPEN}{found[0]}{_CLOSE}", _MARKS.sub("", value))
    if isinstance(value, dict):
        return {key: _marked(inner, control) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, control) for inner in value]
    return value


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """Cut at the marks. A template that trims or slices may lose one of a pair: a lone mark only ends a stretch."""
    special = True
    start = 0
    for mark in _MARKS.finditer(text):
        if mark.start() > start:
            yield text[start : mark.start()], special
        special = mark[0] == _CLOSE
        start = mark.end()
    if start < len(text):
        yield text[start:], special


class _Exhausted(SecurityError):
    """Beyond a limit; the message completes the sentence "The model's chat template …"."""


class _Budget:
    """What one rendering may still spend."""

    __slots__ = ("characters", "deadline", "steps")

    def __init__(self) -> None:
        self.steps = STEPS_MAX
        self.characters = CHARACTERS_MAX
        self.deadline = time.monotonic() + SECONDS_MAX

    def spend_step(self) -> None:
        self.steps -= 1
        if self.steps < 0 or (not self.steps & 0xFF and time.monotonic() > self.deadline):
            raise _Exhausted("does not come to an end")

    def spend_text(self, characters: int) -> None:
        self.spend_step()
        self.characters -= characters
        if self.characters < 0:
            raise _Exhausted("makes a text without an end")


_budget: ContextVar[_Budget] = ContextVar("budget")


class _Sandbox(ImmutableSandboxedEnvironment):
    """jinja2's sandbox, in which every call, every round of a loop and every growth of a text is paid for."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call(self, context: Any, target: Any, /, *arguments: Any, **named: Any) -> Any:
        _budget.get().spend_step()
        return super().call(context, target, *arguments, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _budget.get().spend_step()
        if operator == "**" or (operator == "*" and not _is_small_product(left, right)):
            raise _Exhausted("computes more than a chat template may")
        if operator == "%" and isinstance(left, str):
            raise _Exhausted("uses % on text, which is not allowed")
        result = super().call_binop(context, operator, left, right)
        if operator == "+" and isinstance(result, str | list):
            _check_length(result)
        return result

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
        return tree


def _is_small_product(left: Any, right: Any) -> bool:
    sizes = [len(value) if isinstance(value, str | list | tuple) else abs(value) for value in (left, right)]
    return bool(sizes[0] * sizes[1] <= CHARACTERS_MAX)


def _check_length(value: str | list[Any]) -> None:
    if len(value) > CHARACTERS_MAX:
        raise _Exhausted("makes a text without an end")


def _counted(values: Iterable[Any]) -> Any:
    """What a loop runs over, with each round paid for; a sequence keeps its length for `loop.length`."""
    if isinstance(values, jinja2.Undefined):
        return values
    if isinstance(values, list | tuple | str | dict | range):
        return _Counted(values)
    return (value for value in values if _paid())


def _paid() -> bool:
    _budget.get().spend_step()
    return True


class _Counted:
    def __init__(self, values: Sequence[Any] | Mapping[Any, Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return (value for value in self._values if _paid())


class _Generation(Extension):
    """`{% generation %}` marks what the assistant said, for training; here it only holds its body."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Any) -> list[nodes.Node]:
        next(parser.stream)
        body: list[nodes.Node] = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return body


def _environment() -> _Sandbox:
    """As transformers' `_compile_jinja_template` sets it up."""
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation])
    filters: dict[str, Callable[..., Any]] = {"tojson": _to_json, "_counted": _counted}
    environment.filters.update(filters)
    environment.globals.update(raise_exception=_raise_exception, strftime_now=_strftime_now)
    return environment


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Without jinja2's escapes for HTML, which a model has never seen."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
