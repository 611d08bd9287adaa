"""What a dialect declares: its routes, which addresses are its own, how its errors look, which fields it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from samovar.api.answering.desk import Desk
from samovar.api.caller import ScopeName
from samovar.api.errors import Shape
from samovar.api.reading.fieldtable import Field
from samovar.api.reading.sampling import Convention
from samovar.api.routing import Routes


@dataclass(frozen=True)
class Dialect:
    """`prefixes`: addresses that begin so, or are so, get errors in this shape; of several dialects' the longest
    counts. `scopes`: what a key must allow, by the beginning of an address, the longest one counting; "infer" where
    nothing is said. `open`: whole addresses that clients ask before they have a key: they change nothing, and tell
    a caller who is NOBODY no names. `fields`, `endpoints` (short name to words) and `conventions` are for the
    translators and the docs; `bodies`: the endpoint, by its short name, whose fields the body of an address may
    have."""

    name: str
    router: Callable[[Desk], Routes]
    error_shape: Shape
    prefixes: tuple[str, ...]
    scopes: Mapping[str, ScopeName] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    fields: tuple[Field, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    conventions: tuple[Convention, ...] = ()
