"""An answer as blocks that follow one another: what was thought, what was said, each call. For dialects that open
and close such blocks as they stream, and name them in a whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from samovar.core.events import Call, Delta, Thought, TokenDetail

Kind = Literal["thought", "text", "call"]


@dataclass
class Block:
    """The `index`-th block of an answer, as far as it has come. `id` and `name` are those of a call, whose text is
    its arguments."""

    index: int
    kind: Kind
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    tokens: list[TokenDetail] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Growth(NamedTuple):
    """What one event did: it `ended` a block, `began` one, and added `piece`, made of `tokens`, to `block`."""

    block: Block
    ended: Block | None
    began: bool
    piece: str
    tokens: tuple[TokenDetail, ...]


class Blocks:
    """Cuts the events of one choice into blocks, in the order in which they come."""

    def __init__(self) -> None:
        self.current: Block | None = None
        self.all: list[Block] = []
        self._call = -1
        self._held: tuple[TokenDetail, ...] = ()

    def take(self, event: Thought | Delta | Call) -> Growth | None:
        """None where there is nothing to show: tokens without text belong to the text that comes next."""
        before, block = self.current, self._block_of(event)
        piece = event.arguments if isinstance(event, Call) else event.text
        if block is None or (not piece and block is before):
            self._held += event.tokens
            return None
        tokens, self._held = self._held + event.tokens, ()
        block.pieces.append(piece)
        block.tokens += tokens
        began = block is not before
        return Growth(block, before if began else None, began, piece, tokens)

    def _block_of(self, event: Thought | Delta | Call) -> Block | None:
        """The block that `event` belongs to, begun if need be; the present one, or None, for an event that says
        nothing and begins nothing."""
        if isinstance(event, Call):
            if self.current is None or self.current.kind != "call" or event.call != self._call:
                self._call = event.call
                return self._begin("call", event.id, event.name)
            return self.current
        kind: Kind = "thought" if isinstance(event, Thought) else "text"
        if event.text and (self.current is None or self.current.kind != kind):
            return self._begin(kind)
        return self.current

    def _begin(self, kind: Kind, id: str = "", name: str = "") -> Block:
        self.current = Block(len(self.all), kind, id, name)
        self.all.append(self.current)
        return self.current
