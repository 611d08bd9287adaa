"""What it takes to load a model by name: its file, the ways to compute it, the memory it needs. Starts nothing.

A name that comes over the network is looked up in the library only. What the person at the command line said with
`--model` may also be a file anywhere, or the echo engine, which needs none.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from msgspec.structs import replace

from samovar.core.engine import LoadSpec, Note, Speculate
from samovar.core.errors import InvalidInput, Missing, NotFound, OutOfRange
from samovar.core.library import InstalledModel, Own
from samovar.core.rope import NO_WISH, PLAIN_CACHE, Context, check_wish
from samovar.core.settings import Settings
from samovar.formats.shape import model_shape, require_language_model
from samovar.hub.available import available_memory
from samovar.hub.cache_budgets import default_disk, default_ram, disk_room
from samovar.hub.headers import Headers
from samovar.hub.library import Library
from samovar.hub.memory import DEFAULT_WINDOW, LONGEST_WINDOW, Demand, gathering_cells
from samovar.hub.outlook import Outlook, outlook
from samovar.hub.rope import stretch
from samovar.services.readers import plan_reader
from samovar.services.ways import fitting_ways, native_folder, suiting_cache, ways_to_compute

ECHO = "echo"
ECHO_WINDOW = 4096
DEFAULT_PARALLEL = 4
BOUNDLESS = 1 << 62
"""Bytes: more than any window takes."""
CALIBRATION = 2.0
"""Seconds that the first load of a model on a machine may take longer, so that all later ones are fast."""


class LoadPlanner:
    """Plans loads for one home. Reads files: call it off the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers = Headers()
        self.library = Library(settings.home)

    def installed(self) -> tuple[InstalledModel, ...]:
        """The library, and the model of the command line where it lies elsewhere."""
        models, guest = self.library.models(), self._guest()
        if guest is None or any(model.path == guest.path for model in models):
            return models
        return guest, *models

    def default(self) -> str:
        """The model of the command line, else the first of the library that can be run and that writes.
        Raises NotFound."""
        if self._settings.model:
            return self._settings.model
        for model in self.library.models():
            if not model.problem and model.writes:
                return model.name
        raise NotFound("models.none_installed")

    def find(self, name: str) -> InstalledModel:
        """Raises NotFound with near matches."""
        if name == self._settings.model:
            return _echo(name) if _is_echo(name) else self.library.locate(name)
        guest = self._guest()
        return guest if guest is not None and guest.name == name else self.library.find(name)

    def _guest(self) -> InstalledModel | None:
        """The model of the command line, wherever it lies; None where there is none, or none such."""
        wanted = self._settings.model
        try:
            return None if wanted is None else self.find(wanted)
        except NotFound:
            return None

    @property
    def context(self) -> Context:
        """What models are loaded with for which nothing else was chosen."""
        return self._settings.context

    def meant(self, name: str) -> str:
        """The name of the model that `name` is another name for, else `name` itself. Fast."""
        return self.library.roll.meant(name)

    def own(self, model: str) -> Own:
        """What the model has of its own beside its context."""
        return self.library.roll.own(model)

    def budget(self, held: int = 0) -> int:
        """Bytes that all models may take together, of which those that are loaded hold `held` now."""
        there = available_memory() + held
        return there if self._settings.memory is None else min(there, self._settings.memory)

    def plan(self, model: InstalledModel, context: Context | None = None, available: int | None = None) -> LoadSpec:
        """How to load it with `context`, else with that of the settings, into `available` bytes, else into what is
        there. Raises BadModelFile, NotEnoughMemory, Missing where no library can run it, InvalidInput where none
        has such a cache; NotFound, InvalidInput where the draft model cannot be had."""
        context = context or self.context
        available = self.budget() if available is None else available
        if not model.writes:
            return self._plan(model, 1, available, context)[0]
        draft, for_draft = self._draft(model, available, context)
        spec, taken = self._plan(model, self._parallel, available - for_draft, context)
        notes = spec.notes if context == self.context else (*spec.notes, _of_its_own(spec))
        spec = replace(spec, speculate=self._speculate(model), draft=draft, notes=notes)
        return self._with_caches(spec, available, for_draft + taken)

    def whole(self, model: InstalledModel, context: Context) -> Context:
        """`context` with the cache that suits the model where it names none. Raises BadModelFile, Missing."""
        if context.cache or model.architecture == ECHO or not model.writes:
            return replace(context, cache=context.cache or PLAIN_CACHE)
        header = self._headers.read(Path(model.path))
        return replace(context, cache=suiting_cache(header, self._parallel, self._chosen(model)))

    def check(self, model: InstalledModel, context: Context) -> None:
        """Raises as `plan` does, but for the memory, which depends on what else is loaded."""
        check_wish(context.rope)
        self._plan(model, self._parallel, BOUNDLESS, context)

    @property
    def _parallel(self) -> int:
        return self._settings.parallel or DEFAULT_PARALLEL

    def _plan(self, model: InstalledModel, parallel: int, available: int, context: Context) -> tuple[LoadSpec, int]:
        """How to run `model` alone, and the bytes that it takes of those `available`."""
        chosen = self._chosen(model)
        if model.architecture == ECHO:
            window = context.ctx or ECHO_WINDOW
            cells = window * parallel
            return LoadSpec(engine=ECHO, path=model.path, window=window, cells=cells, parallel=parallel), 0
        header = self._headers.read(Path(model.path))
        require_language_model(header)
        shape = model_shape(header)
        if not shape.causal:
            return plan_reader(model.path, header, available, context.ctx, chosen)
        cache = context.cache or suiting_cache(header, self._parallel, chosen)
        ways = ways_to_compute(header, cache, parallel, chosen)
        demand = Demand(shape=shape, weights=header.weight_bytes, parallel=parallel, cache=cache)
        ways, memory = fitting_ways(ways, demand, available, context.ctx)
        # Values in blocks cannot be turned, as they must be for a context without flash attention.
        gathers = ways[0].apart and (cache.values == "f16" or not ways[0].flash)
        gathered = gathering_cells(memory, available) if gathers else 0
        stretched = stretch(shape, memory.window, context.rope)
        spec = LoadSpec(
            engine="llama",
            path=model.path,
            window=memory.window,
            cells=memory.cells,
            gathered=gathered,
            parallel=parallel,
            threads=chosen.threads or 0,
            settings=ways,
            calibrate=CALIBRATION,
            native=native_folder(chosen),
            cache=cache,
            rope=stretched.rope,
            notes=stretched.notes,
        )
        return spec, memory.total + gathered * memory.kv_per_cell

    def _chosen(self, model: InstalledModel) -> Settings:
        """The settings as they are for the model."""
        own = self.own(model.name)
        return dataclasses.replace(
            self._settings,
            threads=own.threads or self._settings.threads,
            library=own.library or self._settings.library,
        )

    def _draft(self, model: InstalledModel, available: int, context: Context) -> tuple[LoadSpec | None, int]:
        """How to run the draft model for `model`, where one is wanted, and the bytes that it takes."""
        wanted, mode = self._settings.draft, self._settings.speculate
        if mode == "draft" and wanted is None:
            raise InvalidInput("models.no_draft")
        if wanted is None or mode in ("off", "lookup"):
            return None, 0
        draft = _echo(wanted) if _is_echo(wanted) else self.library.locate(wanted)
        if draft.path == model.path:
            return None, 0
        spec, taken = self._plan(draft, 1, available, replace(context, rope=NO_WISH))
        return replace(spec, calibrate=0.0), taken

    def _speculate(self, model: InstalledModel) -> Speculate:
        """The echo engine stands for a model that takes its time for each token: there, guesses are asked for."""
        chosen = self._settings
        plain = chosen.speculate == "auto" and chosen.draft is None and model.architecture == ECHO
        return "off" if plain else chosen.speculate

    def _with_caches(self, spec: LoadSpec, available: int, taken: int) -> LoadSpec:
        """`spec` with room for caches: as the settings say, else of the disk and of the `available` bytes of memory
        that are not `taken`."""
        ram, disk, folder = self._settings.kv_ram, self._settings.kv_disk, self._settings.home.kv
        ram = default_ram(available - taken) if ram is None else ram
        return replace(
            spec,
            kv_folder=str(folder),
            kv_ram=ram,
            memory=taken + ram,
            kv_disk=default_disk(disk_room(folder)) if disk is None else disk,
            reuse_shifted=self._settings.reuse_shifted,
        )

    def outlook(self, model: InstalledModel, window: int | None, alpha: float | None) -> Outlook:
        """What a window, else the one that a model like this is loaded with, comes to. Raises BadModelFile,
        OutOfRange, Missing for a model that has no file."""
        if model.architecture == ECHO:
            raise Missing("models.no_context", name=model.name)
        if window is not None and not 1 <= window <= LONGEST_WINDOW:
            raise OutOfRange("core.parameter_range", name="ctx", value=window, minimum=1, maximum=LONGEST_WINDOW)
        header = self._headers.read(Path(model.path))
        require_language_model(header)
        shape = model_shape(header)
        return outlook(shape, window or min(shape.trained_context, DEFAULT_WINDOW), alpha)


def _of_its_own(spec: LoadSpec) -> Note:
    facts: dict[str, str | int | float] = {"window": spec.window}
    return Note("models.context_chosen", facts | {"keys": spec.cache.keys, "values": spec.cache.values})


def _is_echo(name: str) -> bool:
    return name == ECHO or name.startswith(f"{ECHO}:")


def _echo(path: str) -> InstalledModel:
    return InstalledModel(name=ECHO, path=path, size=0, quant="", architecture=ECHO, created=0.0)
