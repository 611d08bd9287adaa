"""From a `Constraint` to the text that llguidance compiles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec
from llguidance import regex_to_lark

from samovar.core.engine import Engine
from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint, GrammarKind
from samovar.sampling.grammar.gbnf import GbnfError
from samovar.sampling.grammar.gbnf_lark import to_lark

LARGEST = 256 * 1024
"""Bytes of a grammar's text."""

WHITESPACE = r"( |\n[ \t]{0,20})"
"""Between the parts of a JSON value, or nothing. As llama.cpp's own JSON grammars: a small model that may write any
amount of space sometimes writes nothing else."""

Body = dict[str, object]


def compose(constraint: Constraint, engine: Engine) -> str:
    """What llguidance is to compile: the grammar itself, and free text before it where it starts after a mark.

    Nothing is forced: where only one text can follow, the model still chooses among the ways to spell it in tokens.
    Raises InvalidInput for texts that are too long or cannot be read.
    """
    size = len(constraint.text.encode("utf-8", "replace"))
    if size > LARGEST:
        raise InvalidInput("grammar.too_long", size=size, limit=LARGEST)
    try:
        body = _BODIES[constraint.kind](constraint.text)
    except (GbnfError, ValueError, RecursionError) as error:
        raise InvalidInput(f"grammar.bad_{constraint.kind}", reason=str(error)) from None
    if constraint.marks:
        body = {"lark_grammar": "\n".join([constraint.text, *_marks(constraint, engine)])}
    head = '%llguidance {"no_forcing": true}\n' + _start(constraint.start_after, engine)
    return json.dumps({"grammars": [{"name": "head", "lark_grammar": head}, {"name": "body", **body}]})


def _start(marks: tuple[str, ...], engine: Engine) -> str:
    if not marks:
        return "start: @body"
    tokens = {mark: _control_token(mark, engine) for mark in marks}
    texts = " | ".join(json.dumps(mark) for mark, token in tokens.items() if token is None)
    free = ["TEXT", *(f"TEXT <[{token}]> @body" for token in tokens.values() if token is not None)]
    lines = ["TEXT: /(?s:.*)/"]
    if texts:
        free.append("marked @body")
        lines += ["marked[lazy]: TEXT MARK", f"MARK: {texts}"]
    return "\n".join([f"start: {' | '.join(free)}", *lines])


def _marks(constraint: Constraint, engine: Engine) -> Iterator[str]:
    """What a grammar that names marks means by them."""
    for i, mark in enumerate(constraint.marks):
        token = _control_token(mark, engine)
        if re.search(rf"\b(mark|until)_{i}\b", constraint.text):
            yield f"mark_{i}: " + (f"MARK_{i}" if token is None else f"<[{token}]>")
            if token is None:
                yield f"MARK_{i}: {json.dumps(mark, ensure_ascii=False)}"
        if f"until_{i}" in constraint.text:
            yield f"until_{i}[lazy]: ANY_{i} MARK_{i}" if token is None else f"until_{i}: ANY_{i} <[{token}]>"
            yield f"ANY_{i}: /(?s:.*)/"


def _control_token(mark: str, engine: Engine) -> int | None:
    """The control token that `mark` is the text of: such a mark is never seen as text."""
    tokens = engine.tokenize(mark, special=True)
    return tokens[0] if len(tokens) == 1 and not engine.piece(tokens[0]) else None


def _json_schema(text: str) -> Body:
    schema = msgspec.json.decode(text)
    if isinstance(schema, dict):
        schema.setdefault("x-guidance", {"whitespace_pattern": WHITESPACE})
    return {"json_schema": schema}


def _regex(text: str) -> Body:
    """Digits are 0 to 9: nobody who writes \\d for a number wants those of all scripts."""
    return {"lark_grammar": f"start: /{regex_to_lark(text, use_ascii='d')}/" if text else 'start: ""'}


def _lark(text: str) -> Body:
    return {"lark_grammar": text}


def _gbnf(text: str) -> Body:
    return {"lark_grammar": to_lark(text)}


_BODIES: Mapping[GrammarKind, Callable[[str], Body]] = MappingProxyType(
    {"json_schema": _json_schema, "regex": _regex, "lark": _lark, "gbnf": _gbnf}
)
