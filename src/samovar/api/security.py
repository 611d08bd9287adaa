"""The door: what every request passes before a route sees it, and every answer on its way out.

A web page that a person has open can send requests to this server. It cannot forge Host (so a name that was
rebound to this machine is seen) nor Origin (so a foreign page that would change something is seen). Reading is
closed to it by the absence of CORS headers. Knows nothing of what the routes do; a new route is behind it too.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samovar.api.errors import (
    BodyTooLarge,
    Forbidden,
    Shapes,
    Unauthorized,
    Unexpected,
    respond,
    shape_of,
)
from samovar.core.catalogue import language_of
from samovar.core.errors import InvalidInput, SamovarError

log = logging.getLogger("samovar.api")

BODY_LIMIT = 32 * 1024 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/health", "/v1/health"})

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORT = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class DoorRules:
    """`hosts`: names beside the loopback ones that Host may carry. `any_address`: also every literal IP address,
    for a server that listens beyond this machine (a literal cannot be rebound). `origins`: foreign pages that may
    change things, as "https://name:port". `key`: what a client must show; None where none is asked for."""

    hosts: frozenset[str] = frozenset()
    any_address: bool = False
    origins: frozenset[str] = frozenset()
    key: str | None = field(default=None, repr=False)
    body_limit: int = BODY_LIMIT


def check_exposure(host: str, key: str | None) -> None:
    """Raises InvalidInput where `host` can be reached from other machines and no key guards it."""
    if not key and not (host == "localhost" or _is_loopback(host)):
        raise InvalidInput("api.exposed", host=host or "0.0.0.0")


def check_host(headers: Headers, rules: DoorRules) -> None:
    """Raises Forbidden unless there is exactly one Host and it is allowed, with any port."""
    hosts = headers.getlist("host")
    name = _split(hosts[0])[0] if len(hosts) == 1 else ""
    if not (name == "localhost" or name in rules.hosts or _is_address(name, any_address=rules.any_address)):
        raise Forbidden("api.host", host=", ".join(hosts)[:80])


def check_origin(headers: Headers, rules: DoorRules) -> None:
    """Raises Forbidden where the request comes from a page of another origin. `null` is another origin."""
    for origin in headers.getlist("origin"):
        if origin not in rules.origins and not _same_origin(origin, headers.get("host", "")):
            raise Forbidden("api.origin", origin=origin[:80])


def check_key(headers: Headers, key: str) -> None:
    """Raises Unauthorized unless one of the places where clients put keys holds this one."""
    wanted = hashlib.sha256(key.encode()).digest()
    # Digests have one length, so that the comparison tells nothing about the key's.
    shown = [hashlib.sha256(candidate).digest() for candidate in _keys_shown(headers)]
    if not any(hmac.compare_digest(digest, wanted) for digest in shown):
        raise Unauthorized("api.key_wrong" if shown else "api.key_missing")


class Door:
    """ASGI middleware: checks Host, Origin and key, counts the body, adds headers, and turns what the routes raise
    into answers. Nothing but an expected error's sentence reaches the client."""

    def __init__(self, app: ASGIApp, rules: DoorRules, shapes: Shapes) -> None:
        self._app = app
        self._rules = rules
        self._shapes = shapes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        way_out = _WayOut(send)
        try:
            self._admit(scope)
            await self._app(scope, _counted(receive, self._rules.body_limit), way_out)
        except SamovarError as error:
            await self._refuse(error, scope, receive, way_out)
        except Exception:
            if way_out.started:
                raise
            log.exception("%s %s failed", scope.get("method", "WEBSOCKET"), scope["path"])
            await self._refuse(Unexpected("api.unexpected"), scope, receive, way_out)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        check_host(headers, self._rules)
        if scope.get("method") not in SAFE_METHODS:
            check_origin(headers, self._rules)
        if self._rules.key and scope["path"] not in OPEN_PATHS:
            check_key(headers, self._rules.key)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._rules.body_limit:
            raise _too_large(self._rules.body_limit)

    async def _refuse(self, error: SamovarError, scope: Scope, receive: Receive, way_out: _WayOut) -> None:
        if scope["type"] == "websocket":
            await way_out({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if way_out.started:
            raise error
        language = language_of(Headers(scope=scope).get("accept-language"))
        response = respond(error, shape_of(self._shapes, scope["path"]), language)
        if isinstance(error, Unauthorized):
            # A browser asks its user for the key by itself when a page wants Basic.
            basic = not scope["path"].startswith("/v1/")
            response.headers["www-authenticate"] = 'Basic realm="Samovar", charset="UTF-8"' if basic else "Bearer"
        await response(scope, receive, way_out)


class _WayOut:
    """`send` that adds the headers of the house and remembers whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update(SECURITY_HEADERS)
            headers.setdefault("cache-control", "no-store")
        await self._send(message)


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


def _split(authority: str) -> tuple[str, str | None]:
    """Name and port of "name:port"; an empty name for anything else (user@name, a trailing colon …)."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return (found[1], found[2]) if found else ("", None)


def _is_address(name: str, *, any_address: bool) -> bool:
    bare = name[1:-1] if name.startswith("[") else name
    return _is_loopback(bare) or (any_address and _parsed(bare) is not None)


def _is_loopback(name: str) -> bool:
    address = _parsed(name)
    # ::ffff:127.0.0.1 counts as loopback on some Pythons and not on others: never here.
    return address is not None and address.is_loopback and not getattr(address, "ipv4_mapped", None)


def _parsed(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _same_origin(origin: str, host: str) -> bool:
    """Whether `origin` is this server as the client calls it. The scheme is left out: a proxy may speak TLS."""
    found = _ORIGIN.fullmatch(origin)
    if not found:
        return False
    default = _DEFAULT_PORT[found[1]]
    name, port = _split(found[2])
    own_name, own_port = _split(host)
    return bool(name) and (name, port or default) == (own_name, own_port or default)


def _keys_shown(headers: Headers) -> list[bytes]:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    shown = [headers.get("x-api-key", "").strip().encode("latin-1")]
    if scheme.lower() == "bearer":
        shown.append(token.strip().encode("latin-1"))
    elif scheme.lower() == "basic":
        shown.append(_basic_password(token))
    return [key for key in shown if key]


def _basic_password(token: str) -> bytes:
    try:
        return b64decode(token.strip(), validate=True).partition(b":")[2]
    except (NotBase64, ValueError):
        return b""
