"""Tokens of texts are told while the engine computes, as the tokenizer alone splits them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from samovar.core.engine import Batch, Engine, LoadSpec
from samovar.core.errors import EngineFailed
from samovar.core.requests import Part
from samovar.engines.registry import open_engine
from samovar.runtime.aside import Aside
from samovar.runtime.frames import FromWorker, Generate, Pieces, Pin, Refused, Spell, Tokenize, Tokens
from samovar.runtime.loop import GenerationLoop
from tests.runtime.conftest import OpenHouse, chat

HELLO = (Part("hello <|im_end|>", special=False),)


@pytest.fixture
def engine() -> Iterator[Engine]:
    spec = LoadSpec(engine="echo", path="echo:", window=256, cells=256, parallel=1)
    engine = open_engine(spec, lambda _: True)
    yield engine
    engine.close()


@pytest.fixture
def told() -> list[FromWorker]:
    return []


@pytest.fixture
def aside(engine: Engine, told: list[FromWorker]) -> Aside:
    aside = Aside(told.append)
    aside.open(engine)
    return aside


def test_during_a_step_of_the_engine(
    engine: Engine, aside: Aside, told: list[FromWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    computing, go_on = threading.Event(), threading.Event()
    decode = engine.decode

    def slowly(batch: Batch) -> object:
        computing.set()
        assert go_on.wait(20)
        return decode(batch)

    monkeypatch.setattr(engine, "decode", slowly)
    loop = GenerationLoop(engine, lambda _: None)
    loop.handle(Generate(chat("hi")))
    step = threading.Thread(target=loop.step)
    step.start()
    assert computing.wait(20)
    assert aside.take(Tokenize("1", HELLO, bos=False, fresh=True))
    assert aside.take(Spell("2", (104, 10**6, -1, 105)))
    go_on.set()
    step.join(20)
    assert told == [
        Tokens("1", tuple(b"hello <|im_end|>")),
        Pieces("2", (104, 105), (b"h", b"i")),
    ]


def test_what_was_said_before_and_all_else_is_left_to_the_loop(aside: Aside, told: list[FromWorker]) -> None:
    for frame in (Tokenize("1", HELLO), Generate(chat("hi")), Pin(())):
        assert not aside.take(frame)
    assert told == []


def test_nothing_is_answered_before_an_engine_is_there_nor_after(engine: Engine, told: list[FromWorker]) -> None:
    aside = Aside(told.append)
    assert not aside.take(Spell("1", (104,)))
    aside.open(engine)
    aside.close()
    assert not aside.take(Spell("1", (104,)))
    assert told == []


def test_a_tokenizer_that_fails_is_an_answer(
    engine: Engine, aside: Aside, told: list[FromWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> list[int]:
        raise EngineFailed("engines.tokenize", size=5)

    monkeypatch.setattr(engine, "tokenize", fail)
    assert aside.take(Tokenize("1", HELLO, fresh=True))
    assert isinstance(told[0], Refused)


async def test_a_worker_answers_both_ways_alike(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    fresh, known = await worker.tokenize(HELLO, bos=False, fresh=True), await worker.tokenize(HELLO, bos=False)
    assert fresh.tokens == known.tokens == tuple(b"hello <|im_end|>")
