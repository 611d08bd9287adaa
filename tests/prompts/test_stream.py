"""The text that is shown while an answer arrives does not depend on how its bytes are cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.prompts.stream import TextStream

STOPS = st.lists(st.text("abсё", min_size=1, max_size=4), max_size=4)


def cut(data: bytes, borders: Sequence[int]) -> list[bytes]:
    marks = [0, *sorted(border % (len(data) + 1) for border in borders), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


def streamed(pieces: Sequence[bytes], stops: Sequence[str] = ()) -> tuple[str, str | None]:
    stream, text, hit = TextStream(stops), "", None
    for piece in pieces:
        shown, hit = stream.push(piece)
        text += shown
    return text + stream.flush(), hit


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode), st.lists(st.integers(0, 99), max_size=8))
def test_any_split_of_any_bytes_gives_the_same_text(data: bytes, borders: list[int]) -> None:
    assert streamed(cut(data, borders)) == (data.decode(errors="replace"), None)


@given(st.text("abсё", max_size=30), STOPS, st.lists(st.integers(0, 99), max_size=8))
def test_any_split_stops_at_the_same_place(text: str, stops: list[str], borders: list[int]) -> None:
    assert streamed(cut(text.encode(), borders), stops) == expected(text, stops)


def expected(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The definition: read letter by letter until some stop string is complete, the longest if several are."""
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            hit = max(complete, key=len)
            return text[: end - len(hit)], hit
    return text, None


@given(st.text("ab\n", max_size=30), STOPS)
def test_what_is_held_back_could_begin_a_stop_string_and_nothing_else_is(text: str, stops: list[str]) -> None:
    stream, shown = TextStream(stops), ""
    for seen, letter in enumerate(text, start=1):
        new, hit = stream.push(letter.encode())
        shown += new
        if hit:
            break
        held = text[len(shown) : seen]
        assert shown + held == text[:seen]
        assert not held or any(stop.startswith(held) for stop in stops)


def test_text_that_only_began_like_a_stop_string_is_released() -> None:
    stream = TextStream(["</s>"])
    assert stream.push(b"a </") == ("a ", None)
    assert stream.push(b"b> </s") == ("</b> ", None)
    assert stream.flush() == "</s"


def test_nothing_comes_out_after_a_stop() -> None:
    stream = TextStream(["STOP"])
    assert stream.push(b"go STOP and more") == ("go ", "STOP")
    assert stream.push(b"still more") == ("", "STOP")
    assert stream.flush() == ""


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        ([b"\xf0\x9f", b"\x98", b"\x80!"], ["", "", "😀!"]),
        ([b"\xd0", b"\xbf\xd1"], ["", "п"]),
        ([b"\xf0\x9f", b"a"], ["", "\ufffda"]),
        ([b"\xff", b"a"], ["\ufffd", "a"]),
    ],
)
def test_characters_appear_when_they_are_whole_and_broken_ones_when_that_is_certain(
    pieces: list[bytes], shown: list[str]
) -> None:
    stream = TextStream()
    assert [stream.push(piece)[0] for piece in pieces] == shown


def test_a_character_that_never_ends_is_replaced_at_the_end() -> None:
    stream = TextStream(["b"])
    assert stream.push("ы".encode()[:1]) == ("", None)
    assert stream.flush() == "\ufffd"


def test_an_empty_stop_string_stops_nothing() -> None:
    assert streamed([b"text"], [""]) == ("text", None)
