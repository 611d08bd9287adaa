"""Under which name this server was called, and from which page.

A page that a person has open can send requests to this server. It cannot forge Host (so a name that was rebound to
this machine is seen) nor Origin (so a foreign page that would change something is seen).

Browsers send Origin with every request that may change something and that another page makes; a form that is posted
from elsewhere has one too, `null` at the least. A request without one and without Sec-Fetch-Site therefore comes
from a program, not from a page, and is let in whatever its content type: front ends send JSON as text/plain. Where
there is no Origin but Sec-Fetch-Site names another site, it is a foreign page's. A key makes no difference:
browsers send along what they remember of Basic.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from samovar.api.errors import Forbidden
from samovar.core.addresses import is_loopback, parsed
from samovar.core.errors import InvalidInput

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_NAMED_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
_DEFAULT_PORT = {"http": "80", "https": "443"}
_OWN_SITES = frozenset({"same-origin", "none"})


def check_host(headers: Headers, names: frozenset[str], *, any_address: bool) -> None:
    """Raises Forbidden unless there is exactly one Host and it is a loopback one, one of `names`, or, with
    `any_address`, a literal IP address, which cannot be rebound; with any port."""
    hosts = headers.getlist("host")
    name = _split(hosts[0])[0] if len(hosts) == 1 else ""
    if not (name == "localhost" or name in names or _is_address(name, any_address=any_address)):
        raise Forbidden("api.host", host=", ".join(hosts)[:80])


def check_origin(headers: Headers, allowed: frozenset[str]) -> None:
    """Raises Forbidden where the request comes from a page of another origin that is not `allowed`. `null` is
    another origin."""
    origins = headers.getlist("origin")
    for origin in origins:
        if origin not in allowed and not is_own(origin, headers):
            raise Forbidden("api.origin", origin=origin[:80])
    site = headers.get("sec-fetch-site")
    if not origins and site is not None and site not in _OWN_SITES:
        raise Forbidden("api.origin", origin=site[:80])


def is_own(origin: str, headers: Headers) -> bool:
    """Whether `origin` is this server as the client calls it. The scheme is left out: a proxy may speak TLS."""
    found = _ORIGIN.fullmatch(origin)
    if not found:
        return False
    default = _DEFAULT_PORT[found[1]]
    name, port = _split(found[2])
    own_name, own_port = _split(headers.get("host", ""))
    return bool(name) and (name, port or default) == (own_name, own_port or default)


def named_origin(text: str) -> str:
    """An origin as browsers spell it. Raises InvalidInput for `*`, for an address with a path, and for what is no
    origin."""
    origin = text.strip().lower().removesuffix("/")
    if not _NAMED_ORIGIN.fullmatch(origin):
        raise InvalidInput("door.bad_origin", origin=text[:80])
    scheme, _, authority = origin.partition("://")
    return (
        origin.removesuffix(f":{_DEFAULT_PORT[scheme]}") if scheme in _DEFAULT_PORT else f"{scheme}://{authority}"
    )


def named_host(text: str) -> str:
    """A name that Host may carry. Raises InvalidInput for one with a port, and for what is no name."""
    name, port = _split(text.strip())
    if not name or port is not None:
        raise InvalidInput("door.bad_host", host=text[:80])
    return name


def port_of(headers: Headers) -> str:
    """The port under which the client calls this server; "" for its scheme's own."""
    return _split(headers.get("host", ""))[1] or ""


def _split(authority: str) -> tuple[str, str | None]:
    """Name and port of "name:port"; an empty name for anything else (user@name, a trailing colon …)."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return (found[1], found[2]) if found else ("", None)


def _is_address(name: str, *, any_address: bool) -> bool:
    bare = name[1:-1] if name.startswith("[") else name
    return is_loopback(bare) or (any_address and parsed(bare) is not None)
