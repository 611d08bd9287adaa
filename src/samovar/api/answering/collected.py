"""A stream of events as one whole answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from samovar.api.answering.blocks import Block, Blocks
from samovar.core.engine import Note
from samovar.core.errors import EngineFailed, revive
from samovar.core.events import (
    Call,
    Delta,
    Done,
    Event,
    Failed,
    Finish,
    FinishReason,
    PromptTokens,
    Thought,
    TokenDetail,
    Warned,
)
from samovar.core.requests import ToolCall
from samovar.services.contracts import Generation


@dataclass
class Choice:
    """One answer, complete. `tokens`: all of it, in order; `stop`: the stop string that ended it; `blocks`: what
    was thought, said and called, in the order in which it came."""

    index: int
    text: str = ""
    reasoning: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    tokens: list[TokenDetail] = field(default_factory=list)
    reason: FinishReason = "stop"
    stop: str | None = None
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Collected:
    """All choices, in order, and what the answer took. `prompts`: where they were asked for, the tokens of each
    prompt, by the first of its choices. `notes`: what was warned of while it grew."""

    model: str
    choices: list[Choice]
    done: Done
    prompts: dict[int, tuple[TokenDetail, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def prompt(self) -> tuple[TokenDetail, ...]:
        """The tokens of the first prompt."""
        return self.prompts.get(0, ())


def _ignore(_: Event) -> None: ...


async def collect(generation: Generation, note: Callable[[Event], None] = _ignore) -> Collected:
    """Reads the events to their end, each through `note`. Raises what Failed carries; EngineFailed where they end
    without Done."""
    growing: defaultdict[int, _Growing] = defaultdict(_Growing)
    prompts: dict[int, tuple[TokenDetail, ...]] = {}
    notes: list[Note] = []
    async for event in generation:
        note(event)
        match event:
            case Delta() | Thought() | Call() | Finish():
                growing[event.index].take(event)
            case PromptTokens():
                prompts[event.index] = event.tokens
            case Warned():
                notes.append(event.note)
            case Failed():
                raise revive(event.error)
            case Done():
                choices = [growing[index].whole(index) for index in sorted(growing)]
                return Collected(generation.model, choices, event, prompts, tuple(notes))
            case _:
                pass
    raise EngineFailed("api.broken_off")


@dataclass
class _Growing:
    blocks: Blocks = field(default_factory=Blocks)
    tokens: list[TokenDetail] = field(default_factory=list)
    finish: Finish = field(default_factory=lambda: Finish(0, "stop"))

    def take(self, event: Delta | Thought | Call | Finish) -> None:
        if isinstance(event, Finish):
            self.finish = event
        else:
            self.blocks.take(event)
            self.tokens += event.tokens

    def whole(self, index: int) -> Choice:
        blocks = self.blocks.all
        return Choice(
            index,
            "".join(block.text for block in blocks if block.kind == "text"),
            "".join(block.text for block in blocks if block.kind == "thought"),
            [ToolCall(block.id, block.name, block.text) for block in blocks if block.kind == "call"],
            self.tokens,
            self.finish.reason,
            self.finish.stop,
            blocks,
        )
