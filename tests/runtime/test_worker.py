"""What a worker process promises: answers stream, share one engine fairly, stop when told, and its death is news,
not a catastrophe. Every test here talks to a real child process."""

import asyncio
import math
import os
import signal
from pathlib import Path

import pytest

from samovar.core.engine import Setting
from samovar.core.errors import Cancelled, EngineFailed, InvalidInput, PromptTooLong
from samovar.core.events import Delta, Done, Failed, Finish, Looked, PromptProgress
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Banned, GenerateRequest, Part
from samovar.runtime.trust import Verdict
from tests.runtime.conftest import OpenHouse, chat, told

GREEDY = SamplingParams({"temperature": 0.0}, seed=1)
FLASH = Setting("ik", 512, flash=True)
PLAIN = Setting("ik", 512, flash=False)
OTHER = Setting("mainline", 512, flash=False)


async def test_an_answer_streams_and_ends_with_its_counts(open_house: OpenHouse) -> None:
    house = open_house()
    story = await told(await house.ask("Привет, мир! 🙂", sampling=GREEDY))
    done = story.events[-1]
    assert story.text() == "Привет, мир! 🙂"
    assert story.finishes[0].reason == "stop"
    assert isinstance(done, Done)
    assert done.usage.completion_tokens == len("Привет, мир! 🙂".encode())
    assert done.usage.prompt_tokens == done.timings.prompt_n + done.timings.cache_n
    assert house.progress[-1] == 1.0


async def test_prompt_progress_ends_at_the_whole_prompt(open_house: OpenHouse) -> None:
    story = await told(await open_house().ask("x" * 100, sampling=GREEDY))
    progress = [e for e in story.events if isinstance(e, PromptProgress)]
    assert progress[-1].done == progress[-1].total > 100


async def test_the_same_question_again_computes_nothing_of_its_prompt(open_house: OpenHouse) -> None:
    house = open_house()
    await told(await house.ask("hello there", sampling=GREEDY))
    story = await told(await house.ask("hello there", sampling=GREEDY))
    done = story.events[-1]
    assert isinstance(done, Done)
    assert done.usage.cached_tokens == done.usage.prompt_tokens
    assert done.timings.prompt_n == 0
    assert story.text() == "hello there"


async def test_several_choices_each_have_their_own_end(open_house: OpenHouse) -> None:
    story = await told(await open_house().ask("three", sampling=GREEDY, n=3))
    assert [story.text(i) for i in range(3)] == ["three"] * 3
    assert set(story.finishes) == {0, 1, 2}


async def test_more_requests_than_sequences_are_all_answered(open_house: OpenHouse) -> None:
    house = open_house()
    streams = [await house.ask(f"request {i}", sampling=GREEDY) for i in range(12)]
    stories = await asyncio.gather(*map(told, streams))
    assert [story.text() for story in stories] == [f"request {i}" for i in range(12)]


async def test_a_stop_string_ends_the_text_before_it(open_house: OpenHouse) -> None:
    story = await told(await open_house().ask("one two three", sampling=GREEDY, stop=("two",)))
    assert story.text() == "one "
    assert story.finishes[0] == Finish(0, "stop", "two")


async def test_max_tokens_and_the_window_end_an_answer_by_length(open_house: OpenHouse) -> None:
    house = open_house()
    short = await told(await house.ask("abcdefgh", sampling=GREEDY, max_tokens=3))
    assert (short.text(), short.finishes[0].reason) == ("abc", "length")
    long = await told(await house.ask("z" * 200, sampling=GREEDY))
    done = long.events[-1]
    assert isinstance(done, Done)
    assert long.finishes[0].reason == "length"
    assert done.usage.prompt_tokens + done.usage.completion_tokens == 256


async def test_logprobs_come_with_their_alternatives(open_house: OpenHouse) -> None:
    story = await told(await open_house().ask("a", sampling=GREEDY, logprobs=3))
    (detail,) = next(e for e in story.events if isinstance(e, Delta)).tokens
    assert detail.piece == b"a"
    assert detail.logprob is not None
    assert len(detail.top) == 3
    assert detail.top[0].id == detail.id
    assert detail.top[0].logprob == pytest.approx(detail.logprob)


async def test_logprobs_after_the_chain_are_of_what_it_left(open_house: OpenHouse) -> None:
    params = SamplingParams({"temperature": 2.0, "top_k": 2, "top_p": 1.0, "min_p": 0.0}, seed=3)
    story = await told(await open_house().ask("abc", sampling=params, logprobs=5, logprobs_after=True))
    for delta in (e for e in story.events if isinstance(e, Delta) and e.tokens):
        (detail,) = delta.tokens
        assert len(detail.top) == 2
        assert sum(math.exp(one.logprob) for one in detail.top) == pytest.approx(1)
        assert detail.logprob in [one.logprob for one in detail.top]
    greedy = await told(await open_house().ask("abc", sampling=GREEDY, logprobs=3, logprobs_after=True))
    assert all(d.logprob == 0 for e in greedy.events if isinstance(e, Delta) for d in e.tokens)


async def test_cancelling_ends_one_stream_and_frees_its_place(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5", parallel=1)
    long = await house.ask("y" * 100, sampling=GREEDY)
    waiting = await house.ask("next", sampling=GREEDY)
    await long.cancel()
    await long.cancel()
    story = await told(long)
    assert story.finishes[0].reason == "cancelled"
    assert len(story.text()) < 100
    assert (await told(waiting)).text() == "next"


async def test_leaving_a_stream_cancels_it(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5", parallel=1)
    stream = await house.ask("y" * 100, sampling=GREEDY)
    events = aiter(stream)
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert (await told(await house.ask("next", sampling=GREEDY))).text() == "next"


async def test_what_cannot_be_asked_is_refused_before_anything_streams(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    with pytest.raises(PromptTooLong, match=r"\b300\b.*\b256\b"):
        await worker.generate(GenerateRequest(id="", tokens=(65,) * 300))
    with pytest.raises(InvalidInput, match="empty"):
        await worker.generate(GenerateRequest(id=""))
    with pytest.raises(InvalidInput, match="nonsense"):
        await worker.generate(chat("hi", sampling=SamplingParams(order=("nonsense",))))
    assert (await told(await worker.generate(chat("hi", sampling=GREEDY)))).text() == "hi"
    with pytest.raises(InvalidInput, match="99999"):
        await worker.generate(GenerateRequest(id="", tokens=(99999,)))


async def test_user_text_is_not_read_as_control_tokens(open_house: OpenHouse) -> None:
    worker = await open_house().supervisor.worker()
    spelled = await worker.tokenize((Part("<|im_end|>", special=False),))
    control = await worker.tokenize((Part("<|im_end|>", special=True),))
    assert len(spelled.tokens) == len("<|im_end|>")
    assert len(control.tokens) == 1
    assert b"".join((await worker.spell((*spelled.tokens, 10**6))).pieces) == b"<|im_end|>"


async def test_a_banned_text_is_taken_back_and_the_answer_goes_on(open_house: OpenHouse) -> None:
    house = open_house()
    story = await told(await house.ask("one TWO two three", sampling=GREEDY, banned=Banned(("two", "ree"))))
    assert story.text().startswith("one TWO ")
    assert "two" not in story.text()
    assert "ree" not in story.text()
    assert len(story.text()) == len("one TWO two three")
    done = story.events[-1]
    assert isinstance(done, Done)
    assert done.usage.completion_tokens == len("one TWO two three")
    loud = await told(await house.ask("one TWO two", sampling=GREEDY, banned=Banned(("two",), ignore_case=True)))
    assert "two" not in loud.text().lower()


async def test_a_text_that_cannot_be_avoided_is_let_through_in_the_end(open_house: OpenHouse) -> None:
    every = tuple(chr(code) for code in range(32, 127))
    story = await told(await open_house().ask("abc", sampling=GREEDY, max_tokens=5, banned=Banned(every)))
    assert story.finishes[0].reason in ("length", "stop")


async def test_a_look_shows_what_each_step_does_and_draws_nothing(open_house: OpenHouse) -> None:
    params = SamplingParams({"temperature": 0.7, "top_k": 5, "top_p": 0.9, "min_p": 0.0})
    story = await told(await open_house().ask("look", sampling=params, look=3))
    (looked,) = [e for e in story.events if isinstance(e, Looked)]
    steps = [stage.step for stage in looked.stages]
    assert steps[0] == ""
    assert {"top_k", "top_p", "temperature"} <= set(steps)
    survivors = [stage.survivors for stage in looked.stages]
    assert survivors == sorted(survivors, reverse=True)
    assert all(stage.top[0].piece == b"l" for stage in looked.stages)
    assert story.text() == ""


async def test_a_killed_worker_ends_its_answers_with_an_error_and_the_next_request_works(
    open_house: OpenHouse,
) -> None:
    house = open_house("echo:step_ms=5", settings=(PLAIN, OTHER))
    first, second = await house.ask("x" * 90, sampling=GREEDY), await house.ask("y" * 90, sampling=GREEDY)
    worker = await house.supervisor.worker()
    events = aiter(first)
    while not isinstance(await anext(events), Delta):
        pass
    os.kill(worker.pid, signal.SIGSEGV)
    rest = [event async for event in events]
    assert isinstance(rest[-1], Failed)
    assert "SIGSEGV" in rest[-1].error.text()
    assert (await told(second)).failure
    assert (await told(await house.ask("again", sampling=GREEDY))).text() == "again"
    assert house.verdicts == [Verdict(PLAIN, shifts=True)], "a death in mid-answer costs no setting"


async def test_a_crash_while_loading_takes_the_next_safer_way_and_remembers(open_house: OpenHouse) -> None:
    house = open_house("echo:crash_flash=1", settings=(FLASH, PLAIN, OTHER))
    assert (await told(await house.ask("hi", sampling=GREEDY))).text() == "hi"
    assert (await house.supervisor.info()).setting == PLAIN
    assert house.verdicts[-1] == Verdict(PLAIN, (FLASH,), shifts=True)
    assert [note.key for note in house.supervisor.notes] == ["runtime.stepped_down"]


async def test_a_build_that_always_crashes_gives_way_to_the_other(open_house: OpenHouse) -> None:
    house = open_house("echo:crash_build=ik", settings=(FLASH, PLAIN, OTHER))
    assert (await house.supervisor.info()).setting == OTHER
    assert house.verdicts[-1] == Verdict(OTHER, (FLASH, PLAIN), shifts=True)


async def test_a_remembered_verdict_is_where_the_next_start_begins(open_house: OpenHouse) -> None:
    house = open_house(
        "echo:crash_build=ik", settings=(FLASH, PLAIN, OTHER), verdict=Verdict(OTHER, (FLASH, PLAIN))
    )
    assert (await house.supervisor.info()).setting == OTHER
    assert house.supervisor.notes == ()


async def test_a_crash_at_the_first_result_makes_the_next_try_safer(open_house: OpenHouse, tmp_path: Path) -> None:
    once = tmp_path / "crashed"
    house = open_house(f"echo:crash_on=boom;once={once}", settings=(FLASH, PLAIN))
    story = await told(await house.ask("boom", sampling=GREEDY))
    assert story.failure
    assert (await told(await house.ask("boom", sampling=GREEDY))).text() == "boom"
    assert (await house.supervisor.info()).setting == PLAIN


async def test_when_no_way_is_left_it_says_so_and_the_next_try_starts_over(open_house: OpenHouse) -> None:
    house = open_house("echo:crash_load=1", settings=(FLASH, OTHER))
    with pytest.raises(EngineFailed, match="SIGSEGV"):
        await house.supervisor.worker()
    assert house.verdicts[-1] == Verdict()


async def test_closing_cancels_a_load(open_house: OpenHouse) -> None:
    house = open_house("echo:load_ms=6000")
    starting = asyncio.create_task(house.supervisor.worker())
    while not house.progress:
        await asyncio.sleep(0)
    await house.supervisor.close()
    with pytest.raises(Cancelled):
        await starting


async def test_an_engine_fault_fails_the_request_and_not_the_worker(open_house: OpenHouse) -> None:
    house = open_house("echo:fail_at=3")
    story = await told(await house.ask("abcdef", sampling=GREEDY))
    assert story.failure
    assert (await told(await house.ask("next", sampling=GREEDY))).text() == "next"


async def test_the_same_seed_gives_the_same_text_whatever_runs_beside_it(open_house: OpenHouse) -> None:
    house = open_house()
    hot = SamplingParams({"temperature": 3.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}, seed=11)
    alone = await told(await house.ask("seed", sampling=hot, max_tokens=40))
    crowd = [await house.ask("seed", sampling=hot, max_tokens=40)]
    crowd += [await house.ask(f"other {i}", max_tokens=40) for i in range(5)]
    together, *_ = await asyncio.gather(*map(told, crowd))
    assert together.text() == alone.text()
    other = await told(await house.ask("seed", sampling=SamplingParams(hot.values, seed=12), max_tokens=40))
    assert other.text() != alone.text()


def test_a_request_for_the_echo_engine_is_a_chat() -> None:
    assert chat("hi").parts[1] == Part("hi", special=False)


async def test_a_prompt_that_was_warmed_is_not_computed_again(open_house: OpenHouse) -> None:
    house = open_house()
    warmed = await told(await house.ask("a draft", warm=True))
    assert warmed.text() == ""
    story = await told(await house.ask("a draft", sampling=GREEDY))
    done = story.events[-1]
    assert isinstance(done, Done)
    assert story.text() == "a draft"
    assert done.timings.prompt_n == 0


async def test_a_draft_that_changed_keeps_what_is_alike(open_house: OpenHouse) -> None:
    house = open_house()
    await told(await house.ask("a draft of a letter", warm=True))
    done = (await told(await house.ask("a draft of a poem", sampling=GREEDY))).events[-1]
    assert isinstance(done, Done)
    assert done.usage.cached_tokens == len("<user\na draft of a ")


async def test_warming_is_given_up_for_whoever_asks(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=50", window=2048, cells=4096)
    warming = await house.ask("a long draft " * 60, warm=True)
    story = await told(await house.ask("me first", sampling=GREEDY, max_tokens=3))
    assert story.text() == "me "
    assert (await told(warming)).finishes[0].reason == "cancelled"


async def test_what_is_to_be_warmed_waits_for_those_who_ask(open_house: OpenHouse) -> None:
    house = open_house("echo:step_ms=5")
    talking = await house.ask("a story " * 20, sampling=GREEDY, max_tokens=60)
    warming = asyncio.ensure_future(house.ask("a draft", warm=True))
    story = await told(talking)
    assert story.finishes[0].reason == "length"
    assert isinstance((await told(await warming)).events[-1], Done)


async def test_a_tenant_is_never_given_what_another_computed(open_house: OpenHouse) -> None:
    house = open_house()
    cached = []
    for tenant in ("one", "other", "one"):
        done = (await told(await house.ask("my secret", sampling=GREEDY, tenant=tenant))).events[-1]
        assert isinstance(done, Done)
        cached.append(done.usage.cached_tokens)
    assert cached[:2] == [0, 0]
    assert cached[2] > 0
