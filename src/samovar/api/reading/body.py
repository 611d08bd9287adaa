"""Request bodies: from bytes to a JSON object, and from the object to checked fields.

Every reader of `Fields` raises InvalidParameter with the field's name; what no reader asked for is in `rest`.
Unknown fields are never an error here: front ends send every server the fields of all servers.
"""

from __future__ import annotations

import msgspec

from samovar.core.errors import InvalidInput, InvalidParameter
from samovar.core.parameters import Parameter

Json = dict[str, object]

DEEPEST = 64


def decode(raw: bytes) -> Json:
    """The JSON object in `raw`, whatever content type it came under; an empty body is an empty object.

    NaN, numbers no double can hold and half surrogate pairs are not JSON; nesting ends at `DEEPEST`, so that
    nothing behind this has to fear for its stack. Raises InvalidInput.
    """
    if not raw.strip():
        return {}
    try:
        body = msgspec.json.decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise InvalidInput("api.body_not_json", fault=str(fault)) from None
    if not isinstance(body, dict):
        raise InvalidInput("api.body_not_object")
    if _depth(body) > DEEPEST:
        raise _too_deep()
    return body


def _too_deep() -> InvalidInput:
    return InvalidInput("api.body_too_deep", deepest=DEEPEST)


def _depth(value: object) -> int:
    """How deep `value` is nested; counting stops just past `DEEPEST`."""
    level, depth = _containers([value]), 0
    while level and depth <= DEEPEST:
        level = [inner for outer in level for inner in _containers(outer)]
        depth += 1
    return depth


def _containers(outer: list[object] | Json) -> list[list[object] | Json]:
    inside = outer.values() if isinstance(outer, dict) else outer
    return [value for value in inside if isinstance(value, dict | list)]


class Fields:
    """A JSON object, read field by field; null counts as absent. `place` comes before names in errors."""

    def __init__(self, body: Json, place: str = "") -> None:
        self._left = {name: value for name, value in body.items() if value is not None}
        self._place = place

    @property
    def rest(self) -> Json:
        """The fields that no reader has asked for yet."""
        return self._left

    def place(self, name: str) -> str:
        """The full name of field `name`, or of the object itself for "": "messages[3].content"."""
        return (self._place + name).rstrip(".")

    def __contains__(self, name: str) -> bool:
        """Whether the field is there, and no reader has asked for it yet."""
        return name in self._left

    def take(self, name: str) -> object:
        """The field as it is; None where it is absent."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "string", value)
        return value

    def flag(self, name: str, *, usual: bool = False) -> bool:
        """A boolean; `usual` where it is absent."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "boolean", value)
        return usual if value is None else value

    def whole(self, name: str, minimum: int, maximum: int) -> int | None:
        """A whole number, inclusive of both ends; 3.0 is one."""
        value = self.take(name)
        if value is None:
            return None
        number = Parameter(self.place(name), "int", minimum, minimum, minimum, maximum).check(value)
        assert isinstance(number, int)
        return number

    def number(self, name: str, minimum: float, maximum: float) -> float | None:
        """A number, inclusive of both ends."""
        value = self.take(name)
        if value is None:
            return None
        number = Parameter(self.place(name), "float", minimum, minimum, minimum, maximum).check(value)
        assert isinstance(number, float)
        return number

    def strings(self, name: str) -> tuple[str, ...]:
        """One string or a list of them; absent is none. Empty strings are left out."""
        value = self.take(name)
        items = [] if value is None else value if isinstance(value, list) else [value]
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) < len(items):
            raise self.wrong(name, "string", value)
        return tuple(text for text in texts if text)

    def tokens(self, name: str) -> tuple[int, ...]:
        """Token ids, of which there must be a list."""
        value = self.take(name)
        if not isinstance(value, list) or not all(type(token) is int and 0 <= token < 2**31 for token in value):
            raise self.wrong(name, "array of token ids", value)
        return tuple(value)

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; absent is empty."""
        value = self.take(name)
        items = [] if value is None else value
        if not isinstance(items, list):
            raise self.wrong(name, "array", value)
        return [self._object(f"{name}[{i}]", item) for i, item in enumerate(items)]

    def nested(self, name: str) -> Fields:
        """An object; absent is empty."""
        value = self.take(name)
        return self._object(name, {} if value is None else value)

    def wrong(self, name: str, kind: str, value: object) -> InvalidParameter:
        """The error for a field of another type than `kind`."""
        return InvalidParameter("core.parameter_type", name=self.place(name), kind=kind, value=repr(value)[:60])

    def missing(self, name: str) -> InvalidParameter:
        return InvalidParameter("api.field_missing", name=self.place(name))

    def _object(self, name: str, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self.wrong(name, "object", value)
        return Fields(value, f"{self.place(name)}.")
