"""What a request may set about sampling, as data.

A sampling step declares its `Parameter`s; API fields, command-line flags, page sliders and the docs table are
made from them. `SamplingParams` is the one value that every dialect translates to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from samovar.core.errors import InvalidParameter, OutOfRange

Number = float | int | bool
Value = float | int | bool | tuple[str | int, ...] | dict[int, float]
"""A number; texts or token ids; or additions to logits by token id, where -inf is a ban."""

Kind = Literal["float", "int", "bool", "texts", "tokens", "bias"]

MOST_ITEMS: Mapping[str, int] = {"texts": 64, "tokens": 100_000, "bias": 100_000}
"""How many items a list may have. A text costs a look at every token of the vocabulary."""


class Parameter(msgspec.Struct, frozen=True):
    """One knob of one sampling step. At the neutral values of its switches a step does nothing; of a parameter that
    only says how a step works, the default is neutral.

    `minimum` and `maximum` bound a number, every token id, every bias, or the length of every text in characters.
    `off`: numbers outside the range that clients send for the neutral value.
    """

    name: str
    kind: Kind
    neutral: Value
    default: Value
    minimum: float
    maximum: float
    aliases: tuple[str, ...] = ()
    off: tuple[Number, ...] = ()

    @property
    def help_key(self) -> str:
        """The catalogue key of the help text."""
        return f"sampling.{self.name}"

    def check(self, value: object) -> Value:
        """`value` as this parameter's type. Raises InvalidParameter outside the range, or for another type.

        Beside JSON arrays and objects the usual spellings are read: JSON in a string; texts in quotes
        and token ids between commas; biases as [id, bias] pairs, where false bans the token.
        """
        match self.kind:
            case "texts":
                return self._few(self._text(item) for item in self._items(value))
            case "tokens":
                return self._few(self._number(item, whole=True) for item in self._items(value))
            case "bias":
                return self._biases(value)
            case kind:
                return self._single(value, kind)

    def _single(self, value: object, kind: Literal["float", "int", "bool"]) -> Number:
        if isinstance(value, bool) and kind == "bool":
            return value
        if kind == "bool":
            raise self._wrong(value)
        if value in self.off and not isinstance(value, bool) and isinstance(self.neutral, int | float):
            return self.neutral
        return self._number(value, whole=kind == "int")

    def _number(self, value: object, *, whole: bool) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(value)
        if whole and isinstance(value, float) and not value.is_integer():
            raise self._wrong(value)
        number = int(value) if whole else value
        self._bound(number)
        return number if whole else float(number)

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        self._bound(len(value))
        return value

    def _items(self, value: object) -> Iterable[object]:
        if isinstance(value, list | tuple):
            return value
        if not isinstance(value, str):
            raise self._wrong(value)
        array = value if value.lstrip().startswith("[") else f"[{value}]"
        try:
            return msgspec.json.decode(array.encode("utf-8", "replace"), type=list[str | int])
        except msgspec.MsgspecError:
            raise self._wrong(value) from None

    def _decoded(self, value: str) -> object:
        try:
            return msgspec.json.decode(value.encode("utf-8", "replace"))
        except msgspec.MsgspecError:
            raise self._wrong(value) from None

    def _few(self, items: Iterable[str | int | float]) -> tuple[str | int, ...]:
        few = tuple(item if isinstance(item, str) else int(item) for item in items)
        self._limit(len(few))
        return few

    def _biases(self, value: object) -> dict[int, float]:
        if isinstance(value, str):
            value = self._decoded(value)
        pairs = value.items() if isinstance(value, dict) else value
        if not isinstance(pairs, Iterable) or isinstance(pairs, str):
            raise self._wrong(value)
        biases: dict[int, float] = {}
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise self._wrong(value)
            biases[self._token(pair[0])] = self._bias(pair[1])
        self._limit(len(biases))
        return biases

    def _token(self, value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._wrong(value)

    def _bias(self, value: object) -> float:
        banned = value is False or value == -math.inf
        return -math.inf if banned else float(self._number(value, whole=False))

    def _bound(self, number: float) -> None:
        if not self.minimum <= number <= self.maximum:
            facts = {"value": number, "minimum": self.minimum, "maximum": self.maximum}
            raise OutOfRange("core.parameter_range", name=self.name, **facts)

    def _limit(self, count: int) -> None:
        most = MOST_ITEMS[self.kind]
        if count > most:
            raise InvalidParameter("core.parameter_items", name=self.name, count=count, maximum=most)

    def _wrong(self, value: object) -> InvalidParameter:
        said = repr(value)[:60]
        match self.kind:
            case "texts":
                return InvalidParameter("core.parameter_texts", name=self.name, value=said)
            case "tokens":
                return InvalidParameter("core.parameter_tokens", name=self.name, value=said)
            case "bias":
                return InvalidParameter("core.parameter_bias", name=self.name, value=said)
            case kind:
                return InvalidParameter("core.parameter_type", name=self.name, kind=kind, value=said)


class SamplingParams(msgspec.Struct, frozen=True):
    """Checked values by parameter name; what is not named stays at its default. `seed` None draws a fresh one."""

    values: dict[str, Value] = {}
    order: tuple[str, ...] = ()
    seed: int | None = None
