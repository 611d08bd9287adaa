"""Text that was inserted in the middle of a prompt: what stands behind it is moved, where that was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.events import Delta, Done, Event, PromptProgress
from samovar.core.requests import GenerateRequest
from samovar.runtime.inserting import Piece, pieces_alike
from samovar.runtime.jobs import Job, Plan, Save, Shift
from samovar.runtime.scheduler import Scheduler
from tests.runtime.loops import GREEDY, OpenLoop, ask, each
from tests.runtime.naive import NaiveShelf
from tests.runtime.test_scheduler import ask as submit
from tests.runtime.test_scheduler import make, serve
from tests.support.tiny_llama import Array, Cache, Shape, TinyLlama

HEAD, OLD, REST = [20 + i % 150 for i in range(30)], [30 + i * 3 % 170 for i in range(20)], list(range(60, 210))
NEW, END = [15 + i * 11 % 190 for i in range(50)], [9, 10]
TOLERANCE = 5e-3
"""What 16-bit keys and values cost."""

few_tokens = st.lists(st.integers(0, 3), max_size=40)


@given(held=few_tokens, wanted=few_tokens, start=st.integers(0, 5), probe=st.integers(1, 6))
def test_pieces_are_alike_long_enough_and_in_one_order(
    held: list[int], wanted: list[int], start: int, probe: int
) -> None:
    behind, at = start, start
    for piece in pieces_alike(held, wanted, start, probe):
        assert piece.count >= probe
        assert held[piece.held : piece.behind] == wanted[piece.start : piece.end]
        assert piece.held >= behind
        assert piece.start >= at
        behind, at = piece.behind, piece.end


@given(
    head=st.integers(0, 9),
    old=st.integers(0, 9),
    new=st.lists(st.integers(-9, -1), max_size=9),
    rest=st.integers(4, 40),
    probe=st.integers(1, 4),
)
def test_what_stands_behind_a_change_is_found_whole(
    head: int, old: int, new: list[int], rest: int, probe: int
) -> None:
    held = list(range(head + old + rest))
    wanted = held[:head] + new + held[head + old :]
    found = pieces_alike(held, [*wanted, -1], head, probe)
    assert found == [Piece(head + old, head + len(new), rest)]


def changed(scheduler: Scheduler, prompt: list[int]) -> tuple[Job, int, list[Plan]]:
    """Asks for `prompt`; the tokens that were computed for it, and what was done."""
    (job,) = submit(scheduler, "changed", prompt)
    plans, computed = [], 0
    while job in scheduler.waiting or job in scheduler.running:
        plan = scheduler.plan()
        plans.append(Plan(list(plan.ops), list(plan.work)))
        computed += sum(work.count for work in plan.work)
        for work in plan.work:
            if work.wanted:
                scheduler.finish(work.job)
    return job, computed, plans


def told(*, reuse_shifted: bool = True, **limits: int) -> Scheduler:
    """A scheduler that has answered a first prompt."""
    chosen = {"window": 512, "cells": 1024, "can_shift": True, "reuse_shifted": reuse_shifted} | limits
    scheduler = make(NaiveShelf(), **chosen)
    serve(scheduler, submit(scheduler, "first", [*HEAD, *OLD, *REST]))
    return scheduler


def test_unless_it_is_asked_for_nothing_is_moved() -> None:
    job, computed, plans = changed(told(reuse_shifted=False), [*HEAD, *NEW, *REST, *END])
    assert (job.cached, job.approximate) == (len(HEAD), 0)
    assert computed == len(NEW) + len(REST) + len(END)
    assert not any(isinstance(op, Shift) for plan in plans for op in plan.ops)


def test_only_what_is_new_is_computed() -> None:
    job, computed, _ = changed(told(), [*HEAD, *NEW, *REST, *END])
    assert computed == len(NEW) + len(END)
    assert (job.cached, job.approximate) == (len(HEAD) + len(REST), len(REST))


def test_two_changes_leave_two_pieces() -> None:
    first, second = REST[:75], REST[75:]
    job, computed, _ = changed(told(), [*HEAD, *NEW, *first, *NEW, *second, *END])
    assert computed == 2 * len(NEW) + len(END)
    assert job.approximate == len(REST)


def test_the_same_prompt_without_a_change_stays_exact() -> None:
    job, _, _ = changed(told(), [*HEAD, *OLD, *REST, *END])
    assert job.approximate == 0


def test_whoever_goes_on_with_what_was_moved_is_told() -> None:
    scheduler = told()
    prompt = [*HEAD, *NEW, *REST, *END]
    changed(scheduler, prompt)
    job, _, _ = changed(scheduler, [*prompt, 5, 6])
    assert job.cached == len(prompt)
    assert job.approximate == job.cached - len(HEAD) - len(NEW)


def test_what_was_moved_is_not_put_on_the_shelf() -> None:
    scheduler = told()
    _, _, plans = changed(scheduler, [*HEAD, *NEW, *REST, *END])
    saved = [op.tokens for plan in plans for op in plan.ops if isinstance(op, Save)]
    assert saved == [(*HEAD, *OLD, *REST)], "only what was exact, before it was taken apart"
    assert scheduler.unsaved() is None


def test_without_a_second_sequence_it_is_computed() -> None:
    _, computed, _ = changed(told(sequences=1), [*HEAD, *NEW, *REST, *END])
    assert computed == len(NEW) + len(REST) + len(END)


def test_leaving_before_it_has_arrived_frees_both_sequences() -> None:
    scheduler = told()
    (job,) = submit(scheduler, "changed", [*HEAD, *NEW, *REST, *END])
    scheduler.plan()
    assert job.moved
    source = job.moved.slot
    removals = scheduler.finish(job)
    assert [(removal.sequence, removal.start) for removal in removals] == [(source.sequence, 0)]
    assert not any(slot.busy for slot in scheduler.slots)
    assert scheduler.caches.cells.free == scheduler.limits.cells - sum(len(slot.cells) for slot in scheduler.slots)


def log_softmax(row: Array) -> Array:
    centred = row - row.max()
    return np.asarray(centred - np.log(np.exp(centred).sum()))


def logprobs(heard: list[Event]) -> dict[int, float]:
    """Of the first drawn token's alternatives."""
    first = next(token for event in heard if isinstance(event, Delta) for token in event.tokens)
    return {one.id: one.logprob for one in first.top}


@each
@pytest.mark.parametrize("new", [NEW, NEW[:5], OLD[::-1]], ids=["longer", "shorter", "as long"])
def test_with_one_layer_nothing_is_lost(build: str, new: list[int], open_loop: OpenLoop, tmp_path: Path) -> None:
    """Keys and values of the first layer do not depend on what stands before them."""
    path = TinyLlama(Shape(layers=1), seed=3).write(tmp_path / "flat.gguf")
    heard: list[Event] = []
    loop = open_loop(build, path, heard, reuse_shifted=True)
    ask(loop, heard, GenerateRequest(id="0", tokens=(*HEAD, *OLD, *REST), sampling=GREEDY, max_tokens=5))
    asked = GenerateRequest(id="1", tokens=(*HEAD, *new, *REST, *END), sampling=GREEDY, max_tokens=20, logprobs=20)
    moved, done = ask(loop, heard, asked)
    found = logprobs(heard)
    assert done.timings.prompt_n == len(new) + len(END)
    assert done.timings.cache_n_approximate == len(REST)
    fresh, _ = ask(open_loop(build, path, heard), heard, asked)
    assert moved == fresh
    assert found == pytest.approx(logprobs(heard), abs=TOLERANCE)


@each
def test_what_was_moved_is_what_it_was_before_the_new_text(build: str, open_loop: OpenLoop, tmp_path: Path) -> None:
    """Against NumPy: keys and values of the rest as they were behind the old text, turned to their new places."""
    model = TinyLlama(Shape(layers=3), seed=4)
    path = model.write(tmp_path / "tiny.gguf")
    heard: list[Event] = []
    loop = open_loop(build, path, heard, reuse_shifted=True)
    before, after = [*HEAD, *OLD, *REST], [*HEAD, *NEW, *REST, *END]
    ask(loop, heard, GenerateRequest(id="0", tokens=tuple(before), sampling=GREEDY, max_tokens=5))
    asked = GenerateRequest(id="1", tokens=tuple(after), sampling=GREEDY, max_tokens=1, logprobs=20)
    ask(loop, heard, asked)
    found = logprobs(heard)

    _, held = model.compute(before, range(len(before)), Cache())
    head = held.part(0, len(HEAD))
    rest = held.part(len(HEAD) + len(OLD), len(before), len(NEW) - len(OLD))
    behind = len(HEAD) + len(NEW)
    _, new = model.compute(NEW, range(len(HEAD), behind), head)
    whole = head + new + rest
    logits, _ = model.compute(END, range(behind + len(REST), len(after)), whole)
    wanted = log_softmax(logits[-1])
    assert found == pytest.approx({token: wanted[token] for token in found}, abs=TOLERANCE)

    fresh = log_softmax(model.logits(after)[-1])
    assert max(abs(fresh[token] - wanted[token]) for token in found) > 4 * TOLERANCE, "it is an approximation"


@each
def test_its_progress_never_goes_back(build: str, open_loop: OpenLoop, tmp_path: Path) -> None:
    path = TinyLlama(seed=3).write(tmp_path / "tiny.gguf")
    heard: list[Event] = []
    loop = open_loop(build, path, heard, reuse_shifted=True)
    ask(loop, heard, GenerateRequest(id="0", tokens=(*HEAD, *OLD, *REST), sampling=GREEDY, max_tokens=5))
    prompt = (*HEAD, *NEW, *REST[:75], *NEW, *REST[75:], *END)
    _, done = ask(loop, heard, GenerateRequest(id="1", tokens=prompt, sampling=GREEDY, max_tokens=1))
    steps = [event for event in heard if isinstance(event, PromptProgress)]
    assert all(step.cached == len(HEAD) + len(REST) <= step.done for step in steps)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert isinstance(done, Done)
    assert done.usage.cached_tokens == len(HEAD) + len(REST)
