"""JSON that is still being written: where a value ends, found while it comes. What it means is left to others."""

from __future__ import annotations

import re

import msgspec

from samovar.prompts.parsing import Argued, Made, Malformed, Reading, Said, Source, Unfinished, expect, more, skip

_BARE = re.compile(r"[\s:,+\-.0-9A-Za-z]")
_ENDS = frozenset(" \t\r\n,:]}")
_LAST = frozenset('"]}')
_OPENING, _CLOSING = {"{": "}", "[": "]"}, frozenset("]}")
MOST_NESTED = 200


class Scanner:
    """Looks for the end of one JSON value, character by character. `right`: how many characters of the last text
    were right before one that was not."""

    def __init__(self) -> None:
        self.right = 0
        self._open: list[str] = []
        self._in_string = self._escaped = self._begun = False

    @property
    def whole(self) -> bool:
        """Whether the value may end here."""
        return self._begun and not self._open and not self._in_string

    def scan(self, text: str) -> int | None:
        """How many characters of `text` still belong to the value; None where it may go on behind them. Raises
        Malformed for what no JSON value has."""
        for self.right, character in enumerate(text):
            if self._in_string:
                self._inside(character)
            elif self.whole and character in _ENDS:
                return self.right
            else:
                self._outside(character)
            self._begun = True
            if self.whole and character in _LAST:
                return self.right + 1
        self.right = len(text)
        return None

    def _inside(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._in_string = False

    def _outside(self, character: str) -> None:
        starts = character == '"' or character in _OPENING
        if starts and (self.whole or len(self._open) == MOST_NESTED):
            raise Malformed
        if character == '"':
            self._in_string = True
        elif character in _OPENING:
            self._open.append(_OPENING[character])
        elif character in _CLOSING:
            if not self._open or self._open.pop() != character:
                raise Malformed
        elif not _BARE.match(character):
            raise Malformed


def passed(source: Source, made: Made) -> Reading[None]:
    """One JSON value passed on, as `made` has it, while it comes. Raises Malformed."""
    yield from skip(source)
    scanner = Scanner()
    while True:
        rest = source.rest
        try:
            end = scanner.scan(rest)
        except Malformed:
            # However the text was cut, what was right of it is passed on.
            if scanner.right:
                yield made(source.take(scanner.right))
            raise
        if taken := source.take(scanner.right if end is None else end):
            yield made(taken)
        if end is not None:
            return
        if source.ended:
            if scanner.whole:
                return
            raise Unfinished
        yield None


def value(source: Source) -> Reading[str]:
    """The text of one whole JSON value. Raises Malformed."""
    parts: list[str] = []
    for finding in passed(source, Said):
        if isinstance(finding, Said):
            parts.append(finding.text)
        else:
            yield None
    return "".join(parts)


def argued(source: Source) -> Reading[None]:
    """One JSON object passed on as the arguments of a call, while it comes. Raises Malformed for another value."""
    yield from skip(source)
    if not source.rest.startswith("{"):
        raise Malformed if source.rest else Unfinished
    yield from passed(source, Argued)


def string(source: Source) -> Reading[str]:
    """What a JSON string says. Raises Malformed for another value."""
    text = yield from value(source)
    meant = decoded(text)
    if not isinstance(meant, str):
        raise Malformed
    return meant


def decoded(text: str) -> object:
    """Raises Malformed where `text` is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Malformed from None


def encoded(meant: object) -> str:
    return msgspec.json.encode(meant).decode()


def members(source: Source) -> Reading[str]:
    """The next key of an object whose `{` or last member was taken, and the colon behind it; "" behind its end."""
    found = yield from expect(source, '"', ",", "}")
    if found == "}":
        return ""
    if found == ",":
        yield from expect(source, '"')
    key = yield from _key(source)
    yield from expect(source, ":")
    return key


def _key(source: Source) -> Reading[str]:
    while '"' not in source.rest:
        yield from more(source)
    key = source.take(source.rest.index('"'))
    source.take(1)
    return key
