"""What a model sees of a chat: the chat's system messages, and as many of its last turns as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from samovar.core.errors import PromptTooLong
from samovar.core.requests import Message
from samovar.services.chats.slide import Piece, slide
from samovar.services.contracts import Answers, Measured

ROOM_SHARE = 0.25
MOST_ROOM = 1024
"""What is left free for the answer: that share of the window, so many tokens at most."""


class View(NamedTuple):
    """`messages` are what the model is sent; `dropped` messages before index `first` of the chat are not."""

    messages: tuple[Message, ...]
    first: int
    dropped: int


def view(chat: Sequence[Message], measured: Measured) -> View:
    """What the model sees of `chat`, whose sizes are `measured`.

    System messages stay, and the newest turn: a question with what was said after it. Raises PromptTooLong where
    these alone leave no room for one token of an answer.
    """
    window = measured.window - measured.fixed
    room = min(MOST_ROOM, int(ROOM_SHARE * measured.window))
    pieces = [
        Piece(size, message.role == "system", message.role == "user")
        for message, size in zip(chat, measured.sizes, strict=True)
    ]
    place = slide(pieces, window - room)
    if place.tokens >= window:
        system = sum(piece.tokens for piece in pieces if piece.pinned)
        key = "chats.pinned_too_long" if system else "chats.turn_too_long"
        raise PromptTooLong(key, system=system, turn=place.tokens - system, window=measured.window)
    seen = tuple(message for at, message in enumerate(chat) if at >= place.first or pieces[at].pinned)
    return View(seen, place.first, len(chat) - len(seen))


async def fit(answers: Answers, chat: Sequence[Message]) -> tuple[Message, ...]:
    """What the model that answers sees of `chat`; it is loaded if need be. Raises as `view` and that load do."""
    return view(chat, await answers.measure(chat)).messages
