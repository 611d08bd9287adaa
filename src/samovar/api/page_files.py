"""The built page: index.html, its assets and icons. Only files that were there at the start are served, each by
its own route, so that no path from a client ever reaches the file system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response

from samovar.api.routing import Routes
from samovar.core.catalogue import LANGUAGES, say

Endpoint = Callable[..., Awaitable[Response]]

LOOK = ("GET", "HEAD")

# Vite puts a hash into every name under assets/: a changed file has another name.
HASHED = "assets/"
IMMUTABLE = "public, max-age=31536000, immutable"

# Said here because some systems' own tables call scripts text/plain, which browsers then refuse to run.
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def routes(folder: Path) -> Routes:
    """Routes of the page that was built into `folder`; a sentence in every language where it was not."""
    index = folder / "index.html"
    page = _serve(index, "no-cache") if index.is_file() else _not_built
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != index)
    served = Routes()
    served.add("/", page, LOOK)
    served.add("/c/{conversation:path}", page, LOOK)
    for path in files:
        name = path.relative_to(folder).as_posix()
        served.add(f"/{name}", _serve(path, IMMUTABLE if name.startswith(HASHED) else "no-cache"), LOOK)
    return served


def _serve(path: Path, caching: str) -> Endpoint:
    async def serve() -> Response:
        return FileResponse(path, headers={"cache-control": caching}, media_type=MEDIA_TYPES.get(path.suffix))

    return serve


async def _not_built() -> Response:
    return PlainTextResponse("\n\n".join(say("api.page_not_built", language) for language in LANGUAGES), 501)
