"""Tokens that come faster than a screen shows them are said together; nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import LoadSpec
from samovar.core.events import Delta, Event, Finish
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.echo import IM_END, IM_START
from samovar.engines.registry import open_engine
from samovar.runtime.frames import Cancel, FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop

PROMPT = (IM_START, *b"user\n?", IM_END, *b"\n", IM_START, *b"assistant\n")
REPLY = "Чай готов — прошу 🫖 к столу!"


def answer(
    spoken: Sequence[bool], *, patient: bool = True, cancelled: int | None = None, **wishes: object
) -> list[Event]:
    """The events of one answer. `spoken`: after which steps the loop is told to speak, over and over."""
    heard: list[Event] = []

    def hear(frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        heard.append(frame.event)

    spec = LoadSpec(engine="echo", path=f"echo:reply={quote(REPLY)}", window=300, cells=300, parallel=1)
    loop = GenerationLoop(open_engine(spec, lambda _: True), hear, patient=patient)
    request = GenerateRequest(id="a", tokens=PROMPT, sampling=SamplingParams({"temperature": 0.0}), **wishes)  # type: ignore[arg-type]
    loop.handle(Generate(request))
    steps = 0
    while not loop.idle:
        loop.step()
        if spoken[steps % len(spoken)]:
            loop.speak()
        steps += 1
        if steps == cancelled:
            loop.handle(Cancel("a"))
    return heard


def said(events: list[Event]) -> tuple[str, list[int]]:
    deltas = [event for event in events if isinstance(event, Delta)]
    return "".join(event.text for event in deltas), [token.id for event in deltas for token in event.tokens]


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.none() | st.integers(1, 60))
def test_the_text_is_the_same_however_often_it_is_said(spoken: list[bool], limit: int | None) -> None:
    at_once = answer([True], patient=False, max_tokens=limit)
    together = answer(spoken, max_tokens=limit)
    assert said(together) == said(at_once)
    assert together[-1].usage == at_once[-1].usage  # type: ignore[union-attr]
    assert [event for event in together if isinstance(event, Finish)] == [
        event for event in at_once if isinstance(event, Finish)
    ]


def test_what_nobody_looks_at_is_one_event() -> None:
    assert sum(isinstance(event, Delta) for event in answer([False])) == 1
    assert sum(isinstance(event, Delta) for event in answer([True])) > 10


@given(st.integers(2, 20))
def test_a_cancelled_answer_has_said_all_that_was_drawn(cancelled: int) -> None:
    text, tokens = said(answer([False], cancelled=cancelled))
    assert len(tokens) == cancelled and REPLY.startswith(text.rstrip("\ufffd"))


@given(st.integers(0, 20), st.integers(1, 4))
def test_a_text_that_a_stop_string_may_end_is_watched_token_by_token(start: int, length: int) -> None:
    stop = REPLY[start : start + length]
    heard = answer([False], stop=(stop,))
    text, tokens = said(heard)
    assert text == REPLY[: REPLY.index(stop)]
    assert len(tokens) == len(REPLY[: REPLY.index(stop) + length].encode())
