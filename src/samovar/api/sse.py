"""Server-sent events: frames, and the response that writes them.

Frames end in LF, never CRLF: KoboldAI Lite's parser sees nothing else. Knows nothing of what the frames say.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from samovar.core.errors import Cancelled

T = TypeVar("T")

PING = b": ping\n\n"
SILENCE_SECONDS = 10.0
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@dataclass(frozen=True)
class Writing:
    """How frames are put on the wire. `apart`: each with a send of its own, for clients that cannot tell two
    objects apart that come in one read; else those that come together go together. `pause`: seconds after each of
    those sends, so that the client has read it before the next one comes. `ping`: what is sent after so many
    seconds of `silence`, b"" for nothing. `loading`: what says how much of the model has been loaded (0 to 1)
    before there is an answer; None: nothing can, so that nothing is sent before."""

    media_type: str = "text/event-stream"
    apart: bool = False
    pause: float = 0.0
    ping: bytes = PING
    silence: float = SILENCE_SECONDS
    loading: Callable[[float], bytes] | None = None


def loading_comment(share: float) -> bytes:
    """A comment, which every client of server-sent events passes over."""
    return b": loading %.2f\n\n" % share


SSE = Writing(loading=loading_comment)
NDJSON = Writing("application/x-ndjson", apart=True, ping=b"")


def frame(event: str, data: object) -> bytes:
    """One named event with `data` as JSON."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))


async def disconnected(receive: Receive) -> None:
    """Returns when the client has gone. To be awaited once the body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(receive: Receive, work: Coroutine[None, None, T]) -> T:
    """The result of `work`, which is cancelled as soon as the client goes away. Raises Cancelled then."""
    task, left, over = asyncio.current_task(), False, False
    assert task is not None

    def leave(watching: asyncio.Future[None]) -> None:
        nonlocal left
        # Who leaves when the work is over interrupts nothing of what comes after it.
        if not (over or watching.cancelled()):
            left = True
            task.cancel()

    watching = asyncio.ensure_future(disconnected(receive))
    watching.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if not left:
            raise
        if sys.version_info >= (3, 11):
            task.uncancel()
        raise Cancelled("api.disconnected") from None
    finally:
        over = True
        watching.cancel()


class EventStream(Response):
    """Writes frames as they come, as `writing` says.

    However the stream ends (it ran out, the client went away, the server stops), `frames` is closed and `close`
    awaited, so that whoever makes the frames can stop making them.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        close: Callable[[], Awaitable[None]],
        writing: Writing = SSE,
    ) -> None:
        super().__init__(headers=HEADERS, media_type=writing.media_type)
        del self.headers["content-length"]
        self._frames = frames
        self._close = close
        self._writing = writing
        self._wrote = False
        self._waiting: list[bytes] = []
        self._news = asyncio.Event()
        self._ended = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        tasks: list[asyncio.Future[None]] = []
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            tasks += map(asyncio.ensure_future, (self._write(send), disconnected(receive), self._keep_alive(send)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(*tasks)
            await self._close()
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _collect(self) -> None:
        try:
            async with aclosing(self._frames) as frames:
                async for data in frames:
                    self._waiting.append(data)
                    self._news.set()
        finally:
            self._ended = True
            self._news.set()

    async def _write(self, send: Send) -> None:
        """Each send is a system call, and wakes the client: what several steps had to say goes out as one, unless
        the client needs it apart."""
        collecting = asyncio.ensure_future(self._collect())
        try:
            while not self._ended or self._waiting:
                await self._news.wait()
                self._news.clear()
                waiting, self._waiting = self._waiting, []
                for body in waiting if self._writing.apart else [b"".join(waiting)]:
                    if body:
                        self._wrote = True
                        await send({"type": "http.response.body", "body": body, "more_body": True})
                    if self._writing.apart:
                        # uvloop writes what was sent in one turn of its loop with one system call: this is a turn.
                        await asyncio.sleep(self._writing.pause)
            await collecting
        finally:
            await _end(collecting)
        await send({"type": "http.response.body", "body": b""})

    async def _keep_alive(self, send: Send) -> None:
        """Proxies and clients give up on a connection that says nothing while a long prompt is read."""
        while True:
            await asyncio.sleep(self._writing.silence)
            if self._writing.ping and not self._wrote:
                await send({"type": "http.response.body", "body": self._writing.ping, "more_body": True})
            self._wrote = False


async def _end(*tasks: asyncio.Future[T] | asyncio.Future[None]) -> None:
    """Cancels what still runs and waits until all of it has stopped."""
    running = [task for task in tasks if task.cancel()]
    if running:
        await asyncio.gather(*running, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            # Whoever wanted to know has asked.
            task.exception()
