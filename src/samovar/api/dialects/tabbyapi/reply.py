"""A value as tabbyAPI's clients get it."""

from __future__ import annotations

import msgspec
from starlette.responses import Response


def reply(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
