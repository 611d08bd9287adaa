"""Routes: what answers at which address, with which method.

An address without parameters is looked up, not searched for: there are some two hundred routes, and to ask one
after the other costs more than to translate a request. Knows nothing of what the routes do.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from re import Pattern
from typing import TypeVar

from starlette.convertors import Convertor
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from samovar.api.errors import NoSuchRoute, WrongMethod

Endpoint = Callable[..., Awaitable[Response]]
"""A coroutine function: what it calls `request` is the request, its other parameters are those of the address."""

E = TypeVar("E", bound=Endpoint)

LONGEST_SHOWN = 200
"""Characters of an address that an error repeats."""


@dataclass(frozen=True)
class Route:
    """`path`: the address, with {name} or {name:path} for its parameters. `header`: only requests that carry it are
    meant."""

    path: str
    methods: frozenset[str]
    endpoint: Endpoint
    header: str = ""

    @property
    def is_plain(self) -> bool:
        return "{" not in self.path

    def means(self, scope: Scope) -> bool:
        return not self.header or self.header in Headers(scope=scope)


class Routes:
    """Routes under one beginning, in the order in which they were added."""

    def __init__(self, prefix: str = "", *, header: str = "") -> None:
        self.routes: list[Route] = []
        self._prefix = prefix
        self._header = header

    def add(self, path: str, endpoint: Endpoint, methods: Iterable[str] = ("GET",)) -> None:
        self.routes.append(Route(self._prefix + path, frozenset(methods), endpoint, self._header))

    def include(self, others: Routes) -> None:
        self.routes += [replace(route, path=self._prefix + route.path) for route in others.routes]

    def get(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "GET")

    def head(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "HEAD")

    def post(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "POST")

    def put(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "PUT")

    def patch(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "PATCH")

    def delete(self, path: str) -> Callable[[E], E]:
        return self._adding(path, "DELETE")

    def _adding(self, path: str, method: str) -> Callable[[E], E]:
        def added(endpoint: E) -> E:
            self.add(path, endpoint, (method,))
            return endpoint

        return added


@dataclass(frozen=True)
class _Ready:
    """A route that requests can be handed to."""

    route: Route
    names: tuple[str, ...]
    pattern: Pattern[str]
    convertors: dict[str, Convertor[object]]


class Router:
    """The app behind the door. Raises NoSuchRoute, and WrongMethod where the address has other methods; of several
    routes that fit, plain addresses come first, then whoever was added first."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._plain: dict[str, list[_Ready]] = {}
        self._patterns: list[_Ready] = []
        for route in routes:
            ready = _ready(route)
            (self._plain.setdefault(route.path, []) if route.is_plain else self._patterns).append(ready)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        ready, found = self._find(scope)
        scope["path_params"] = found
        request = Request(scope, receive, send)
        arguments = [request if name == "request" else found[name] for name in ready.names]
        response = await ready.route.endpoint(*arguments)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[_Ready, dict[str, object]]:
        """Leaves the route in the scope, for those who count and note requests, also where the method is wrong."""
        path, method = scope["path"], scope.get("method", "")
        for ready, found in self._fitting(path):
            if ready.route.means(scope):
                scope["route"] = ready.route
                if method in ready.route.methods:
                    return ready, found
        address = path[:LONGEST_SHOWN]
        if "route" in scope:
            raise WrongMethod("api.wrong_method", address=address, method=method)
        raise NoSuchRoute("api.no_route", address=address)

    def _fitting(self, path: str) -> Iterable[tuple[_Ready, dict[str, object]]]:
        for ready in self._plain.get(path, ()):
            yield ready, {}
        for ready in self._patterns:
            match = ready.pattern.match(path)
            if match:
                parts = match.groupdict().items()
                yield ready, {name: ready.convertors[name].convert(text) for name, text in parts}


def _ready(route: Route) -> _Ready:
    pattern, _, convertors = compile_path(route.path)
    names = tuple(inspect.signature(route.endpoint).parameters)
    strangers = set(names) - {"request"} - set(convertors)
    if strangers:
        raise TypeError(f"{route.path}: {sorted(strangers)} are no parameters of the address")
    return _Ready(route, names, pattern, dict(convertors))
