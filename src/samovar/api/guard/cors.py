"""What a page of another origin is told: nothing, unless its origin was allowed by name.

An allowed origin is echoed exactly, with every answer, errors too. Credentials are never allowed: what such a page
may do, it does with a key that it shows itself.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

# By name: "*" would leave out Authorization. The last ones are KoboldAI Lite's, and those where keys are shown.
HEADERS = (
    "Accept, Accept-Language, Authorization, Content-Type, Last-Event-ID, X-Requested-With, anthropic-beta, "
    "anthropic-dangerous-direct-browser-access, anthropic-version, X-Stainless-Arch, X-Stainless-Lang, "
    "X-Stainless-OS, X-Stainless-Package-Version, X-Stainless-Retry-Count, X-Stainless-Runtime, "
    "X-Stainless-Runtime-Version, X-Stainless-Timeout, OpenAI-Organization, OpenAI-Project, "
    "x-api-key, x-admin-key, api-key, apikey, genkey, Client-Agent"
)
EXPOSED = "Retry-After, X-Should-Retry, Content-Type"
REMEMBERED_SECONDS = 600


def speaks_for(headers: Headers, allowed: frozenset[str]) -> str | None:
    """The allowed origin that the request comes from; None where it comes from elsewhere, or from no page."""
    origins = headers.getlist("origin")
    return origins[0] if len(origins) == 1 and origins[0] in allowed else None


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what another request would be allowed."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def preflight(headers: Headers) -> Response:
    """The answer for an allowed origin, at any address. `told` adds the origin itself."""
    answer = {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": str(REMEMBERED_SECONDS),
    }
    # A page of the open net that calls a machine in the local one: Chromium asks for this besides.
    if headers.get("access-control-request-private-network") == "true":
        answer["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=answer)


def told(origin: str) -> dict[str, str]:
    """What every answer to an allowed origin carries."""
    return {"access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED}
