"""The message catalogue: every sentence a person reads, in English and Russian.

One JSON file per room in `words/`: {"key": {"en": "...", "ru": "..."}}; `{name}` marks a fact. Keys start with
the file's name ("formats.truncated" lives in formats.json). The page keeps its own catalogue under web/.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Literal

import msgspec

Language = Literal["en", "ru"]
Fact = str | int | float

LANGUAGES: tuple[Language, ...] = ("en", "ru")


@lru_cache(maxsize=1)
def sentences() -> Mapping[str, Mapping[str, str]]:
    """All sentences by key, each in every language."""
    found: dict[str, Mapping[str, str]] = {}
    for entry in resources.files("samovar.core").joinpath("words").iterdir():
        if entry.name.endswith(".json"):
            found.update(msgspec.json.decode(entry.read_bytes(), type=dict[str, dict[str, str]]))
    return found


def say(key: str, language: Language = "en", /, **facts: Fact) -> str:
    """The sentence for `key` with `facts` filled in. Raises KeyError for a key that no room declares."""
    return sentences()[key][language].format(**facts)


def language_of(preference: str | None) -> Language:
    """The catalogue language for a locale name or an Accept-Language header: Russian where it comes first."""
    return "ru" if (preference or "").strip().lower().startswith("ru") else "en"
