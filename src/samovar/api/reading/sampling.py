"""What a body asks of sampling, in any dialect: values and order, the seed, guidance, banned texts, the limit.

Dialects differ in what a number means (a range of 0 is "off" here and "all" there). Each has a table of such
conventions; what is left is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from samovar.api.reading.body import Fields, Json
from samovar.core.errors import InvalidParameter, OutOfRange
from samovar.core.parameters import Number, SamplingParams, Value
from samovar.core.requests import Banned, Guidance

ORDER_FIELDS = ("samplers", "sampler_priority", "sampler_order")
MOST_GUIDANCE = 20.0
MOST_ORDERED = 100
MOST_BANNED, LONGEST_BANNED = 5000, 256
MOST_LOGPROBS = 20
MOST_TOKENS = 2**31 - 1
SEEDS = 2**63


class Convention(msgspec.Struct, frozen=True):
    """Where `field` is `sent` in this dialect, it means what `means` does here; None: what an absent one does."""

    field: str
    sent: Number
    means: Number | None
    note: str


def read_sampling(fields: Fields, conventions: Iterable[Convention] = ()) -> tuple[SamplingParams, tuple[str, ...]]:
    """(what the body sets, the names in it that mean nothing here). Takes seed and order; reads all that is left,
    so that it comes last. Raises InvalidParameter, OutOfRange."""
    seed = _seed(fields)
    order, strangers = _order(fields)
    checked, unknown = _resolve(_ours(fields.rest, conventions))
    return SamplingParams(checked, order, seed), (*unknown, *strangers)


def read_guidance(fields: Fields) -> Guidance | None:
    """Only a scale asks for guidance: clients send an empty negative prompt with everything."""
    scale, negative = fields.number("guidance_scale", 0, MOST_GUIDANCE), fields.text("negative_prompt")
    return None if scale in (None, 1.0) else Guidance(scale or 0.0, negative or "")


def read_banned(fields: Fields, name: str = "banned_strings", *, ignore_case: bool = False) -> Banned | None:
    """Texts that must not come, in field `name`; `ignore_case` where the body says nothing about that."""
    texts, either = fields.strings(name), fields.flag(f"{name}_ignore_case")
    if len(texts) > MOST_BANNED or max(map(len, texts), default=0) > LONGEST_BANNED:
        raise InvalidParameter("api.banned", name=name, count=len(texts), most=MOST_BANNED, longest=LONGEST_BANNED)
    return Banned(texts, ignore_case or either) if texts else None


def read_limit(fields: Fields, name: str, default: int | None = None, *, least: int = 1) -> int | None:
    """`max_tokens` and its kin: −1 and None are up to the end of the window."""
    limit = fields.whole(name, -1, MOST_TOKENS)
    if limit == 0 and least:
        raise OutOfRange("core.parameter_range", name=name, value=0, minimum=least, maximum=MOST_TOKENS)
    return default if limit is None else None if limit == -1 else limit


def _ours(values: Json, conventions: Iterable[Convention]) -> Json:
    changed = dict(values)
    for convention in conventions:
        value = changed.get(convention.field)
        if isinstance(value, bool) or value != convention.sent:
            continue
        if convention.means is None:
            del changed[convention.field]
        else:
            changed[convention.field] = convention.means
    return changed


def _order(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the order of the steps, the words in it that mean nothing here); empty where none is asked for."""
    given = [words for name in ORDER_FIELDS if (words := _words(fields, name))]
    last = fields.flag("temperature_last")
    return _arranged(tuple(given[0][:MOST_ORDERED] if given else ()), last) if given or last else ((), ())


@lru_cache(maxsize=64)
def _arranged(words: tuple[str | int, ...], last: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Clients send the same order with every request."""
    from samovar.sampling.orders import complete, read_order

    order, strangers = read_order(words)
    return (complete(order, temperature_last=last), strangers) if order or last else ((), strangers)


def _words(fields: Fields, name: str) -> Sequence[str | int]:
    words = fields.take(name)
    try:
        return msgspec.convert(words or [], list[str | int])
    except msgspec.ValidationError:
        raise fields.wrong(name, "array", words) from None


def _resolve(values: Json) -> tuple[dict[str, Value], list[str]]:
    # Imported at the first request: the samplers' declarations come with numpy, which a start need not wait for.
    from samovar.sampling.registry import resolve

    return resolve(values)


def _seed(fields: Fields) -> int | None:
    """−1 is a fresh seed, as everywhere but at OpenAI, where it is as rare as any; other negative ones are folded
    into the range that engines take."""
    seed = fields.whole("seed", -SEEDS, 2 * SEEDS - 1)
    return None if seed in (None, -1) else seed % SEEDS
