"""A stream of events as one whole answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

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
    """One answer, complete. `tokens`: of the text, in order; `stop`: the stop string that ended it."""

    index: int
    text: str = ""
    reasoning: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    tokens: list[TokenDetail] = field(default_factory=list)
    reason: FinishReason = "stop"
    stop: str | None = None


@dataclass
class Collected:
    """All choices, in order, and what the answer took. `notes`: what was warned of while it grew."""

    model: str
    choices: list[Choice]
    done: Done
    prompt: tuple[TokenDetail, ...] = ()
    notes: tuple[Note, ...] = ()


def _ignore(_: Event) -> None: ...


async def collect(generation: Generation, note: Callable[[Event], None] = _ignore) -> Collected:
    """Reads the events to their end, each through `note`. Raises what Failed carries; EngineFailed where they end
    without Done."""
    growing: defaultdict[int, _Growing] = defaultdict(_Growing)
    prompt: tuple[TokenDetail, ...] = ()
    notes: list[Note] = []
    async for event in generation:
        note(event)
        match event:
            case Delta() | Thought() | Call() | Finish():
                growing[event.index].take(event)
            case PromptTokens():
                prompt = event.tokens
            case Warned():
                notes.append(event.note)
            case Failed():
                raise revive(event.error)
            case Done():
                choices = [growing[index].whole(index) for index in sorted(growing)]
                return Collected(generation.model, choices, event, prompt, tuple(notes))
            case _:
                pass
    raise EngineFailed("api.broken_off")


@dataclass
class _Growing:
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, str, list[str]]] = field(default_factory=dict)
    tokens: list[TokenDetail] = field(default_factory=list)
    finish: Finish = field(default_factory=lambda: Finish(0, "stop"))

    def take(self, event: Delta | Thought | Call | Finish) -> None:
        match event:
            case Delta():
                self.texts.append(event.text)
                self.tokens += event.tokens
            case Thought():
                self.thoughts.append(event.text)
                self.tokens += event.tokens
            case Call():
                _, _, arguments = self.calls.setdefault(event.call, (event.id, event.name, []))
                arguments.append(event.arguments)
                self.tokens += event.tokens
            case Finish():
                self.finish = event

    def whole(self, index: int) -> Choice:
        return Choice(
            index,
            "".join(self.texts),
            "".join(self.thoughts),
            [ToolCall(id, name, "".join(pieces)) for id, name, pieces in self.calls.values()],
            self.tokens,
            self.finish.reason,
            self.finish.stop,
        )
