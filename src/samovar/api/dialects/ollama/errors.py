"""Errors as Ollama's clients read them: {"error": "sentence"}, in place of an answer and in the middle of one."""

from __future__ import annotations

import msgspec

from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError


class ErrorLine(msgspec.Struct, frozen=True):
    error: str


def error_shape(error: SamovarError, language: Language) -> ErrorLine:
    return ErrorLine(error.text(language))
