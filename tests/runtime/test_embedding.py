"""What a worker promises of embeddings: right vectors, streams that go on beside them, faults that are answered."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from samovar.core.engine import EngineInfo, LoadSpec
from samovar.core.errors import InvalidInput, PromptTooLong
from samovar.core.events import Delta
from samovar.engines.echo import WIDTH
from samovar.engines.registry import open_engine
from samovar.runtime.embedding import Embedder
from samovar.runtime.frames import Embed, FromWorker, Generate, Happened, Vectors
from samovar.runtime.loop import GenerationLoop
from samovar.runtime.pacer import Pacer
from samovar.runtime.prompt import Prompts
from tests.runtime.conftest import OpenHouse, chat


def numbers(vector: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(vector, dtype=np.float32)


def echoed(text: bytes) -> npt.NDArray[np.float64]:
    """The echo engine's vector of a text: its bytes counted round the width."""
    counts = np.bincount(np.frombuffer(text, dtype=np.uint8) % WIDTH, minlength=WIDTH).astype(np.float64)
    return np.asarray(counts / np.linalg.norm(counts))


async def test_texts_and_tokens_become_vectors_of_length_one(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    texts: tuple[str | tuple[int, ...], ...] = ("hello", "Привет", "a long text " * 20, tuple(b"hello"))
    embedded = await worker.embed(texts)
    assert embedded.tokens == sum(len(t.encode()) if isinstance(t, str) else len(t) for t in texts)
    for text, vector in zip(texts, embedded.vectors, strict=True):
        expected = echoed(text.encode() if isinstance(text, str) else bytes(text))
        assert np.abs(numbers(vector) - expected).max() < 1e-6


async def test_control_texts_are_embedded_as_what_they_look_like(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    (vector,) = (await worker.embed(("<|im_end|>",))).vectors
    assert np.abs(numbers(vector) - echoed(b"<|im_end|>")).max() < 1e-6


async def test_what_cannot_be_embedded_is_refused_with_its_numbers(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    with pytest.raises(PromptTooLong, match=r"2\b.*\b300\b.*\b256\b"):
        await worker.embed(("short", "x" * 300))
    with pytest.raises(InvalidInput, match="empty"):
        await worker.embed(("",))
    with pytest.raises(InvalidInput, match="99999"):
        await worker.embed(((5, 99999),))
    assert (await worker.embed(("x" * 300,), truncate=True)).tokens == 256
    assert (await worker.embed(())).vectors == ()


async def test_requests_of_several_are_all_answered(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    answers = await asyncio.gather(*(worker.embed((f"text {i}", "b")) for i in range(8)))
    for i, embedded in enumerate(answers):
        assert np.abs(numbers(embedded.vectors[0]) - echoed(f"text {i}".encode())).max() < 1e-6


async def test_a_caller_who_leaves_frees_the_engine(open_house: OpenHouse) -> None:
    worker = await open_house("echo:step_ms=20").supervisor.worker()
    left = asyncio.create_task(worker.embed(("x" * 200,) * 500))
    await worker.tokenize(())
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    embedded = await worker.embed(("next",))
    assert np.abs(numbers(embedded.vectors[0]) - echoed(b"next")).max() < 1e-6


def open_loop(frames: list[FromWorker]) -> GenerationLoop:
    spec = LoadSpec(engine="echo", path="echo:", window=1000, cells=1000, parallel=2)
    return GenerationLoop(open_engine(spec, lambda _: True), frames.append)


def test_a_stream_draws_a_token_between_any_two_pieces_of_a_text() -> None:
    frames: list[FromWorker] = []
    loop = open_loop(frames)
    loop.handle(Generate(chat("y" * 10)))
    while not any(isinstance(frame, Happened) and isinstance(frame.event, Delta) for frame in frames):
        loop.step()
    loop.handle(Embed("e", ("x" * 900,)))
    frames.clear()
    while not loop.idle:
        loop.step()
    at = next(i for i, frame in enumerate(frames) if isinstance(frame, Vectors))
    events = [frame.event for frame in frames[:at] if isinstance(frame, Happened)]
    assert sum(isinstance(event, Delta) for event in events) >= 9


@pytest.mark.parametrize(("pooling", "expected"), [("first", 3), ("last", 7)])
def test_a_model_that_says_so_is_asked_for_one_token_of_a_text(pooling: str, expected: int) -> None:
    spec = LoadSpec(engine="echo", path="echo:", window=1000, cells=1000, parallel=2)
    engine = open_engine(spec, lambda _: True)
    info: EngineInfo = replace(engine.info, pooling=pooling)
    frames: list[FromWorker] = []
    embedder = Embedder(info, Pacer(engine), Prompts(engine), frames.append, chunk=2)
    embedder.take(Embed("e", ((3, 5, 5, 5, 7),)))
    while embedder.busy:
        embedder.step()
    (answer,) = frames
    assert isinstance(answer, Vectors)
    assert numbers(answer.vectors[0]).argmax() == expected
