"""How threads follow what other processes leave of the cores: decided from the durations of steps alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Batch, LoadSpec
from samovar.engines.echo import EchoEngine, Script
from samovar.runtime.pacer import Pacer
from samovar.runtime.threads import LONGEST, ThreadPolicy, levels

QUIET = 0.006
"""Seconds of one step with all threads on a machine of its own."""


@dataclass
class Machine:
    """`cores` of which other processes keep `busy` running. A step of `size` tokens takes 0.75 of what doubling the
    threads would save, as decoding does; each thread that has to share its core stalls all for some slices."""

    cores: int
    busy: int = 0
    deep: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(1911))

    def step(self, threads: int, size: int = 1) -> float:
        quiet = QUIET * self.deep * (0.5 + size / 2) * (self.cores / threads) ** 0.4
        stalls = 4.0 if threads > self.cores - self.busy else 1.0
        if threads == 1 and self.busy >= self.cores:
            stalls = 2.0
        return quiet * stalls * self.chance.uniform(0.97, 1.03)

    def run(self, policy: ThreadPolicy, steps: int, size: Callable[[int], int] = lambda _: 1) -> float:
        """Seconds that the steps took."""
        total = 0.0
        for i in range(steps):
            tokens = size(i)
            seconds = self.step(policy.threads, tokens)
            policy.observe(seconds, tokens)
            total += seconds
        return total


@given(st.integers(1, 256))
def test_levels_go_from_all_threads_to_one(most: int) -> None:
    found = levels(most)
    assert found[0] == most and found[-1] == 1
    assert list(found) == sorted(set(found), reverse=True)


@pytest.mark.parametrize("cores", [2, 4, 8, 16, 64])
def test_a_quiet_machine_loses_nothing(cores: int) -> None:
    machine, policy = Machine(cores), ThreadPolicy(cores)
    machine.run(policy, 100)
    taken = machine.run(policy, 2000)
    assert policy.threads == cores
    assert taken < 1.01 * 2000 * QUIET


@pytest.mark.parametrize(("cores", "busy"), [(2, 1), (4, 1), (8, 2), (16, 1), (16, 4), (64, 40)])
def test_threads_make_way_for_busy_processes_and_come_back(cores: int, busy: int) -> None:
    machine, policy = Machine(cores), ThreadPolicy(cores)
    machine.run(policy, 200)
    machine.busy = busy
    machine.run(policy, 40)
    taken = machine.run(policy, 3000)
    best = min(Machine(cores, busy).step(n) for n in levels(cores))
    assert taken < 1.1 * 3000 * best
    machine.busy = 0
    machine.run(policy, round(LONGEST / QUIET))
    assert machine.run(policy, 500) < 1.1 * 500 * QUIET


def test_a_machine_that_is_busy_from_the_first_step_is_noticed() -> None:
    machine, policy = Machine(2, busy=1), ThreadPolicy(2)
    machine.run(policy, 20)
    assert policy.threads == 1


def test_a_longer_context_is_not_taken_for_a_busy_machine() -> None:
    machine, policy = Machine(2), ThreadPolicy(2)
    machine.run(policy, 200)
    for deep in (3.0, 1.0, 2.0, 5.0):
        machine.deep = deep
        taken = machine.run(policy, 1000)
        assert policy.threads == 2
        assert taken < 1.03 * 1000 * QUIET * deep


def test_one_hiccup_changes_nothing() -> None:
    machine, policy = Machine(2), ThreadPolicy(2)
    machine.run(policy, 200)
    policy.observe(1.0, 1)
    for _ in range(100):
        assert policy.threads == 2
        policy.observe(machine.step(2), 1)


@pytest.mark.parametrize("busy", [0, 1])
def test_batches_of_changing_size_are_told_from_a_busy_machine(busy: int) -> None:
    """As with several streams, or with guessed tokens that are sometimes there."""
    machine, policy = Machine(2, busy=busy), ThreadPolicy(2)
    sizes = random.Random(5)
    machine.run(policy, 300, lambda _: sizes.choice([1, 2, 5, 9]))
    counts = []
    for _ in range(300):
        size = sizes.choice([1, 2, 5, 9])
        counts.append(policy.threads)
        policy.observe(machine.step(policy.threads, size), size)
    wanted = 1 if busy else 2
    assert counts.count(wanted) > 0.9 * len(counts)


@given(
    st.integers(1, 64),
    st.lists(st.tuples(st.floats(0, 1e6, allow_subnormal=False), st.integers(1, 512)), max_size=300),
)
def test_whatever_is_observed_there_is_a_thread_and_never_one_too_many(
    most: int, steps: list[tuple[float, int]]
) -> None:
    policy = ThreadPolicy(most)
    for seconds, tokens in steps:
        assert policy.threads in levels(most)
        policy.observe(seconds, tokens)


class Contended(EchoEngine):
    """An engine on a machine of two cores of which one is taken: steps move its own clock."""

    def __init__(self) -> None:
        spec = LoadSpec(engine="echo", path="echo", window=4096, cells=4096, parallel=1, threads=2)
        super().__init__(spec, Script())
        self.machine = Machine(2, busy=1)
        self.now = 0.0
        self.idle = 0.0
        self.threads = 2
        self.used: list[int] = []

    def set_threads(self, count: int) -> None:
        self.threads = count

    def decode(self, batch: Batch):  # type: ignore[no-untyped-def]
        taken = self.machine.step(self.threads, len(batch.tokens))
        self.now += taken
        self.idle += taken * max(2 - self.machine.busy - self.threads, 0)
        self.used.append(self.threads)
        return super().decode(batch)


def one_token(position: int) -> Batch:
    return Batch([97], [position], [0], [True])


def test_the_pacer_draws_with_what_the_policy_says_and_reads_prompts_with_all() -> None:
    engine = Contended()
    assert engine.info.capabilities.can_set_threads
    pacer = Pacer(engine, lambda: engine.now, lambda: engine.idle)
    for position in range(30):
        pacer.decode(one_token(position), draws=True)
    assert engine.used[0] == 2 and engine.used[-1] == 1
    pacer.decode(Batch([97] * 40, list(range(30, 70)), [0] * 40, [False] * 40), draws=False)
    assert engine.used[-1] == 2
    pacer.decode(one_token(70), draws=True)
    assert engine.used[-1] == 1


@pytest.mark.parametrize("busy", [1.0, 2.0, 3.0, 4.0, 5.0])
def test_threads_come_back_soon_after_the_cores_are_free_again(busy: float) -> None:
    """Without a look at what lies idle the next trial waits for a hundred times what the last one lost."""
    engine = Contended()
    pacer = Pacer(engine, lambda: engine.now, lambda: engine.idle)
    positions = iter(range(4096))
    while engine.now < busy:
        pacer.decode(one_token(next(positions)), draws=True)
    engine.machine.busy = 0
    while engine.now < busy + 1.5:
        pacer.decode(one_token(next(positions)), draws=True)
    assert engine.used[-20:] == [2] * 20


def test_room_that_is_of_no_use_costs_little() -> None:
    """Idle logical cores of one physical core: more threads are tried again and again, and never faster."""
    machine, policy = Machine(4, busy=1), ThreadPolicy(4)
    machine.run(policy, 50)
    best = sum(machine.step(3) for _ in range(3000))
    policy.room = True
    assert machine.run(policy, 3000) < 1.06 * best
