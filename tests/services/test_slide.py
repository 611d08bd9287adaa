"""The window of a long chat slides in large steps, and only over what may leave."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from samovar.services.chats.slide import KEPT, Piece, Place, slide

FULL = 1000

pieces = st.builds(Piece, st.integers(1, 300), st.sampled_from([False, False, False, True]), st.booleans())
chats = st.lists(pieces, max_size=60)


def loose(chat: list[Piece], first: int) -> list[Piece]:
    return [piece for piece in chat[first:] if not piece.pinned]


def past(chat: list[Piece]) -> list[Place]:
    """The window after each message."""
    return [slide(chat[:length], FULL) for length in range(1, len(chat) + 1)]


def slides(chat: list[Piece]) -> list[int]:
    """The messages at which something left."""
    return [
        at
        for at, (before, after) in enumerate(pairwise(past(chat)), 1)
        if any(not piece.pinned for piece in chat[before.first : after.first])
    ]


def pinned(chat: list[Piece]) -> int:
    return sum(piece.tokens for piece in chat if piece.pinned)


def turn(question: int, answer: int) -> list[Piece]:
    return [Piece(question, pinned=False, opens=True), Piece(answer, pinned=False, opens=False)]


@given(chats)
def test_the_chat_fits_or_nothing_more_can_leave(chat: list[Piece]) -> None:
    place = slide(chat, FULL)
    assert place.tokens == pinned(chat) + sum(piece.tokens for piece in loose(chat, place.first))
    assert place.tokens <= FULL or place.tokens == place.least


@given(chats)
def test_whole_turns_leave_and_the_newest_stays(chat: list[Piece]) -> None:
    first = slide(chat, FULL).first
    assert not loose(chat[:first], 0) or chat[first].opens
    opening = [at for at, piece in enumerate(chat) if piece.opens and not piece.pinned]
    assert first <= max(opening, default=len(chat))


@given(chats)
def test_what_has_left_stays_away(chat: list[Piece]) -> None:
    for before, after in pairwise(past(chat)):
        assert before.first <= after.first


@given(chats)
@example([*turn(100, 300), *turn(100, 300), *turn(100, 300), *turn(100, 290)])
def test_it_does_not_slide_again_before_a_steps_worth_of_text_has_come(chat: list[Piece]) -> None:
    places = past(chat)
    for one, other in pairwise(slides(chat)):
        come = sum(piece.tokens for piece in chat[one + 1 : other + 1])
        nothing_left_to_leave = places[one].tokens == places[one].least
        assert nothing_left_to_leave or come >= (1 - KEPT) * (FULL - pinned(chat[: other + 1]))


@given(chats)
def test_no_more_leaves_than_the_step_needs(chat: list[Piece]) -> None:
    """With the turn that left last, too much would be taken."""
    places = past(chat)
    for at in slides(chat):
        gone = range(places[at - 1].first, places[at].first)
        last = max((n for n in gone if chat[n].opens and not chat[n].pinned), default=gone[0])
        then = chat[: at + 1]
        assert sum(piece.tokens for piece in loose(then, last)) > KEPT * (FULL - pinned(then))


@given(chats)
def test_a_chat_that_never_was_too_long_is_seen_whole(chat: list[Piece]) -> None:
    total = sum(piece.tokens for piece in chat)
    assert loose(chat, slide(chat, total).first) == loose(chat, 0)


def test_a_long_chat_keeps_its_system_message_and_forgets_from_the_beginning() -> None:
    system = Piece(100, pinned=True, opens=False)
    chat = [system]
    firsts = []
    for _ in range(9):
        chat += turn(50, 150)
        firsts.append(slide(chat, FULL).first)
    # 900 tokens beside the system message: the fifth turn is one too many, 540 are kept, hence two turns.
    assert firsts == [1, 1, 1, 1, 7, 7, 7, 13, 13]


def test_an_empty_chat_has_a_window_too() -> None:
    assert slide([], FULL) == Place(0, 0, 0)
