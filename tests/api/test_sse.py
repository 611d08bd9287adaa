"""A stream says that it is alive, and whoever feeds it always learns that it ended."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from samovar.api.sse import NDJSON, PING, EventStream, Writing, frame, while_connected
from samovar.core.errors import Cancelled


class Client:
    """The other end of a connection."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.pinged = asyncio.Event()
        self.left = asyncio.Event()
        self.broken = False

    async def send(self, message: Message) -> None:
        if self.broken:
            raise OSError("the wire is cut")
        self.got.append(message)
        if message.get("body") == PING:
            self.pinged.set()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.got if message["type"] == "http.response.body"]


class Source:
    """Frames that come when a test says so."""

    def __init__(self, *frames: bytes, until: asyncio.Event | None = None) -> None:
        self._frames = frames
        self._until = until
        self.ended = asyncio.Event()
        self.closes = 0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        try:
            for data in self._frames:
                yield data
                if self._until is not None:
                    await self._until.wait()
        finally:
            self.ended.set()

    async def close(self) -> None:
        self.closes += 1


async def test_what_must_stay_apart_has_a_send_of_its_own() -> None:
    client, source = Client(), Source(b"1\n", b"2\n", b"3\n")
    await EventStream(source.frames(), source.close, NDJSON)({"type": "http"}, client.receive, client.send)
    assert client.bodies == [b"1\n", b"2\n", b"3\n", b""]


async def test_what_may_come_together_does() -> None:
    client, source = Client(), Source(b"1", b"2", b"3")
    await EventStream(source.frames(), source.close)({"type": "http"}, client.receive, client.send)
    assert client.bodies == [b"123", b""]


def test_a_frame_is_lines_that_end_in_lf() -> None:
    assert frame("delta", {"text": "a\nя"}) == 'event: delta\ndata: {"text":"a\\nя"}\n\n'.encode()


async def test_frames_that_come_together_are_written_together() -> None:
    client, source = Client(), Source(b"1", b"2")
    await EventStream(source.frames(), source.close)({"type": "http"}, client.receive, client.send)
    assert client.bodies == [b"12", b""]
    assert source.closes == 1


async def test_frames_that_break_off_end_the_stream_without_its_last_body() -> None:
    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"1"
        raise RuntimeError("broke off")

    client, source = Client(), Source()
    with pytest.raises(RuntimeError, match="broke off"):
        await EventStream(frames(), source.close)({"type": "http"}, client.receive, client.send)
    assert client.bodies == [b"1"]
    assert source.closes == 1


async def test_a_silence_is_broken_by_a_comment() -> None:
    client = Client()
    source = Source(b"1", b"2", until=client.pinged)
    await EventStream(source.frames(), source.close, Writing(silence=0.001))(
        {"type": "http"}, client.receive, client.send
    )
    said = [body for body in client.bodies if body != PING]
    assert said == [b"1", b"2", b""]
    assert PING in client.bodies


async def test_a_client_that_leaves_ends_the_frames() -> None:
    client, source = Client(), Source(b"1", until=asyncio.Event())
    running = asyncio.ensure_future(
        EventStream(source.frames(), source.close)({"type": "http"}, client.receive, client.send)
    )
    client.left.set()
    await running
    assert source.ended.is_set()
    assert source.closes == 1


async def test_a_broken_wire_closes_the_source() -> None:
    client, source = Client(), Source(b"1")
    client.broken = True
    with pytest.raises(OSError, match="cut"):
        await EventStream(source.frames(), source.close)({"type": "http"}, client.receive, client.send)
    assert source.closes == 1


async def test_a_server_that_stops_closes_the_source() -> None:
    client, source = Client(), Source(b"1", until=asyncio.Event())
    running = asyncio.ensure_future(
        EventStream(source.frames(), source.close)({"type": "http"}, client.receive, client.send)
    )
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert source.closes == 1


async def test_work_is_done_while_its_asker_is_there() -> None:
    client, stopped = Client(), asyncio.Event()

    async def quick() -> str:
        return "done"

    async def endless() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return "never"

    assert await while_connected(client.receive, quick()) == "done"
    client.left.set()
    with pytest.raises(Cancelled):
        await while_connected(client.receive, endless())
    assert stopped.is_set()


async def test_who_leaves_when_the_work_is_done_interrupts_nothing_that_comes_after() -> None:
    client, go_on = Client(), asyncio.Event()

    async def work() -> str:
        await go_on.wait()
        return "done"

    async def answer() -> str:
        said = await while_connected(client.receive, work())
        for _ in range(5):
            await asyncio.sleep(0)
        return said

    for first, then in ((client.left, go_on), (go_on, client.left)):
        client.left.clear()
        go_on.clear()
        answering = asyncio.ensure_future(answer())
        await asyncio.sleep(0)
        first.set()
        then.set()
        said = (await asyncio.gather(answering, return_exceptions=True))[0]
        assert said == "done" or isinstance(said, Cancelled), "what comes after the work is never cancelled"


async def test_a_server_that_stops_ends_the_work() -> None:
    client, stopped = Client(), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    answering = asyncio.ensure_future(while_connected(client.receive, endless()))
    await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert stopped.is_set()
