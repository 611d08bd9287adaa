"""A banned text never gets through, however it is cut into tokens; nothing else is touched."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from samovar.prompts.banned import BannedTexts, Finding


def through(banned: list[str], pieces: list[bytes], *, ignore_case: bool = False) -> tuple[bytes, bool]:
    """(what was freed, and held at the end; whether anything had to go back). Stops at the first that must."""
    watch, held, shown = BannedTexts(banned, ignore_case=ignore_case), [], b""
    for piece in pieces:
        held.append(piece)
        finding = watch.push(piece)
        if finding.back:
            return shown + b"".join(held[: -finding.back]), True
        shown += b"".join(held[: finding.free])
        del held[: finding.free]
    return shown + b"".join(held), False


def cut(text: str, borders: list[int]) -> list[bytes]:
    data = text.encode()
    places = sorted({b % (len(data) + 1) for b in borders} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


TEXT = st.text(st.sampled_from("abшж "), max_size=14)
BANNED = st.lists(st.text(st.sampled_from("abшж "), min_size=1, max_size=4), min_size=1, max_size=3)


@given(TEXT, BANNED, st.lists(st.integers(0, 60), max_size=8))
def test_a_banned_text_is_caught_and_all_else_comes_whole(text: str, banned: list[str], borders: list[int]) -> None:
    shown, caught = through(banned, cut(text, borders))
    assert caught == any(one in text for one in banned)
    assert text.encode().startswith(shown)
    assert not any(one.encode() in shown for one in banned)
    assert caught or shown == text.encode()


@given(TEXT, BANNED, st.lists(st.integers(0, 60), max_size=8))
def test_case_can_be_ignored_in_any_alphabet(text: str, banned: list[str], borders: list[int]) -> None:
    _, caught = through([one.upper() for one in banned], cut(text, borders), ignore_case=True)
    assert caught == any(one in text for one in banned)


def test_what_may_become_a_banned_text_is_held_back_and_freed_when_it_does_not() -> None:
    watch = BannedTexts(["shivers down"])
    assert watch.push(b"sent ") == Finding(1, 0)
    assert watch.push(b"shiv") == Finding(0, 0)
    assert watch.push(b"ers") == Finding(0, 0)
    assert watch.push(b" up") == Finding(3, 0)


def test_the_token_that_a_banned_text_begins_in_goes_too() -> None:
    watch = BannedTexts(["bad"])
    assert watch.push(b"so b") == Finding(0, 0)
    assert watch.push(b"ad!") == Finding(0, 2)


def test_thousands_of_texts_are_watched_for_at_once() -> None:
    watch = BannedTexts([f"word {number}." for number in range(5000)])
    assert watch.push(b"no ") == Finding(1, 0)
    assert watch.push(b"word 49") == Finding(0, 0)
    assert watch.push(b"99.").back == 2
