"""Who asks, as the door found out. What may be done with it is the door's affair; whose caches it shares is the
tenant's."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import HTTPConnection

ScopeName = Literal["infer", "manage", "admin"]
"""What a key allows: to ask models; to load, unload and look around besides; everything. Each includes those before
it."""


class Caller(msgspec.Struct, frozen=True):
    """`tenant`: caches are shared within one only; "" is the person at this machine. `scope`: the most it may
    do."""

    tenant: str = ""
    scope: ScopeName = "admin"


AT_THE_MACHINE = Caller()
"""Whoever asks where no key is set."""

PLACE = "samovar.caller"
"""Where in a connection's scope the door leaves the caller."""


def caller_of(connection: HTTPConnection) -> Caller:
    caller = connection.scope.get(PLACE, AT_THE_MACHINE)
    assert isinstance(caller, Caller)
    return caller
