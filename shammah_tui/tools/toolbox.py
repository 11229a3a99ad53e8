"""All tools by name, and the one door through which a call is run: whatever goes wrong is a result in words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic import ValidationError

from shammah_tui.errors import HomeError
from shammah_tui.tools.bash import Bash
from shammah_tui.tools.edit import Edit
from shammah_tui.tools.glob import Glob
from shammah_tui.tools.grep import Grep
from shammah_tui.tools.read import Read
from shammah_tui.tools.restart import Restart
from shammah_tui.tools.tool import Context, Piece, Refused, Result, Tool
from shammah_tui.tools.web_fetch import WebFetch
from shammah_tui.tools.write import Write

TOOLS: Mapping[str, Tool[Any]] = {
    tool.name: tool for tool in (Read(), Glob(), Grep(), Edit(), Write(), Bash(), WebFetch(), Restart())
}


async def run(name: str, arguments: Mapping[str, Any], context: Context) -> AsyncGenerator[Piece, None]:
    """Run one allowed call: any number of `Output`, then exactly one `Result`. Close it (`aclosing`) to stop the work.

    Permission is the caller's: nothing is asked here.
    """
    try:
        parsed = _checked(name, arguments)
        async with aclosing(TOOLS[name].run(parsed, context)) as pieces:
            async for piece in pieces:
                yield piece
    except Refused as error:
        yield failed(error.text)
    except HomeError as error:
        yield failed(f"{name} could not keep what it needs: {error}")
    except OSError as error:
        yield failed(_in_words(name, error))


def mistakes_in(name: str, arguments: Mapping[str, Any]) -> str:
    """What is wrong with a call before anything is asked or run, in words for the model; empty where nothing is."""
    try:
        _checked(name, arguments)
    except Refused as error:
        return error.text
    return ""


def failed(text: str) -> Result:
    return Result(text, text.partition("\n")[0], failed=True)


def _checked(name: str, arguments: Mapping[str, Any]) -> Any:
    """Raises Refused."""
    tool = TOOLS.get(name)
    if tool is None:
        raise Refused(f"There is no tool {name!r}. There are: {', '.join(TOOLS)}.")
    try:
        return tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        raise Refused(_mistakes(name, error)) from error


def _mistakes(name: str, error: ValidationError) -> str:
    found = (f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}" for item in error.errors())
    # An unknown name may hold half a surrogate pair, which nobody can send on.
    return f"{name} was not run, its arguments are wrong. {'; '.join(found)}.".encode("utf-8", "replace").decode()


def _in_words(name: str, error: OSError) -> str:
    path = f" ({error.filename})" if isinstance(error.filename, str) else ""
    return f"{name} failed: {error.strerror or error}{path}."
