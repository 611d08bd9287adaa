"""The events of an answer in which thoughts and tool calls still stand as text, to those in which they are events
of their own. Tokens go with what they say; those of marks with what the marks enclose."""

from __future__ import annotations

import secrets
import string
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from samovar.core.engine import Note
from samovar.core.events import Call, Delta, Done, Event, Failed, Finish, Thought, TokenDetail, Warned
from samovar.prompts.detokenize import Detokenizer
from samovar.prompts.parsing import (
    Argued,
    Broken,
    Closed,
    Entered,
    Found,
    Mused,
    Opened,
    Parser,
    Plain,
    Reading,
    Said,
    Source,
)

ID_LETTERS, ID_LENGTH = string.ascii_letters + string.digits, 9
"""The strictest of the templates (Mistral's) takes nine letters and digits, and nothing else."""


def new_id() -> str:
    return "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


class AnswerReader:
    """Reads all choices of one answer. `live`: calls are handed on as they come; else once they are whole."""

    def __init__(
        self, reading: Callable[[Source], Reading[None]], *, live: bool, new_id: Callable[[], str] = new_id
    ) -> None:
        self._choices: defaultdict[int, _Choice] = defaultdict(lambda: _Choice(reading, live, new_id))

    def read(self, event: Event) -> list[Event]:
        """What `event` comes to: nothing while its text may still become one thing or another."""
        match event:
            case Delta():
                return self._choices[event.index].take(event)
            case Finish():
                return self._choices[event.index].finish(event)
            case Done():
                thought = sum(choice.thought for choice in self._choices.values())
                return [replace(event, usage=replace(event.usage, reasoning_tokens=thought))]
            case Failed():
                held = (choice.rest(index) for index, choice in self._choices.items())
                return [*(event for events in held for event in events), event]
            case _:
                return [event]


class _Choice:
    """One choice. Under a grammar a call can be broken in one way only: the answer ended before it did."""

    def __init__(self, reading: Callable[[Source], Reading[None]], live: bool, new_id: Callable[[], str]) -> None:
        self._parser = Parser(reading)
        self._characters = Detokenizer()
        self._live = live
        self._new_id = new_id
        self._kind = "text"
        self._plain = False
        self._tokens: list[TokenDetail] = []
        self._calls = 0
        self._call: tuple[str, str, list[str]] | None = None
        self.thought = 0

    def take(self, delta: Delta) -> list[Event]:
        if self._plain and not self._tokens:
            return [delta]
        events: list[Event] = []
        for text, tokens in self._cut(delta):
            self._tokens += tokens
            events += self._events(delta.index, self._parser.push(text))
        return _joined(events)

    def finish(self, finish: Finish) -> list[Event]:
        rest = self.rest(finish.index)
        reason = "tool_calls" if self._calls and finish.reason == "stop" else finish.reason
        return [*rest, replace(finish, reason=reason)]

    def rest(self, index: int) -> list[Event]:
        """What was held back, now that nothing more comes."""
        events = [*self._events(index, self._parser.flush())]
        return _joined([*events, *self._leave(index)])

    def _cut(self, delta: Delta) -> Iterator[tuple[str, Sequence[TokenDetail]]]:
        """The text token by token, where there are several."""
        sizes = [len(self._characters.push(token.piece)) for token in delta.tokens]
        start = 0
        for token, size in zip(delta.tokens[:-1], sizes, strict=False):
            yield delta.text[start : start + size], (token,)
            start += size
        yield delta.text[start:], delta.tokens[-1:]

    def _events(self, index: int, findings: Sequence[Found]) -> Iterator[Event]:
        for place, finding in enumerate(findings):
            match finding:
                case Entered(kind):
                    yield from self._enter(index, kind, last=place == len(findings) - 1)
                case Said(text) | Mused(text):
                    yield from self._said(index, text)
                case Opened(name, id):
                    self._call = (id or self._new_id(), name, [])
                    if self._live:
                        yield from self._called(index, self._call[0], name, "")
                case Argued(text):
                    yield from self._argue(index, text)
                case Closed():
                    yield from self._close(index)
                case Broken(text):
                    yield from self._break(index, text)
                case Plain():
                    self._plain = True

    def _enter(self, index: int, kind: str, *, last: bool) -> Iterator[Event]:
        """The marks of what ends here belong to it, unless what follows was said with the same token."""
        if self._kind != "text" and kind != self._kind:
            following = [] if last else self._tokens[-1:]
            self._tokens = self._tokens[: len(self._tokens) - len(following)]
            yield from self._leave(index)
            self._tokens = following
        self._kind = kind

    def _leave(self, index: int) -> Iterator[Event]:
        """Tokens without a text of their own: events for them only where somebody asked how likely they were."""
        tokens = self._spoken()
        if self._kind == "thought":
            self.thought += len(tokens)
        if not tokens or tokens[0].logprob is None:
            return
        if self._kind == "call" and self._calls:
            yield Call(index, self._calls - 1, "", "", "", tokens)
        else:
            yield Thought(index, "", tokens) if self._kind == "thought" else Delta(index, "", tokens)

    def _said(self, index: int, text: str) -> Iterator[Event]:
        tokens = self._spoken()
        if self._kind == "thought":
            self.thought += len(tokens)
            yield Thought(index, text, tokens)
        else:
            yield Delta(index, text, tokens)

    def _argue(self, index: int, text: str) -> Iterator[Event]:
        if self._live:
            yield Call(index, self._calls, "", "", text, self._spoken())
        elif self._call:
            self._call[2].append(text)

    def _close(self, index: int) -> Iterator[Event]:
        if self._call and not self._live:
            id, name, arguments = self._call
            yield from self._called(index, id, name, "".join(arguments))
        self._call = None
        self._calls += 1

    def _called(self, index: int, id: str, name: str, arguments: str) -> Iterator[Event]:
        yield Call(index, self._calls, id, name, arguments, self._spoken())

    def _break(self, index: int, text: str) -> Iterator[Event]:
        if self._live:
            self._calls += self._call is not None
            yield Warned(Note("tools.cut"))
        else:
            yield Delta(index, text, self._spoken())
            yield Warned(Note("tools.malformed"))
        self._call = None

    def _spoken(self) -> tuple[TokenDetail, ...]:
        tokens, self._tokens = tuple(self._tokens), []
        return tokens


def _joined(events: Sequence[Event]) -> list[Event]:
    """Neighbours of one kind as one event: each frame takes a client's time."""
    if len(events) < 2:
        return list(events)
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Delta | Thought) and type(last) is type(event):
            joined[-1] = replace(last, text=last.text + event.text, tokens=last.tokens + event.tokens)
        elif isinstance(event, Call) and isinstance(last, Call) and not event.id and last.call == event.call:
            arguments = last.arguments + event.arguments
            joined[-1] = replace(last, arguments=arguments, tokens=last.tokens + event.tokens)
        else:
            joined.append(event)
    return joined
