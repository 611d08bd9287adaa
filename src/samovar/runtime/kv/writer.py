"""The thread that copies caches from memory to disk, when the engine does not need the machine.

It owns the pace and the order. What may soon have to leave memory is copied even while the engine works, everything
else only while it is idle; it asks before each megabyte. Engines and requests are unknown here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from samovar.runtime.kv.disk import DiskTier
from samovar.runtime.kv.labels import Entry
from samovar.runtime.kv.ram import Pace, RamTier


class Writer:
    """`changed` guards `ram`, whose owner announces every change on it. Begins busy: what can wait does.

    `clock`: monotonic seconds.
    """

    def __init__(
        self,
        ram: RamTier,
        disk: DiskTier,
        changed: threading.Condition,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ram = ram
        self._disk = disk
        self._changed = changed
        self._clock = clock
        self._pace: Pace = "busy"
        self._deadline = float("inf")
        self._passing: deque[Entry] = deque()
        self._written: Entry | None = None
        self._paused = False
        self._forgotten: str | None = None
        self._thread = threading.Thread(target=self._run, name="kv-writer", daemon=True)
        self._thread.start()

    def set_pace(self, pace: Pace) -> None:
        with self._changed:
            if self._pace not in (pace, "closing"):
                self._pace = pace
                self._changed.notify_all()

    def pass_on(self, entries: Iterable[Entry]) -> None:
        """What memory has no place for is written soon. The last one may wait for that whatever its size; earlier
        ones, as long as all together do not take more than the tier's margin."""
        with self._changed:
            self._passing.extend(entries)
            while len(self._passing) > 1 and sum(entry.size for entry in self._passing) > self._ram.margin:
                self._passing.popleft()
            self._changed.notify_all()

    def forget(self, session: str) -> None:
        """Writes nothing of the session any more; returns when what is being written of it has been given up."""
        with self._changed:
            kept = [entry for entry in self._passing if entry.label.session != session]
            self._passing.clear()
            self._passing.extend(kept)
            self._forgotten = session
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._written is None or self._written.label.session != session)
            self._forgotten = None

    def close(self, seconds: float) -> None:
        """Writes what is not yet on disk, the most recently used first, for so many seconds; ends the thread."""
        with self._changed:
            self._deadline = self._clock() + seconds
        self.set_pace("closing")
        self._thread.join(seconds + 1)

    def settled(self, seconds: float) -> bool:
        """Returns when nothing is left that may be written now; False where it took longer."""
        with self._changed:
            return self._changed.wait_for(self._rests, seconds)

    def _run(self) -> None:
        while (entry := self._take()) is not None:
            self._disk.write(entry, partial(self._goes_on, entry))

    def _take(self) -> Entry | None:
        """Waits for the next entry; None at the end."""
        with self._changed:
            self._written = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pace == "closing" or self._next() is not None)
            self._written = self._next()
            if self._passing and self._written is self._passing[0]:
                self._passing.popleft()
            elif self._written:
                self._ram.offered(self._written.label)
            return self._written

    def _next(self) -> Entry | None:
        if self._clock() >= self._deadline:
            return None
        return self._passing[0] if self._passing else self._ram.unwritten(self._pace)

    def _goes_on(self, entry: Entry) -> bool:
        """Waits while it must; False where the writing of `entry` is to be given up."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._must_wait(entry))
            self._paused = False
            late = self._clock() >= self._deadline
            return not (late or self._superseded(entry) or entry.label.session == self._forgotten)

    def _must_wait(self, entry: Entry) -> bool:
        return self._pace == "busy" and entry in self._ram and not self._ram.endangered(entry)

    def _superseded(self, entry: Entry) -> bool:
        return entry not in self._ram and self._ram.serving(entry.label) is not None

    def _rests(self) -> bool:
        if self._written is not None:
            return self._paused and self._must_wait(self._written)
        return not self._thread.is_alive() or self._next() is None
