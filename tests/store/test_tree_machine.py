"""Whatever people do, in whatever order: no message is lost, the laws hold, and a killed server costs nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from samovar.core.errors import Conflict, NotFound
from samovar.core.requests import Message
from samovar.store.conversations import Conversations
from samovar.store.database import Database
from samovar.store.values import Asked, StoredMessage, Tree
from samovar.store.verify import verify

from .talk import ended

T = TypeVar("T")

TEXTS = st.text(max_size=12)


class Trees(RuleBasedStateMachine):
    """The model: for every conversation its messages as (parent, role, content), and which are hidden."""

    conversations = Bundle("conversations")
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.known: dict[str, dict[str, tuple[str | None, str, str]]] = {}
        self.home: dict[str, str] = {}
        self.live: set[str] = set()
        self.hidden: set[str] = set()
        self.prompts: dict[str, tuple[Message, ...]] = {}

    @initialize()
    def open(self) -> None:
        self.database = Database.open(Path(self.folder.name) / "samovar.db")
        self.store = Conversations(self.database)

    def teardown(self) -> None:
        self.do(self.database.close())
        self.do(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def do(self, work: Coroutine[None, None, T]) -> T:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[None, None, T], *, refused: bool) -> T | None:
        """The result; or None where the act must be refused, and was."""
        try:
            result = self.do(work)
        except (Conflict, NotFound):
            assert refused
            return None
        assert not refused
        return result

    def learn(self, *messages: StoredMessage) -> None:
        for message in messages:
            self.known[message.conversation][message.id] = (message.parent, message.role, message.content)
            self.home[message.id] = message.conversation
            if message.state == "streaming":
                self.live.add(message.id)
                begun = [Message("assistant", message.content)] if message.content else []
                self.prompts[message.id] = (*self.path(message.parent), *begun)

    def path(self, message: str | None) -> list[Message]:
        """From the root down to `message`, as the texts are now."""
        if message is None:
            return []
        parent, role, content = self.known[self.home[message]][message]
        return [*self.path(parent), Message(role, content)]

    def hides(self, message: str) -> bool:
        return self.home[message] in self.hidden

    def children(self, message: str) -> list[str]:
        return [child for child, (parent, *_) in self.known[self.home[message]].items() if parent == message]

    @rule(target=conversations, system=TEXTS)
    def create(self, system: str) -> str:
        tree = self.do(self.store.create(system=system))
        return self.adopt(tree)

    def adopt(self, tree: Tree) -> str:
        self.known[tree.conversation.id] = {}
        self.learn(*tree.messages)
        return tree.conversation.id

    @rule(target=messages, conversation=conversations, text=TEXTS)
    def start(self, conversation: str, text: str) -> object:
        asked = self.attempt(self.store.ask(conversation, None, text, text), refused=conversation in self.hidden)
        return self.asked(asked)

    @rule(target=messages, parent=messages, text=TEXTS)
    def send(self, parent: str, text: str) -> object:
        refused = self.hides(parent) or parent in self.live
        asked = self.attempt(self.store.ask(self.home[parent], parent, text, text), refused=refused)
        return self.asked(asked)

    def asked(self, asked: Asked | None) -> object:
        if asked is None:
            return multiple()
        self.learn(asked.message, asked.answer)
        return multiple(asked.message.id, asked.answer.id)

    @rule(target=messages, message=messages)
    def regenerate(self, message: str) -> object:
        parent, role, _ = self.known[self.home[message]][message]
        question = parent if role == "assistant" and parent is not None else message
        refused = self.hides(message) or any(child in self.live for child in self.children(question))
        answer = self.attempt(self.store.answer(message), refused=refused)
        if answer is None:
            return multiple()
        self.learn(answer)
        return answer.id

    @rule(message=messages)
    def resume(self, message: str) -> None:
        parent, role, _ = self.known[self.home[message]][message]
        if role != "assistant":
            return
        siblings = self.children(parent or message)
        refused = (
            self.hides(message) or bool(self.children(message)) or any(sibling in self.live for sibling in siblings)
        )
        resumed = self.attempt(self.store.resume(message), refused=refused)
        if resumed is not None:
            self.learn(resumed)

    @rule(message=messages, text=TEXTS)
    def grow(self, message: str, text: str) -> None:
        if message in self.live:
            conversation = self.known[self.home[message]]
            parent, role, before = conversation[message]
            self.do(self.store.write(message, before + text))
            conversation[message] = (parent, role, before + text)

    @rule(message=messages, text=TEXTS, state=st.sampled_from(["done", "stopped", "failed", "interrupted"]))
    def finish(self, message: str, text: str, state: str) -> None:
        if message in self.live and not self.hides(message):
            stored = self.do(self.store.message(message))
            self.learn(self.do(ended(self.store, stored, stored.content + text, state=state)))
            self.live.discard(message)

    @rule(message=messages, text=TEXTS)
    def edit(self, message: str, text: str) -> None:
        refused = self.hides(message) or message in self.live
        edited = self.attempt(self.store.edit(message, text), refused=refused)
        if edited is not None:
            self.learn(edited)

    @rule(target=conversations, message=messages)
    def branch(self, message: str) -> object:
        refused = self.hides(message) or message in self.live
        tree = self.attempt(self.store.branch(message), refused=refused)
        if tree is None:
            return multiple()
        assert [Message(m.role, m.content) for m in tree.messages] == self.path(message)
        return self.adopt(tree)

    @rule(message=messages)
    def show(self, message: str) -> None:
        conversation = self.home[message]
        head = self.attempt(self.store.show(conversation, message), refused=conversation in self.hidden)
        if head is not None:
            under, shown = {message}, head.current
            while under and shown not in under:
                under = {child for parent in under for child in self.children(parent)}
            assert shown in under

    @rule(conversation=conversations)
    def delete(self, conversation: str) -> None:
        self.attempt(self.store.delete(conversation), refused=conversation in self.hidden)
        self.hidden.add(conversation)

    @rule(conversation=conversations)
    def restore(self, conversation: str) -> None:
        self.do(self.store.restore(conversation))
        self.hidden.discard(conversation)

    @rule()
    def die_and_start_again(self) -> None:
        self.do(self.database.close())
        self.open()
        assert self.do(self.store.interrupt_all()) == len(self.live)
        self.live.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        for conversation in self.known.keys() - self.hidden:
            tree = self.do(self.store.get(conversation))
            assert {m.id: (m.parent, m.role, m.content) for m in tree.messages} == self.known[conversation]
            assert {m.id for m in tree.messages if m.state == "streaming"} == self.live & self.known[
                conversation
            ].keys()
        listed = {line.id for line in self.do(self.store.list())}
        assert listed == self.known.keys() - self.hidden

    @invariant()
    def every_prompt_stays_what_was_sent(self) -> None:
        for answer, sent in self.prompts.items():
            if not self.hides(answer):
                assert self.do(self.store.prompt(answer)).messages == sent

    @invariant()
    def the_laws_hold(self) -> None:
        assert self.do(verify(self.database)) == ()


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
