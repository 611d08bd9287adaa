"""Does to the engine's cache what a plan says, and keeps what comes of it: logits for swipes, blobs for the shelf.

Knows the engine and the shelf; not who asked for what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from samovar.core.engine import Engine
from samovar.core.errors import EngineFailed
from samovar.runtime.jobs import Copy, Operation, Remove, Restore, Save, Shift
from samovar.runtime.kv import Label
from samovar.runtime.shelf import Store

if TYPE_CHECKING:
    from samovar.sampling.guidance import Logits as Row


class Keeper:
    """Owns what happens to cached sequences between two batches."""

    def __init__(self, engine: Engine, store: Store, note: Callable[[Sequence[int], str], bytes]) -> None:
        """`note`: what is to be remembered of tokens of a session, together with their cache."""
        self._engine = engine
        self._store = store
        self._note = note
        self._can_export = engine.info.capabilities.can_export
        self._rows: dict[int, Row] = {}

    def apply(self, ops: Iterable[Operation]) -> list[tuple[Restore, bool]]:
        """Does `ops` in order. Returns which of them restored, and whether that worked; raises EngineFailed where
        another one did not."""
        restored = []
        for op in ops:
            match op:
                case Remove(sequence, start, end):
                    if not self._engine.remove(sequence, start, end):
                        raise EngineFailed("runtime.engine_fault", fault=f"seq_rm {sequence} {start} {end}")
                case Copy(source, target, end, start):
                    self._engine.copy(source, target, end, start=start)
                    if source in self._rows and not start:
                        self._rows[target] = self._rows[source]
                case Shift(sequence, start, end, by):
                    self._engine.shift(sequence, start, end, by)
                case Save():
                    self.save(op)
                case Restore():
                    restored.append((op, self._restore(op)))
        return restored

    def save(self, op: Save) -> None:
        """Puts a copy of the sequence on the shelf, where the engine gives one."""
        if self._can_export:
            with suppress(EngineFailed):
                label = Label.of(op.tokens, op.tenant, op.session, self._note(op.tokens, op.session))
                self._store.put(label, self._engine.export(op.sequence))

    def keep(self, sequence: int, row: Row) -> None:
        """Remembers the logits after all that the sequence holds."""
        self._rows[sequence] = row.copy()

    def kept(self, sequence: int) -> Row:
        """What `keep` was told last; a copied sequence has its source's."""
        return self._rows[sequence]

    def _restore(self, op: Restore) -> bool:
        blob = self._store.fetch(op.found)
        if blob is None:
            return False
        try:
            self._engine.restore(op.sequence, blob)
        except EngineFailed:
            return False
        return self._engine.remove(op.sequence, op.found.shared)
