"""What presets are, as values. Files hold them as JSON: people can read it, and every front end writes it."""

from __future__ import annotations

import msgspec

from samovar.core.errors import ErrorValue
from samovar.core.parameters import SamplingParams


class PresetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A preset as it stands in its file: `values` by parameter name, the `order` of the steps (empty: the default),
    `about`: what it is for, in its owner's words. A step that is not named is off."""

    about: str = ""
    values: dict[str, object] = {}
    order: tuple[str, ...] = ()


class Preset(msgspec.Struct, frozen=True):
    """A checked preset. `builtin`: it comes with the product and cannot be changed. `named`: the values that it
    names; `params`: those, and every step that it does not name switched off."""

    name: str
    about: str
    builtin: bool
    named: SamplingParams
    params: SamplingParams


class Listed(msgspec.Struct, frozen=True):
    """A line of the list of presets. `problem`: why it cannot be used, where it cannot."""

    name: str
    about: str
    builtin: bool
    problem: ErrorValue | None = None


class Foreign(msgspec.Struct, frozen=True):
    """Another program's preset as we would say it: `values` by names that a parameter here may have, `order` in any
    program's words; `usual`: what that program takes where its preset says nothing, and we would take something
    else; `left`: what cannot be said here, by its own name. `mixed`: many of its names are about other things than
    sampling, and nobody misses them."""

    values: dict[str, object]
    order: tuple[str | int, ...] = ()
    usual: dict[str, object] = {}
    left: dict[str, object] = {}
    mixed: bool = False


class Imported(msgspec.Struct, frozen=True):
    """A preset that was taken over, and the names in its file that could not be."""

    preset: Preset
    ignored: tuple[str, ...]
