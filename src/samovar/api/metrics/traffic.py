"""Counts what the front was asked and how it answered. Sees neither bodies nor what stands in an address where a
name may stand."""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samovar.api.journal import template

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "-"
"""A method that there is not: clients may invent as many as they like."""

Key = tuple[str, str, int]


class Traffic:
    """Requests that have ended, by method, route and status; 0 where the client left before there was one."""

    def __init__(self) -> None:
        self.ended: Counter[Key] = Counter()

    def note(self, scope: Scope, status: int) -> None:
        method = scope["method"]
        self.ended[method if method in METHODS else OTHER, template(scope), status] += 1


class Counting:
    """ASGI middleware: notes each request in `traffic` when it has ended."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            self._traffic.note(scope, status)
