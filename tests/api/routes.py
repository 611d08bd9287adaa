"""The table of routes, as the app has it: what is registered, however it was registered."""

import re
from pathlib import Path

from starlette.routing import BaseRoute, Route

from tests.api.conftest import app_of_fakes
from tests.api.doors import key_service

Routes = list[tuple[str, str]]
"""Method and address; a parameter is {name} or {name:path}."""


def every_route(home: Path) -> Routes:
    with key_service(home) as keys:
        app = app_of_fakes(home, keys)
    found = {(method, path) for path, methods in _paths(app.routes) for method in methods}
    return sorted(found)


def _paths(routes: list[BaseRoute], prefix: str = "") -> list[tuple[str, set[str]]]:
    found: list[tuple[str, set[str]]] = []
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found += _paths(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, Route):
            found.append((prefix + route.path, route.methods or set()))
    return found


def filled(template: str, name: str = r"\1") -> str:
    """The address with `name`, or each parameter's own, in the place of its parameters."""
    return re.sub(r"\{(\w+)(?::path)?\}", name, template)
