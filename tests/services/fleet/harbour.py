"""A fleet over fakes at its contracts: sizes that a test chooses, workers that are only counted, a clock that a
test moves. Threads run at once, so that what happens next is decided by the test alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from samovar.core.engine import EngineInfo, LoadSpec, Note
from samovar.core.errors import NotEnoughMemory
from samovar.core.library import NOTHING_OF_ITS_OWN, InstalledModel, Own
from samovar.core.rope import Context
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.tally import Tally
from samovar.runtime.trust import Verdict
from samovar.services.contexts import Contexts
from samovar.services.contracts import ModelState
from samovar.services.fleet import Fleet, Rules

STAY = 300.0
NO_SUCH_PROCESS = 1 << 30


class AtOnce(ThreadPoolExecutor):
    """Runs what it is given before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001
            done.set_exception(error)
        return done


@dataclass
class Worker:
    """A process that is not there."""

    info: EngineInfo
    pid: int = NO_SUCH_PROCESS
    death: str | None = None
    holds: int = 0
    rested: Callable[[], None] = lambda: None

    @property
    def busy(self) -> bool:
        return self.holds > 0

    def hold(self) -> None:
        self.holds += 1

    def release(self) -> None:
        self.holds -= 1
        if not self.holds:
            self.rested()

    def pin(self, sessions: tuple[str, ...]) -> None: ...


@dataclass
class Crew:
    """Stands for a Supervisor: a load ends as soon as it begins."""

    spec: LoadSpec
    sea: Sea
    running: Worker | None = None
    notes: tuple[Note, ...] = ()

    @property
    def alive(self) -> bool:
        return self.running is not None

    async def worker(self) -> Worker:
        if self.running is None:
            await self.sea.loading.wait()
            self.running = Worker(info(self.spec.path))
            self.sea.loads.append(self.spec.path)
        return self.running

    async def close(self) -> None:
        if self in self.sea.crews:
            self.sea.crews.remove(self)
            self.sea.left(self.spec.path)
        self.running = None


def info(name: str) -> EngineInfo:
    return EngineInfo(
        architecture="none",
        description=name,
        vocab_size=1,
        trained_context=1,
        window=1,
        cells=1,
        parallel=1,
        threads=1,
        chat_template="",
        bos_token=None,
        eos_token=None,
    )


@dataclass
class Timer:
    due: float
    work: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Sea:
    """What the fleet is in. `left` is told of everything that is ended; `crews` are those that have memory."""

    sizes: Mapping[str, int]
    budget_: int
    most: int = 99
    now: float = 1000.0
    loads: list[str] = field(default_factory=list)
    crews: list[Crew] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    states: dict[str, ModelState] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    left: Callable[[str], None] = lambda _: None
    loading: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.loading.set()

    def fleet(self) -> Fleet:
        rules = Rules(
            most=self.most,
            stay=lambda _: STAY,
            clock=self.clock,
            later=self.later,
            supervise=self.supervise,
            tally=lambda name: self.tallies.setdefault(name, Tally()),
        )
        return Fleet(self, self, Contexts(Context(), None), Path(), self.tell, rules)

    def model(self, name: str) -> InstalledModel:
        return InstalledModel(name, name, self.sizes[name], "", "", 0.0)

    @property
    def taken(self) -> int:
        return sum(crew.spec.memory for crew in self.crews)

    # Plans

    def budget(self, held: int = 0) -> int:
        return self.budget_ + held

    def own(self, model: str) -> Own:  # noqa: ARG002
        return NOTHING_OF_ITS_OWN

    def plan(self, model: InstalledModel, context: Context | None = None, available: int | None = None) -> LoadSpec:  # noqa: ARG002
        if available is not None and model.size > available:
            raise NotEnoughMemory("hub.memory_model", window=1, total=1, weights=1, kv=0, available=0)
        return LoadSpec(engine="", path=model.name, window=1, cells=1, parallel=1, memory=model.size)

    # Verdicts

    async def recall(self, spec: LoadSpec) -> Verdict:  # noqa: ARG002
        return Verdict()

    async def remember(self, spec: LoadSpec, verdict: Verdict) -> None: ...

    # Rules

    def clock(self) -> float:
        self.now += 0.001
        return self.now

    def later(self, seconds: float, work: Callable[[], None]) -> Timer:
        timer = Timer(self.now + seconds, work)
        self.timers.append(timer)
        return timer

    def supervise(self, spec: LoadSpec, verdict: Verdict, log: Path, hooks: Hooks) -> Supervisor:  # noqa: ARG002
        crew = Crew(spec, self)
        self.crews.append(crew)
        return cast(Supervisor, crew)

    def tell(self, state: ModelState) -> None:
        assert state.name is not None
        self.states[state.name] = state

    async def advance(self, seconds: float) -> None:
        """Time passes, and what was to be done by then is done."""
        self.now += seconds
        for timer in [timer for timer in self.timers if timer.due <= self.now]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.work()
        await calm()


async def calm() -> None:
    """Returns when nothing moves any more but by the test."""
    for _ in range(200):
        await asyncio.sleep(0)
