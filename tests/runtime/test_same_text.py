"""Whatever is cached, copied, saved, restored, evicted, cancelled, guessed or computed beside it, a prompt gets
the text that it gets alone and cold; and when everyone is served, the cells in use are those of the idle caches."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.core.engine import Batch, Engine, LoadSpec, Setting
from samovar.core.events import Delta, Done, Event, Failed, Finish
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest, Part
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.registry import open_engine
from samovar.runtime.frames import Cancel, FromWorker, Generate, Happened
from samovar.runtime.jobs import Job
from samovar.runtime.kv import Tiers, open_tiers
from samovar.runtime.loop import GenerationLoop, limits_of
from samovar.runtime.prompt import Prompts
from samovar.runtime.shelf import TierShelf
from samovar.sampling.guidance import Logits, guided
from tests.runtime.speculation.conftest import Told
from tests.support.gathering import gathering_always
from tests.support.tiny_llama import Shape, TinyLlama

GREEDY = SamplingParams({"temperature": 0.0})
MOST = 10
"""Tokens of an answer."""

TIE = 2e-3
"""A lead that is none: `mainline` differs from itself by 6e-4 between batches of one token and of several."""

SYSTEM = [10 + i * 7 % 190 for i in range(40)]
NOTES = [200 - i * 5 % 170 for i in range(30)]
TALKS = [[20 + (i * i + 31 * talk) % 180 for i in range(90)] for talk in range(3)]

NEGATIVE = (Part("The dull and sober talk of bankers.", False),)

Prompt = tuple[int, ...]
scales = st.sampled_from([1.0, 1.0, 1.0, 1.5])
"""Of guidance: three in four are asked without."""
prompts = st.builds(
    lambda talk, length, tail: (*SYSTEM, *TALKS[talk][:length], *tail),
    st.integers(0, 2),
    st.integers(0, 90),
    st.lists(st.integers(10, 200), max_size=3),
)
changed = st.builds(
    lambda talk, note, at: (*SYSTEM, *TALKS[talk][:at], *NOTES[:note], *TALKS[talk][at:]),
    st.integers(0, 1),
    st.integers(0, 30),
    st.sampled_from([0, 0, 20]),
)
asks = st.tuples(st.just("ask"), prompts, st.integers(1, 2), scales)
others = st.tuples(st.sampled_from(["step", "step", "cancel", "tidy", "restart", "again"]), st.integers(0, 9))
schedules = st.lists(st.one_of(asks, asks, others), min_size=2, max_size=14)
insertions = st.tuples(st.just("ask"), changed, st.integers(1, 2), scales)
changes = st.lists(st.one_of(insertions, insertions, others), min_size=2, max_size=14)

WAYS = (
    Setting("ik", 512, False),
    Setting("ik", 512, True, apart=True),
    Setting("ik", 512, False, apart=True),
    Setting("mainline", 512, False),
)

pytestmark = pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            id="-".join((way.build, *("apart" * way.apart,), *("flash" * way.flash,))),
            marks=pytest.mark.skipif(
                not importlib.util.find_spec(PACKAGES[way.build][0]),  # type: ignore[index]
                reason=f"the {way.build} build of libllama is not installed",
            ),
        )
        for way in WAYS
    ],
)


@cache
def model(layers: int) -> Path:
    return TinyLlama(Shape(layers=layers), seed=11).write(
        Path(tempfile.mkdtemp(prefix="samovar-test-")) / "tiny.gguf"
    )


def open_tiny(way: Setting, parallel: int, layers: int) -> Engine:
    spec = LoadSpec(
        engine="llama",
        path=str(model(layers)),
        window=256,
        cells=448,
        gathered=768 if way.apart and not way.flash else 0,
        parallel=parallel,
        threads=1,
        settings=(way,),
        trusted=0,
    )
    engine = open_engine(spec, lambda _: True)
    return gathering_always(engine) if spec.gathered else engine


@cache
def references() -> dict[tuple[Setting, int], Engine]:
    """Those that are open."""
    return {}


def reference(way: Setting, layers: int) -> Engine:
    if (way, layers) not in references():
        references()[way, layers] = open_tiny(way, 2, layers)
    return references()[way, layers]


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    """A process has 64 contexts of ggml with `ik`, and ends where it needs one more."""
    yield
    while references():
        references().popitem()[1].close()


@cache
def alone(way: Setting, layers: int, prompt: Prompt, scale: float = 1.0) -> tuple[list[int], list[float]]:
    """The greedy answer of fresh sequences to nothing but the prompt and, where `scale` asks for guidance, the
    negative one; and by how much each token won, as a difference of logits."""
    engine = reference(way, layers)
    for sequence in range(2):
        engine.remove(sequence, 0)
    negative = Prompts(engine).negative(request("", prompt, scale), list(prompt))
    read = [list(prompt), *([negative] if negative else [])]
    new, said, leads = read, list[int](), list[float]()
    while len(said) < MOST:
        rows = [last_row(engine, sequence, *both) for sequence, both in enumerate(zip(read, new, strict=True))]
        row = guided(rows[0], rows[1], scale) if negative else rows[0]
        second, first = np.sort(row)[-2:]
        leads.append(float(first - second) / (2 * scale - 1))
        token = int(row.argmax())
        if token in engine.info.end_tokens:
            break
        said.append(token)
        new = [[token]] * len(read)
        read = [[*tokens, token] for tokens in read]
    return said, leads


def request(id: str, prompt: Prompt, scale: float, choices: int = 1) -> GenerateRequest:
    guidance = {"guidance_scale": scale, "negative": NEGATIVE if scale != 1 else ()}
    return msgspec.structs.replace(
        GenerateRequest(id=id, tokens=prompt, sampling=GREEDY, max_tokens=MOST, n=choices), **guidance
    )


def last_row(engine: Engine, sequence: int, tokens: list[int], new: list[int]) -> Logits:
    """What comes after `tokens`, of which only the `new` last ones are not in the sequence yet."""
    places = list(range(len(tokens) - len(new), len(tokens)))
    wanted = [False] * (len(new) - 1) + [True]
    (row,) = engine.decode(Batch(new, places, [sequence] * len(new), wanted))
    return np.array(row)


class House:
    """A loop over a real engine and real tiers, which can be closed and opened again."""

    def __init__(self, way: Setting, folder: Path, *, layers: int = 2, reuse_shifted: bool = False) -> None:
        self._way, self._folder = way, folder
        self._layers, self._reuse_shifted = layers, reuse_shifted
        self._heard: dict[str, list[Event]] = {}
        self._asked: dict[str, tuple[Prompt, float]] = {}
        self._open()

    def _open(self) -> None:
        self.engine = open_tiny(self._way, 3, self._layers)
        self.tiers: Tiers = open_tiers(str(self._folder), self.engine.info.cache_id, ram=400_000, disk=50_000_000)
        limits = limits_of(self.engine, reuse_shifted=self._reuse_shifted)
        self.loop = GenerationLoop(self.engine, self._hear, limits, TierShelf(self.tiers), Told(self._guess))

    def _guess(self, job: Job) -> list[int]:
        """How the answer goes on, with every third token wrong."""
        whole, _ = alone(self._way, self._layers, tuple(job.tokens[: job.prompt]))
        said = len(job.tokens) - job.prompt
        return [token if (said + i) % 3 else (token + 1) % 200 for i, token in enumerate(whole[said : said + 5])]

    def _hear(self, frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        self._heard.setdefault(frame.id, []).append(frame.event)

    def ask(self, prompt: Prompt, choices: int, scale: float = 1.0) -> None:
        id = str(len(self._asked))
        self._asked[id] = prompt, scale
        self.loop.handle(Generate(request(id, prompt, scale, choices)))

    def again(self, which: int) -> None:
        """A swipe of an earlier question."""
        if self._asked:
            prompt, scale = list(self._asked.values())[which % len(self._asked)]
            self.ask(prompt, 1, scale)

    def cancel(self, which: int) -> None:
        self.loop.handle(Cancel(str(which)))

    def step(self, count: int) -> None:
        for _ in range(count + 1):
            if not self.loop.idle:
                self.loop.step()

    def finish(self) -> None:
        while not self.loop.idle:
            self.loop.step()

    def restart(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        try:
            self.finish()
            self.loop.put_away()
        finally:
            self.tiers.close(60)
            self.engine.close()

    def check(self) -> None:
        for id, events in self._heard.items():
            assert not any(isinstance(event, Failed) for event in events), events
            assert isinstance(events[-1], Done)
            whole, leads = alone(self._way, self._layers, *self._asked[id])
            for end in (event for event in events if isinstance(event, Finish)):
                said = [t.id for e in events if isinstance(e, Delta) and e.index == end.index for t in e.tokens]
                if end.reason == "cancelled":
                    whole = whole[: len(said)]
                differs = next((i for i, (a, b) in enumerate(zip_longest(said, whole)) if a != b), None)
                assert differs is None or leads[differs] < TIE, (id, end, said, whole)
        slots = self.loop.scheduler.slots
        used = set[int]().union(*(slot.cells for slot in slots))
        assert self.loop.scheduler.caches.cells.free + len(used) == self.engine.info.cells
        assert not any(slot.busy or slot.restoring for slot in slots)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedule=schedules)
def test_two_hundred_schedules_give_the_texts_of_cold_single_runs(
    way: Setting, schedule: list[tuple[str, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = House(way, Path(folder))
        try:
            run(house, schedule)
            house.check()
        finally:
            house.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedule=changes)
def test_what_is_moved_behind_inserted_text_is_what_was_to_be_there(
    way: Setting, schedule: list[tuple[str, ...]]
) -> None:
    """With one layer nothing of it is approximate: keys and values do not depend on what stands before them."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(way, Path(folder), layers=1, reuse_shifted=True)
        try:
            run(house, schedule)
            house.check()
        finally:
            house.close()


def run(house: House, schedule: list[tuple[str, ...]]) -> None:
    for name, *values in schedule:
        match name:
            case "ask":
                house.ask(*values)
            case "step":
                house.step(values[0])
            case "cancel":
                house.cancel(values[0])
            case "again":
                house.again(values[0])
            case "tidy":
                house.finish()
                house.loop.tidy()
            case "restart":
                house.restart()
    house.finish()


def test_a_question_after_a_restart_finds_its_cache_on_disk(way: Setting, tmp_path: Path) -> None:
    house = House(way, tmp_path)
    prompt = (*SYSTEM, *TALKS[0])
    house.ask(prompt, 1)
    house.restart()
    house.ask(prompt, 1)
    house.finish()
    house.check()
    done = house._heard["1"][-1]
    assert isinstance(done, Done)
    assert done.usage.cached_tokens == len(prompt) - 1
    house.close()
