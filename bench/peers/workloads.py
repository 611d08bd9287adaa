"""What is measured: one class a row. Each is made for one running server and knows nothing of the other side.

`prepare` is done once and not measured; `measure` is one round and returns the row's figures. Rounds bring texts of
their own, the same for both sides.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from dataclasses import dataclass
from typing import Protocol

from bench.peers.chats import conversation
from bench.peers.client import Heard, chat, complete
from bench.peers.sides import Server
from bench.peers.texts import Texts


@dataclass(frozen=True)
class Scale:
    """How much of everything. `visits`: conversations that are gone back to in a round."""

    rounds: int = 5
    decoded: int = 192
    prompt: int = 2000
    conversations: int = 20
    visits: int = 4
    history: int = 3000
    turns: int = 50


QUICK = Scale(rounds=1, decoded=48, prompt=500, conversations=4, visits=2, history=800, turns=10)

CLIENTS, CLIENT_WORDS, CLIENT_TOKENS = 8, 300, 64
SHORT_ANSWER = 16
CHAT = 1000
TURN_TOKENS = 110
"""A message of the long chat."""
WARM_UP = -1


@dataclass(frozen=True)
class Visit:
    """A server that is measured, and what with."""

    server: Server
    texts: Texts
    scale: Scale


class Workload(Protocol):
    def prepare(self) -> None: ...
    def measure(self, round: int) -> tuple[float, ...]: ...


class _Repeated:
    """A workload that leaves nothing behind that a later round profits from: one round more warms it up."""

    def __init__(self, visit: Visit) -> None:
        self._server, self._texts, self._scale = visit.server, visit.texts, visit.scale

    def prepare(self) -> None:
        self.measure(WARM_UP)

    def measure(self, round: int) -> tuple[float, ...]:
        raise NotImplementedError


class Decode(_Repeated):
    """Tokens a second of one stream."""

    def measure(self, round: int) -> tuple[float, ...]:
        prompt = self._texts.of_words(100, "decode", round)
        return (asyncio.run(complete(self._server.port, prompt, self._scale.decoded)).rate,)


class Prompt(_Repeated):
    """Tokens a second of a prompt that is in no cache, up to the first token of the answer."""

    def measure(self, round: int) -> tuple[float, ...]:
        prompt = self._texts.of_tokens(self._scale.prompt, "prompt", round)
        heard = asyncio.run(complete(self._server.port, prompt, 1))
        return (heard.prompt_tokens / heard.first,)


class Clients(_Repeated):
    """All at once: tokens a second of all together, from the first request to the last token; mean seconds to the
    first token."""

    def measure(self, round: int) -> tuple[float, ...]:
        prompts = [self._texts.of_words(CLIENT_WORDS, "clients", round, i) for i in range(CLIENTS)]

        async def together() -> list[Heard]:
            return await asyncio.gather(*(complete(self._server.port, text, CLIENT_TOKENS) for text in prompts))

        began = time.perf_counter()
        heard = asyncio.run(together())
        tokens = sum(one.completion_tokens for one in heard)
        return tokens / (time.perf_counter() - began), statistics.mean(one.first for one in heard)


class Regenerate(_Repeated):
    """Seconds to the first token of another answer to the same chat."""

    def measure(self, round: int) -> tuple[float, ...]:
        messages = self._texts.chat(CHAT, "regenerate", round)
        first, *again = [asyncio.run(chat(self._server.port, messages, SHORT_ANSWER)) for _ in range(4)]
        assert first.completion_tokens == SHORT_ANSWER
        return (statistics.median(heard.first for heard in again),)


class Restart(_Repeated):
    """Seconds to the first token of a chat's next answer, asked when the restarted server has loaded its model."""

    def prepare(self) -> None:
        """Nothing: every round starts anew."""

    def measure(self, round: int) -> tuple[float, ...]:
        messages = self._texts.chat(self._scale.history, "restart", round)
        messages = _answered(messages, asyncio.run(chat(self._server.port, messages, SHORT_ANSWER)))
        self._server.settle()
        self._server.stop()
        self._server.start()
        messages.append({"role": "user", "content": self._texts.of_words(20, "restarted", round)})
        return (asyncio.run(chat(self._server.port, messages, SHORT_ANSWER)).first,)


class Return(_Repeated):
    """Mean seconds to the first token when conversations are gone back to, in an order that no cache can guess and
    each only once as long as there are enough."""

    def prepare(self) -> None:
        count = self._scale.conversations
        self._chats = [self._texts.chat(self._scale.history, "return", i) for i in range(count)]
        self._order = random.Random(count).sample(range(count), count)
        for index in range(count):
            self._ask(index)
        self._server.settle()

    def measure(self, round: int) -> tuple[float, ...]:
        start = round * self._scale.visits
        visited = [self._order[(start + i) % len(self._order)] for i in range(self._scale.visits)]
        for index in visited:
            self._chats[index].append({"role": "user", "content": self._texts.of_words(20, "back", round, index)})
        return (statistics.mean(self._ask(index) for index in visited),)

    def _ask(self, index: int) -> float:
        heard = asyncio.run(chat(self._server.port, self._chats[index], SHORT_ANSWER))
        self._chats[index] = _answered(self._chats[index], heard)
        return heard.first


class Window(_Repeated):
    """Mean seconds to the first token of a chat that has outgrown its window, turn by turn."""

    WINDOW = 4096

    def prepare(self) -> None:
        self._chat = conversation(self._server, self.WINDOW)
        asked = 0
        while asked * TURN_TOKENS < self.WINDOW:
            self._turns(1, "filling", asked)
            asked += 1
        self._server.settle()

    def measure(self, round: int) -> tuple[float, ...]:
        return (statistics.mean(self._turns(self._scale.turns // self._scale.rounds, "past", round)),)

    def _turns(self, count: int, *key: object) -> list[float]:
        texts = [self._texts.of_tokens(TURN_TOKENS, "window", *key, i) for i in range(count)]
        return asyncio.run(self._chat.turns(texts))


def _answered(messages: list[dict[str, str]], heard: Heard) -> list[dict[str, str]]:
    return [*messages, {"role": "assistant", "content": heard.text}]
