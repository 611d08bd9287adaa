"""Errors as koboldcpp's clients read them: {"detail": {msg, type}}; SillyTavern shows `detail.msg`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.errors import Forbidden, Unauthorized, status_of
from samovar.core import errors as tree
from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """`error` is there only where koboldcpp has it: KoboldAI Lite asks for the key when it says "Unauthorized"."""

    msg: str
    type: str
    error: str = ""


class ErrorReply(msgspec.Struct, frozen=True):
    detail: Detail


TYPES: Mapping[type[SamovarError], str] = MappingProxyType(
    {
        tree.Busy: "service_unavailable",
        tree.NotFound: "not_found",
        tree.Missing: "not_implemented",
        Forbidden: "forbidden",
        Unauthorized: "unauthorized",
    }
)


def error_shape(error: SamovarError, language: Language) -> ErrorReply:
    fallback = "bad_input" if status_of(error) < 500 else "server_error"
    kind = next((TYPES[kind] for kind in type(error).__mro__ if kind in TYPES), fallback)
    title = "Unauthorized" if isinstance(error, Unauthorized) else ""
    return ErrorReply(Detail(error.text(language), kind, title))
