"""One libllama context for each sequence, and one in which streams are gathered while that is faster.

For a build that computes attention over every used cell of a context, whoever they belong to: apart, sequences do
not slow each other, and flash attention is possible where it needs a context with one sequence. What they lose is
that weights are read once for the tokens of several: where that was seen to weigh more (`worth`), those that draw
tokens move into a common context, and home again when they stop. Knows nothing of requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context
from samovar.engines.llama.gathering import Gathering
from samovar.engines.llama.parts import Part, parts_of
from samovar.engines.llama.worth import Worth

if TYPE_CHECKING:
    from samovar.core.engine import Logits

AnyContext: TypeAlias = "Context | Contexts"
"""What computes the sequences of one model."""


class Contexts:
    """As `Context`, for `parallel` sequences, each in a context from `make`: the first one's is made at once, the
    others' when they are first used. Raises EngineFailed where one cannot be made. `gathering`: where several draw
    together; None for nowhere."""

    def __init__(self, make: Callable[[], Context], parallel: int, gathering: Gathering | None = None) -> None:
        self._make = make
        self._contexts: list[Context | None] = [make(), *[None] * (parallel - 1)]
        self._gathering = gathering
        self._worth = Worth()
        self._threads = 0
        first = self._own(0)
        self.vocab_size = first.vocab_size
        self.cells = first.cells * parallel
        self._rows = np.empty((0, self.vocab_size), dtype=np.float32)

    def decode(self, batch: Batch) -> Logits:
        """As `Context.decode`: sequence after sequence, in the order in which the batch first names them, but for
        those that are gathered."""
        if not batch.tokens:
            return self._own(0).decode(batch)
        first = batch.sequences[0]
        if batch.sequences.count(first) == len(batch.sequences):
            self._come_home(all_but=())
            alone = Batch(batch.tokens, batch.positions, [0] * len(batch.tokens), batch.wanted)
            return self._decode_alone(first, alone)
        return self._decode_several(batch)

    def set_threads(self, count: int) -> None:
        if count == self._threads:
            return
        self._threads = count
        for context in filter(None, self._contexts):
            context.set_threads(count)
        if self._gathering:
            self._gathering.set_threads(count)

    def remove(self, sequence: int, start: int, end: int | None) -> bool:
        if self._gathering and sequence in self._gathering.members:
            if end is None and start > 0:
                return self._gathering.remove(sequence, start)
            if end is None:
                self._gathering.dismiss(sequence)
        return self._at_home(sequence).remove(0, start, end)

    def copy(self, source: int, target: int, start: int, end: int) -> None:  # noqa: ARG002 - always 0
        """Only from the beginning on: what is exported and restored is whole."""
        self.restore(target, memoryview(self.export(source)))
        self.remove(target, end, None)

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        self._at_home(sequence).shift(0, start, end, by)

    def can_shift(self) -> bool:
        return self._own(0).can_shift()

    def export(self, sequence: int) -> bytearray:
        return self._at_home(sequence).export(0)

    def restore(self, sequence: int, state: memoryview) -> None:
        self._at_home(sequence).restore(0, state)

    def close(self) -> None:
        for context in filter(None, self._contexts):
            context.close()
        if self._gathering:
            self._gathering.close()

    def _own(self, sequence: int) -> Context:
        """The sequence's context, which holds an older state of it while it is gathered."""
        context = self._contexts[sequence]
        if context is None:
            context = self._contexts[sequence] = self._make()
            if self._threads:
                context.set_threads(self._threads)
        return context

    def _at_home(self, sequence: int) -> Context:
        """The sequence's context, with all that the sequence holds."""
        if self._gathering and sequence in self._gathering.members:
            self._gathering.bring_home(sequence, self._own(sequence))
        return self._own(sequence)

    def _come_home(self, all_but: Sequence[int]) -> None:
        """Those who stopped drawing: their cells would slow the others."""
        for sequence in sorted(self._gathering.members.difference(all_but)) if self._gathering else ():
            self._at_home(sequence)

    def _decode_several(self, batch: Batch) -> Logits:
        """The rows of every sequence, put where the batch wants them. What was computed before a failure is removed
        again."""
        rows = self._room(sum(batch.wanted))
        parts = parts_of(batch)
        done: list[Part] = []
        try:
            together = self._gather([part for part in parts if part.draws])
            for part in parts:
                if part.sequence not in together:
                    done.append(part)
                    rows[part.rows] = self._decode_alone(part.sequence, part.batch)
            if together:
                self._decode_together([part for part in parts if part.sequence in together], rows)
        except EngineFailed:
            for part in done:
                self.remove(part.sequence, part.batch.positions[0], None)
            raise
        return rows

    def _gather(self, streams: Sequence[Part]) -> frozenset[int]:
        """Those of the streams that are computed together now."""
        gathering, sequences = self._gathering, [part.sequence for part in streams]
        if gathering is None or len(streams) < 2 or not self._worth.say([part.end for part in streams]):
            self._come_home(all_but=())
            return frozenset()
        self._come_home(all_but=sequences)
        try:
            if gathering.could_hold(streams):
                if not gathering.holds(streams):
                    self._come_home(all_but=())
                    gathering.grow(streams)
                for sequence in set(sequences) - gathering.members:
                    gathering.take(sequence, self._own(sequence))
                return frozenset(sequences)
        except EngineFailed:
            self._worth.never()
        self._come_home(all_but=())
        return frozenset()

    def _decode_alone(self, sequence: int, batch: Batch) -> Logits:
        began = time.perf_counter()
        rows = self._at_home(sequence).decode(batch)
        if len(batch.tokens) == 1:
            self._worth.took_alone(batch.positions[0], time.perf_counter() - began)
        return rows

    def _decode_together(self, streams: Sequence[Part], rows: Logits) -> None:
        gathering = self._gathering
        assert gathering is not None
        began = time.perf_counter()
        found = gathering.decode(streams)
        self._worth.took_together([part.end for part in streams], time.perf_counter() - began)
        places = [row for part in streams for row in part.rows]
        rows[places] = found
        if not gathering.trusted and not gathering.agrees(found, own := self._again_at_home(streams)):
            rows[places] = own
            self._worth.never()
            for part in streams:
                gathering.dismiss(part.sequence)

    def _again_at_home(self, streams: Sequence[Part]) -> Logits:
        """The same rows from the own contexts of streams that have just been gathered."""
        return np.concatenate([self._own(part.sequence).decode(part.batch).copy() for part in streams])

    def _room(self, count: int) -> Logits:
        """Memory for so many rows, the same from call to call: new pages cost more than what is written to them."""
        if len(self._rows) < count:
            self._rows = np.empty((count, self.vocab_size), dtype=np.float32)
        return self._rows[:count]
