"""Presets that other programs wrote: which program it was, and its preset in our terms.

Each program has a file of its own, which knows what its names, zeros and minus ones mean. What no step here knows
is named to the person who imports, unless it asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from samovar.core.errors import InvalidInput, InvalidParameter
from samovar.core.parameters import SamplingParams, Value
from samovar.services.presets.folder import file_of
from samovar.services.presets.foreign import koboldcpp, sillytavern, textgen
from samovar.services.presets.params import checked, laid_over, switched_off
from samovar.services.presets.values import Foreign, PresetFile

ASKS_FOR_NOTHING: dict[str, object] = {
    "num_beams": 1,
    "length_penalty": 1,
    "guidance_scale": 1,
    "penalty_alpha": 0,
    "n": 1,
    "seed": -1,
    "sampler_seed": -1,
    **dict.fromkeys(("add_bos_token", "skip_special_tokens", "spaces_between_special_tokens"), True),
    **dict.fromkeys(
        ("include_reasoning", "send_banned_tokens", "stream", "streaming", "trim_stop", "do_sample"), True
    ),
}
"""Values of settings that are no sampling parameters here and change nothing. Empty ones, 0 and false never do."""


def take_over(filename: str, raw: bytes) -> tuple[PresetFile, tuple[str, ...]]:
    """(the preset in a file of ours, text-generation-webui's, SillyTavern's or koboldcpp's, the names in it that
    could not be taken). Steps that it has switched off are left out. Raises InvalidInput for any other file."""
    foreign, about = _read(filename, raw)
    values, left = _known(foreign)
    if not values:
        raise InvalidInput("presets.not_understood", file=filename[:80])
    order, unknown_steps = _order(foreign.order)
    params = laid_over(checked(foreign.usual), SamplingParams(values, order))
    return file_of(_without_idle(params), about), (*left, *unknown_steps)


def _read(filename: str, raw: bytes) -> tuple[Foreign, str]:
    if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return textgen.read(raw), ""
    try:
        body = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
        body = inner if isinstance(inner := body.get("preset"), dict) else body
        if "values" in body:
            own = msgspec.convert(body, PresetFile)
            return Foreign(own.values, own.order), own.about
        for program in (sillytavern, koboldcpp):
            if program.recognise(body):
                return program.read(body), ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("presets.damaged", file=filename[:80], reason=str(error)) from error
    return Foreign(body), ""


def _known(foreign: Foreign) -> tuple[dict[str, Value], list[str]]:
    """(checked values by our names, names that have none here or a value that it does not take)."""
    from samovar.sampling.registry import parameters, resolve

    takes: dict[str, object] = {}
    left = list(foreign.left)
    for name, value in foreign.values.items():
        parameter = parameters().get(name)
        if parameter is None:
            left += [name] if not foreign.mixed and _asks(name, value) else []
            continue
        try:
            takes[name] = parameter.check(value)
        except InvalidParameter:
            left += [name] if _asks(name, value) else []
    return resolve(takes)[0], left


def _asks(name: str, value: object) -> bool:
    return bool(value) and ASKS_FOR_NOTHING.get(name) != value


def _order(words: Iterable[str | int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from samovar.sampling.orders import DEFAULT_ORDER, ORDERS, complete, read_order

    named = [step for word in words for step in ORDERS.get(str(word), (word,))]
    order, unknown = read_order(named)
    return (() if complete(order) == DEFAULT_ORDER else order), unknown


def _without_idle(params: SamplingParams) -> SamplingParams:
    """Without the parameters of steps that are off: a preset names what it does."""
    from samovar.sampling.registry import steps

    whole = switched_off(params).values
    idle = {p.name for step in steps().values() if step.is_neutral(whole) for p in step.parameters}
    kept = {name: value for name, value in params.values.items() if name not in idle or value is True}
    return SamplingParams(kept, params.order)
