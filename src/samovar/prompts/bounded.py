"""The operators, filters and methods of chat templates whose result can be much longer than what they are given:
each asks a `Budget` before it makes anything. Tables by name, for `sandbox` to put in Jinja's place.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Sequence

from jinja2.exceptions import SecurityError
from jinja2.filters import do_round
from jinja2.runtime import Undefined

from samovar.core.errors import InvalidInput
from samovar.prompts.budget import LONGEST_NUMBER, Budget, OwnList

WIDEST = 100
"""Spaces of indentation, digits of rounding."""

_WIDE_PERCENT = re.compile(r"%[^a-zA-Z%]*(\d{3}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}]*(\d{3}|:[^{}]*\{)")


def text_of(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def concat(budget: Budget, parts: Sequence[object]) -> str:
    """The parts written one after the other: `~`, and all that a template puts out."""
    budget.allow(sum(map(budget.weight, parts)))
    text = "".join(map(text_of, parts))
    budget.spend(len(text) + 1)
    return text


# operators


def add(budget: Budget, left: object, right: object) -> object:
    budget.allow(budget.weight(left) + budget.weight(right))
    return operator.add(left, right)


def multiply(budget: Budget, left: object, right: object) -> object:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            budget.allow(budget.weight(sequence) * times)
    return operator.mul(left, right)


def power(_budget: Budget, left: object, right: object) -> object:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() * abs(right))
    return operator.pow(left, right)


def modulo(budget: Budget, left: object, right: object) -> object:
    return percent(budget, left, right) if isinstance(left, str) else operator.mod(left, right)


def percent(budget: Budget, template: str, values: object) -> str:
    """printf formatting: each mark may write all of the values."""
    _check_format(_WIDE_PERCENT, template)
    budget.allow(len(template) + template.count("%") * budget.weight(values))
    return template % values


def _check_bits(bits: int) -> None:
    if bits > LONGEST_NUMBER:
        raise InvalidInput("prompts.template_number", limit=LONGEST_NUMBER)


def _check_format(wide: re.Pattern[str], template: str) -> None:
    if wide.search(template):
        raise InvalidInput("prompts.template_format", limit=WIDEST)


# filters


def replace(budget: Budget, value: object, old: str, new: str, count: int = -1) -> str:
    text = text_of(value)
    check_replace(budget, text, old, new)
    return text.replace(text_of(old), text_of(new), -1 if count is None else count)


def join(budget: Budget, values: Iterable[object], d: str = "", attribute: str | int | None = None) -> str:
    """Jinja's join; with `attribute`, of that item of each value."""
    parts = list(values) if attribute is None else [_item(value, attribute) for value in values]
    budget.allow(budget.weight(parts) + len(parts) * len(d))
    return d.join(map(text_of, parts))


def _item(value: object, attribute: str | int) -> object:
    return value.get(attribute, "") if isinstance(value, dict) else ""


def indent(budget: Budget, value: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Each line but the first (unless `first`) set in; empty lines stay empty unless `blank`."""
    margin = width if isinstance(width, str) else " " * _check_width(width)
    budget.allow(len(value) + (value.count("\n") + 1) * len(margin))
    head, *rest = text_of(value).split("\n")
    lines = [margin + line if line or blank else line for line in rest]
    return "\n".join([margin + head if first else head, *lines])


def rounded(_budget: Budget, value: float, precision: int = 0, method: str = "common") -> float:
    _check_width(abs(precision))
    return do_round(value, precision, method)  # type: ignore[arg-type]


def string(budget: Budget, value: object) -> str:
    return concat(budget, (value,))


def tojson(
    budget: Budget,
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as Hugging Face templates expect it: `<`, `>`, `&` and letters of all languages stay as they are."""
    if indent is not None:
        _check_width(indent)
    budget.allow(budget.weight(value))
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    chunks, size = [], 0
    for chunk in encoder.iterencode(None if isinstance(value, Undefined) else value):
        chunks.append(chunk)
        size += len(chunk)
        budget.allow(size)
        budget.spend(len(chunk))
    return "".join(chunks)


def _check_width(width: int) -> int:
    if width > WIDEST:
        raise InvalidInput("prompts.template_format", limit=WIDEST)
    return width


def printf(budget: Budget, value: object, *args: object, **kwargs: object) -> str:
    return percent(budget, text_of(value), kwargs or args)


# methods of strings: checks before the call


def check_replace(budget: Budget, text: str, old: str, new: str, *_count: object, **_named: object) -> None:
    budget.allow(len(text) + text.count(old) * len(new))


def check_join(budget: Budget, text: str, values: object) -> None:
    parts = budget.weight(values)
    budget.allow(parts + parts * len(text))


def check_format(budget: Budget, text: str, *args: object, **kwargs: object) -> None:
    _check_format(_WIDE_BRACES, text)
    budget.allow(len(text) + text.count("{") * (budget.weight(args) + budget.weight(kwargs)))


# methods of a template's own lists: checks before the call


def check_append(budget: Budget, own: OwnList, value: object) -> None:
    budget.grows(own, value)
    _check_free(own)


def check_pop(budget: Budget, own: OwnList, *_index: object) -> None:
    _check_free(own)
    budget.shrinks(own)


def _check_free(own: OwnList) -> None:
    if own.held:
        raise SecurityError("a list that is part of another value cannot change")


BOUNDED_OPERATORS: dict[str, Callable[[Budget, object, object], object]] = {
    "+": add,
    "*": multiply,
    "**": power,
    "%": modulo,
}

BOUNDED_FILTERS: dict[str, Callable[..., object]] = {
    "format": printf,
    "indent": indent,
    "join": join,
    "replace": replace,
    "round": rounded,
    "string": string,
    "tojson": tojson,
}

BOUNDED_METHODS: dict[str, tuple[type, Callable[..., None]]] = {
    "append": (OwnList, check_append),
    "format": (str, check_format),
    "format_map": (str, check_format),
    "join": (str, check_join),
    "pop": (OwnList, check_pop),
    "replace": (str, check_replace),
}
"""By name: whose method it is, and what is asked before it is called."""
