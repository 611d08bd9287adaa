"""The worker process: `python -m samovar.runtime.worker` loads what its first frame says and answers requests.

Frames come on standard input and go to what was standard output. It ends with the front: end of input, at any
moment, ends the process at once. Nothing of the user's is kept here.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import queue
import sys
import threading
import time
from typing import BinaryIO

import msgspec

from samovar.core.engine import Engine, LoadSpec, Note
from samovar.core.errors import SamovarError
from samovar.core.events import Delta
from samovar.engines.registry import open_engine
from samovar.runtime import frames
from samovar.runtime.aside import Aside
from samovar.runtime.frames import (
    Counted,
    FromWorker,
    Happened,
    Load,
    LoadFailed,
    Loading,
    Noted,
    Quit,
    Ready,
    ToWorker,
)
from samovar.runtime.jobs import Limits
from samovar.runtime.kv import Tiers, open_tiers
from samovar.runtime.loop import GenerationLoop, limits_of
from samovar.runtime.shelf import TierShelf
from samovar.runtime.speculation import Speculation, open_speculation

Inbox = queue.SimpleQueue[ToWorker]

FRAME_SECONDS = 1 / 60
"""How often a screen shows something new."""

PAUSE_SECONDS = 0.5
"""How long nothing happens before caches are saved."""

WRITING_SECONDS = 8.0
"""How long an unload may take to write what is not on disk yet."""


class Outbox:
    """Frames to the front, written together when `flush` is called, by any thread.

    Each frame costs the front and then the client some time, on cores that the engine computes with. Text that
    comes faster than a screen can show it is therefore sent as often as a screen shows it; all else at once.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._buffer = bytearray()
        self._waits = False
        self._flushed = 0.0
        self._noted = 0

    def put(self, frame: FromWorker) -> None:
        with self._lock:
            self._buffer += frames.encode(frame)
            self._waits = self._waits or not (isinstance(frame, Happened) and isinstance(frame.event, Delta))

    def send(self, frame: FromWorker) -> None:
        """At once, with all that waits."""
        with self._lock:
            self.put(frame)
            self.flush()

    def note(self, notes: tuple[Note, ...]) -> None:
        """Says each of them once."""
        for note in notes[self._noted :]:
            self.put(Noted(note))
        self._noted = len(notes)

    def count(self, loop: GenerationLoop) -> None:
        """Says what was done, when a request has ended."""
        counts = loop.counted()
        if counts:
            self.put(Counted(counts))

    def flush(self) -> None:
        with self._lock:
            if self._buffer:
                self._stream.write(self._buffer)
                self._stream.flush()
                self._buffer.clear()
            self._waits = False
            self._flushed = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time to write: also what there may be to say."""
        return self._waits or time.monotonic() - self._flushed >= FRAME_SECONDS


def listen(stream: BinaryIO, inbox: Inbox, quitting: threading.Event, aside: Aside) -> None:
    """Answers frames aside, or moves them into the inbox, until the front is gone: then the process ends, whatever
    it is doing."""
    decoder = msgspec.msgpack.Decoder(ToWorker)
    while (body := frames.read(stream)) is not None:
        frame: ToWorker = decoder.decode(body)
        if isinstance(frame, Quit):
            quitting.set()
        if not aside.take(frame):
            inbox.put(frame)
    os._exit(0)


def load(spec: LoadSpec, outbox: Outbox, quitting: threading.Event) -> tuple[Engine, Speculation] | None:
    """Opens the engine and what guesses for it, and says how far it is; None when it could not, which has then been
    said."""

    def progress(share: float) -> bool:
        outbox.put(Loading(share))
        outbox.flush()
        return not quitting.is_set()

    try:
        engine = open_engine(spec, progress)
        speculation, notes = open_speculation(spec, engine, lambda: not quitting.is_set())
    except SamovarError as error:
        outbox.put(LoadFailed(error.value()))
        outbox.flush()
        return None
    if spec.reuse_shifted and not limits_of(engine, reuse_shifted=True).reuse_shifted:
        notes += (Note("runtime.reuse_impossible"),)
    outbox.put(Ready(msgspec.structs.replace(engine.info, notes=engine.info.notes + notes)))
    outbox.flush()
    return engine, speculation


def shelf_for(engine: Engine, spec: LoadSpec) -> Tiers:
    """The tiers for what the engine can export."""
    able = engine.info.capabilities
    ram, disk = (spec.kv_ram, spec.kv_disk) if able.can_export else (0, 0)
    return open_tiers(spec.kv_folder, engine.info.cache_id, ram=ram, disk=disk, cuttable=able.can_remove_tail)


def serve(
    engine: Engine, limits: Limits, speculation: Speculation, tiers: Tiers, inbox: Inbox, outbox: Outbox
) -> None:
    """Answers until told to quit."""
    guesser = speculation if speculation.active else None
    loop = GenerationLoop(engine, outbox.put, limits, TierShelf(tiers), guesser, patient=True)
    # What was loaded stays: the collector need not walk over it between two tokens.
    gc.collect()
    gc.freeze()
    while True:
        while loop.idle or not inbox.empty():
            frame = wait(inbox, loop, tiers, outbox)
            if isinstance(frame, Quit):
                loop.put_away()
                return
            loop.handle(frame)
            outbox.count(loop)
            outbox.flush()
        loop.step()
        if outbox.due or loop.idle or loop.reads_prompt:
            loop.speak()
            outbox.count(loop)
            outbox.flush()


def wait(inbox: Inbox, loop: GenerationLoop, tiers: Tiers, outbox: Outbox) -> ToWorker:
    """The next frame. What can be done while nobody asks is done meanwhile, after a pause: whoever asks again at
    once does not wait for it."""
    more = True
    while True:
        try:
            frame = inbox.get(timeout=PAUSE_SECONDS if more else None)
            tiers.hold()
            return frame
        except queue.Empty:
            more = loop.tidy()
            tiers.allow()
            outbox.note(tiers.notes)
            outbox.flush()


def main() -> None:
    """Takes standard output away from everything else in the process, then loads and serves."""
    faulthandler.enable()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    inbox: Inbox = queue.SimpleQueue()
    quitting = threading.Event()
    outbox = Outbox(out)
    aside = Aside(outbox.send)
    threading.Thread(target=listen, args=(sys.stdin.buffer, inbox, quitting, aside), daemon=True).start()
    first = inbox.get()
    if isinstance(first, Load):
        loaded = load(first.spec, outbox, quitting)
        if loaded is not None:
            engine, speculation = loaded
            aside.open(engine)
            tiers = shelf_for(engine, first.spec)
            limits = limits_of(engine, reuse_shifted=first.spec.reuse_shifted)
            serve(engine, limits, speculation, tiers, inbox, outbox)
            tiers.close(WRITING_SECONDS)
            speculation.close()
            aside.close()
            engine.close()
    outbox.flush()
    # C libraries may hang or crash in their exit handlers; everything worth keeping has been sent.
    os._exit(0)


if __name__ == "__main__":
    main()
