"""What is kept by name for requests to come: presets, characters, responses."""

from __future__ import annotations

from typing import Protocol

import msgspec

from samovar.core.errors import NotFound
from samovar.core.parameters import SamplingParams
from samovar.store.responses import KeptResponse


class NoSuchPreset(NotFound):
    """Names presets that are called nearly so."""


class Presets(Protocol):
    """Named sets of sampling values."""

    async def params(self, name: str) -> SamplingParams:
        """All that the preset sets. Raises NoSuchPreset; InvalidInput for a damaged one."""
        ...

    async def names(self) -> tuple[str, ...]: ...


class Character(msgspec.Struct, frozen=True):
    """Who a chat is with. `context` is told before the first message, `greeting` is its first message; `user`: what
    the person is called. "" where nothing is said. `{{char}}` and `{{user}}` in them stand for the names."""

    name: str
    context: str = ""
    greeting: str = ""
    user: str = ""


class NoSuchCharacter(NotFound):
    """Names characters that are called nearly so."""


class Characters(Protocol):
    """Who chats may be with, by name. Raises StorageFailed."""

    async def get(self, name: str) -> Character:
        """Whatever the name's case. Raises NoSuchCharacter; InvalidInput for a damaged file."""
        ...

    async def names(self) -> tuple[str, ...]: ...


class Responses(Protocol):
    """Answers that are kept for the requests that go on from them, each tenant's apart."""

    async def keep(self, tenant: str, response: KeptResponse) -> None:
        """Raises StorageFailed."""
        ...

    async def get(self, tenant: str, id: str) -> KeptResponse:
        """Raises NoSuchResponse."""
        ...

    async def thread(self, tenant: str, id: str) -> tuple[KeptResponse, ...]:
        """The response and all that it goes on from, the oldest first. Raises NoSuchResponse."""
        ...

    async def remove(self, tenant: str, id: str) -> None:
        """Raises NoSuchResponse."""
        ...
