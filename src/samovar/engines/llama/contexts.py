"""One libllama context for each sequence, behind the interface of one context for all.

For a build that computes attention over every used cell of a context, whoever they belong to: apart, sequences do
not slow each other, and flash attention is possible where it needs a context with one sequence. What they lose is
that weights are read once for the tokens of several. Knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from samovar.core.engine import Batch
from samovar.core.errors import EngineFailed
from samovar.engines.llama.context import Context

if TYPE_CHECKING:
    from samovar.core.engine import Logits


AnyContext: TypeAlias = "Context | Contexts"
"""What computes the sequences of one model."""


class Contexts:
    """As `Context`, for `parallel` sequences, each in a context from `make`: the first one's is made at
    once, the others' when they are first used. Raises EngineFailed where one cannot be made."""

    def __init__(self, make: Callable[[], Context], parallel: int) -> None:
        self._make = make
        self._contexts: list[Context | None] = [make(), *[None] * (parallel - 1)]
        self._threads = 0
        self._rows = np.empty((0, 0), dtype=np.float32)
        first = self._of(0)
        self.vocab_size = first.vocab_size
        self.cells = first.cells * parallel

    def decode(self, batch: Batch) -> Logits:
        """As `Context.decode`: sequence after sequence, in the order in which the batch first names them."""
        if not batch.tokens:
            return self._of(0).decode(batch)
        first = batch.sequences[0]
        if batch.sequences.count(first) == len(batch.sequences):
            return self._of(first).decode(_alone(batch))
        return self._one_by_one(batch)

    def set_threads(self, count: int) -> None:
        self._threads = count
        for context in filter(None, self._contexts):
            context.set_threads(count)

    def remove(self, sequence: int, start: int, end: int | None) -> bool:
        return self._of(sequence).remove(0, start, end)

    def copy(self, source: int, target: int, end: int) -> None:
        self.restore(target, memoryview(self.export(source)))
        self.remove(target, end, None)

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        self._of(sequence).shift(0, start, end, by)

    def can_shift(self) -> bool:
        return self._of(0).can_shift()

    def export(self, sequence: int) -> bytearray:
        return self._of(sequence).export(0)

    def restore(self, sequence: int, state: memoryview) -> None:
        self._of(sequence).restore(0, state)

    def close(self) -> None:
        for context in filter(None, self._contexts):
            context.close()

    def _of(self, sequence: int) -> Context:
        context = self._contexts[sequence]
        if context is None:
            context = self._contexts[sequence] = self._make()
            if self._threads:
                context.set_threads(self._threads)
        return context

    def _one_by_one(self, batch: Batch) -> Logits:
        """The rows of every sequence, put where the batch wants them. What was computed before a failure is removed
        again."""
        rows = self._room(sum(batch.wanted))
        begun: dict[int, int] = {}
        try:
            for sequence, part, places in _by_sequence(batch):
                begun[sequence] = part.positions[0]
                rows[places] = self._of(sequence).decode(part)
        except EngineFailed:
            for sequence, start in begun.items():
                self.remove(sequence, start, None)
            raise
        return rows

    def _room(self, count: int) -> Logits:
        """Memory for so many rows, the same from call to call: new pages cost more than what is written to them."""
        if len(self._rows) < count:
            self._rows = np.empty((count, self.vocab_size), dtype=np.float32)
        return self._rows[:count]


def _by_sequence(batch: Batch) -> Iterator[tuple[int, Batch, list[int]]]:
    """Each sequence of the batch with its entries, as sequence 0, and the rows that their logits go to."""
    rows = iter(range(len(batch.tokens)))
    places = [next(rows) if wanted else -1 for wanted in batch.wanted]
    for sequence in dict.fromkeys(batch.sequences):
        own = [i for i, of in enumerate(batch.sequences) if of == sequence]
        yield sequence, _entries(batch, own), [places[i] for i in own if batch.wanted[i]]


def _entries(batch: Batch, own: list[int]) -> Batch:
    return Batch(
        [batch.tokens[i] for i in own],
        [batch.positions[i] for i in own],
        [0] * len(own),
        [batch.wanted[i] for i in own],
    )


def _alone(batch: Batch) -> Batch:
    """The batch of a single sequence, as sequence 0."""
    return Batch(batch.tokens, batch.positions, [0] * len(batch.tokens), batch.wanted)
