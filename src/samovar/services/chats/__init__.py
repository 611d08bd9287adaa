"""Chats: conversations that answer. What the page and the terminal chat share."""

from samovar.services.chats.events import (
    Appended,
    Changed,
    ChatEvent,
    Drawn,
    InWindow,
    Looping,
    Mused,
    Reading,
    Shown,
    Slid,
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
    "InWindow",
    "Looping",
    "Mused",
    "Reading",
    "Shown",
    "Slid",
    "Titled",
    "Whole",
]
