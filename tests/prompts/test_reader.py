"""Events in, events out: where tokens go, what is counted, what is not lost."""

from __future__ import annotations

from samovar.core.errors import EngineFailed
from samovar.core.events import (
    Accepted,
    Call,
    Delta,
    Done,
    Event,
    Failed,
    Finish,
    Thought,
    Timings,
    TokenDetail,
    Usage,
)
from samovar.core.requests import Tools
from samovar.prompts.reader import AnswerReader, new_id
from samovar.prompts.tools.hermes import HERMES
from tests.prompts.tools.answers import TOOLS, plan

DONE = Done(Usage(7, 2, 9), Timings(5, 1.5, 9, 2.5, 2))


def reader(tools: Tools | None = None, *, live: bool = False) -> AnswerReader:
    return AnswerReader(plan(HERMES, tools).reading, live=live, new_id=lambda: "id")


def token(text: str, logprob: float | None = None) -> TokenDetail:
    return TokenDetail(len(text), text.encode(), logprob)


def delta(*texts: str, index: int = 0, logprob: float | None = None) -> Delta:
    """One event with a token for each text."""
    return Delta(index, "".join(texts), tuple(token(text, logprob) for text in texts))


def read(reader: AnswerReader, *events: Event) -> list[Event]:
    return [found for event in events for found in reader.read(event)]


def test_an_event_of_several_tokens_is_parted_between_them() -> None:
    events = read(reader(), delta("<think>", "hm", "</think>", "\n\n", "Hel", "lo"), Finish(0, "stop"))
    thought, said, finish = events
    assert thought == Thought(0, "hm", (token("<think>"), token("hm")))
    assert isinstance(said, Delta)
    assert said.text == "Hello"
    assert finish == Finish(0, "stop")


def test_a_token_that_ends_one_thing_and_begins_another_goes_with_what_it_begins() -> None:
    events = read(
        reader(), delta("<think>", logprob=-0.5), delta("hm", logprob=-0.5), delta("</think>Hi", logprob=-0.5)
    )
    assert events == [
        Thought(0, "hm", (token("<think>", -0.5), token("hm", -0.5))),
        Delta(0, "Hi", (token("</think>Hi", -0.5),)),
    ]


def test_marks_have_events_of_their_own_only_where_it_was_asked_how_likely_they_were() -> None:
    pieces = ["<think>", "hm", "</think>", "Hi"]
    unasked = read(reader(), *(delta(piece) for piece in pieces))
    assert [type(event) for event in unasked] == [Thought, Delta]
    asked = read(reader(), *(delta(piece, logprob=-0.5) for piece in pieces))
    assert [event.text for event in asked if isinstance(event, Thought)] == ["hm", ""]
    assert [len(event.tokens) for event in asked if isinstance(event, Thought | Delta)] == [2, 1, 1]


def test_thoughts_are_counted_over_all_choices() -> None:
    one = reader()
    for index in (0, 1):
        read(
            one,
            *(delta(piece, index=index) for piece in ("<think>", "a", "b", "</think>", "Hi")),
            Finish(index, "stop"),
        )
    assert read(one, DONE) == [Done(Usage(7, 2, 9, reasoning_tokens=8), DONE.timings)]


def test_choices_are_read_apart() -> None:
    one = reader()
    read(one, delta("<think>", index=0), delta("Hel", index=1))
    assert read(one, delta("hm", index=0)) == [Thought(0, "hm", (token("<think>"), token("hm")))]
    assert read(one, delta("lo", index=1)) == [delta("lo", index=1)]


def test_half_a_character_is_not_lost() -> None:
    halves = [TokenDetail(1, b"\xd0"), TokenDetail(2, b"\xaf")]
    events = read(reader(), Delta(0, "", (halves[0],)), Delta(0, "Я", (halves[1],)), Finish(0, "stop"))
    assert events == [Delta(0, "Я", tuple(halves)), Finish(0, "stop")]


def test_a_stream_that_breaks_keeps_what_was_held_back() -> None:
    failed = Failed(EngineFailed("api.broken_off").value())
    assert read(reader(TOOLS), delta("Hello <tool"), failed) == [
        Delta(0, "Hello", (token("Hello <tool"),)),
        Delta(0, " <tool"),
        failed,
    ]


def test_what_comes_before_and_after_the_words_passes() -> None:
    assert read(reader(), Accepted(7, 1), DONE) == [Accepted(7, 1), DONE]


def test_a_call_is_one_event_where_it_comes_at_once() -> None:
    text = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    for live in (False, True):
        call, finish = read(reader(TOOLS, live=live), delta(text), Finish(0, "stop"))
        assert call == Call(0, 0, "id", "add", '{"a": 1}', (token(text),))
        assert finish == Finish(0, "tool_calls")


def test_ids_are_what_every_template_takes() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id) == 9 and id.isalnum() for id in ids)
