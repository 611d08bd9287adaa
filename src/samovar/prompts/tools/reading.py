"""Tells calls apart from the text of an answer, in whatever format."""

from __future__ import annotations

from collections.abc import Sequence

from samovar.prompts.json_text import decoded
from samovar.prompts.parsing import (
    SPACE,
    Argued,
    Broken,
    Closed,
    Entered,
    Malformed,
    Opened,
    Reading,
    Said,
    Source,
    Unfinished,
    closing,
    expect,
    one_of,
    skip,
    until,
)
from samovar.prompts.tools.format import Offered, ToolFormat


def content(source: Source, format: ToolFormat, offered: Offered, *, must: bool, held: bool) -> Reading[None]:
    """An answer behind its thoughts, to its end. `must`: it is nothing but calls; `held`: nothing but calls can
    follow a call."""
    if not format.start and offered:
        yield from skip(source)
        if source.rest:
            yield from section(source, "", format, offered, sure=must)
    elif not format.marked:
        yield from skip(source)
    calls = (format.start, *format.also) if offered else ()
    starts, sure = tuple(filter(None, (*calls, *format.unsaid))), must
    while mark := (yield from _start(source, starts, sure=sure)):
        if mark.strip(SPACE) not in format.unsaid:
            sure = (yield from section(source, mark, format, offered)) and held


def _start(source: Source, starts: Sequence[str], *, sure: bool) -> Reading[str]:
    """The mark of the next calls, behind text; "" where none comes. `sure`: no text does, so that what is there of
    a mark at the end of all belongs to a call."""
    if sure:
        yield from skip(source)
        if mark := (yield from one_of(source, starts)):
            return mark
        if source.rest and source.ends_in(*starts):
            yield Broken(source.take(len(source.rest)))
    return (yield from until(source, starts, Said))


def section(
    source: Source, mark: str, format: ToolFormat, offered: Offered, *, sure: bool = False
) -> Reading[bool]:
    """The calls behind `mark`, which was taken, and whether they ended well; what is none of them comes as Broken.
    Without a mark, and unless it is `sure` that there is one, only a function that was offered is called: all else
    is text."""
    sure = sure or bool(mark)
    source.remember(mark)
    yield Entered("call")
    try:
        if opening := format.open.strip(SPACE):
            yield from expect(source, opening)
        while True:
            for finding in _call(source, format, offered):
                if isinstance(finding, Opened):
                    if not sure and finding.name not in offered:
                        raise Malformed
                    sure = True
                yield finding
            last = yield from _ends(source, format)
            yield Closed()
            if last:
                break
            source.remember()
        source.recall()
    except Malformed as fault:
        if isinstance(fault, Unfinished):
            source.take(len(source.rest))
        written = source.recall()
        yield Entered("text")
        yield Broken(written) if sure else Said(written)
        return False
    yield Entered("text")
    return True


def _call(source: Source, format: ToolFormat, offered: Offered) -> Reading[None]:
    """One call, its arguments a JSON object for certain once it has ended."""
    arguments: list[str] = []
    for finding in format.style.read(source, offered):
        if isinstance(finding, Argued):
            arguments.append(finding.text)
        yield finding
    if not isinstance(decoded("".join(arguments)), dict):
        raise Malformed


def _ends(source: Source, format: ToolFormat) -> Reading[bool]:
    """Whether the calls end behind the one that was just read. Where all text ends, marks may be cut or lack."""
    close, between = format.close.strip(SPACE), format.between.strip(SPACE)
    if format.each:
        if close:
            yield from closing(source, close)
        return True
    yield from skip(source)
    found = yield from one_of(source, (close, between))
    if not found and source.ends_in(close, between):
        source.take(len(source.rest))
        return True
    return found == close if found else bool(between)
