"""One line a request in the front's log: how it was asked and how it ended, as key=value. Never what was said: no
body, no address as it was sent (a name may stand in it), no key but its name."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

import msgspec
from starlette.requests import HTTPConnection
from starlette.types import Scope

from samovar.api.caller import NOBODY, PLACE, Caller

log = logging.getLogger("samovar.requests")

TOLD = "samovar.told"
"""Where in a connection's scope the routes leave what the line is to have besides."""

NOT_NOTED = frozenset({"/health", "/v1/health"})
"""Asked every few seconds by those who watch over servers."""

_BARE = re.compile(r"[\w./:{}@+-]+", re.ASCII)

Fact = str | int | float


def tell(connection: HTTPConnection, **facts: Fact) -> None:
    """Adds facts to the request's line: numbers, and names that the server gave."""
    connection.scope.setdefault(TOLD, {}).update(facts)


def note(scope: Scope, status: int, seconds: float) -> None:
    """Writes the line of a request that has ended. `status` 0: it ended before it was answered."""
    route = template(scope)
    if route in NOT_NOTED:
        return
    caller = scope.get(PLACE, NOBODY)
    name = caller.name if isinstance(caller, Caller) else ""
    facts: dict[str, Fact] = {"method": scope["method"], "route": route, "status": status}
    facts |= {"ms": round(seconds * 1000, 1)} | ({"key": name} if name else {}) | scope.get(TOLD, {})
    log.info("%s", written(facts))


def template(scope: Scope) -> str:
    """The address as the routes have it, with {name} where a name stood; "-" where there is none."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "-"


def written(facts: Mapping[str, Fact]) -> str:
    """`a=1 b="two words"`: what is not one plain word is a JSON string, so that no name can make a second line."""
    return " ".join(f"{key}={_value(value)}" for key, value in facts.items())


def _value(value: Fact) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else msgspec.json.encode(text).decode()
