"""What a page says of a model's context: from fields to checked values. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping

from samovar.api.reading.body import Fields
from samovar.core.errors import InvalidInput, InvalidParameter
from samovar.core.rope import ALPHAS, KV_TYPES, CacheTypes, Context, KvType, RopeWish
from samovar.hub.memory import LONGEST_WINDOW
from samovar.services.contracts import ContextChoice


def asked_about(query: Mapping[str, str]) -> tuple[int | None, float | None]:
    """The window and the alpha that a query names. Raises InvalidParameter for what is no number."""
    window, alpha = query.get("ctx"), query.get("alpha")
    if window is not None and not window.isdecimal():
        raise InvalidParameter("core.parameter_type", name="ctx", kind="int", value=window[:40])
    try:
        return None if window is None else int(window[:20]), None if alpha is None else float(alpha)
    except ValueError:
        raise InvalidParameter("core.parameter_type", name="alpha", kind="float", value=str(alpha)[:40]) from None


def chosen_in(body: Fields) -> ContextChoice | None:
    """What `ctx`, `alpha` and `cache` choose, or `default` takes back; None where none of them is there. Raises
    InvalidParameter, OutOfRange; InvalidInput for a choice that is taken back at once."""
    ctx = body.whole("ctx", 1, LONGEST_WINDOW)
    alpha, cache = body.number("alpha", *ALPHAS), _cache(body)
    chosen = (ctx, alpha, cache) != (None, None, None)
    if body.flag("default"):
        if chosen:
            raise InvalidInput("page.default_and_choice")
        return ContextChoice(None)
    if not chosen:
        return None
    return ContextChoice(Context(ctx=ctx, rope=RopeWish(rope_alpha=alpha), cache=cache))


def _cache(body: Fields) -> CacheTypes | None:
    """One type for keys and values, or an object with one for each; f16 where one is not named."""
    given = body.rest.get("cache")
    if given is None:
        return None
    if isinstance(given, str):
        both = _type(body.text("cache"))
        return CacheTypes(both, both)
    each = body.nested("cache")
    return CacheTypes(_type(each.text("keys")), _type(each.text("values")))


def _type(name: str | None) -> KvType:
    for known in KV_TYPES:
        if known == (name or KV_TYPES[0]):
            return known
    raise InvalidParameter("hub.kv_type", type=str(name)[:40], known=", ".join(KV_TYPES))
