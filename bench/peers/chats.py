"""A chat that grows turn by turn, as a person has it with each side.

Samovar keeps the chat and its window by itself: it is spoken to as its page does. llama-server is sent the whole
history with each request and refuses one that is too long, so its client leaves out the oldest turns that do not
fit, no more than needed: what its own page and common clients do.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any, Protocol

from bench.peers.client import call, chat, events
from bench.peers.sides import Server

ANSWER_TOKENS, ANSWER_CHARACTERS = 48, 200
"""About the same: a page's answer is stopped by hand."""


class Conversation(Protocol):
    async def turns(self, texts: list[str]) -> list[float]:
        """Says the texts one after the other. Returns seconds to the first piece of each answer."""
        ...


def conversation(server: Server, window: int) -> Conversation:
    return KeptByServer(server) if server.side.slides else KeptByClient(server, window)


class KeptByServer:
    """Over the page's API."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self._id = ""
        self._leaf: str | None = None

    async def turns(self, texts: list[str]) -> list[float]:
        if not self._id:
            await self._begin()
        happened = events(self._port, f"/samovar/conversations/{self._id}/events")
        try:
            await anext(happened)
            return [await self._turn(text, happened) for text in texts]
        finally:
            await happened.aclose()

    async def _begin(self) -> None:
        self._id = (await call(self._port, "POST", "/samovar/conversations", {"title": "bench"}))["id"]
        greedy = {"values": {"temperature": 0.0, "top_k": 1, "ban_eos_token": True}}
        await call(self._port, "PATCH", f"/samovar/conversations/{self._id}", {"sampling": greedy})

    async def _turn(self, text: str, happened: AsyncGenerator[tuple[str, dict[str, Any]], None]) -> float:
        began = time.perf_counter()
        path = f"/samovar/conversations/{self._id}"
        asked = await call(self._port, "POST", f"{path}/messages", {"parent": self._leaf, "content": text})
        self._leaf = asked["answer"]["id"]
        first, length = 0.0, 0
        async for name, data in happened:
            if name == "message" and data["id"] == self._leaf and data["state"] == "failed":
                raise RuntimeError(data["error"])
            if name == "delta" and data["id"] == self._leaf:
                first = first or time.perf_counter() - began
                length += len(data["text"])
                if length >= ANSWER_CHARACTERS:
                    break
        await call(self._port, "POST", f"{path}/stop")
        return first


class KeptByClient:
    """Over chat completions."""

    def __init__(self, server: Server, window: int) -> None:
        self._port = server.port
        self._window = window
        self._turns: list[tuple[int, list[dict[str, str]]]] = []

    async def turns(self, texts: list[str]) -> list[float]:
        return [await self._turn(text) for text in texts]

    async def _turn(self, text: str) -> float:
        asked = {"role": "user", "content": text}
        # The next turn is taken to be as long as the longest so far.
        longest = max((size for size, _ in self._turns), default=0)
        while sum(size for size, _ in self._turns) + longest > self._window:
            del self._turns[0]
        before = sum(size for size, _ in self._turns)
        history = [message for _, messages in self._turns for message in messages]
        heard = await chat(self._port, [*history, asked], ANSWER_TOKENS)
        answer = {"role": "assistant", "content": heard.text}
        self._turns.append((heard.prompt_tokens + heard.completion_tokens - before, [asked, answer]))
        return heard.first
