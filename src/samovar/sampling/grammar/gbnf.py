"""Reads GBNF, llama.cpp's grammar notation (llama.cpp, grammars/README.md), into rules.

Line breaks mean nothing: a rule ends where the next `name ::=` begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_REPEATS = 2000
"""As llama.cpp."""

DEEPEST = 100
"""Parentheses within parentheses."""

_TOKEN = re.compile(
    r"""(?P<space> \s+ | \#[^\r\n]* )
    | (?P<define> ::= )
    | (?P<name> [A-Za-z0-9_-]+ )
    | (?P<literal> "(?:[^"\\]|\\.)*" )
    | (?P<set> \[(?:[^\]\\]|\\.)*\] )
    | (?P<repeat> [*+?] | \{\s*[0-9]{1,6}\s*(?:,\s*[0-9]{0,6}\s*)?\} )
    | (?P<sign> [|().] )""",
    re.VERBOSE | re.DOTALL,
)
_CHARACTER = re.compile(
    r"""\\(?: x(?P<byte>[0-9A-Fa-f]{2}) | u(?P<short>[0-9A-Fa-f]{4}) | U(?P<long>[0-9A-Fa-f]{8}) | (?P<named>.) )
    | (?P<self>[^\\])""",
    re.VERBOSE | re.DOTALL,
)
_NAMED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "[": "[", "]": "]", "-": "-", "^": "^"}
_REPEATS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class GbnfError(Exception):
    """Not GBNF. The message says why and in which line, in English, as the library's own messages are."""


@dataclass(frozen=True)
class Character:
    """One character, any that the regular expression `pattern` fits."""

    pattern: str


@dataclass(frozen=True)
class Reference:
    name: str


@dataclass(frozen=True)
class Repeated:
    """`node` at least `least` times; `most` None: any number."""

    node: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Chain:
    """One after the other; empty is the empty text."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    nodes: tuple[Node, ...]


Node = Character | Reference | Repeated | Chain | Choice


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def read(text: str) -> dict[str, Node]:
    """Rules by name, in their order. Raises GbnfError, also where a rule is missing or there is no `root`."""
    rules = _Reader(list(_tokens(text))).rules()
    if "root" not in rules:
        raise GbnfError("there is no rule named root")
    for name, node in rules.items():
        missing = next((used for used in references(node) if used not in rules), None)
        if missing is not None:
            raise GbnfError(f"rule {name} uses {missing}, which is not defined")
    return rules


def references(node: Node) -> Iterator[str]:
    """Names of the rules that `node` uses."""
    match node:
        case Reference(name):
            yield name
        case Repeated(inner):
            yield from references(inner)
        case Chain(nodes) | Choice(nodes):
            for inner in nodes:
                yield from references(inner)


def _tokens(text: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise GbnfError(f"line {line}: cannot read {text[position : position + 20]!r}")
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match[0], line)
        position, line = match.end(), line + match[0].count("\n")


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        last = tokens[-1].line if tokens else 1
        self._tokens = [*tokens, _Token("end", "the end", last), _Token("end", "the end", last)]
        self._at = 0
        self._depth = 0

    def rules(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while self._here.kind != "end":
            if not self._begins_rule():
                raise self._wrong("a rule, name ::= …, is expected")
            name = self._next().text
            self._next()
            found[name] = self._choice()
        return found

    @property
    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._here
        self._at += 1
        return token

    def _begins_rule(self) -> bool:
        return self._here.kind == "name" and self._tokens[self._at + 1].kind == "define"

    def _wrong(self, expected: str) -> GbnfError:
        return GbnfError(f"line {self._here.line}: {expected}, not {self._here.text[:20]}")

    def _choice(self) -> Node:
        options = [self._chain()]
        while self._here.text == "|" and self._here.kind == "sign":
            self._next()
            options.append(self._chain())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _chain(self) -> Node:
        nodes: list[Node] = []
        while not self._begins_rule():
            token = self._here
            if token.kind == "repeat" and nodes:
                nodes[-1] = self._repeated(nodes[-1])
            elif token.kind in ("literal", "set", "name") or token.text in ("(", "."):
                nodes.append(self._item())
            else:
                break
        return nodes[0] if len(nodes) == 1 else Chain(tuple(nodes))

    def _item(self) -> Node:
        token = self._next()
        match token.kind:
            case "name":
                return Reference(token.text)
            case "literal":
                return Chain(tuple(Character(_escaped(c)) for c in _characters(token, token.text[1:-1])))
            case "set":
                return Character(_set(token))
        return self._group() if token.text == "(" else Character(r"[\s\S]")

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(f"at most {DEEPEST} nested parentheses are expected")
        inner = self._choice()
        if self._here.text != ")":
            raise self._wrong("a closing parenthesis is expected")
        self._next()
        self._depth -= 1
        return inner

    def _repeated(self, node: Node) -> Node:
        token = self._next()
        if token.text in _REPEATS:
            return Repeated(node, *_REPEATS[token.text])
        least, comma, most = (part.strip() for part in token.text[1:-1].partition(","))
        bounds = int(least), int(most) if most else None if comma else int(least)
        if max(bounds[0], bounds[1] or 0) > MOST_REPEATS:
            raise GbnfError(f"line {token.line}: at most {MOST_REPEATS} repetitions are possible, not {token.text}")
        return Repeated(node, *bounds)


def _characters(token: _Token, text: str) -> Iterator[str]:
    """The characters that `text`, the inside of a literal or set, spells."""
    for match in _CHARACTER.finditer(text):
        yield _character(token, match)


def _character(token: _Token, match: re.Match[str]) -> str:
    code = match["byte"] or match["short"] or match["long"]
    if code is None:
        if match["self"] is None and match["named"] not in _NAMED:
            raise GbnfError(f"line {token.line}: there is no escape {match[0]}")
        return match["self"] or _NAMED[match["named"]]
    number = int(code, 16)
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        raise GbnfError(f"line {token.line}: {match[0]} is no character")
    return chr(number)


def _set(token: _Token) -> str:
    """A regular expression for the set [a-z_] or [^a-z_]; a minus at either end stands for itself."""
    inside = token.text[1:-1]
    sign = "^" if inside.startswith("^") else ""
    spelled = [(match[0], _character(token, match)) for match in _CHARACTER.finditer(inside[len(sign) :])]
    if not spelled:
        raise GbnfError(f"line {token.line}: the set {token.text} is empty")
    ranges, at = "", 0
    while at < len(spelled):
        is_range = at + 2 < len(spelled) and spelled[at + 1][0] == "-"
        first, last = spelled[at][1], spelled[at + 2 if is_range else at][1]
        if last < first:
            raise GbnfError(f"line {token.line}: the range {first}-{last} is empty")
        ranges += f"{_escaped(first)}-{_escaped(last)}"
        at += 3 if is_range else 1
    return f"[{sign}{ranges}]"


def _escaped(character: str) -> str:
    return rf"\x{{{ord(character):x}}}"
