"""The table of routes, as the app has it: what is registered, however it was registered."""

import re
from pathlib import Path

from tests.api.conftest import app_of_fakes
from tests.api.doors import key_service

Routes = list[tuple[str, str]]
"""Method and address; a parameter is {name} or {name:path}."""


def every_route(home: Path) -> Routes:
    with key_service(home) as keys:
        app = app_of_fakes(home, keys)
    return sorted((method, route.path) for route in app.routes for method in route.methods)


def filled(template: str, name: str = r"\1") -> str:
    """The address with `name`, or each parameter's own, in the place of its parameters."""
    return re.sub(r"\{(\w+)(?::path)?\}", name, template)
