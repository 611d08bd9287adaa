"""Errors as clients of llama.cpp's server read them: {"error": {code, message, type}}; a prompt that is too long
comes with both numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.errors import Forbidden, Unauthorized, status_of
from samovar.core import errors as tree
from samovar.core.catalogue import Fact, Language
from samovar.core.errors import SamovarError


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    type: str
    n_prompt_tokens: Fact | None = None
    n_ctx: Fact | None = None


class ErrorReply(msgspec.Struct, frozen=True):
    error: ErrorBody


TYPES: Mapping[type[SamovarError], str] = MappingProxyType(
    {
        tree.PromptTooLong: "exceed_context_size_error",
        tree.InvalidInput: "invalid_request_error",
        tree.NotFound: "not_found_error",
        tree.Missing: "not_supported_error",
        tree.Busy: "unavailable_error",
        Unauthorized: "authentication_error",
        Forbidden: "permission_error",
        SamovarError: "server_error",
    }
)


def error_shape(error: SamovarError, language: Language) -> ErrorReply:
    kind = next(TYPES[kind] for kind in type(error).__mro__ if kind in TYPES)
    told = ErrorBody(status_of(error), error.text(language), kind)
    if isinstance(error, tree.PromptTooLong):
        facts = error.facts
        told = msgspec.structs.replace(told, n_prompt_tokens=facts.get("prompt"), n_ctx=facts.get("window"))
    return ErrorReply(told)
