"""Counts requests by route and status, for `/metrics`. A plain ASGI layer, so that streams pass untouched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestCounts:
    def __init__(self, routes: Iterable[str]) -> None:
        self._routes = frozenset(routes)
        self._counts: Counter[tuple[str, int]] = Counter()

    def items(self) -> list[tuple[tuple[str, int], int]]:
        return sorted(self._counts.items())

    def around(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            # A path that nobody serves is no label: a stranger could make as many as there is memory.
            route = path if path in self._routes else "other"

            async def counting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._counts[route, message["status"]] += 1
                await send(message)

            await app(scope, receive, counting)

        return counted
