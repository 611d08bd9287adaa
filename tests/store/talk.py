"""Short words for what many tests of the store do."""

from __future__ import annotations

import msgspec

from samovar.store.conversations import Conversations
from samovar.store.values import Asked, StoredMessage


async def answered(
    store: Conversations, conversation: str, content: str, answer: str, parent: str | None = None
) -> Asked:
    """A question and its finished answer."""
    asked = await store.ask(conversation, parent, content, content)
    return msgspec.structs.replace(asked, answer=await ended(store, asked.answer, answer))


async def ended(store: Conversations, answer: StoredMessage, content: str, **change: object) -> StoredMessage:
    final = msgspec.structs.replace(answer, **{"content": content, "state": "done", **change})
    await store.finish(final)
    return final
