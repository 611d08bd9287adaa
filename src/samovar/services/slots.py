"""The sequences of models that are loaded, and prompts that are kept by name to be in the cache again later.

What is kept is which tokens a sequence was last asked and answered, on disk. Their keys and values lie with all
other caches (`runtime.kv`), for as long as those have room; what has gone from there is computed again.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from samovar.core.errors import Conflict, InvalidInput, NotFound, StorageFailed
from samovar.core.requests import Completion
from samovar.runtime.counts import SlotState
from samovar.services.answers import AnswerService
from samovar.services.contracts import Kept
from samovar.services.models import ModelService, Served

LONGEST_NAME = 200


class Saved(msgspec.Struct, frozen=True):
    """One file. Its name is a digest of the first three: no name from a client ever becomes a path."""

    tenant: str
    model: str
    name: str
    tokens: tuple[int, ...]


class SlotService:
    """A services.contracts.Slots."""

    def __init__(self, models: ModelService, answers: AnswerService, folder: Path) -> None:
        self._models = models
        self._answers = answers
        self._folder = folder

    async def listed(self, tenant: str, model: str | None = None) -> tuple[SlotState, ...]:
        async with self._models.ready(model) as served:
            states = (await served.worker.look()).slots if served else ()
        return tuple(state if state.tenant == tenant else _veiled(state) for state in states)

    async def save(self, slot: int, name: str, tenant: str, model: str | None = None) -> Kept:
        async with self._served(model) as served:
            tokens = (await self._slot(served, slot, tenant)).tokens
            if not tokens:
                raise NotFound("slots.empty", slot=slot)
            saved = Saved(tenant, served.name, _checked(name), tokens)
        size = await asyncio.to_thread(_write, self._path(saved), msgspec.json.encode(saved))
        return Kept(slot, len(tokens), size)

    async def restore(self, name: str, tenant: str, model: str | None = None) -> Kept:
        async with self._served(model) as served:
            path = self._path(Saved(tenant, served.name, _checked(name), ()))
            raw = await asyncio.to_thread(_read, path)
            if raw is None:
                raise NotFound("slots.no_name", name=name, model=served.name)
            tokens = msgspec.json.decode(raw, type=Saved).tokens
            # It may have been saved under a longer window.
            tokens = tokens[: served.info.window]
            reading = Completion(prompt=tokens, max_tokens=0, tenant=tenant)
            done = await self._answers.finish(await self._answers.ask(served, reading))
        return Kept(done.sequence, len(tokens), len(raw))

    async def erase(self, slot: int, tenant: str, model: str | None = None) -> int:
        async with self._served(model) as served:
            state = await self._slot(served, slot, tenant)
            if state.busy:
                raise Conflict("slots.busy", slot=slot)
            served.worker.erase(slot, tenant)
            return state.held

    @asynccontextmanager
    async def _served(self, model: str | None) -> AsyncIterator[Served]:
        async with self._models.ready(model) as served:
            if served is None:
                raise NotFound("slots.no_model")
            yield served

    async def _slot(self, served: Served, slot: int, tenant: str) -> SlotState:
        """Raises NotFound where there is none of that number; one that somebody else used is as good as empty."""
        states = (await served.worker.look(slot)).slots
        if not 0 <= slot < len(states):
            raise NotFound("slots.no_slot", slot=slot, count=len(states), last=len(states) - 1)
        return states[slot] if states[slot].tenant == tenant else _veiled(states[slot])

    def _path(self, saved: Saved) -> Path:
        named = msgspec.json.encode((saved.tenant, saved.model, saved.name))
        return self._folder / f"{hashlib.blake2b(named, digest_size=20).hexdigest()}.json"


def _veiled(state: SlotState) -> SlotState:
    """What one tenant may know of another's: that the sequence is in use."""
    return SlotState(state.id, state.busy, 0, 0, 0, 0, 0, state.window, "")


def _checked(name: str) -> str:
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput("slots.name", longest=LONGEST_NAME)
    return name


def _write(path: Path, raw: bytes) -> int:
    """Whole or not at all. Raises StorageFailed."""
    unfinished = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        unfinished.write_bytes(raw)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise StorageFailed("slots.not_written", reason=error.strerror or "") from error
    return len(raw)


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None
