"""Fetches a web page and gives it as readable text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from shammah_tui.tools.fetching import Elsewhere, Page, fetch
from shammah_tui.tools.page import decoded, to_markdown
from shammah_tui.tools.tool import Arguments, Context, Limits, Piece, Refused, Result, Tool

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/javascript", "application/toml", "application/yaml", "")
_ERROR_STATUS = 400
_QUESTION_CHARACTERS = 500


class WebFetchArguments(Arguments):
    url: str
    prompt: str = ""


class WebFetch(Tool[WebFetchArguments]):
    name = "WebFetch"
    description = "Fetch a web page and read it."
    reads_only = True
    arguments = WebFetchArguments

    async def run(self, arguments: WebFetchArguments, context: Context) -> AsyncGenerator[Piece, None]:
        answer = await fetch(arguments.url, context)
        if isinstance(answer, Elsewhere):
            yield Result(
                f"The page is now at {answer.url}, on another host. Nothing was fetched from there; call WebFetch with "
                "that address if it is wanted.",
                f"leads to {answer.url}",
                failed=True,
            )
            return
        title, text = await asyncio.to_thread(_readable, answer)
        yield _result(answer, title, text, arguments.prompt, context.limits)


def _readable(page: Page) -> tuple[str, str]:
    kind = page.content_type
    if not (kind in (*_HTML, *_TEXT) or kind.startswith("text/") or kind.endswith(("+json", "+xml"))):
        raise Refused(f"{page.url} is {kind} ({len(page.body)} bytes), not a page of text.")
    if b"\0" in page.body and not page.charset.lower().startswith("utf-16"):
        raise Refused(f"{page.url} calls itself {kind or 'nothing'}, but is no text.")
    text = decoded(page.body, page.charset)
    return to_markdown(text, page.url) if kind in _HTML else ("", text)


def _result(page: Page, title: str, text: str, prompt: str, limits: Limits) -> Result:
    head = [f"Address: {page.url}", f"Status: {page.status}"]
    head += [f"Title: {title[:_QUESTION_CHARACTERS]}"] if title else []
    head += [f"Look for: {prompt[:_QUESTION_CHARACTERS]}"] if prompt else []
    is_cut = page.is_cut or len(text) > limits.result_characters
    shown = text[: limits.result_characters]
    if is_cut:
        shown += f"\n[cut after {len(shown)} characters; fetch a more exact address to see the rest]"
    return Result(
        "\n".join([*head, "", shown]),
        f"{page.status}, {len(text)} characters",
        failed=page.status >= _ERROR_STATUS,
        truncated=is_cut,
    )
