"""What a request may set about sampling, as data.

A sampling step declares its `Parameter`s; API fields, command-line flags, page sliders and the docs table are
made from them. `SamplingParams` is the one value that every dialect translates to.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from samovar.core.errors import InvalidParameter

Number = float | int | bool


class Parameter(msgspec.Struct, frozen=True):
    """One knob of one sampling step. At its neutral value the step does nothing."""

    name: str
    kind: Literal["float", "int", "bool"]
    neutral: Number
    default: Number
    minimum: float
    maximum: float
    aliases: tuple[str, ...] = ()

    @property
    def help_key(self) -> str:
        """The catalogue key of the help text."""
        return f"sampling.{self.name}"

    def check(self, value: object) -> Number:
        """`value` as this parameter's type. Raises InvalidParameter outside the range, or for another type."""
        if isinstance(value, bool) != (self.kind == "bool") or not isinstance(value, int | float):
            raise InvalidParameter("core.parameter_type", name=self.name, kind=self.kind, value=repr(value)[:60])
        number = value if self.kind != "int" or isinstance(value, bool) else self._whole(value)
        if not self.minimum <= number <= self.maximum:
            raise InvalidParameter(
                "core.parameter_range",
                name=self.name,
                value=number,
                minimum=self.minimum,
                maximum=self.maximum,
            )
        return float(number) if self.kind == "float" else number

    def _whole(self, value: float) -> int:
        if value != value or value in (float("inf"), float("-inf")) or int(value) != value:
            raise InvalidParameter("core.parameter_type", name=self.name, kind=self.kind, value=repr(value)[:60])
        return int(value)


class SamplingParams(msgspec.Struct, frozen=True):
    """Checked values by parameter name; what is not named stays at its default. `seed` None draws a fresh one."""

    values: dict[str, float | int | bool] = {}
    order: tuple[str, ...] = ()
    seed: int | None = None
