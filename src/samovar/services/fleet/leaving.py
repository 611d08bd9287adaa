"""Who makes room for a model that is to be loaded. Pure: starts nothing, ends nothing, reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """A model that is loaded, or being loaded. `used`: when it was used last, in seconds of any clock; `busy`:
    somebody waits for it or for an answer of it, so that it must stay."""

    name: str
    used: float
    busy: bool


def next_to_leave(loaded: Sequence[Standing]) -> Standing | None:
    """The idle one that was used longest ago; None where all are busy."""
    return min((model for model in loaded if not model.busy), key=lambda model: model.used, default=None)


def next_to_wait_for(loaded: Sequence[Standing]) -> Standing:
    """Where all are busy, the one that new requests are kept from, so that it comes to rest: what was used longest
    ago. At least one is given."""
    return min(loaded, key=lambda model: model.used)
