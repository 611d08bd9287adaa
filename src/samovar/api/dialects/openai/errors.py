"""Errors as OpenAI's clients read them: {"error": {message, type, param, code}}."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.errors import Forbidden, NoSuchRoute, TooManyAttempts, TooManyRequests, Unauthorized, status_of
from samovar.core import errors as tree
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError
from samovar.services.contracts import NoSuchCharacter, NoSuchPreset, NoSuchResponse


class ErrorBody(msgspec.Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorReply(msgspec.Struct, frozen=True):
    error: ErrorBody


CODES: Mapping[type[SamovarError], str] = MappingProxyType(
    {
        tree.PromptTooLong: "context_length_exceeded",
        NoSuchRoute: "unknown_url",
        NoSuchPreset: "preset_not_found",
        NoSuchCharacter: "character_not_found",
        NoSuchResponse: "response_not_found",
        tree.NotFound: "model_not_found",
        Unauthorized: "invalid_api_key",
    }
)

TYPES: Mapping[type[SamovarError], str] = MappingProxyType(
    {
        tree.Busy: "overloaded_error",
        TooManyAttempts: "rate_limit_error",
        TooManyRequests: "rate_limit_error",
        Forbidden: "permission_error",
        Unauthorized: "authentication_error",
    }
)


def error_shape(error: SamovarError, language: Language) -> ErrorReply:
    kinds = type(error).__mro__
    code = next((CODES[kind] for kind in kinds if kind in CODES), None)
    fallback = "invalid_request_error" if status_of(error) < 500 else "server_error"
    kind = next((TYPES[kind] for kind in kinds if kind in TYPES), fallback)
    param = str(error.facts["name"]) if isinstance(error, tree.InvalidParameter) and "name" in error.facts else None
    return ErrorReply(ErrorBody(error.text(language), kind, param, code))
