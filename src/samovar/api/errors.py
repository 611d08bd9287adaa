"""From the error tree to HTTP: one table of statuses, and the branches of the tree that only HTTP knows.

    SamovarError
    ├── InvalidInput
    │   ├── BodyTooLarge     more bytes than the door lets in
    │   └── WrongMethod      the address exists, for another method
    ├── NotFound
    │   └── NoSuchRoute      no such address
    ├── Busy
    │   ├── TooManyAttempts  too many wrong keys from one address
    │   └── TooManyRequests  too many requests of one key at once
    ├── Forbidden            a foreign Host or Origin, or a key that does not allow it
    ├── Unauthorized         no key, or a wrong one
    └── Unexpected           a fault of ours; the traceback is in the log

How an error's body looks is each dialect's own affair (`Shape`); which dialect an address belongs to is `Shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import MappingProxyType

import msgspec
from starlette.responses import Response

from samovar.core import errors as tree
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError


class BodyTooLarge(tree.InvalidInput):
    pass


class WrongMethod(tree.InvalidInput):
    pass


class NoSuchRoute(tree.NotFound):
    pass


class TooManyAttempts(tree.Busy):
    pass


class TooManyRequests(tree.Busy):
    pass


class Forbidden(SamovarError):
    pass


class Unauthorized(SamovarError):
    pass


class Unexpected(SamovarError):
    pass


STATUS: Mapping[type[SamovarError], int] = MappingProxyType(
    {
        tree.InvalidInput: 400,
        Unauthorized: 401,
        Forbidden: 403,
        tree.NotFound: 404,
        WrongMethod: 405,
        tree.Conflict: 409,
        BodyTooLarge: 413,
        tree.OutOfRange: 422,
        tree.BadModelFile: 422,
        tree.NotEnoughMemory: 422,
        TooManyAttempts: 429,
        TooManyRequests: 429,
        tree.Cancelled: 499,
        tree.EngineFailed: 500,
        tree.Missing: 501,
        tree.DownloadFailed: 502,
        tree.Busy: 503,
        tree.StorageFailed: 507,
        SamovarError: 500,
    }
)

RETRY_AFTER_SECONDS = 2

PLACES = frozenset({"path", "folder", "home", "log"})
"""Facts of errors that name places of this machine."""


class Reply(msgspec.Struct, frozen=True):
    """An answer to an error that is more than a body: with headers of the dialect's own, or, where its clients know
    a failure by another `status` than the table's, with that."""

    body: object
    headers: Mapping[str, str] = {}
    status: int | None = None


Shape = Callable[[SamovarError, Language], object]
"""A dialect's error body, ready for JSON, or a Reply."""

Shapes = tuple[tuple[str, Shape], ...]
"""The beginnings of addresses and whose they are; the first that fits counts."""


def status_of(error: SamovarError) -> int:
    """The HTTP status of the nearest ancestor that has one."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def plain(error: SamovarError, language: Language) -> object:
    """The house's own shape: what the page reads."""
    return {"error": {"kind": type(error).__name__, "message": error.text(language)}}


def begins(path: str, beginning: str) -> bool:
    """Whether the address `path` is `beginning`, or lies under it."""
    return path == beginning or path.startswith(beginning.rstrip("/") + "/")


def shape_of(shapes: Shapes, path: str) -> Shape:
    return next((shape for beginning, shape in shapes if begins(path, beginning)), plain)


def respond(error: SamovarError, shape: Shape, language: Language) -> Response:
    """The whole answer for `error`: status, headers and a body in the dialect's shape."""
    said = shape(error, language)
    reply = said if isinstance(said, Reply) else Reply(said)
    return Response(
        msgspec.json.encode(reply.body),
        reply.status or status_of(error),
        headers={**_headers(error), **reply.headers},
        media_type="application/json",
    )


def outward(error: SamovarError) -> SamovarError:
    """`error` as clients may know it: a file by its name, without the place on this machine where it lies."""
    bare = {k: PurePath(v).name if k in PLACES and isinstance(v, str) else v for k, v in error.facts.items()}
    return error if bare == error.facts else type(error)(error.key, **bare)


def _headers(error: SamovarError) -> dict[str, str]:
    if isinstance(error, tree.Busy):
        return {"retry-after": str(error.facts.get("seconds", RETRY_AFTER_SECONDS))}
    # OpenAI's clients repeat every 409 and 5xx unless told not to: a request that broke a worker once would do
    # so three times.
    return {"x-should-retry": "false"}
