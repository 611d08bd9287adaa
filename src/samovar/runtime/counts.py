"""What a worker tells of its work: counts of what it did since it last told, and what it holds when it is asked.

Pure values; who adds them up is the front.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

import msgspec

from samovar.core.events import Timings
from samovar.runtime.kv import TierSizes

Tier = Literal["live", "ram", "disk"]
"""Where the cached beginning of a prompt was: in a sequence, or exported in memory or on disk."""

FIRST_TOKEN_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the times to a first token that are counted together; what took longer is counted last."""


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """`prompt_tokens` were computed in `prompt_seconds`, `drawn_tokens` drawn in `drawn_seconds`. `cached` tokens
    of prompts, and of how many prompts (`hits`), were taken over from each tier; `misses`: prompts that had nothing
    there. `first_token`: answers by the time to their first token, as indices into `FIRST_TOKEN_SECONDS`, and those
    seconds together. `guessed` tokens were verified ahead, `came_true` of them were right. `given_up`: idle caches
    that made room for others; `put_back`: answers that had to wait for cells again after they had begun. `dropped`:
    exported caches that a tier gave up to make room for others, and their bytes."""

    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    drawn_tokens: int = 0
    drawn_seconds: float = 0.0
    cached: dict[Tier, int] = {}
    hits: dict[Tier, int] = {}
    misses: int = 0
    first_token: dict[int, int] = {}
    first_token_seconds: float = 0.0
    guessed: int = 0
    came_true: int = 0
    given_up: int = 0
    put_back: int = 0
    dropped: dict[Tier, int] = {}
    dropped_bytes: dict[Tier, int] = {}

    def __add__(self, other: Counts) -> Counts:
        sums = {name: _sum(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__}
        return msgspec.structs.replace(self, **sums)


NO_COUNTS = Counts()


def answered(timings: Timings, tier: Tier | None, first_token: float | None, *, warm: bool) -> Counts:
    """Of one request. `tier`: where the cached beginning of its prompt was, None for nowhere; `first_token`:
    seconds from when it came, None where it had none. What was only read ahead is no request."""
    held = {tier: timings.cache_n} if tier and timings.cache_n else {}
    waited = None if warm else first_token
    return Counts(
        requests=0 if warm else 1,
        prompt_tokens=timings.prompt_n,
        prompt_seconds=timings.prompt_ms / 1000,
        drawn_tokens=timings.predicted_n,
        drawn_seconds=timings.predicted_ms / 1000,
        cached=held,
        hits=dict.fromkeys(held, 1),
        misses=0 if held else 1,
        first_token={} if waited is None else {bisect_left(FIRST_TOKEN_SECONDS, waited): 1},
        first_token_seconds=waited or 0.0,
        guessed=timings.draft_n,
        came_true=timings.draft_n_accepted,
    )


class SlotState(msgspec.Struct, frozen=True):
    """One sequence. It holds `held` tokens for `tenant`; of its last request's `asked` were the prompt. `cached`:
    how many of those were there before, and `left`: how many may still come of at most `window`, while it is
    `busy`. `drawn`: tokens of the answer so far. `tokens`: all of the last request's, where they were asked for."""

    id: int
    busy: bool
    held: int
    asked: int
    cached: int
    drawn: int
    left: int
    window: int
    tenant: str
    tokens: tuple[int, ...] = ()


class WorkerState(msgspec.Struct, frozen=True):
    """`running` requests' choices have sequences, `waiting` ones have none yet; `used` of the KV `cells` hold
    something. `tiers`: what exported caches take."""

    slots: tuple[SlotState, ...]
    running: int
    waiting: int
    cells: int
    used: int
    tiers: TierSizes


def _sum(one: object, other: object) -> object:
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *(k for k in other if k not in one))}
    assert isinstance(one, int | float)
    assert isinstance(other, int | float)
    return one + other
