"""The door: what every request passes before a route sees it, and every answer on its way out.

In this order: Host, then what a browser asks beforehand for an allowed origin, Origin, who it is and whether that
is enough for the address, how large the body is, how many of its requests are under way. Each question is a file of
`guard`. Knows nothing of what the routes do; a new route is behind it too, and needs admin until a table says less.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samovar.api import journal
from samovar.api.caller import PLACE, Caller
from samovar.api.errors import BodyTooLarge, Shapes, Unauthorized, Unexpected, outward, respond, shape_of
from samovar.api.guard import cors
from samovar.api.guard.access import Access
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.guard.lanes import Lanes
from samovar.api.guard.origins import check_host, check_origin, named_host, named_origin
from samovar.core.catalogue import language_of
from samovar.core.errors import SamovarError

log = logging.getLogger("samovar.api")

BODY_LIMIT = 32 * 1024 * 1024
REQUESTS_PER_KEY = 256
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True)
class DoorRules:
    """`hosts`: names beside the loopback ones that Host may carry. `any_address`: also every literal IP address,
    for a server that listens beyond this machine (a literal cannot be rebound). `origins`: foreign pages that may
    ask, as "https://name:port". `per_key`: requests at once of one key."""

    hosts: frozenset[str] = frozenset()
    any_address: bool = False
    origins: frozenset[str] = frozenset()
    body_limit: int = BODY_LIMIT
    per_key: int = REQUESTS_PER_KEY

    @classmethod
    def said(cls, hosts: Iterable[str], origins: Iterable[str], *, any_address: bool) -> DoorRules:
        """The rules for names as a person wrote them. Raises InvalidInput for what is none."""
        return cls(
            hosts=frozenset(map(named_host, hosts)),
            origins=frozenset(map(named_origin, origins)),
            any_address=any_address,
        )


class Door:
    """ASGI middleware: lets requests in or not, counts the body, adds headers, turns what the routes raise into
    answers, and notes each request in the log. Nothing but an expected error's sentence reaches the client."""

    def __init__(
        self, app: ASGIApp, rules: DoorRules, shapes: Shapes, doorkeeper: Doorkeeper, access: Access
    ) -> None:
        self._app = app
        self._rules = rules
        self._shapes = shapes
        self._doorkeeper = doorkeeper
        self._access = access
        self._lanes = Lanes(rules.per_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers, began = Headers(scope=scope), time.perf_counter()
        foreign = cors.speaks_for(headers, self._rules.origins)
        way_out = _WayOut(send, foreign, varies=bool(self._rules.origins))
        try:
            await self._let_in(scope, headers, foreign, receive, way_out)
        except SamovarError as error:
            await self._refuse(error, scope, receive, way_out)
        except Exception:
            if way_out.started:
                raise
            log.exception("%s %s failed", scope.get("method", "WEBSOCKET"), journal.template(scope))
            await self._refuse(Unexpected("api.unexpected"), scope, receive, way_out)
        finally:
            if scope["type"] == "http":
                journal.note(scope, way_out.status, time.perf_counter() - began)

    async def _let_in(
        self, scope: Scope, headers: Headers, foreign: str | None, receive: Receive, way_out: _WayOut
    ) -> None:
        rules, method = self._rules, scope.get("method", "")
        check_host(headers, rules.hosts, any_address=rules.any_address)
        if foreign and cors.is_preflight(method, headers):
            await cors.preflight(headers)(scope, receive, way_out)
            return
        if method not in SAFE_METHODS:
            check_origin(headers, rules.origins)
        caller: Caller = await self._doorkeeper.admit(
            headers, address_of(scope), self._access.needed(scope["path"]), foreign
        )
        scope[PLACE] = caller
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > rules.body_limit:
            raise _too_large(rules.body_limit)
        with self._lanes.lane(caller.tenant):
            await self._app(scope, _counted(receive, rules.body_limit), way_out)

    async def _refuse(self, error: SamovarError, scope: Scope, receive: Receive, way_out: _WayOut) -> None:
        if scope["type"] == "websocket":
            await way_out({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if way_out.started:
            raise error
        language = language_of(Headers(scope=scope).get("accept-language"))
        response = respond(outward(error), shape_of(self._shapes, scope["path"]), language)
        if isinstance(error, Unauthorized):
            # Not Basic, although it is taken: a browser would ask its user by itself, before the page can.
            response.headers["www-authenticate"] = "Bearer"
        await response(scope, receive, way_out)


class _WayOut:
    """`send` that adds the headers of the house and remembers how the answer has begun. `foreign`: the allowed
    origin that may read it; `varies`: whether others may not."""

    def __init__(self, send: Send, foreign: str | None, *, varies: bool) -> None:
        self._send = send
        self._foreign = foreign
        self._varies = varies
        self.status = 0

    @property
    def started(self) -> bool:
        return self.status > 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(SECURITY_HEADERS)
            headers.setdefault("cache-control", "no-store")
            if self._varies:
                headers.add_vary_header("Origin")
            if self._foreign is not None:
                headers.update(cors.told(self._foreign))
        await self._send(message)


def address_of(scope: Scope) -> str:
    """The address that the request came from; "" where the server does not know, as behind a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive` that raises BodyTooLarge once more than `limit` bytes have come, whatever was announced."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge("api.body_too_large", limit=limit // (1024 * 1024))
