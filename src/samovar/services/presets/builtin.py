"""The presets that come with the product: what each sets is in ours.json, what it is for in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import msgspec

from samovar.core.catalogue import Language, say
from samovar.services.presets.folder import preset
from samovar.services.presets.names import key
from samovar.services.presets.values import Preset, PresetFile


@lru_cache(maxsize=1)
def ours() -> Mapping[str, PresetFile]:
    """By name, in the order in which people should meet them."""
    raw = resources.files("samovar.services.presets").joinpath("ours.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, PresetFile])


def builtin(name: str) -> Preset | None:
    """None where there is none of that name."""
    own = next((own for own in ours() if own == key(name)), None)
    return None if own is None else preset(own, ours()[own], builtin=True)


def title(name: str, language: Language) -> str:
    """What people call a built-in preset."""
    return say(f"presets.{name}.title", language)


def about(name: str, language: Language) -> str:
    """What a built-in preset is for."""
    return say(f"presets.{name}.about", language)
