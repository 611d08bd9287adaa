"""Errors as Anthropic's clients read them: {"type": "error", "error": {type, message}, "request_id"}.

Source: Anthropic's API reference, Errors. A full queue is their 529, which their clients know as "overloaded".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.errors import STATUS, Reply, status_of
from samovar.core.catalogue import Language
from samovar.core.errors import Busy, SamovarError

REQUEST_ID = "request-id"
OVERLOADED = 529


class ErrorBody(msgspec.Struct, frozen=True):
    type: str
    message: str


class ErrorReply(msgspec.Struct, frozen=True, tag="error"):
    error: ErrorBody
    request_id: str


TYPES: Mapping[int, str] = MappingProxyType(
    {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        OVERLOADED: "overloaded_error",
    }
)
"""By status; other ones below 500 are an "invalid_request_error", those above an "api_error"."""


def new_request_id() -> str:
    return "req_" + secrets.token_hex(12)


def error_reply(error: SamovarError, language: Language, request_id: str) -> ErrorReply:
    status = _overloaded(error) or status_of(error)
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return ErrorReply(ErrorBody(kind, error.text(language)), request_id)


def error_shape(error: SamovarError, language: Language) -> Reply:
    request_id = new_request_id()
    return Reply(
        error_reply(error, language, request_id),
        {REQUEST_ID: request_id},
        _overloaded(error),
    )


def _overloaded(error: SamovarError) -> int | None:
    """Their status for a full queue; a key's own bounds are a 429 there too."""
    return OVERLOADED if status_of(error) == STATUS[Busy] else None
