"""Conversations: trees of messages that never lose a word.

The laws, which `verify` checks and the schema holds where SQL can:

1. A message's parent belongs to the same conversation; a message without one is a root. Parent, role and
   conversation never change, so a tree only grows.
2. `current` is a leaf, and null only where there are no messages.
3. Only answers (role assistant) are ever in a state other than `done`. A message that is `streaming` is a leaf, and
   of the answers under one parent at most one is.
4. Text is never lost. A text replaced by an edit is kept in `revisions` under the number of that edit, counted per
   conversation; so `asked`, the count at the time when the model was asked, gives back the exact path that it
   was sent, whatever was edited since. `given` characters of the answer's own text and `mused` of its thoughts were
   part of it. Thoughts are never edited.
5. Deleting hides. Only `purge` removes rows, whole conversations at a time.
6. A text is in the search index unless its message is streaming or was purged.

Knows nothing of how answers are made: it is told their text.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import msgspec

from samovar.core.errors import Conflict, InvalidInput, NotFound
from samovar.store import heads, messages, search
from samovar.store.database import Database
from samovar.store.ids import new_id
from samovar.store.values import Asked, Conversation, Listed, Prompt, Sampling, StoredMessage, Tree

KEPT_SECONDS = 30 * 24 * 3600.0
"""How long a deleted conversation can be restored."""


class Conversations:
    """The conversations in a database. Everything raises NotFound for ids that are not there or are deleted, and
    StorageFailed where the file cannot be read or written; a call that raises has changed nothing."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def list(self, query: str = "") -> tuple[Listed, ...]:
        """Newest first: all, or those with a title or a message that holds every word of `query` (beginnings of
        words are enough, case and accents do not matter)."""
        return await self._database.read(lambda db: search.conversations(db, query))

    async def get(self, conversation: str) -> Tree:
        return await self._database.read(
            lambda db: Tree(heads.find(db, conversation), messages.of_conversation(db, conversation))
        )

    async def message(self, message: str) -> StoredMessage:
        return await self._database.read(lambda db: messages.find(db, message))

    async def path(self, conversation: str, message: str | None = None) -> tuple[StoredMessage, ...]:
        """The messages from the root down to `message`, or to the leaf that is shown."""

        def work(db: sqlite3.Connection) -> tuple[StoredMessage, ...]:
            last = heads.find(db, conversation).current if message is None else message
            if last is None:
                return ()
            _belongs(messages.find(db, last), conversation)
            return messages.path(db, last)

        return await self._database.read(work)

    async def create(self, title: str = "", system: str = "") -> Tree:
        """A new conversation; `system`, where it is not empty, becomes a system message at its root."""

        def work(db: sqlite3.Connection) -> Tree:
            now = self._clock()
            conversation = heads.insert(db, title, now)
            if system:
                self._add(db, conversation, None, "system", system)
            return Tree(heads.find(db, conversation), messages.of_conversation(db, conversation))

        return await self._database.write(work)

    async def rename(self, conversation: str, title: str) -> Conversation:
        def work(db: sqlite3.Connection) -> Conversation:
            heads.find(db, conversation)
            db.execute("UPDATE conversations SET title = ? WHERE id = ?", (title, conversation))
            return heads.find(db, conversation)

        return await self._database.write(work)

    async def set_sampling(self, conversation: str, sampling: Sampling | None) -> Conversation:
        """What its answers are drawn with from now on; None: the product's defaults."""

        def work(db: sqlite3.Connection) -> Conversation:
            heads.find(db, conversation)
            heads.set_sampling(db, conversation, sampling)
            return heads.find(db, conversation)

        return await self._database.write(work)

    async def show(self, conversation: str, message: str) -> Conversation:
        """Makes the newest leaf under `message` the current one."""

        def work(db: sqlite3.Connection) -> Conversation:
            _belongs(messages.find(db, message), conversation)
            heads.show(db, conversation, messages.newest_leaf(db, message))
            return heads.find(db, conversation)

        return await self._database.write(work)

    async def delete(self, conversation: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            heads.find(db, conversation)
            db.execute("UPDATE conversations SET deleted = ? WHERE id = ?", (self._clock(), conversation))

        await self._database.write(work)

    async def restore(self, conversation: str) -> Conversation:
        """Undoes `delete`; without effect on a conversation that is not deleted."""

        def work(db: sqlite3.Connection) -> Conversation:
            db.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", (conversation,))
            return heads.find(db, conversation)

        return await self._database.write(work)

    async def purge(self, kept_seconds: float = KEPT_SECONDS) -> int:
        """Removes for good what was deleted longer ago than that; returns how many conversations."""
        before = self._clock() - kept_seconds
        return await self._database.write(
            lambda db: db.execute("DELETE FROM conversations WHERE deleted < ?", (before,)).rowcount
        )

    async def ask(self, conversation: str, parent: str | None, content: str, title: str) -> Asked:
        """Adds a user message under `parent` and an empty, streaming answer under that, which becomes current.
        `title` becomes the conversation's if it has none. Raises Conflict under a message that is streaming."""

        def work(db: sqlite3.Connection) -> Asked:
            heads.find(db, conversation)
            if parent is not None:
                _finished(_belongs(messages.find(db, parent), conversation))
            message = self._add(db, conversation, parent, "user", content)
            answer = self._answer(db, message)
            db.execute("UPDATE conversations SET title = ? WHERE id = ? AND title = ''", (title, conversation))
            return Asked(heads.find(db, conversation), message, answer)

        return await self._database.write(work)

    async def answer(self, message: str) -> StoredMessage:
        """Adds an empty, streaming answer beside the answer `message`, or under it where it is a user message.
        Raises Conflict while another answer to the same message is streaming."""

        def work(db: sqlite3.Connection) -> StoredMessage:
            found = messages.find(db, message)
            question = found
            if found.role == "assistant" and found.parent is not None:
                question = messages.find(db, found.parent)
            return self._answer(db, question)

        return await self._database.write(work)

    async def resume(self, message: str) -> StoredMessage:
        """Makes a finished answer stream again, its text kept. Raises InvalidInput for what is no answer, Conflict
        where it is streaming or other messages follow it."""

        def work(db: sqlite3.Connection) -> StoredMessage:
            found = _finished(messages.find(db, message))
            if found.role != "assistant":
                raise InvalidInput("store.not_an_answer", role=found.role)
            if messages.newest_leaf(db, message) != message:
                raise Conflict("store.has_followers")
            _one_answer_at_a_time(db, found.parent)
            db.execute(
                "UPDATE messages SET state = 'streaming', error = NULL, stats = NULL, "
                "asked = ?, given = ?, mused = ? WHERE id = ?",
                (heads.edits(db, found.conversation), len(found.content), len(found.thoughts), message),
            )
            heads.show(db, found.conversation, message)
            heads.touch(db, found.conversation, self._clock())
            return messages.find(db, message)

        return await self._database.write(work)

    async def edit(self, message: str, content: str) -> StoredMessage:
        """Replaces a text in place; the former is kept. What went wrong with an answer is forgotten: the text is
        now the editor's own. Raises Conflict while it is streaming."""

        def work(db: sqlite3.Connection) -> StoredMessage:
            found = _finished(messages.find(db, message))
            db.execute("UPDATE conversations SET edits = edits + 1 WHERE id = ?", (found.conversation,))
            number = heads.edits(db, found.conversation)
            db.execute("INSERT INTO revisions VALUES (?, ?, ?)", (message, number, found.content))
            edited = msgspec.structs.replace(found, content=content, state="done", error=None)
            messages.update_ending(db, edited)
            return edited

        return await self._database.write(work)

    async def branch(self, message: str) -> Tree:
        """A new conversation with a copy of the path from the root to `message`. Raises Conflict while that is
        streaming."""

        def work(db: sqlite3.Connection) -> Tree:
            last = _finished(messages.find(db, message))
            now = self._clock()
            conversation = heads.insert_like(db, last.conversation, now)
            heads.show(db, conversation, messages.copy_path(db, message, conversation, now))
            return Tree(heads.find(db, conversation), messages.of_conversation(db, conversation))

        return await self._database.write(work)

    async def prompt(self, message: str) -> Prompt:
        """The chat that the model was sent for this answer, or would be sent to answer this message."""

        def work(db: sqlite3.Connection) -> Prompt:
            found = messages.find(db, message)
            edits = heads.edits(db, found.conversation) if found.asked is None else found.asked
            chat = messages.texts(db, message, edits)
            sampling = heads.sampling(db, found.conversation)
            if found.role != "assistant":
                return Prompt(chat, sampling=sampling)
            begun = messages.said("assistant", chat[-1].content[: found.given], found.thoughts[: found.mused])
            unfinished = bool(begun.content or begun.reasoning)
            return Prompt((*chat[:-1], begun) if unfinished else chat[:-1], unfinished, sampling)

        return await self._database.read(work)

    async def write(self, answer: str, content: str, thoughts: str = "") -> None:
        """Saves the text and the thoughts so far of an answer that is streaming."""
        await self._database.write(
            lambda db: db.execute(
                "UPDATE messages SET content = ?, thoughts = ? WHERE id = ? AND state = 'streaming'",
                (content, thoughts, answer),
            )
        )

    async def finish(self, answer: StoredMessage) -> None:
        """Saves an answer that has ended: its text, thoughts, state, model, error and stats."""

        def work(db: sqlite3.Connection) -> None:
            messages.update_ending(db, answer)
            heads.touch(db, answer.conversation, self._clock())

        await self._database.write(work)

    async def interrupt_all(self) -> int:
        """For the start: answers that a killed server left streaming are interrupted, their text kept. Returns how
        many."""
        return await self._database.write(
            lambda db: db.execute("UPDATE messages SET state = 'interrupted' WHERE state = 'streaming'").rowcount
        )

    def _answer(self, db: sqlite3.Connection, question: StoredMessage) -> StoredMessage:
        _one_answer_at_a_time(db, question.id)
        asked = heads.edits(db, question.conversation)
        return self._add(db, question.conversation, question.id, "assistant", "", asked)

    def _add(
        self,
        db: sqlite3.Connection,
        conversation: str,
        parent: str | None,
        role: str,
        content: str,
        asked: int | None = None,
    ) -> StoredMessage:
        """A new leaf, which becomes current. `asked` is given for an answer that is to be written."""
        now = self._clock()
        message = StoredMessage(
            id=new_id(now),
            conversation=conversation,
            parent=parent,
            role=role,
            content=content,
            state="done" if asked is None else "streaming",
            created=now,
            asked=asked,
        )
        messages.insert(db, message)
        heads.show(db, conversation, message.id)
        heads.touch(db, conversation, now)
        return message


def _belongs(message: StoredMessage, conversation: str) -> StoredMessage:
    if message.conversation != conversation:
        raise NotFound("store.no_message", id=message.id)
    return message


def _finished(message: StoredMessage) -> StoredMessage:
    if message.state == "streaming":
        raise Conflict("store.still_streaming")
    return message


def _one_answer_at_a_time(db: sqlite3.Connection, question: str | None) -> None:
    if db.execute("SELECT 1 FROM messages WHERE parent = ? AND state = 'streaming'", (question,)).fetchone():
        raise Conflict("store.answer_running")
