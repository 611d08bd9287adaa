"""A translated request, in no dialect's words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from samovar.api.reading.modes import Staging
from samovar.core.parameters import SamplingParams, Value
from samovar.core.requests import Completion
from samovar.services.presets import laid_over


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a body of any dialect comes to. `preset`: the name of one that the completions' sampling is to be laid
    over; `staging`: how they become a chat with a character that is still to be looked up; `defaults`: values by
    the parameters' own names, where the dialect's are not ours, for what neither the body nor a preset sets.
    `ignored`: names of fields that nobody here knows. `key`: by what name the client may ask after the answer, or
    stop it, with another request. `retains`: the constraint goes on where the last answer by that
    name was cut off, if that one had the same. `hurry`: milliseconds after its first token at which the answer
    ends, if it has a whole line."""

    completions: tuple[Completion, ...]
    stream: bool = False
    preset: str | None = None
    staging: Staging | None = None
    defaults: Mapping[str, Value] = {}
    ignored: tuple[str, ...] = ()
    key: str = ""
    retains: bool = False
    hurry: float | None = None

    @property
    def choices(self) -> int:
        return len(self.completions) * self.completions[0].n

    @property
    def logprobs(self) -> bool:
        return self.completions[0].logprobs is not None

    @property
    def model(self) -> str | None:
        return self.completions[0].model


def with_preset(completion: Completion, preset: SamplingParams) -> Completion:
    """`completion`, with what it does not set itself from `preset`."""
    return msgspec.structs.replace(completion, sampling=laid_over(preset, completion.sampling))
