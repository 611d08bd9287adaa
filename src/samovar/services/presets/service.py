"""The use cases of presets: what page, dialects and command line do with them.

Built-in ones cannot be changed, and their names cannot be taken. The disk is touched on other threads than the
event loop's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from samovar.core.errors import Conflict, InvalidInput, SamovarError
from samovar.core.parameters import SamplingParams
from samovar.services.contracts import NoSuchPreset
from samovar.services.presets.builtin import builtin, ours
from samovar.services.presets.folder import PresetFolder, file_of, preset
from samovar.services.presets.foreign import take_over
from samovar.services.presets.names import LONGEST, key, name_for, safe_name
from samovar.services.presets.params import checked, laid_over, plain
from samovar.services.presets.values import Imported, Listed, Preset
from samovar.store.values import Sampling

MOST_NEAR = 3


class PresetService:
    """The built-in presets and those in a home's folder. Everything may raise StorageFailed; names are found
    whatever their case."""

    def __init__(self, folder: Path) -> None:
        self._folder = PresetFolder(folder)

    async def list(self) -> tuple[Listed, ...]:
        """The built-in ones first; damaged files with what is wrong with them."""
        return await asyncio.to_thread(self._list)

    async def get(self, name: str) -> Preset:
        """Raises NoSuchPreset; InvalidInput for a damaged file."""
        return await asyncio.to_thread(self._get, name)

    async def params(self, name: str) -> SamplingParams:
        """All that the preset sets: every step that it does not name is off. Raises as `get` does."""
        return (await self.get(name)).params

    async def save(self, name: str, values: Mapping[str, object], order: tuple[str, ...], about: str) -> Preset:
        """A new preset, or another content for an own one. Raises InvalidInput for a name that cannot be a file's
        or values that are wrong, Conflict for a built-in one's name."""
        return await asyncio.to_thread(self._save, name, values, order, about)

    async def rename(self, name: str, to: str) -> Preset:
        """Raises NoSuchPreset, InvalidInput, and Conflict for a built-in one or a name that is taken."""
        return await asyncio.to_thread(self._rename, name, to)

    async def delete(self, name: str) -> None:
        """Raises NoSuchPreset, and Conflict for a built-in one."""
        await asyncio.to_thread(self._delete, name)

    async def names(self) -> tuple[str, ...]:
        return tuple(found.name for found in await self.list())

    async def take(self, filename: str, raw: bytes) -> Imported:
        """Another program's preset, or one of ours, saved under a free name like the file's. Raises InvalidInput
        for a file that is none."""
        return await asyncio.to_thread(self._take, filename, raw)

    async def choose(
        self, name: str | None, values: Mapping[str, object], order: tuple[str, ...] | None
    ) -> Sampling:
        """What a conversation is to keep: the preset's values as they are now (where one is named), with `values`
        and `order` (None: not said) over them. Raises as `get` does, and InvalidParameter."""
        return await asyncio.to_thread(self._choose, name, values, order)

    def _list(self) -> tuple[Listed, ...]:
        built_in = [Listed(name, "", builtin=True) for name in ours()]
        return (*built_in, *(self._listed(name) for name in self._folder.names() if key(name) not in ours()))

    def _listed(self, name: str) -> Listed:
        try:
            found = self._folder.read(name)
        except SamovarError as error:
            return Listed(name, "", builtin=False, problem=error.value())
        return Listed(name, found.about if found else "", builtin=False)

    def _get(self, name: str) -> Preset:
        found = builtin(name) or self._folder.read(name)
        if found is None:
            raise self._missing(name)
        return found

    def _missing(self, name: str) -> NoSuchPreset:
        known = {key(known): known for known in (*ours(), *self._folder.names())}
        near = get_close_matches(key(name), known, MOST_NEAR, 0.5) or list(known)[:MOST_NEAR]
        return NoSuchPreset("presets.missing", name=name[:LONGEST], near=", ".join(known[n] for n in near))

    def _save(self, name: str, values: Mapping[str, object], order: tuple[str, ...], about: str) -> Preset:
        self._own(name := safe_name(name))
        file = file_of(checked(values, order), about)
        self._folder.write(name, file)
        return preset(name, file, builtin=False)

    def _rename(self, name: str, to: str) -> Preset:
        self._own(name)
        self._own(to := safe_name(to))
        if not self._folder.has(name):
            raise self._missing(name)
        if key(name) != key(to) and self._folder.has(to):
            raise Conflict("presets.taken", name=to)
        self._folder.rename(name, to)
        return self._get(to)

    def _delete(self, name: str) -> None:
        self._own(name)
        if not self._folder.delete(name):
            raise self._missing(name)

    def _own(self, name: str) -> None:
        if key(name) in ours():
            raise Conflict("presets.builtin", name=key(name))

    def _take(self, filename: str, raw: bytes) -> Imported:
        file, ignored = take_over(filename, raw)
        name = self._free(name_for(filename))
        self._folder.write(name, file)
        return Imported(preset(name, file, builtin=False), ignored)

    def _free(self, name: str) -> str:
        """`name`, or one with a number behind it, that no preset has."""
        numbered = (name, *(f"{name[: LONGEST - 5]} {n}" for n in range(2, 1000)))
        free = next((n for n in numbered if key(n) not in ours() and not self._folder.has(n)), None)
        if free is None:
            raise InvalidInput("presets.bad_name", name=name, longest=LONGEST)
        return free

    def _choose(self, name: str | None, values: Mapping[str, object], order: tuple[str, ...] | None) -> Sampling:
        own = checked(values, order or ())
        if name is None:
            return Sampling(plain(own.values), own.order)
        chosen = self._get(name)
        params = laid_over(chosen.params, own)
        return Sampling(plain(params.values), params.order if order is None else order, chosen.name)
