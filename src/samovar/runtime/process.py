"""The front's end of one worker process: starts it, multiplexes requests over its pipes, notices its death."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

import msgspec

from samovar.core.engine import EngineInfo, LoadSpec, Note
from samovar.core.errors import Cancelled, EngineFailed, SamovarError, revive
from samovar.core.events import Accepted, Delta, Done, Failed, PromptProgress
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime import frames
from samovar.runtime.counts import WorkerState
from samovar.runtime.frames import (
    Cancel,
    Counted,
    Embed,
    Erase,
    Forget,
    FromWorker,
    Generate,
    Happened,
    Load,
    LoadFailed,
    Loading,
    Look,
    Noted,
    Pieces,
    Pin,
    Quit,
    Ready,
    Refused,
    Seen,
    Spell,
    Tokenize,
    Tokens,
    ToWorker,
    Vectors,
)
from samovar.runtime.stream import Stream
from samovar.runtime.tally import Tally

CLOSING_SECONDS = 15.0
"""How long a worker may take to end: it writes the caches that are not on disk yet."""

T = TypeVar("T")
Reply = Tokens | Pieces | Vectors | Seen
R = TypeVar("R", Tokens, Pieces, Vectors, Seen)


class WorkerProcess:
    """One child process. Use `start`; afterwards `info` is what it has loaded."""

    def __init__(
        self, process: asyncio.subprocess.Process, progress: Callable[[float], None], tally: Tally
    ) -> None:
        self._process = process
        self._progress = progress
        self._ids = count()
        self._streams: dict[str, Stream] = {}
        self._calls: dict[str, asyncio.Future[Reply]] = {}
        self._tally = tally
        self._ready: asyncio.Future[EngineInfo] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._holds = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._listening = asyncio.create_task(self._listen())
        self.info: EngineInfo | None = None
        self.has_computed = False
        self.death: str | None = None
        self.notes: tuple[Note, ...] = ()
        self.rested: Callable[[], None] = _nothing
        """Called each time that the worker is no longer `busy`, or gone."""

    @classmethod
    async def start(
        cls, spec: LoadSpec, log: Path, progress: Callable[[float], None], tally: Tally | None = None
    ) -> WorkerProcess:
        """Starts a process and sends it `spec`; `ready` waits for the load. Its standard error goes to `log`; what
        it counts is added to `tally`."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "samovar.runtime.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=1 << 20,
                start_new_session=os.name == "posix",
                env=os.environ | {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "2000")},
            )
        worker = cls(process, progress, tally or Tally())
        worker.send(Load(spec))
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def busy(self) -> bool:
        """Whether somebody holds it or waits for an answer; prompts being warmed do not count."""
        return self._holds > 0 or any(not stream.warm for stream in self._streams.values())

    async def ready(self) -> EngineInfo:
        """Waits for the load. Raises what the engine raised; EngineFailed "runtime.worker_died" if it died."""
        return await asyncio.shield(self._ready)

    async def generate(self, request: GenerateRequest) -> Stream:
        """Returns once the worker has accepted the request (its id is given here). Raises what it refused with."""
        self._check_alive()
        id = str(next(self._ids))
        stream = Stream(id, lambda: self.send(Cancel(id)), warm=request.warm)
        self._streams[id] = stream
        self._drained.clear()
        self.send(Generate(msgspec.structs.replace(request, id=id)))
        try:
            first = await stream.next()
        except asyncio.CancelledError:
            await stream.cancel()
            raise
        if isinstance(first, Failed):
            raise revive(first.error)
        assert isinstance(first, Accepted)
        stream.accepted = first
        return stream

    async def tokenize(self, parts: tuple[Part, ...], *, bos: bool = True, fresh: bool = False) -> Tokens:
        """The tokens of a rendered prompt, with the begin-of-sequence token where the model wants one. `fresh`: as
        the tokenizer alone splits it, which is answered while the model computes."""
        return await self._call(lambda id: Tokenize(id, parts, bos, fresh), Tokens)

    async def spell(self, tokens: tuple[int, ...]) -> Pieces:
        """The bytes of tokens; ids that the vocabulary has not are left out."""
        return await self._call(lambda id: Spell(id, tokens), Pieces)

    async def embed(self, texts: tuple[str | tuple[int, ...], ...], *, truncate: bool = False) -> Vectors:
        """The vectors of texts. Raises Missing where the model has none, InvalidInput, PromptTooLong, EngineFailed.
        Given up where the caller is cancelled."""
        return await self._call(lambda id: Embed(id, texts, truncate), Vectors)

    async def _call(self, frame: Callable[[str], ToWorker], kind: type[R]) -> R:
        self._check_alive()
        id = str(next(self._ids))
        call: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._calls[id] = call
        self.send(frame(id))
        try:
            answer = await call
        except asyncio.CancelledError:
            self._calls.pop(id, None)
            self.send(Cancel(id))
            raise
        assert isinstance(answer, kind)
        return answer

    async def look(self, slot: int | None = None) -> WorkerState:
        """What it holds; of `slot`, if one is named, with the tokens of its last request."""
        return (await self._call(lambda id: Look(id, slot), Seen)).state

    def erase(self, slot: int, tenant: str) -> None:
        """What the tenant has in this sequence is kept there no longer, unless the sequence is in use."""
        self.send(Erase(slot, tenant))

    def pin(self, sessions: tuple[str, ...]) -> None:
        """From now on the caches of these sessions, and of no others, are kept while others are given up."""
        self.send(Pin(sessions))

    def forget(self, session: str) -> None:
        """Nothing that was computed for the session is kept any longer."""
        self.send(Forget(session))

    async def drained(self) -> None:
        """Returns when no request is in flight and nobody holds the worker. Prompts being warmed are given up."""
        for stream in self._streams.values():
            if stream.warm:
                self.send(Cancel(stream.id))
        await self._drained.wait()

    def hold(self) -> None:
        """Somebody is about to make a request: the worker does not count as drained until `release`."""
        self._holds += 1
        self._drained.clear()

    def release(self) -> None:
        self._holds -= 1
        self._note_drained()

    def send(self, frame: ToWorker) -> None:
        if self.death is None and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(frames.encode(frame))

    async def close(self) -> None:
        """Ends the process: politely, then not."""
        self._closing = True
        self.send(Quit())
        try:
            await asyncio.wait_for(self._process.wait(), CLOSING_SECONDS)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        decoder = msgspec.msgpack.Decoder(FromWorker)
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while True:
                (length,) = frames.HEADER.unpack(await stdout.readexactly(frames.HEADER.size))
                self._take(decoder.decode(await stdout.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._bury(await self._process.wait())

    def _take(self, frame: FromWorker) -> None:
        match frame:
            case Happened(id, event):
                self.has_computed = self.has_computed or isinstance(event, Delta | PromptProgress)
                self._streams[id].put(event)
                if isinstance(event, Done | Failed):
                    del self._streams[id]
                    self._note_drained()
            case Noted(note):
                self.notes += (note,)
            case Tokens(id) | Pieces(id) | Vectors(id) | Seen(id) if id in self._calls:
                self._settle(self._calls.pop(id), frame)
            case Refused(id, error) if id in self._calls:
                self._refuse(self._calls.pop(id), revive(error))
            case Counted(counts):
                self._tally.add(counts)
            case Loading(share):
                self._progress(share)
            case Ready(info):
                self.info = info
                self._settle(self._ready, info)
            case LoadFailed(error):
                self._refuse(self._ready, revive(error))
            case _:
                pass

    def _bury(self, code: int) -> None:
        """Tells everyone who waits that the process is gone."""
        self.death = _cause(code)
        error = self._epitaph()
        for stream in self._streams.values():
            stream.put(Failed(error.value()))
        self._streams.clear()
        self._note_drained()
        for call in self._calls.values():
            self._refuse(call, error)
        self._tally.crashes += not self._closing
        self._refuse(self._ready, error)

    def _epitaph(self) -> SamovarError:
        if self._closing:
            return Cancelled("runtime.unloaded")
        return EngineFailed("runtime.worker_died", cause=self.death or "")

    def _check_alive(self) -> None:
        if self.death is not None:
            raise self._epitaph()

    def _note_drained(self) -> None:
        if not self._streams and not self._holds:
            self._drained.set()
        if not self.busy:
            self.rested()

    @staticmethod
    def _settle(future: asyncio.Future[T], value: T) -> None:
        if not future.done():
            future.set_result(value)

    @staticmethod
    def _refuse(future: asyncio.Future[T], error: SamovarError) -> None:
        if not future.done():
            future.set_exception(error)
            future.exception()


def _nothing() -> None: ...


def _cause(code: int) -> str:
    """A process's end in words: the signal's name, or the exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
