"""What past texts were spelled with: found again by text alone, and gone with the conversation that said it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samovar.core.requests import Part
from samovar.runtime.spellings import Spellings

QUESTION = (Part("Q", special=True), Part("tea?", special=False), Part("A", special=True))
NEXT = (*QUESTION[:2], Part("Ahot", special=True), Part("Why?", special=False))
TOKENS = (1, 2, 3, 4)


def spelling(*sessions: str) -> Spellings:
    known = Spellings()
    for session in sessions:
        known.remember(QUESTION, "hot", TOKENS, session)
    return known


def test_a_prompt_that_goes_on_from_an_answer_begins_with_its_tokens() -> None:
    assert spelling("one").beginning(NEXT) == (TOKENS, (Part("Why?", special=False),))


def test_a_forgotten_conversation_leaves_no_text_in_memory() -> None:
    known = spelling("one")
    known.forget("one")
    assert known.beginning(NEXT) == ((), NEXT)
    assert known.of(TOKENS, "one") is None


def test_what_another_conversation_has_said_as_well_stays_with_that_one() -> None:
    known = spelling("one", "two")
    known.forget("one")
    assert known.beginning(NEXT)[0] == TOKENS
    known.forget("two")
    assert known.beginning(NEXT)[0] == ()


def test_a_cache_is_kept_with_no_text_of_another_conversation() -> None:
    known = spelling("one")
    assert known.of(TOKENS[:2], "one") is not None
    assert known.of(TOKENS[:2], "two") is None


SAID = st.lists(st.tuples(st.sampled_from("abc"), st.text("xy", min_size=1, max_size=6)), max_size=20)


@given(SAID, st.sampled_from("abc"))
def test_after_forgetting_there_is_room_for_as_much_as_before(said: list[tuple[str, str]], gone: str) -> None:
    """The bound counts what is held: forgetting frees it."""
    most = 12
    known, fresh = Spellings(most), Spellings(most)
    for session, text in said:
        known.add((Part(text, special=False),), (1,), session)
    for session in "abc":
        known.forget(session)
    for text in ("x" * 5, "y" * 7):
        for spellings in (known, fresh):
            spellings.add((Part(text, special=False),), (2,), gone)
    for text in ("x" * 5, "y" * 7):
        asked = (Part(text, special=False),)
        assert known.beginning(asked) == fresh.beginning(asked) == ((2,), ())
