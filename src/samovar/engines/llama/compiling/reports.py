"""What the job says: one JSON object a line. The front reads them; nothing heavy is imported here."""

from __future__ import annotations

from typing import Literal

import msgspec

from samovar.core.errors import ErrorValue

Step = Literal["tools", "source", "compile", "check"]


class Working(msgspec.Struct, frozen=True, tag="working"):
    """`share`: of the whole job, 0 to 1."""

    step: Step
    share: float


class Built(msgspec.Struct, frozen=True, tag="built"):
    """`folder`: where the library now is."""

    folder: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Nothing was put in place."""

    error: ErrorValue


Report = Working | Built | Refused

SPANS: dict[Step, tuple[float, float]] = {
    "tools": (0.0, 0.03),
    "source": (0.03, 0.06),
    "compile": (0.06, 0.9),
    "check": (0.9, 1.0),
}
"""Where each step begins and ends in the whole, by the time that it takes on two cores."""


def working(step: Step, share: float = 0.0) -> Working:
    """`share` of the step is done."""
    begin, end = SPANS[step]
    return Working(step, begin * (1 - share) + end * share)
