"""Which fields of a request mean something: a table per dialect, which its translator obeys and its page of the
docs is made from. Sampling parameters are in none: they are whatever `samovar.sampling` declares, by name and
alias.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidParameter

Treatment = Literal["honoured", "inert", "refused"]


class Field(msgspec.Struct, frozen=True):
    """One field. `note`: what it means here, or why it means nothing. `endpoints`: where it may come, by the
    dialect's own short names; empty: everywhere. `harmless`: the values that ask for nothing. Of a refused one they
    pass; an inert one that has some and gets another value is named in the answer's warnings."""

    name: str
    treatment: Treatment
    note: str
    endpoints: tuple[str, ...] = ()
    harmless: tuple[object, ...] = ()

    def is_on(self, endpoint: str) -> bool:
        return not self.endpoints or endpoint in self.endpoints

    def asks(self, value: object) -> bool:
        """Whether `value` asks for something that is not there."""
        told = self.treatment == "refused" or (self.treatment == "inert" and self.harmless)
        return bool(told) and value is not None and value not in self.harmless


def honoured(name: str, note: str, *endpoints: str) -> Field:
    return Field(name, "honoured", note, endpoints)


def inert(name: str, note: str, *endpoints: str, harmless: tuple[object, ...] = ()) -> Field:
    return Field(name, "inert", note, endpoints, harmless)


def refused(name: str, note: str, endpoints: tuple[str, ...] = (), harmless: tuple[object, ...] = ()) -> Field:
    return Field(name, "refused", note, endpoints, harmless)


def settle(fields: Fields, table: Iterable[Field], endpoint: str) -> None:
    """Takes the refused fields and the inert ones, but those of these that ask for something. Raises
    InvalidParameter for a refused one that does."""
    for field in table:
        if field.name not in fields or field.treatment == "honoured" or not field.is_on(endpoint):
            continue
        asks = field.asks(fields.rest.get(field.name))
        if asks and field.treatment == "refused":
            raise InvalidParameter("api.field_refused", name=field.name)
        if not asks:
            fields.take(field.name)


def markdown(table: Iterable[Field], endpoints: Mapping[str, str]) -> str:
    """The table for the docs. `endpoints`: what each is called there, by its short name."""
    rows = [
        f"| `{field.name}` | {', '.join(words for name, words in endpoints.items() if field.is_on(name))} "
        f"| {field.treatment} | {field.note} |"
        for field in table
    ]
    return "\n".join(["| field | on | treatment | |", "|---|---|---|---|", *rows])
