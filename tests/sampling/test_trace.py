"""What each step did, in order, with the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from samovar.core.errors import EngineFailed
from samovar.core.parameters import SamplingParams
from samovar.sampling import Lexicon, trace
from samovar.sampling.registry import neutral
from samovar.sampling.trace import Stage

LOGITS = np.log(np.array([0.5, 0.25, 0.15, 0.1])).astype(np.float32)


def stages(count: int, history: tuple[int, ...] = (), **values: float) -> list[Stage]:
    return trace(SamplingParams({**neutral(), **values}), Lexicon(4), LOGITS, history, count)


def test_it_shows_the_model_and_then_every_step_that_acts() -> None:
    shown = stages(2, top_k=3, min_p=0.4, temperature=0.5)
    assert [(stage.step, stage.survivors) for stage in shown] == [
        ("", 4),
        ("top_k", 3),
        ("min_p", 2),
        ("temperature", 2),
    ]
    assert [round(p, 4) for stage in shown for _, p in stage.top] == [
        *(0.5, 0.25),
        *(0.5556, 0.2778),
        *(0.6667, 0.3333),
        *(0.8, 0.2),
    ]


def test_a_coin_falls_so_that_its_step_acts() -> None:
    assert stages(4, xtc_probability=0.01, xtc_threshold=0.2)[1].survivors == 3


def test_tokens_that_became_impossible_are_not_shown() -> None:
    (_, banned) = trace(SamplingParams({**neutral(), "token_bans": (0, 1)}), Lexicon(4), LOGITS, (), 10)
    assert [token for token, _ in banned.top] == [2, 3]
    assert banned.survivors == 2


def test_penalties_see_the_history() -> None:
    shown = stages(1, (0, 3), presence_penalty=5.0)
    assert shown[1].top[0][0] == 1
    assert shown[0].top[0][0] == 0


def test_it_refuses_what_the_sampler_refuses() -> None:
    with pytest.raises(EngineFailed):
        trace(SamplingParams(), Lexicon(5), LOGITS, (), 1)
