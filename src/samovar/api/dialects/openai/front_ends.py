"""SillyTavern sends every server the fields of all servers to /v1/completions, and says in `api_type` whose meaning
of their numbers its user has in mind. A table of those meanings; without the field they are OpenAI's and ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from samovar.api.reading.sampling import Convention
from samovar.core.parameters import Number

PENALTY_RANGES = ("repetition_penalty_range", "rep_pen_range", "repeat_last_n")
DRY_RANGES = ("dry_range", "dry_penalty_last_n")

LAST_TOKEN = "a range is one token at least"
WHOLE_TEXT = "the whole text"


class FrontEnd(msgspec.Struct, frozen=True):
    """What a server of one type does otherwise. `ignore_case`: banned texts are meant in any case. `key`: by what
    name its answers can be stopped by a request of their own. `others`: fields of other servers, whose values its
    user did not choose and that contradict those of its own."""

    conventions: tuple[Convention, ...] = ()
    ignore_case: bool = False
    key: str = ""
    others: tuple[str, ...] = ()


def _zero(names: tuple[str, ...], means: Number, note: str) -> tuple[Convention, ...]:
    return tuple(Convention(name, 0, means, note) for name in names)


WHOLE_DRY = _zero(DRY_RANGES, -1, WHOLE_TEXT)
WHOLE = (*_zero(PENALTY_RANGES, -1, WHOLE_TEXT), *WHOLE_DRY)

FRONT_ENDS: Mapping[str, FrontEnd] = MappingProxyType(
    {
        "koboldcpp": FrontEnd(
            (*_zero(PENALTY_RANGES, 1, LAST_TOKEN), *WHOLE_DRY), ignore_case=True, key="koboldcpp:"
        ),
        "ooba": FrontEnd(WHOLE),
        "tabby": FrontEnd(WHOLE),
        "aphrodite": FrontEnd(WHOLE_DRY, others=("ban_eos_token",)),
    }
)
"""By `api_type`."""

NOBODY = FrontEnd()


def front_end(api_type: str | None) -> FrontEnd:
    return FRONT_ENDS.get(api_type or "", NOBODY)
