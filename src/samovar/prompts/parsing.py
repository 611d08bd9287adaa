"""Reading a text that is still arriving: what a model writes is told apart while it writes it.

A reading is a generator over a `Source`: it yields what it has found, and None where it needs more text. Whatever
it decides it decides by characters, never by where the text was cut, so that the same text gives the same findings
however it comes. Knows no format of any model.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SPACE = " \t\r\n"


@dataclass(frozen=True)
class Said:
    """Text of the answer."""

    text: str


@dataclass(frozen=True)
class Mused:
    """Text of what is thought before the answer."""

    text: str


@dataclass(frozen=True)
class Opened:
    """A call begins. `id` is "" where the model gave it none."""

    name: str
    id: str = ""


@dataclass(frozen=True)
class Argued:
    """More of the JSON text of the arguments of the call that was opened last."""

    text: str


@dataclass(frozen=True)
class Closed:
    """The call that was opened last is whole."""


@dataclass(frozen=True)
class Broken:
    """What began as a call is none. `text`: all that was written of it."""

    text: str


@dataclass(frozen=True)
class Entered:
    """What follows is of another kind: "text", "thought" or "call". The marks before it belong to what they
    enclose."""

    kind: str


@dataclass(frozen=True)
class Plain:
    """All that follows is text of the answer: nothing of it has to be looked at."""


Found = Said | Mused | Opened | Argued | Closed | Broken | Entered | Plain
Reading = Generator[Found | None, None, T]
Made = Callable[[str], Found]


class Malformed(Exception):
    """What a reading met is not what its format writes. Never leaves `prompts`."""


class Unfinished(Malformed):
    """All was as its format writes it, but the text ended before it was whole."""


class Source:
    """The text so far, read from its beginning. `ended`: nothing more will come."""

    def __init__(self) -> None:
        self.ended = False
        self._text = ""
        self._at = 0
        self._taken: list[str] | None = None

    def add(self, text: str) -> None:
        self._text = self._text[self._at :] + text
        self._at = 0

    @property
    def rest(self) -> str:
        """What has arrived and was not taken."""
        return self._text[self._at :]

    def ends_in(self, *texts: str) -> bool:
        """Whether nothing more comes than what may be the beginning of one of `texts`: nothing at all is one."""
        return self.ended and any(may_become(self.rest, text) for text in texts)

    def take(self, count: int) -> str:
        """The next `count` characters, which have arrived."""
        taken = self._text[self._at : self._at + count]
        self._at += count
        if self._taken is not None:
            self._taken.append(taken)
        return taken

    def remember(self, before: str = "") -> None:
        """From now on what is taken is kept, behind `before`, until `recall`."""
        self._taken = [before]

    def recall(self) -> str:
        """All that was taken since `remember`."""
        taken, self._taken = self._taken or [], None
        return "".join(taken)


class Parser:
    """Runs one reading over text that is pushed."""

    def __init__(self, reading: Callable[[Source], Reading[None]]) -> None:
        self._source = Source()
        self._reading = reading(self._source)

    def push(self, text: str) -> list[Found]:
        self._source.add(text)
        return self._run()

    def flush(self) -> list[Found]:
        """What was held back, now that nothing more comes."""
        self._source.ended = True
        return self._run()

    def _run(self) -> list[Found]:
        found: list[Found] = []
        for finding in self._reading:
            if finding is None:
                break
            found.append(finding)
        return found


def may_become(rest: str, text: str) -> bool:
    """Whether `rest` is a beginning of `text`. Half a character, at the end of an answer, comes as U+FFFD."""
    return len(rest) < len(text) and text.startswith(rest.rstrip("\N{REPLACEMENT CHARACTER}"))


def begun(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of `text` that one of `marks` begins with, but is not all of."""
    return max((_begun(text, mark) for mark in marks), default=0)


def _begun(text: str, mark: str) -> int:
    """Looks where the mark's first character stands: in most texts nowhere."""
    place = text.find(mark[0], max(len(text) - len(mark) + 1, 0))
    while place >= 0 and not mark.startswith(text[place:]):
        place = text.find(mark[0], place + 1)
    return len(text) - place if place >= 0 else 0


def first_of(text: str, marks: Sequence[str]) -> tuple[int, str]:
    """(where the first of `marks` begins, which it is); of several at one place the longest. −1 for none."""
    places = [(place, -len(mark), mark) for mark in marks if (place := text.find(mark)) >= 0]
    place, _, mark = min(places, default=(-1, 0, ""))
    return place, mark


def until(source: Source, marks: Sequence[str], made: Made) -> Reading[str]:
    """Passes text on, as `made` has it, up to the first of `marks`, which is taken and returned with the space
    before it; "" at the end of all text."""
    while True:
        rest = source.rest
        place, mark = first_of(rest, marks)
        # A longer mark may still come to stand where a shorter one does.
        waits = (
            not source.ended
            and mark
            and any(
                len(other) > len(rest) - place and other.startswith(rest[place:])
                for other in marks
                if other != mark
            )
        )
        if mark and not waits:
            before = source.take(place)
            if text := before.rstrip(SPACE):
                yield made(text)
            return before[len(text) :] + source.take(len(mark))
        if source.ended:
            if rest:
                yield made(source.take(len(rest)))
            return ""
        sure = rest[: place if mark else len(rest) - begun(rest, marks)]
        sure = sure.rstrip(SPACE) if marks else sure
        if sure:
            yield made(source.take(len(sure)))
        yield None


def more(source: Source) -> Reading[None]:
    """Waits for more text. Raises Unfinished where none comes."""
    if source.ended:
        raise Unfinished
    yield None


def up_to(source: Source, marks: Sequence[str]) -> Reading[tuple[str, str]]:
    """(the text before the first of `marks`, that mark): both are taken. Raises Unfinished where none comes."""
    while True:
        place, mark = first_of(source.rest, marks)
        if mark:
            text = source.take(place)
            return text, source.take(len(mark))
        yield from more(source)


def skip(source: Source) -> Reading[None]:
    """Takes white space, and waits until something else has come or all text has ended."""
    while True:
        rest = source.rest
        source.take(len(rest) - len(rest.lstrip(SPACE)))
        if source.rest or source.ended:
            return
        yield None


def one_of(source: Source, texts: Sequence[str]) -> Reading[str]:
    """Which of `texts` comes next, the longest that does: it is taken; "" where none of them does."""
    while True:
        rest = source.rest
        if not source.ended and any(may_become(rest, text) for text in texts):
            yield None
            continue
        found = max((text for text in texts if text and rest.startswith(text)), key=len, default="")
        source.take(len(found))
        return found


def expect(source: Source, *texts: str) -> Reading[str]:
    """The one of `texts` that comes next, behind white space. Raises Malformed where none does, Unfinished where
    one still could."""
    yield from skip(source)
    found = yield from one_of(source, texts)
    if not found:
        raise Unfinished if source.ends_in(*texts) else Malformed
    return found


def closing(source: Source, *texts: str) -> Reading[str]:
    """As `expect`, of marks behind what is whole without them: where all text ends, what there is of one is taken,
    and "" returned."""
    try:
        return (yield from expect(source, *texts))
    except Unfinished:
        source.take(len(source.rest))
        return ""


def ahead(source: Source, text: str) -> Reading[bool]:
    """Whether `text` comes next behind white space, both of which are taken then; else nothing is."""
    while True:
        rest = source.rest
        come = rest.lstrip(SPACE)
        if come.startswith(text):
            source.take(len(rest) - len(come) + len(text))
            return True
        if source.ended or not text.startswith(come):
            return False
        yield None
