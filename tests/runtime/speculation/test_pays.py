"""Guessing costs nothing in the long run where it does not pay, and is used where it does."""

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.runtime.speculation.pays import Balance, Costs, Odds, best_count, came_true


def measured(share: float, single: float = 0.01) -> Costs:
    """A machine on which each further row costs `share` of the first."""
    costs = Costs()
    for _ in range(60):
        for rows in (1, 2, 4, 8, 16):
            costs.took(rows, single * (1 + share * (rows - 1)))
    return costs


def test_what_rows_cost_is_learned_and_a_burst_of_other_work_counts_for_little() -> None:
    costs = measured(0.3)
    assert costs.of(8) == pytest.approx(1 + 0.3 * 7, rel=0.1)
    costs.took(8, 5.0)
    costs.took(1, 5.0)
    assert costs.of(8) == pytest.approx(1 + 0.3 * 7, rel=0.3)
    assert costs.steps(0.01) > 0.7


def test_a_machine_that_is_slower_throughout_makes_rows_no_dearer() -> None:
    costs = measured(0.3)
    for _ in range(60):
        costs.took(1, 0.03)
        costs.took(4, 0.03 * 1.9)
    assert costs.of(4) == pytest.approx(1.9, rel=0.1)


def test_where_rows_are_dear_only_what_is_nearly_certain_is_verified() -> None:
    dear, cheap = measured(0.5), measured(0.02)
    assert best_count(repeat(0.4, 20), 1, dear) == 0
    assert 0 < best_count(repeat(0.8, 20), 1, dear) < 8
    assert best_count(repeat(0.99, 20), 1, dear) > best_count(repeat(0.8, 20), 1, dear)
    assert best_count(repeat(0.4, 20), 1, cheap) > 0
    assert best_count(repeat(0.99, 20), 1, cheap) == 20


@given(st.lists(st.floats(0, 1), max_size=10), st.floats(0, 1), st.integers(1, 2))
def test_what_is_verified_gives_more_tokens_a_second_than_nothing(
    chances: list[float], share: float, streams: int
) -> None:
    costs = measured(share)

    def rate(count: int) -> float:
        reach, tokens = 1.0, float(streams)
        for chance in chances[:count]:
            reach *= chance
            tokens += reach
        return tokens / costs.of(streams + count)

    best = best_count(chances, streams, costs)
    assert rate(best) >= rate(0)
    assert best == 0 or rate(best) == max(map(rate, range(len(chances) + 1)))


def test_odds_follow_what_comes_true() -> None:
    odds = Odds({1: 0.5, 2: 0.9})
    for _ in range(60):
        odds.learn(1, came=True)
        odds.learn(2, came=False)
    assert odds.of(1) > 0.95
    assert odds.of(2) < 0.05


def test_guesses_are_judged_up_to_the_first_that_is_wrong() -> None:
    assert came_true([1, 2, 3, 4], [1, 2, 9]) == [True, True, False]
    assert came_true([1, 2, 3, 4], [1, 2]) == [True, True]
    assert came_true([1], [1, 2, 3]) == [True]
    assert came_true([], [1]) == []


def wasted(tokens: int, steps: float) -> float:
    """Steps that guessing costs in a text of two thousand tokens, where each try gives `tokens` for `steps`."""
    balance, cost, said = Balance(), 0.0, 0
    while said < 2000:
        if balance.may():
            balance.took(tokens, steps)
            cost += steps - tokens
            said += tokens
        else:
            said += 1
    return cost


def test_what_does_not_pay_is_given_up_and_tried_again_ever_more_rarely() -> None:
    assert 0 < wasted(1, 1.5) < 0.02 * 2000


def test_what_pays_is_kept_up() -> None:
    assert wasted(3, 2.0) == pytest.approx(-2000 / 3, rel=0.01)


def test_what_begins_to_pay_is_found_out() -> None:
    balance = Balance()
    for _ in range(100):
        if balance.may():
            balance.took(1, 2.0)
    used = 0
    for _ in range(300):
        if balance.may():
            balance.took(4, 2.0)
            used += 1
    assert used > 100
