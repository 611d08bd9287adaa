"""A library that remembers what was done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from samovar.services.contracts import InstalledModel, ModelDetails, Own, Pulling

MODEL = "little-model"


@dataclass
class FakeLibrary:
    """`Library` of one model, which remembers what was done to it."""

    known: dict[str, str] = field(default_factory=dict)
    owned: dict[str, Own] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)

    async def details(self, name: str) -> ModelDetails:
        model = InstalledModel(name, f"{name}.gguf", 9, "Q4_1", "llama", 1.7e9)
        return ModelDetails(model, 135_000_000, 2048, 576, "{{ messages }}", {"general.architecture": "llama"})

    async def pull(self, source: str) -> AsyncIterator[Pulling]:
        self.pulled.append(source)
        yield Pulling(1, 2)
        yield Pulling(2, 2, MODEL)

    async def remove(self, name: str) -> None:
        self.removed.append(name)

    async def alias(self, name: str, alias: str) -> None:
        self.known[alias] = name

    async def unalias(self, alias: str) -> None:
        del self.known[alias]

    async def aliases(self) -> dict[str, str]:
        return dict(self.known)

    async def own(self, name: str) -> Own:
        return self.owned.get(self.known.get(name, name), Own())

    async def set_own(self, name: str, own: Own) -> None:
        self.owned[name] = own
