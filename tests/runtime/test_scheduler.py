"""What the scheduler does with requests that come together, one by one."""

from dataclasses import replace

import pytest

from samovar.core.errors import Busy, InvalidInput, PromptTooLong
from samovar.runtime.jobs import Job, Limits, Shift
from samovar.runtime.scheduler import Scheduler
from tests.runtime.naive import NaiveShelf


def serve(scheduler: Scheduler, jobs: list[Job], draw: int = 9) -> None:
    """Runs until each of `jobs` has drawn one token and ended."""
    while any(job in scheduler.running or job in scheduler.waiting for job in jobs):
        for work in scheduler.plan().work:
            if work.wanted:
                scheduler.append(work.job, draw)
                scheduler.finish(work.job)


def ask(
    scheduler: Scheduler,
    request: str,
    prompt: list[int],
    *,
    choices: int = 1,
    negative: list[int] | None = None,
    tenant: str = "",
) -> list[Job]:
    return scheduler.submit(Job(request, 0, prompt, len(prompt), tenant), choices, negative)


def make(shelf: NaiveShelf | None = None, **changes: int) -> Scheduler:
    limits = Limits(window=64, cells=256, sequences=3, chunk=16, busy_chunk=4)
    return Scheduler(replace(limits, **changes), shelf)


def test_a_repeated_prompt_computes_only_its_last_token() -> None:
    scheduler = make()
    serve(scheduler, ask(scheduler, "first", [1, 2, 3, 4, 5]))
    (again,) = ask(scheduler, "again", [1, 2, 3, 4, 5])
    (work,) = scheduler.plan().work
    assert again.cached == 4
    assert (work.start, work.count) == (4, 1)


def test_two_chats_with_one_beginning_both_keep_their_cache() -> None:
    scheduler = make()
    system = list(range(10))
    serve(scheduler, ask(scheduler, "a", [*system, *[11] * 20]))
    serve(scheduler, ask(scheduler, "b", [*system, *[12] * 20]))
    (a,) = ask(scheduler, "a again", [*system, *[11] * 20, 1])
    (b,) = ask(scheduler, "b again", [*system, *[12] * 20, 1])
    scheduler.plan()
    assert (a.cached, b.cached) == (30, 30)


def test_a_swipe_takes_the_place_of_the_answer_it_replaces() -> None:
    scheduler = make()
    (first,) = ask(scheduler, "first", [1, 2, 3])
    scheduler.plan()
    for token in range(20):
        scheduler.append(first, token)
        scheduler.plan()
    scheduler.finish(first)
    (swipe,) = ask(scheduler, "swipe", [1, 2, 3])
    scheduler.plan()
    assert swipe.cached == 2
    assert [len(slot.tokens) for slot in scheduler.slots] == [3, 0, 0]


def test_what_two_sequences_share_is_not_moved_under_one_of_them() -> None:
    scheduler = make(can_shift=True, probe=4, window=128)
    system, old, rest = [1, 2, 3], [4] * 20, list(range(10, 40))
    jobs = ask(scheduler, "both", [*system, *old, *rest], choices=2)
    while any(len(job.tokens) == job.prompt for job in jobs):
        for work in scheduler.plan().work:
            if work.wanted:
                scheduler.append(work.job, 90 + work.job.index)
    for job in jobs:
        scheduler.finish(job)
    (slid,) = ask(scheduler, "slid", [*system, *rest, 50])
    assert not [op for op in scheduler.plan().ops if isinstance(op, Shift)]
    assert slid.cached == len(system)


def test_a_guided_pair_computes_what_its_prompts_share_once() -> None:
    scheduler = make()
    (job,) = ask(scheduler, "r", [*range(30), 50], negative=[*range(30), 60, 61])
    computed, steps = 0, 0
    while len(job.tokens) == 31:
        plan = scheduler.plan()
        computed += sum(work.count for work in plan.work)
        if {work.job for work in plan.work if work.wanted} == set(job.pair):
            scheduler.append(job, 9)
        steps += 1
        assert steps < 20
    assert computed == 31 + 2
    assert job.shadow is not None
    assert job.shadow.tokens == [*range(30), 60, 61, 9]


def test_guidance_needs_a_second_sequence() -> None:
    with pytest.raises(InvalidInput, match="--parallel 2"):
        ask(make(sequences=1), "r", [1], negative=[2])


def test_choices_of_one_request_share_the_prompt() -> None:
    scheduler = make()
    jobs = ask(scheduler, "r", list(range(20)), choices=3)
    computed = 0
    while any(len(job.tokens) == 20 for job in jobs):
        for work in scheduler.plan().work:
            computed += work.count if len(work.job.tokens) == 20 else 0
            if work.wanted:
                scheduler.append(work.job, 9)
    assert computed == 20 + 2
    shared = set.intersection(*(set(slot.cells) for slot in scheduler.slots))
    assert len(shared) == 19


def test_a_long_prompt_does_not_stop_a_running_stream() -> None:
    scheduler = make()
    (stream,) = ask(scheduler, "stream", [1])
    scheduler.plan()
    scheduler.append(stream, 2)
    ask(scheduler, "long", [5] * 60)
    for token in range(10):
        works = {work.job: work.count for work in scheduler.plan().work}
        assert works[stream] == 1
        assert sum(works.values()) <= 1 + 4
        scheduler.append(stream, token)


def test_prompts_that_came_together_are_read_one_after_the_other() -> None:
    """In turns, all of them would have their first tokens at the very end."""
    scheduler = make()
    for name in "abc":
        ask(scheduler, name, [ord(name)] * 32)
    ready: dict[str, int] = {}
    for step in range(6):
        for work in scheduler.plan().work:
            if work.wanted:
                ready[work.job.request] = step
                scheduler.finish(work.job)
    assert ready == {"a": 1, "b": 3, "c": 5}


def test_a_short_prompt_overtakes_a_long_one() -> None:
    scheduler = make()
    ask(scheduler, "long", [1] * 60)
    scheduler.plan()
    ask(scheduler, "short", [2] * 10)
    assert [(work.job.request, work.count) for work in scheduler.plan().work] == [("short", 10), ("long", 6)]


def test_short_prompts_without_end_do_not_keep_a_long_one_from_being_read() -> None:
    scheduler = make()
    (long,) = ask(scheduler, "long", [1] * 60)
    for number in range(40):
        ask(scheduler, f"short {number}", [2 + number] * 48)
        while not any(work.wanted for work in scheduler.plan().work):
            pass
        done = next(job for job in scheduler.running if not job.reads_prompt)
        if done is long:
            return
        scheduler.finish(done)
    raise AssertionError("the long one still waits")


def test_when_cells_run_out_the_oldest_goes_on_and_the_younger_waits_with_its_text() -> None:
    scheduler = make(window=20, cells=24)
    (old,) = ask(scheduler, "old", [1] * 8)
    (young,) = ask(scheduler, "young", [2] * 8)
    while young.slot is None or not old.slot or len(old.tokens) < 14:
        for work in scheduler.plan().work:
            if work.wanted:
                scheduler.append(work.job, 7)
        if young in scheduler.waiting and len(young.tokens) > 8:
            break
    assert young in scheduler.waiting
    assert young.tokens[:8] == [2] * 8
    kept = list(young.tokens)
    scheduler.finish(old)
    scheduler.plan()
    assert young.slot is not None
    assert young.tokens == kept


def test_a_prompt_that_fills_the_window_is_refused_with_both_numbers() -> None:
    with pytest.raises(PromptTooLong, match=r"64 tokens.*holds 64"):
        ask(make(), "r", [1] * 64)


@pytest.mark.parametrize("cells", [64, 256])
def test_a_prompt_of_which_nothing_is_said_may_fill_the_window(cells: int) -> None:
    scheduler = make(cells=cells)
    for token in (1, 2, 2):
        (job,) = scheduler.submit(Job("r", 0, [token] * 64, 64, mute=True))
        while job.missing:
            assert scheduler.plan().work
        scheduler.finish(job)
    with pytest.raises(PromptTooLong, match=r"65 tokens.*holds 64"):
        scheduler.submit(Job("r", 0, [1] * 65, 65, mute=True))


def test_a_full_queue_says_so() -> None:
    scheduler = make(queue=1)
    ask(scheduler, "a", [1])
    with pytest.raises(Busy, match="1 requests"):
        ask(scheduler, "b", [1])
