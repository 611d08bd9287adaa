"""Tells calls apart from the text of an answer, in whatever format."""

from __future__ import annotations

from samovar.prompts.json_text import decoded
from samovar.prompts.parsing import (
    SPACE,
    Argued,
    Broken,
    Closed,
    Entered,
    Malformed,
    Reading,
    Said,
    Source,
    expect,
    one_of,
    skip,
    until,
)
from samovar.prompts.tools.format import Offered, ToolFormat


def content(source: Source, format: ToolFormat, offered: Offered) -> Reading[None]:
    """An answer behind its thoughts, to its end."""
    if not format.lazy:
        yield from skip(source)
        if not format.start and source.rest:
            yield from section(source, "", format, offered)
    starts = tuple(filter(None, (format.start, *format.also)))
    while mark := (yield from until(source, starts, Said)):
        yield from section(source, mark, format, offered)


def section(source: Source, mark: str, format: ToolFormat, offered: Offered) -> Reading[None]:
    """The calls behind `mark`, which was taken; what is none of them comes as Broken, or as text where nothing but
    its place said that it could be one."""
    source.remember(mark)
    yield Entered("call")
    try:
        if opening := format.open.strip(SPACE):
            yield from expect(source, opening)
        while True:
            yield from _call(source, format, offered)
            last = yield from _ends(source, format)
            yield Closed()
            if last:
                break
            source.remember()
        source.recall()
    except Malformed:
        written = source.recall()
        yield Entered("text")
        yield Broken(written) if mark else Said(written)
    else:
        yield Entered("text")


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
    """Whether the calls end behind the one that was just read. Where all text ends, their last mark may lack."""
    close, between = format.close.strip(SPACE), format.between.strip(SPACE)
    if format.each and not close:
        return True
    yield from skip(source)
    if not source.rest or (source.ended and close.startswith(source.rest)):
        source.take(len(source.rest))
        return True
    if format.each:
        yield from expect(source, close)
        return True
    found = yield from one_of(source, (close, between))
    return found == close if found else bool(between)
