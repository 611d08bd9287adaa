"""One model from the moment that it is asked for until it has left: its worker, its state, who needs it.

Knows nothing of other models, nor of memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import Cancelled, SamovarError
from samovar.core.library import NOTHING_OF_ITS_OWN, InstalledModel, Own
from samovar.core.rope import Context
from samovar.runtime.process import WorkerProcess
from samovar.runtime.supervisor import Supervisor
from samovar.services.contracts import ContextChoice, ModelState
from samovar.services.fleet.leaving import Standing

Tell = Callable[[ModelState], None]
Bring = Callable[["Resident"], Coroutine[object, object, None]]
Rested = Callable[["Resident"], None]

NO_TEMPLATE = Note("prompts.no_template")


@dataclass(frozen=True)
class Served:
    """A loaded model and the worker that runs it. `info` has the model's own template where it was given one."""

    name: str
    worker: WorkerProcess
    info: EngineInfo


class Resident:
    """`bring` makes room for it where it has none, and starts it; `rested` is called when nobody needs it any more.
    `choice`: the context that it was asked for with, `context` the one that was chosen for it. `own`: what it
    has of its own; of that its template may change while it is loaded. `keep`: seconds that the last request wanted
    it kept, None where it said nothing. `used`: when it was used last. `queued`: others have to make room before it
    can come. `closing`: what ends it, once it leaves."""

    def __init__(
        self, model: InstalledModel, choice: ContextChoice | None, tell: Tell, bring: Bring, rested: Rested
    ) -> None:
        self.model = model
        self.choice = choice
        self.context: Context | None = None
        self.own = NOTHING_OF_ITS_OWN
        self.keep: float | None = None
        self.used = 0.0
        self.queued = False
        self.closing: asyncio.Task[None] | None = None
        self.state = ModelState(model.name, "loading")
        self._tell = tell
        self._bring = bring
        self._rested = rested
        self._waiting = 0
        self._kept_from = 0
        self._supervisor: Supervisor | None = None
        self._coming: asyncio.Task[None] | None = None
        self._info: EngineInfo | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def memory(self) -> int:
        """Bytes that it was planned to take; 0 as long as it has no room."""
        return self._supervisor.spec.memory if self._supervisor else 0

    @property
    def has_room(self) -> bool:
        return self._supervisor is not None

    @property
    def waiting(self) -> int:
        """How many requests wait until it is ready."""
        return self._waiting

    @property
    def coming(self) -> bool:
        """Whether it waits for room, or is being loaded."""
        return self._coming is not None and not self._coming.done()

    @property
    def leaving(self) -> bool:
        """Whether new requests wait until it has left, or may stay after all."""
        return self.closing is not None or self._kept_from > 0

    @property
    def busy(self) -> bool:
        worker = self.running
        return self._waiting > 0 or self.coming or (worker is not None and worker.busy)

    @property
    def running(self) -> WorkerProcess | None:
        """The worker as it is, which may still be loading; None where there is none that lives."""
        return self._supervisor.running if self._supervisor else None

    @property
    def ready(self) -> Served | None:
        """What can be asked at once; None where it has to be loaded first."""
        worker, info = self.running, self._info
        if worker is None or info is None or self.state.state != "ready":
            return None
        return Served(self.name, worker, info)

    @property
    def standing(self) -> Standing:
        return Standing(self.name, self.used, self.busy)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Somebody waits for it: it does not leave before that."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.give_up()
            self._rest()

    @contextmanager
    def kept_from(self) -> Iterator[None]:
        """New requests for it wait meanwhile, so that it comes to rest."""
        self._kept_from += 1
        try:
            yield
        finally:
            self._kept_from -= 1

    async def served(self) -> Served:
        """The worker, ready; started again where it has died. Raises what the load ended with, Cancelled where it
        was unloaded meanwhile. A start goes on when its asker leaves."""
        coming = self._coming
        if coming is None or (coming.done() and self.ready is None):
            self.show(ModelState(self.name, "loading", context=self.context))
            coming = self._coming = asyncio.create_task(self._bring(self))
            coming.add_done_callback(self._came)
        if not coming.done():
            await asyncio.wait((coming,))
        if coming.cancelled():
            raise Cancelled("runtime.unloaded")
        coming.result()
        served = self.ready
        if served is None:
            raise Cancelled("runtime.unloaded")
        return served

    def settle(self, supervisor: Supervisor) -> None:
        """There is room for it, and this is who runs it."""
        self._supervisor = supervisor

    async def start(self) -> None:
        """Starts the worker; the state says how that goes."""
        supervisor = self._supervisor
        assert supervisor is not None
        worker = await supervisor.worker()
        worker.rested = self._rest
        assert worker.info is not None
        self._info = self._dressed(worker.info)
        notes = self._noted(supervisor.notes + supervisor.spec.notes, self._info)
        self.show(ModelState(self.name, "ready", 1.0, notes=notes, context=self.context))

    def dress(self, own: Own) -> None:
        """What it has of its own was changed: its template holds at once, the rest from its next load."""
        self.own = own
        ready = self.ready
        if ready is not None and ready.worker.info is not None:
            self._info = self._dressed(ready.worker.info)
            self.show(replace(self.state, notes=self._noted(self.state.notes, self._info)))

    def _dressed(self, info: EngineInfo) -> EngineInfo:
        return replace(info, chat_template=self.own.template or info.chat_template)

    @staticmethod
    def _noted(notes: tuple[Note, ...], info: EngineInfo) -> tuple[Note, ...]:
        others = tuple(note for note in notes if note != NO_TEMPLATE)
        named = info.chat_template or not info.capabilities.can_write
        return others if named else (*others, NO_TEMPLATE)

    def progress(self, share: float) -> None:
        self.show(ModelState(self.name, "loading", share, context=self.context))

    def note(self, note: Note) -> None:
        self.show(replace(self.state, notes=(*self.state.notes, note)))

    def fail(self, error: SamovarError) -> None:
        notes = self._supervisor.notes if self._supervisor else ()
        self.show(ModelState(self.name, "failed", error=error.value(), notes=notes, context=self.context))

    def show(self, state: ModelState) -> None:
        self.state = state
        self._tell(state)

    def give_up(self) -> None:
        """It comes no more, if others would have to make room for it."""
        if self._coming is not None and self.queued:
            self._coming.cancel()

    async def end(self) -> None:
        """Ends the worker, whatever it is doing; who waits for it gets Cancelled."""
        if self._supervisor is not None:
            await self._supervisor.close()

    async def close(self) -> None:
        """As `end`, and returns when nothing of it is left."""
        if self._coming is not None and not self.has_room:
            self._coming.cancel()
        await self.end()
        if self._coming is not None and not self._coming.done():
            await asyncio.wait((self._coming,))
            await self.end()

    def _came(self, coming: asyncio.Task[None]) -> None:
        if not coming.cancelled():
            # How it failed is in the state, for those who look; nobody may have waited for it.
            coming.exception()
        self._rest()

    def _rest(self) -> None:
        if not self.busy:
            self._rested(self)
