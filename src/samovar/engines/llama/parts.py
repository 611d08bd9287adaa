"""A batch of several sequences, taken apart by sequence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from samovar.core.engine import Batch


@dataclass(frozen=True)
class Part:
    """The entries of one sequence, as those of sequence 0; `rows`: where their logits go."""

    sequence: int
    batch: Batch
    rows: list[int]

    @property
    def draws(self) -> bool:
        """Whether a token is drawn after each entry: the newest of a stream, and what is guessed behind it."""
        return len(self.rows) == len(self.batch.tokens)

    @property
    def end(self) -> int:
        """Positions of the sequence after this."""
        return self.batch.positions[-1] + 1


def parts_of(batch: Batch) -> list[Part]:
    """One part a sequence, in the order in which the batch first names them."""
    parts: dict[int, Part] = {}
    row = 0
    for token, position, sequence, wanted in zip(
        batch.tokens, batch.positions, batch.sequences, batch.wanted, strict=True
    ):
        part = parts.get(sequence)
        if part is None:
            part = parts[sequence] = Part(sequence, Batch([], [], [], []), [])
        part.batch.tokens.append(token)
        part.batch.positions.append(position)
        part.batch.sequences.append(0)
        part.batch.wanted.append(wanted)
        if wanted:
            part.rows.append(row)
            row += 1
    return list(parts.values())


def joined(parts: Iterable[Part]) -> Batch:
    """The parts as one batch, each under its own sequence."""
    batch = Batch([], [], [], [])
    for part in parts:
        batch.tokens += part.batch.tokens
        batch.positions += part.batch.positions
        batch.sequences += [part.sequence] * len(part.batch.tokens)
        batch.wanted += part.batch.wanted
    return batch
