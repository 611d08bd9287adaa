"""Whatever is asked in whatever order: the budget is kept, nobody who is needed leaves, the right one makes room,
and everybody is served in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from samovar.core.errors import Cancelled, NotEnoughMemory

from .harbour import STAY, AtOnce, Sea, calm

T = TypeVar("T")

SIZES = {"a": 20, "b": 30, "c": 40, "d": 60, "e": 90, "huge": 150}
BUDGET, MOST = 100, 3
names = st.sampled_from(sorted(SIZES))
stays = st.sampled_from([None, 0.0, 10.0, -1.0])


@dataclass(eq=False)
class Request:
    """Somebody who asks for a model, and lets it go when `over` is set."""

    name: str
    keep: float | None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    served: bool = False
    task: asyncio.Task[None] | None = None


class FleetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(AtOnce())
        self.requests: list[Request] = []
        self.used: dict[str, float] = {}
        self.keeps: dict[str, float | None] = {}
        self.unloading: set[str] = set()
        self.makes_room = True
        self.run(self.open())

    async def open(self) -> None:
        self.sea = Sea(SIZES, BUDGET, MOST, left=self.see_leaving)
        self.fleet = self.sea.fleet()

    def run(self, work: Coroutine[None, None, T]) -> T:
        return self.loop.run_until_complete(work)

    async def serve(self, request: Request) -> None:
        async with self.fleet.serving(self.sea.model(request.name), keep=request.keep) as served:
            assert served.name == request.name
            request.served = True
            self.used[request.name], self.keeps[request.name] = self.sea.now, request.keep
            try:
                await request.over.wait()
            finally:
                request.served = False
                self.used[request.name] = self.sea.now

    def needed(self) -> set[str]:
        """Models that somebody is being served by."""
        return {request.name for request in self.open_requests() if request.served}

    def open_requests(self) -> list[Request]:
        return [request for request in self.requests if request.task is not None and not request.task.done()]

    def see_leaving(self, name: str) -> None:
        if name in self.unloading:
            return
        assert name not in self.needed()
        idle = {crew.spec.path for crew in self.sea.crews if crew.running} - self.needed()
        if self.makes_room:
            longer = [other for other in idle if self.used[other] < self.used[name]]
            assert not longer, "one that was used longer ago stays"

    @rule(name=names, keep=stays)
    def ask(self, name: str, keep: float | None) -> None:
        async def begin() -> None:
            request = Request(name, keep)
            request.task = asyncio.create_task(self.serve(request))
            self.requests.append(request)
            await calm()
            if name == "huge":
                (refused,) = await asyncio.gather(request.task, return_exceptions=True)
                assert isinstance(refused, NotEnoughMemory)

        # A model that is not to stay may leave at once, however lately it was used.
        self.makes_room = all(stay is None or stay != 0 for stay in self.keeps.values()) and keep != 0
        self.run(begin())

    @precondition(lambda self: self.open_requests())
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.open_requests()))
        self.makes_room = False
        request.over.set()
        self.run(calm())

    @precondition(lambda self: self.open_requests())
    @rule(data=st.data())
    def go_away(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.open_requests()))
        self.makes_room = False
        assert request.task is not None
        request.task.cancel()
        self.run(calm())

    @rule(seconds=st.sampled_from([1.0, 9.0, 100.0, STAY]))
    def wait(self, seconds: float) -> None:
        self.makes_room = False
        self.run(self.sea.advance(seconds))
        for crew in self.sea.crews:
            name = crew.spec.path
            keep = self.keeps[name]
            stay = STAY if keep is None else keep
            if name not in self.needed() and stay >= 0:
                assert self.sea.now - self.used[name] <= stay + 1, f"{name} should have left"

    @rule(name=names)
    def unload(self, name: str) -> None:
        """Whoever is being served by it loses their answer, and is gone."""
        self.unloading = {name}
        self.makes_room = False
        self.run(self.fleet.leave(name))
        for request in self.open_requests():
            if request.served and request.name == name:
                request.over.set()
        self.run(calm())
        self.unloading = set()

    @invariant()
    def keeps_the_budget(self) -> None:
        assert self.sea.taken <= BUDGET
        assert len(self.sea.crews) <= MOST

    @invariant()
    def serves_who_can_be_served(self) -> None:
        waiting = [request for request in self.open_requests() if not request.served]
        if waiting:
            assert self.needed(), "somebody waits, and nobody is in the way"

    def teardown(self) -> None:
        self.makes_room = False
        for request in self.open_requests():
            request.over.set()
        for _ in self.requests:
            self.run(calm())
        assert not self.open_requests(), "everybody is served in the end"
        for request in self.requests:
            assert request.task is not None
            error = None if request.task.cancelled() else request.task.exception()
            if error is not None and not isinstance(error, NotEnoughMemory | Cancelled):
                raise error
        self.run(self.fleet.leave())
        assert self.sea.crews == []
        self.loop.close()


FleetMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFleet = FleetMachine.TestCase
