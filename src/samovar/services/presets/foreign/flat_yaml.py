"""The YAML of flat settings: `key: value` lines, as text-generation-webui writes its presets.

Read are plain and quoted scalars (quoted ones over several lines), literal blocks, and lists of scalars. Anything
else that YAML has (nesting, anchors, tags, folded blocks, documents) is refused, not guessed at.
"""

from __future__ import annotations

import re

import msgspec

from samovar.core.errors import InvalidInput

KEY = re.compile(r"([A-Za-z_][\w.-]*):(?:[ \t]+(.*))?$")
ITEM = re.compile(r"[ ]*-[ \t]+(.+)$")
NUMBER = re.compile(r"[-+]?(\d+|(\d+\.\d*|\.\d+)([eE][-+]?\d+)?|\d+[eE][-+]?\d+)$")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    **dict.fromkeys(("null", "~", ""), None),
}
SINGLE = re.compile(r"'(')|[ \t]*\n(\n*)")
DOUBLE = re.compile(
    r"\\(\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|.)|[ \t]*\n(\n*)", re.DOTALL
)
"""What stands for something else in quoted texts: an escape, or line breaks."""

LETTERS = {
    "\n": "",
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "v": "\v",
}
MOST_LINES = 200
"""Of one quoted text."""

MARKS = frozenset("&*!|>%@`{?")
"""With what a value begins that is more than a scalar."""


def read(text: str) -> dict[str, object]:
    """The settings in `text`. Raises InvalidInput with the line that is not understood."""
    found: dict[str, object] = {}
    lines = text.removeprefix("\ufeff").splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip() or line.startswith("#") or (line.rstrip() == "---" and not found):
            at += 1
            continue
        key = KEY.match(line)
        if key is None:
            raise _not_understood(at, line)
        found[key[1]], at = _value((key[2] or "").strip(), lines, at)
    return found


def _value(first: str, lines: list[str], at: int) -> tuple[object, int]:
    """(the value that begins with `first` on line `at`, the line after it)."""
    if first[:1] in ("'", '"'):
        return _quoted(first, lines, at)
    if re.match(r"\|[-+]?$", first):
        return _block(lines, at + 1)
    if not first and at + 1 < len(lines) and ITEM.match(lines[at + 1]):
        return _list(lines, at + 1)
    if first.startswith("["):
        return _flow(first, lines, at), at + 1
    if first[:1] in MARKS:
        raise _not_understood(at, lines[at])
    return _scalar(re.split(r"[ \t]#", first)[0].strip()), at + 1


def _scalar(text: str) -> object:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if NUMBER.match(text):
        return int(text) if re.fullmatch(r"[-+]?\d+", text) and len(text) < 20 else float(text)
    return text


def _quoted(first: str, lines: list[str], at: int) -> tuple[str, int]:
    quote, text, start = first[0], first[1:], at
    closed = re.compile(
        r"((?:[^']|'')*)'[ \t]*(#.*)?$" if quote == "'" else r'((?:[^"\\]|\\.)*)"[ \t]*(#.*)?$', re.DOTALL
    )
    while (match := closed.fullmatch(text)) is None:
        at += 1
        if at == len(lines) or at - start == MOST_LINES:
            raise _not_understood(start, lines[start])
        text += "\n" + lines[at].strip()
    said = (SINGLE if quote == "'" else DOUBLE).sub(_meant, match[1])
    # JSON's way to write a character beyond 16 bits; half of one is none.
    return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), at + 1


def _meant(found: re.Match[str]) -> str:
    """An escape's character; of n line breaks n - 1, but a single one is a space."""
    escape, breaks = found[1], found[2]
    if escape is None:
        return breaks or " "
    return chr(int(escape[1:], 16)) if len(escape) > 1 else LETTERS.get(escape, escape)


def _block(lines: list[str], at: int) -> tuple[str, int]:
    block: list[str] = []
    while at < len(lines) and (not lines[at].strip() or lines[at][0] in " \t"):
        block.append(lines[at])
        at += 1
    indent = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
    return "\n".join(line[indent:] for line in block).strip("\n"), at


def _list(lines: list[str], at: int) -> tuple[list[object], int]:
    items: list[object] = []
    while at < len(lines) and (item := ITEM.match(lines[at])):
        value, at = _value(item[1].strip(), lines, at)
        items.append(value)
    return items, at


def _flow(text: str, lines: list[str], at: int) -> list[object]:
    """A list in brackets: JSON's, or plain scalars between commas."""
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"), type=list[object])
    except msgspec.MsgspecError:
        pass
    if not re.fullmatch(r"\[[^\[\]{}'\"#&*!]*\]", text):
        raise _not_understood(at, lines[at])
    return [_scalar(item.strip()) for item in text[1:-1].split(",") if item.strip()]


def _not_understood(at: int, line: str) -> InvalidInput:
    return InvalidInput("presets.yaml", line=at + 1, text=line[:80])
