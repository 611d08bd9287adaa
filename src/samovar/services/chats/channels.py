"""Events from one writer to many watchers, none of whom can make the writer wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_WAITING = 512
"""Events a watcher may lag behind: some seconds of one fast answer."""


class Signal(Enum):
    """What a watcher may get in place of an event."""

    BEHIND = "events are missing: look at the whole"
    ENDED = "there will be no more"


class Subscription(Generic[T]):
    """One watcher's events. It begins behind, and is behind again when more than `bound` events wait: those are
    dropped then."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._events: deque[T] = deque()
        self._behind = True
        self._ended = False
        self._ready = asyncio.Event()
        self._ready.set()

    def offer(self, event: T) -> None:
        if len(self._events) == self._bound:
            self._behind = True
            self._events.clear()
        if not self._behind:
            self._events.append(event)
        self._ready.set()

    def end(self) -> None:
        self._ended = True
        self._ready.set()

    async def take(self) -> T | Signal:
        """The next event. After BEHIND, everything that happens from that moment on follows."""
        await self._ready.wait()
        if self._behind and not self._ended:
            self._behind = False
            self._ready.clear()
            return Signal.BEHIND
        if not self._events:
            return Signal.ENDED
        event = self._events.popleft()
        if not self._events and not self._ended:
            self._ready.clear()
        return event


class Channels(Generic[T]):
    """Subscriptions by topic."""

    def __init__(self, bound: int = MOST_WAITING) -> None:
        self._bound = bound
        self._topics: dict[str, set[Subscription[T]]] = {}
        self._ended = False

    @property
    def topics(self) -> frozenset[str]:
        """Those that somebody watches."""
        return frozenset(self._topics)

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription[T]]:
        subscription: Subscription[T] = Subscription(self._bound)
        if self._ended:
            subscription.end()
        watchers = self._topics.setdefault(topic, set())
        watchers.add(subscription)
        try:
            yield subscription
        finally:
            watchers.remove(subscription)
            if not watchers:
                del self._topics[topic]

    def publish(self, topic: str, event: T) -> None:
        for subscription in self._topics.get(topic, ()):
            subscription.offer(event)

    def end(self) -> None:
        """Ends every subscription, now and later: each gets what waits for it, then ENDED."""
        self._ended = True
        for watchers in self._topics.values():
            for subscription in watchers:
                subscription.end()
