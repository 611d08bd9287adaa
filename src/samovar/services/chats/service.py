"""The use cases of chats: what a person can do with conversations and answers.

Two turns of one conversation may run at the same time on different branches: an answer is refused (Conflict) where
it would build on a message that is still being written, or beside another answer to the same message that is.
Whoever watches a conversation gets every event of it, whoever caused it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

import msgspec

from samovar.core.errors import InvalidInput
from samovar.core.requests import Completion, Message
from samovar.services.chats.attendant import Attendant, Eyes, chat_of
from samovar.services.chats.channels import Channels, Signal
from samovar.services.chats.events import Changed, ChatEvent, Drawn, InWindow, Shown, Titled, Whole
from samovar.services.chats.titles import title_of
from samovar.services.chats.turn import Surroundings, Turn, Usual
from samovar.services.chats.window import fit
from samovar.services.contracts import Answers, Idle, RenderedPrompt
from samovar.store.conversations import Conversations
from samovar.store.database import Database
from samovar.store.values import Asked, Conversation, Listed, Sampling, StoredMessage, Tree

LIST = "list"
"""The one topic of the channel for changes of the list."""


async def nothing_usual() -> None:
    """The product's defaults stand under every conversation's own sampling."""


class ChatService:
    """The chats of one database. Everything may raise NotFound for ids that are not there, Conflict as said above,
    and StorageFailed; made by `open`, ended by `close`."""

    def __init__(self, surroundings: Surroundings, idle: Idle) -> None:
        self._around = surroundings
        self._store = surroundings.store
        self._turns: dict[str, Turn] = {}
        self._rooms: Channels[ChatEvent] = Channels()
        self._lists: Channels[None] = Channels(bound=1)
        self._idle = idle
        self._attendant = Attendant(
            surroundings.store, idle, Eyes(lambda: self.watched, lambda id: bool(self._of(id)), self._tell)
        )

    @classmethod
    async def open(
        cls,
        database: Database,
        answers: Answers,
        idle: Idle,
        *,
        usual: Usual = nothing_usual,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> ChatService:
        """`usual`: what stands under what a conversation says about sampling; asked for each answer, once its model
        is loaded. Answers that a killed server was writing are marked `interrupted`; what was deleted long ago
        goes."""
        store = Conversations(database)
        await store.interrupt_all()
        await store.purge()
        return cls(Surroundings(store, answers, usual, clock, pause), idle)

    async def close(self) -> None:
        """Ends what is being written as `interrupted`, text kept, and every watch."""
        await asyncio.gather(*(turn.close() for turn in tuple(self._turns.values())))
        await self._attendant.close()
        self.end_watches()

    def end_watches(self) -> None:
        """Ends every watch, now and later: a server that waits for its connections before it closes calls this
        first."""
        self._rooms.end()
        self._lists.end()

    # Conversations

    async def list(self, query: str = "") -> tuple[Listed, ...]:
        """Newest first; those that match `query` where it is not blank."""
        return await self._store.list(query)

    async def create(self, title: str = "", system: str = "") -> Tree:
        self._attendant.expect(())
        tree = await self._store.create(title.strip(), system)
        self._list_changed()
        return tree

    async def get(self, conversation: str) -> Tree:
        """The whole tree; answers that are being written as far as they are."""
        # Turns are looked up before reading and asked afterwards: one that ends in between is not missed.
        turns = {turn.message.id: turn for turn in self._of(conversation)}
        tree = await self._store.get(conversation)
        messages = tuple(turns[m.id].current() if m.id in turns else m for m in tree.messages)
        return msgspec.structs.replace(tree, messages=messages)

    async def window(self, conversation: str) -> InWindow | None:
        """What the model sees of the path that is shown; None where no model is ready."""
        return await self._attendant.window(conversation)

    async def rename(self, conversation: str, title: str) -> Conversation:
        renamed = await self._store.rename(conversation, title.strip())
        self._tell(conversation, Titled(renamed.title))
        self._list_changed()
        return renamed

    async def show(self, conversation: str, message: str) -> Conversation:
        """Shows the newest leaf under `message`."""
        head = await self._store.show(conversation, message)
        self._tell(conversation, Shown(head.current or message))
        self._attendant.attend(conversation)
        return head

    async def set_sampling(self, conversation: str, sampling: Sampling | None) -> Conversation:
        """What its answers are drawn with, from the next one on; None: the product's defaults."""
        head = await self._store.set_sampling(conversation, sampling)
        self._tell(conversation, Drawn(head.sampling))
        return head

    async def delete(self, conversation: str) -> None:
        """Hides it for 30 days before it goes, and removes its caches at once; an answer that is being written is
        stopped."""
        await self.stop(conversation)
        await self._attendant.leave(conversation)
        await self._store.delete(conversation)
        await self._idle.forget(conversation)
        self._list_changed()

    async def restore(self, conversation: str) -> Conversation:
        head = await self._store.restore(conversation)
        self._list_changed()
        return head

    async def branch(self, message: str) -> Tree:
        """A new conversation with the path from the root to `message`."""
        tree = await self._store.branch(message)
        self._list_changed()
        return tree

    # Messages and answers

    async def send(self, conversation: str, parent: str | None, content: str) -> Asked:
        """A user message under `parent`, and the answer that starts under it."""
        _said(content)
        asked = await self._store.ask(conversation, parent, content, title_of(content))
        self._tell(conversation, Changed(asked.message))
        self._tell(conversation, Titled(asked.conversation.title))
        self._begin(asked.answer)
        return asked

    async def fork(self, message: str, content: str) -> Asked:
        """The user message said differently: a sibling of it, and an answer to that."""
        original = await self._store.message(message)
        if original.role != "user":
            raise InvalidInput("chats.not_a_question", role=original.role)
        return await self.send(original.conversation, original.parent, content)

    async def regenerate(self, message: str) -> StoredMessage:
        """Another answer beside this one; or an answer to this user message."""
        return self._begin(await self._store.answer(message))

    async def resume(self, message: str) -> StoredMessage:
        """This answer goes on where it ended."""
        return self._begin(await self._store.resume(message))

    async def edit(self, message: str, content: str) -> StoredMessage:
        """Another text in place, nothing else. The former is kept in the store."""
        edited = await self._store.edit(message, content)
        self._tell(edited.conversation, Changed(edited))
        self._attendant.attend(edited.conversation)
        return edited

    async def draft(self, conversation: str, parent: str | None, content: str) -> None:
        """Somebody is typing `content`, to be sent under `parent`: it is read ahead while there is nothing else to
        do, in place of what was read ahead for this conversation before."""
        path = await self._store.path(conversation, parent)
        before = chat_of(path) if parent is not None else ()
        self._attendant.attend(conversation, (*before, Message("user", content)))

    def draft_first(self, system: str, content: str) -> None:
        """Somebody is typing `content`, to begin a conversation with under the system message `system`: as `draft`,
        and nothing of it is kept. Both empty: nobody is any more."""
        said = (Message("system", system), Message("user", content))
        self._attendant.expect(said[0 if system else 1 :] if system or content else ())

    async def stop(self, conversation: str) -> None:
        """Stops every answer of the conversation and returns when their texts are saved."""
        await asyncio.gather(*(turn.stop() for turn in self._of(conversation)))

    async def prompt(self, message: str) -> RenderedPrompt:
        """Exactly what the model was sent for this answer (would be sent, for another message). Needs the model."""
        prompt = await self._store.prompt(message)
        messages = await fit(self._around.answers, prompt.messages)
        return await self._around.answers.render(Completion(messages=messages, continue_last=prompt.unfinished))

    # Watching

    async def watch(self, conversation: str) -> AsyncGenerator[ChatEvent, None]:
        """The whole, then what happens, in the order and by the law of `events`; the whole again for a watcher that
        fell behind. Ends with `end_watches`. Raises NotFound where there is no conversation to begin with."""
        try:
            with self._rooms.subscribe(conversation) as subscription:
                self._attendant.come(conversation)
                while (event := await subscription.take()) is not Signal.ENDED:
                    if event is not Signal.BEHIND:
                        yield event
                        continue
                    yield Whole(await self.get(conversation), self._attendant.told(conversation))
                    for turn in self._of(conversation):
                        for event in turn.situation:
                            yield event
        finally:
            self._attendant.gone(conversation)

    @property
    def watched(self) -> frozenset[str]:
        """The conversations that somebody watches."""
        return self._rooms.topics

    async def watch_list(self) -> AsyncGenerator[None, None]:
        """Once at the beginning, and whenever the list of conversations has changed."""
        with self._lists.subscribe(LIST) as subscription:
            while await subscription.take() is not Signal.ENDED:
                yield None

    def _of(self, conversation: str) -> tuple[Turn, ...]:
        return tuple(turn for turn in self._turns.values() if turn.message.conversation == conversation)

    def _begin(self, answer: StoredMessage) -> StoredMessage:
        publish = partial(self._tell, answer.conversation)
        publish(Changed(answer))
        publish(Shown(answer.id))
        self._turns[answer.id] = Turn(answer, self._around, publish, self._leave)
        self._attendant.attend(answer.conversation)
        self._list_changed()
        return answer

    def _leave(self, turn: Turn) -> None:
        del self._turns[turn.message.id]
        self._attendant.attend(turn.message.conversation)
        self._list_changed()

    def _tell(self, conversation: str, event: ChatEvent) -> None:
        self._rooms.publish(conversation, event)

    def _list_changed(self) -> None:
        self._lists.publish(LIST, None)


def _said(content: str) -> None:
    if not content.strip():
        raise InvalidInput("chats.nothing_said")
