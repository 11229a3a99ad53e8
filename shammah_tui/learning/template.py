"""Renders the base's own chat template, as inference does: jinja2's sandbox with the names transformers gives it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shammah_tui.conversation import as_object
from shammah_tui.errors import ModelError

PROBE = "\N{OBJECT REPLACEMENT CHARACTER}"


class ChatTemplate:
    """`render` gives the text after which the model speaks. Raises `ModelError` where the template cannot be used."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        self.bos = bos
        self._names = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise ModelError(f"The model's chat template cannot be read: {error}.") from error

    def render(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] = ()) -> str:
        try:
            return self._template.render(
                messages=[_prepared(message) for message in messages],
                tools=list(tools) or None,
                add_generation_prompt=True,
                enable_thinking=False,
                **self._names,
            )
        except jinja2.TemplateError as error:
            raise ModelError(f"The model's chat template refuses a prompt: {error}.") from error

    def before_user(self) -> str:
        """The text after which a user would speak: what the template puts before a first user message."""
        before, found, _ = self.render([{"role": "user", "content": PROBE}]).partition(PROBE)
        return before if found else ""


def template_of_folder(folder: Path) -> str:
    """The chat template of a Hugging Face folder; empty where it has none."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text("utf-8")
    try:
        configured = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    source = configured.get("chat_template", "")
    return source if isinstance(source, str) else ""


def _prepared(message: dict[str, Any]) -> dict[str, Any]:
    """With the arguments of calls as objects, as the engine gives them to the template."""
    calls = message.get("tool_calls")
    if not calls:
        return message
    return message | {
        "tool_calls": [
            call | {"function": call["function"] | {"arguments": as_object(call["function"].get("arguments"))}}
            for call in calls
        ]
    }


def _to_json(value: object, ensure_ascii: bool = False, indent: int | None = None, **_: object) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
