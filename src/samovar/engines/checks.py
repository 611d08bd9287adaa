"""What every engine refuses before it touches its cache, so that a refused batch changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from samovar.core.engine import Batch, EngineInfo
from samovar.core.errors import EngineFailed


def check_sequence(info: EngineInfo, sequence: int) -> None:
    """Raises EngineFailed for a sequence id that the cache does not have."""
    if not 0 <= sequence < info.parallel:
        raise EngineFailed("engines.sequence", sequence=sequence, parallel=info.parallel)


def check_tokens(info: EngineInfo, tokens: Iterable[int]) -> None:
    """Raises EngineFailed for a token that the vocabulary does not have."""
    for token in tokens:
        if not 0 <= token < info.vocab_size:
            raise EngineFailed("engines.token", token=token, vocab=info.vocab_size)


def check_copy(target: int, start: int, end: int) -> None:
    """Raises EngineFailed where the sequence `target`, which ends at `end`, does not end where the copied positions
    begin."""
    if end and not start:
        raise EngineFailed("engines.not_empty", sequence=target)
    if end != start:
        raise EngineFailed("engines.copy_apart", sequence=target, start=start, end=end)


def check_batch(info: EngineInfo, batch: Batch, next_position: Callable[[int], int]) -> dict[int, int]:
    """Raises EngineFailed where the lists differ in length, a token or sequence does not exist, or a position is
    not the next of its sequence (`next_position` says which is). Returns the next positions after the batch."""
    if not len(batch.tokens) == len(batch.positions) == len(batch.sequences) == len(batch.wanted):
        raise EngineFailed("engines.batch_lengths")
    ends: dict[int, int] = {}
    for token, position, sequence in zip(batch.tokens, batch.positions, batch.sequences, strict=True):
        if sequence not in ends:
            check_sequence(info, sequence)
            ends[sequence] = next_position(sequence)
        if position != ends[sequence]:
            raise EngineFailed("engines.position", sequence=sequence, position=position, expected=ends[sequence])
        if not 0 <= token < info.vocab_size:
            raise EngineFailed("engines.token", token=token, vocab=info.vocab_size)
        ends[sequence] = position + 1
    return ends
