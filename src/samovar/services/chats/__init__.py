"""Chats: conversations that answer. What the page and the terminal chat share."""

from samovar.services.chats.events import (
    Appended,
    Changed,
    ChatEvent,
    Drawn,
    Looping,
    Reading,
    Shown,
    Titled,
    Whole,
)
from samovar.services.chats.service import ChatService

__all__ = [
    "Appended",
    "Changed",
    "ChatEvent",
    "ChatService",
    "Drawn",
    "Looping",
    "Reading",
    "Shown",
    "Titled",
    "Whole",
]
