"""Where clients put keys: one table of headers, and the page's cookie."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from samovar.api.guard.origins import port_of

PLAIN = ("x-api-key", "x-admin-key", "api-key", "apikey")
"""Anthropic's, tabbyAPI's two, Azure's, KoboldAI Lite's."""


def keys_shown(headers: Headers) -> list[bytes]:
    """Every key in the headers, in the bytes in which it was sent. An empty bearer is none."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    shown = [headers[name].strip().encode("latin-1") for name in PLAIN if name in headers]
    if scheme.lower() == "bearer":
        shown.append(token.strip().encode("latin-1"))
    elif scheme.lower() == "basic":
        shown.append(_basic_password(token))
    return [key for key in shown if key]


def cookie_name(headers: Headers) -> str:
    """Browsers send a host's cookies to all its ports: two servers on one machine need names of their own."""
    return f"samovar_{port_of(headers)}".rstrip("_")


def session_shown(headers: Headers) -> bytes:
    """The token of the page's session; b"" where there is none."""
    if "cookie" not in headers:
        return b""
    try:
        jar = SimpleCookie(headers["cookie"])
    except CookieError:
        return b""
    found = jar.get(cookie_name(headers))
    return found.value.encode("utf-8", "replace") if found else b""


def _basic_password(token: str) -> bytes:
    try:
        return b64decode(token.strip(), validate=True).partition(b":")[2]
    except (NotBase64, ValueError):
        return b""
