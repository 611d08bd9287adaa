"""Errors as tabbyAPI's clients read them: {"detail": sentence}."""

from __future__ import annotations

from samovar.core.catalogue import Language
from samovar.core.errors import SamovarError


def error_shape(error: SamovarError, language: Language) -> dict[str, object]:
    return {"detail": error.text(language)}
