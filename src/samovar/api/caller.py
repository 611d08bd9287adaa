"""Who asks, as the door found out. What may be done with it is the door's affair; whose caches it shares is the
tenant's."""

from __future__ import annotations

import msgspec
from starlette.requests import HTTPConnection

from samovar.core.keys import KeyScope

ScopeName = KeyScope


class Caller(msgspec.Struct, frozen=True):
    """`tenant`: caches are shared within one only; "" is the person at this machine, or at the page. `scope`: the
    most it may do. `name`: the key's, for the log."""

    tenant: str = ""
    scope: ScopeName = "admin"
    name: str = ""


AT_THE_MACHINE = Caller()
"""Whoever asks where no key is set."""

NOBODY = Caller("nobody", "infer")
"""Whoever asks without a key for what needs none, where other things do."""

PLACE = "samovar.caller"
"""Where in a connection's scope the door leaves the caller."""


def caller_of(connection: HTTPConnection) -> Caller:
    caller = connection.scope.get(PLACE, AT_THE_MACHINE)
    assert isinstance(caller, Caller)
    return caller
