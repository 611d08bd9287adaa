"""How likely a prompt was to the model: what the engine's own logits say, whatever is cached or runs beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from samovar.core.engine import Batch
from samovar.core.events import Delta, Done, Event, Failed, Finish, PromptProgress, PromptTokens
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime.frames import Generate
from samovar.runtime.jobs import Limits
from samovar.runtime.loop import GenerationLoop, limits_of
from samovar.runtime.scoring import Scores
from tests.conformance.engine_suite import log_probs, story
from tests.runtime.conftest import OpenHouse, chat, told
from tests.runtime.loops import GREEDY, OpenLoop, ask, each
from tests.support.tiny_llama import TinyLlama

PROMPT = tuple(story(77, 150))
SCORED = GenerateRequest(id="s", tokens=PROMPT, prompt_logprobs=3, max_tokens=0, sampling=GREEDY)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama().write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def scored(heard: list[Event]) -> PromptTokens:
    (found,) = [event for event in heard if isinstance(event, PromptTokens)]
    return found


def likelihoods(tokens: PromptTokens) -> npt.NDArray[np.float64]:
    return np.array([token.logprob for token in tokens.tokens[1:]])


def expected(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(rows[np.arange(len(PROMPT) - 1), list(PROMPT[1:])])


def own(loop: GenerationLoop) -> npt.NDArray[np.float64]:
    """What the loop's engine says of the prompt when it is asked directly."""
    for sequence in range(loop.engine.info.parallel):
        loop.engine.remove(sequence, 0)
    count = len(PROMPT)
    return log_probs(loop.engine.decode(Batch(list(PROMPT), list(range(count)), [0] * count, [True] * count)))


@each
def test_likelihoods_are_those_of_the_engine_and_of_an_independent_computation(
    build: str, tiny: Path, open_loop: OpenLoop
) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    drawn, done = ask(loop, heard, SCORED)
    found = scored(heard)
    assert drawn == []
    assert done.usage.completion_tokens == 0
    assert [token.id for token in found.tokens] == list(PROMPT)
    assert found.tokens[0].logprob is None
    assert np.abs(likelihoods(found) - expected(own(loop))).max() < 1e-4
    exact = log_probs(TinyLlama().logits(list(PROMPT)))
    assert np.abs(likelihoods(found) - expected(exact)).max() < 5e-3
    for token, row in zip(found.tokens[1:], exact, strict=False):
        assert [a.logprob for a in token.top] == pytest.approx(np.sort(row)[:-4:-1], abs=5e-3)
        assert token.top[0].piece == loop.engine.piece(token.top[0].id)


@each
def test_a_prompt_that_is_cached_is_computed_again_for_them(build: str, tiny: Path, open_loop: OpenLoop) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    text, _ = ask(loop, heard, replace(SCORED, prompt_logprobs=None, max_tokens=8))
    again, done = ask(loop, heard, replace(SCORED, max_tokens=8))
    assert again == text
    assert done.usage.cached_tokens == 0
    cached = likelihoods(scored(heard))
    _, done = ask(loop, heard, replace(SCORED, prompt_logprobs=None, max_tokens=8))
    assert done.usage.cached_tokens == len(PROMPT)
    assert np.abs(cached - expected(own(loop))).max() < 1e-4


@each
def test_no_step_asks_for_more_rows_than_come_at_ease(
    build: str, tiny: Path, open_loop: OpenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    rows: list[int] = []
    decode = loop.engine.decode

    def note(batch: Batch) -> npt.NDArray[np.float32]:
        rows.append(sum(batch.wanted))
        return decode(batch)

    monkeypatch.setattr(loop.engine, "decode", note)
    ask(loop, heard, SCORED)
    assert sum(rows) == len(PROMPT)
    assert max(rows) <= (loop.engine.info.rows or Limits.rows)


async def test_they_come_before_the_answer_once_for_all_choices(open_house: OpenHouse) -> None:
    answer = await told(await open_house().ask("abc", sampling=GREEDY, prompt_logprobs=0, n=3))
    kinds = [type(event) for event in answer.events if not isinstance(event, PromptProgress)]
    assert kinds[0] is PromptTokens
    assert kinds.count(PromptTokens) == 1
    assert [answer.text(i) for i in range(3)] == ["abc"] * 3
    (tokens,) = [event.tokens for event in answer.events if isinstance(event, PromptTokens)]
    assert b"".join(token.piece for token in tokens).startswith(b"<|im_start|>user\nabc<|im_end|>")
    assert all(token.top == () for token in tokens)


async def test_with_no_tokens_to_draw_an_answer_ends_at_once(open_house: OpenHouse) -> None:
    answer = await told(await open_house().ask("abc", sampling=GREEDY, max_tokens=0, n=2))
    assert answer.finishes == {0: Finish(0, "length"), 1: Finish(1, "length")}
    assert not any(isinstance(event, Delta) for event in answer.events)


async def test_others_stream_on_and_guided_ones_are_scored_too(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=1")
    other = await house.ask("y" * 60, sampling=GREEDY)
    negative = (Part("other", special=False),)
    answers = [
        await told(await house.ask("x" * 150, sampling=GREEDY, prompt_logprobs=1, max_tokens=2)),
        await told(
            await house.ask("abc", sampling=GREEDY, prompt_logprobs=1, guidance_scale=1.5, negative=negative)
        ),
        await told(other),
    ]
    assert [answer.text() for answer in answers] == ["xx", "abc", "y" * 60]
    for answer in answers[:2]:
        (tokens,) = [event.tokens for event in answer.events if isinstance(event, PromptTokens)]
        assert all(token.logprob is not None for token in tokens[1:])


async def test_who_has_to_give_up_its_cells_is_scored_all_the_same(open_house: OpenHouse) -> None:
    house = open_house(cells=260, window=256)
    first = await house.ask("a" * 60, sampling=GREEDY, prompt_logprobs=0)
    second = await house.ask("b" * 60, sampling=GREEDY, prompt_logprobs=0)
    for answer, letter in ((await told(first), "a"), (await told(second), "b")):
        assert answer.text() == letter * 60
        assert sum(isinstance(event, PromptTokens) for event in answer.events) == 1
        assert isinstance(answer.events[-1], Done)


async def test_one_token_has_nothing_before_it(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    answer = await told(
        await worker.generate(GenerateRequest(id="", tokens=(97,), prompt_logprobs=2, max_tokens=0))
    )
    (tokens,) = [event.tokens for event in answer.events if isinstance(event, PromptTokens)]
    assert [(token.piece, token.logprob, token.top) for token in tokens] == [(b"a", None, ())]


def test_logits_that_are_no_numbers_end_the_request_and_not_the_loop(
    tiny: Path, open_loop: OpenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    loop = open_loop("ik", tiny, heard)
    decode = loop.engine.decode
    monkeypatch.setattr(loop.engine, "decode", lambda batch: decode(batch) * np.float32(np.nan))
    loop.handle(Generate(SCORED))
    while not loop.idle:
        loop.step()
    assert isinstance(heard[-1], Failed)
    assert sum(isinstance(event, Failed) for event in heard) == 1
    monkeypatch.setattr(loop.engine, "decode", decode)
    ask(loop, heard, SCORED)
    assert scored(heard)


def test_rows_that_come_twice_count_once() -> None:
    """As after a preemption: the prompt is computed again from its beginning."""
    rows = [np.zeros(8, dtype=np.float32) for _ in range(4)]
    scores = Scores((1, 2, 3, 4), 0, 8, lambda token: bytes([token]))
    assert scores.take(0, rows[:3]) is None
    assert scores.take(0, rows[:2]) is None
    found = scores.take(2, rows[2:])
    assert found is not None
    assert [token.id for token in found.tokens] == [1, 2, 3, 4]
    assert scores.take(3, rows[:1]) is None


def test_limits_follow_the_engine(tiny: Path, open_loop: OpenLoop) -> None:
    loop = open_loop("ik", tiny, [])
    assert limits_of(loop.engine).rows == loop.engine.info.rows > 0
    assert chat("x").prompt_logprobs is None


@each
def test_a_prompt_as_long_as_the_window_is_scored_as_its_beginning_is(
    build: str, tiny: Path, open_loop: OpenLoop
) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    full = tuple(story(78, loop.engine.info.window))
    _, done = ask(loop, heard, replace(SCORED, tokens=full))
    whole = likelihoods(scored(heard))
    assert done.usage.prompt_tokens == len(whole) + 1 == loop.engine.info.window
    ask(loop, heard, replace(SCORED, tokens=full[:-1]))
    np.testing.assert_allclose(likelihoods(scored(heard)), whole[:-1], atol=1e-3)
