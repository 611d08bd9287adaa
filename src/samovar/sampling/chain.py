"""The chain that a request asked for: which steps, in which order, with which values. It is fixed; what changes
from token to token is the sampler's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samovar.core.errors import InvalidParameter
from samovar.core.parameters import SamplingParams
from samovar.sampling.candidates import Candidates, Logits
from samovar.sampling.registry import arrange, defaults, resolve
from samovar.sampling.step import Memory, Moment, Need, Step, Values
from samovar.sampling.steps.temperature import is_greedy


class Chain:
    """`steps`, in order, with `values`.

    `params` are checked again here: InvalidParameter for unknown names, values out of range or a bad order.
    """

    def __init__(self, params: SamplingParams) -> None:
        values, unknown = resolve(params.values)
        if unknown:
            raise InvalidParameter("sampling.unknown_parameter", name=unknown[0])
        self.values: Values = {**defaults(), **values}
        self.steps = active(
            arrange(params.order, temperature_last=bool(self.values["temperature_last"])), self.values
        )

    def needs(self, need: Need) -> bool:
        return any(need in step.needs for step in self.steps)

    def begin(self) -> dict[str, Memory]:
        """What the steps that remember know before the first token."""
        return {step.name: step.learning.begin(self.values) for step in self.steps if step.learning}

    def stages(self, logits: Logits, moment: Moment) -> list[Candidates]:
        """The candidates before the first step and after each. `logits`: float32 [vocabulary], left as they are."""
        stages = [Candidates(logits)]
        for step in self.steps:
            stages.append(step.apply(stages[-1], self.values, moment))
        return stages

    def learn(self, stages: Sequence[Candidates], moment: Moment, token: int) -> Mapping[str, Memory]:
        """What the steps that remember know after `token` was drawn from the last of `stages`."""
        return {
            step.name: step.learning.learn(moment.memory[step.name], self.values, before, after, token)
            for step, before, after in zip(self.steps, stages, stages[1:], strict=False)
            if step.learning
        }


def active(arranged: Sequence[Step], values: Values) -> tuple[Step, ...]:
    """The steps that have something to do.

    Greedy decoding needs those only that can change what the best token is, and the temperature of zero that takes
    it. A dynamic temperature takes the place of the plain one, and Mirostat that of all truncation.
    """
    steps = {step.name: step for step in arranged if not step.is_neutral(values)}
    if is_greedy(values):
        return tuple(step for step in steps.values() if step.name == "temperature" or not step.keeps_best)
    if "dynamic_temperature" in steps:
        steps.pop("temperature", None)
    if "mirostat" in steps:
        return tuple(step for step in steps.values() if step.group != "truncation")
    return tuple(steps.values())
