"""Dynamic temperature: cool where the model is sure, hot where it is not, in place of the plain temperature
(kalomaze 2023; the formula is llama.cpp's, koboldcpp's and text-generation-webui's).

T = low + (high - low) · (H / ln n)^exponent, H the entropy of the n tokens that are possible. With a range r the
ends are temperature - r (not below 0) and temperature + r; with `dynamic_temperature` on they are
`dynatemp_low` and `dynatemp_high`.
"""

from __future__ import annotations

import math

from samovar.core.parameters import Parameter
from samovar.sampling.candidates import Candidates
from samovar.sampling.step import Moment, Step, Values, number
from samovar.sampling.steps.temperature import heated


def apply(candidates: Candidates, values: Values, _moment: Moment) -> Candidates:
    count = candidates.possible()
    if count < 2:
        return candidates
    low, high = ends(values)
    certainty = min(max(candidates.entropy() / math.log(count), 0.0), 1.0)
    return heated(candidates, low + (high - low) * certainty ** number(values, "dynatemp_exponent"))


def ends(values: Values) -> tuple[float, float]:
    """(the temperature of a sure model, that of one that knows nothing)."""
    if values["dynamic_temperature"]:
        return number(values, "dynatemp_low"), number(values, "dynatemp_high")
    middle, reach = number(values, "temperature"), number(values, "dynatemp_range")
    return max(0.0, middle - reach), middle + reach


STEP = Step(
    name="dynamic_temperature",
    group="shape",
    parameters=(
        Parameter("dynatemp_range", "float", neutral=0.0, default=0.0, minimum=0.0, maximum=5.0),
        Parameter("dynamic_temperature", "bool", False, False, 0, 1, aliases=("dynatemp",)),
        Parameter("dynatemp_low", "float", 1.0, 1.0, 0.0, 5.0, aliases=("min_temp", "dynatemp_min")),
        Parameter("dynatemp_high", "float", 1.0, 1.0, 0.0, 5.0, aliases=("max_temp", "dynatemp_max")),
        Parameter("dynatemp_exponent", "float", 1.0, 1.0, 0.0, 10.0, aliases=("temp_exponent",)),
    ),
    apply=apply,
    keeps_best=True,
    switches=2,
)
