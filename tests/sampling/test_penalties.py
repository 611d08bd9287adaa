"""Penalties and bans against numbers written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from samovar.sampling import Lexicon, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.repeats import continuations
from samovar.sampling.step import Moment
from tests.sampling.tables import after, few, logits_after

EVEN = [0.0] * 6


def test_frequency_counts_every_time_and_presence_once() -> None:
    history = (1, 2, 1, 1)
    assert logits_after("frequency_penalty", EVEN, history, frequency_penalty=0.5) == [0, -1.5, -0.5, 0, 0, 0]
    assert logits_after("presence_penalty", EVEN, history, presence_penalty=0.5) == [0, -0.5, -0.5, 0, 0, 0]


@pytest.mark.parametrize(("last", "times"), [(0, 0), (1, 1), (3, 2), (-1, 3)])
def test_they_share_the_repetition_penaltys_range(last: int, times: int) -> None:
    values = {"frequency_penalty": 1.0, "repetition_penalty_range": last}
    assert logits_after("frequency_penalty", EVEN, (1, 1, 2, 1), **values)[1] == -times


def test_the_slope_weakens_what_is_only_in_the_farther_half() -> None:
    """Penalty 2, slope 0.5: tokens 0 and 1 are far, 2 and 3 near; 1 is both, so it is near."""
    logits = logits_after(
        "repetition_penalty",
        [6.0, 6.0, 6.0, -6.0],
        (0, 1, 2, 1),
        repetition_penalty=2.0,
        repetition_penalty_slope=0.5,
    )
    assert logits == [4.0, 3.0, 3.0, -6.0]


def test_the_encoder_penalty_keeps_to_the_words_of_the_prompt() -> None:
    step = steps()["encoder_repetition_penalty"]
    moment = Moment((0, 1, 2), produced=1)
    values = {**defaults(), "encoder_repetition_penalty": 2.0}
    left = step.apply(Candidates(np.array([1, -1, 1, 1], dtype=np.float32)), values, moment)
    assert list(left.logits) == [2.0, -0.5, 1.0, 1.0]


WORDS = Lexicon(6, (5,), lambda token: b"\n" if token == 4 else b"word")
"""Token 4 is a line break, 5 ends the answer."""


def dry(history: tuple[int, ...], **values: object) -> list[float]:
    step = steps()["dry"]
    settings = {**defaults(), "dry_multiplier": 1.0, "dry_base": 2.0, **values}
    moment = Moment(history, lexicon=WORDS)
    return list(step.apply(Candidates(np.zeros(6, dtype=np.float32)), settings, moment).logits)  # type: ignore[arg-type]


def test_dry_grows_with_the_length_of_the_repetition() -> None:
    assert dry((0, 1, 2, 0)) == EVEN
    assert dry((0, 1, 2, 0, 1))[2] == -1.0
    assert dry((3, 0, 1, 2, 3, 0, 1))[2] == -2.0
    assert dry((3, 3, 0, 1, 2, 3, 3, 0, 1))[2] == -4.0


def test_dry_takes_the_longest_of_several_matches() -> None:
    assert dry((0, 1, 2, 3, 0, 1, 2, 1, 3, 0, 1))[2] == -2.0


def test_dry_does_not_look_over_a_breaker() -> None:
    assert dry((0, 4, 1, 2, 0, 4, 1))[2] == 0.0
    assert dry((0, 4, 1, 2, 0, 4, 1), dry_sequence_breakers=())[2] == -2.0


def test_dry_does_not_punish_a_breaker() -> None:
    assert dry((0, 1, 4, 0, 1))[4] == 0.0
    assert dry((0, 1, 4, 0, 1), dry_sequence_breakers=())[4] == -1.0


@pytest.mark.parametrize(("last", "loss"), [(0, 0), (4, 0), (5, -1), (-1, -1)])
def test_dry_looks_back_as_far_as_its_range(last: int, loss: int) -> None:
    assert dry((0, 1, 2, 0, 1), dry_range=last)[2] == loss


def test_dry_stays_finite() -> None:
    assert dry((0,) * 400, dry_base=10.0)[0] == -1e6


def test_no_ngram_comes_twice() -> None:
    assert sorted(after("no_repeat_ngram", few(*[0.25] * 4), (0, 1, 2, 0, 1), no_repeat_ngram_size=3)) == [0, 1, 3]
    assert sorted(after("no_repeat_ngram", few(*[0.25] * 4), (0, 1, 2), no_repeat_ngram_size=1)) == [3]
    assert len(after("no_repeat_ngram", few(*[0.25] * 4), (0, 1), no_repeat_ngram_size=3)) == 4


def test_bias_adds_and_bans() -> None:
    minus = float("-inf")
    assert logits_after("logit_bias", EVEN, logit_bias={1: 2.5, 3: -1.0, 4: minus}) == [0, 2.5, 0, -1.0, minus, 0]
    assert logits_after("logit_bias", EVEN, logit_bias={6: 5.0, 10**9: 1.0}) == EVEN


def test_banned_tokens_are_gone() -> None:
    assert sorted(after("token_bans", few(*[0.25] * 4), token_bans=(1, 3, 1, 99))) == [0, 2]


@pytest.mark.parametrize(("produced", "ends"), [(0, False), (4, False), (5, True), (6, True)])
def test_no_answer_ends_before_its_minimum(produced: int, ends: bool) -> None:
    moment = Moment((0,) * 9, produced=produced, lexicon=WORDS)
    assert (5 in after("min_tokens", few(*[1 / 6] * 6), moment=moment, min_tokens=5)) == ends


def test_ban_of_the_end() -> None:
    moment = Moment(lexicon=WORDS)
    assert 5 not in after("ban_eos_token", few(*[1 / 6] * 6), moment=moment, ban_eos_token=True)


def test_a_ban_of_everything_is_not_carried_out() -> None:
    only_end = Candidates(np.array([-np.inf] * 5 + [0], dtype=np.float32))
    assert after("ban_eos_token", only_end, moment=Moment(lexicon=WORDS), ban_eos_token=True) == {5: 1.0}
    assert len(after("token_bans", few(0.5, 0.5), token_bans=(0, 1))) == 2
    assert len(after("logit_bias", few(0.5, 0.5), logit_bias={0: float("-inf"), 1: float("-inf")})) == 2


def test_continuations_are_those_of_every_earlier_place() -> None:
    """Against the plain way: every earlier end, counted back token by token."""
    dice = np.random.default_rng(5)
    for _ in range(300):
        ids = dice.integers(0, 3, dice.integers(0, 40))
        least, most = sorted(dice.integers(1, 6, 2).tolist())
        longest: dict[int, int] = {}
        for end in range(len(ids) - 1):
            length = 0
            while length <= end and length < most and ids[end - length] == ids[len(ids) - 1 - length]:
                length += 1
            if length >= least:
                token = int(ids[end + 1])
                longest[token] = max(longest.get(token, 0), length)
        tokens, lengths = continuations(ids, least, most)
        assert dict(zip(tokens.tolist(), lengths.tolist(), strict=True)) == longest
