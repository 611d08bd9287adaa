"""What every sampling step promises: a new file in sampling/steps is tested before it has a test of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from samovar.core.catalogue import LANGUAGES, say
from samovar.core.parameters import Number, Parameter
from samovar.sampling import parameters, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.orders import DEFAULT_ORDER
from samovar.sampling.registry import arrange, defaults
from samovar.sampling.sampler import chain
from samovar.sampling.step import Moment, Step

every_step = pytest.mark.parametrize("step", steps().values(), ids=lambda step: step.name)
every_step_that_keeps_the_best = pytest.mark.parametrize(
    "step", [step for step in steps().values() if step.keeps_best], ids=lambda step: step.name
)

SIZE = 16
HISTORIES = st.lists(st.integers(0, SIZE - 1), max_size=20)


@st.composite
def rows(draw: st.DrawFn, reach: int = 10_000) -> np.ndarray:
    """Logits that an engine may return: any size of number, some tokens impossible, at least one possible."""
    logit = st.floats(-reach, reach, width=32) | st.just(-np.inf)
    values = draw(st.lists(logit, min_size=SIZE, max_size=SIZE))
    assume(max(values) > -np.inf)
    return np.array(values, dtype=np.float32)


def within(parameter: Parameter) -> st.SearchStrategy[Number]:
    if parameter.kind == "float":
        return st.floats(parameter.minimum, parameter.maximum)
    return st.integers(int(parameter.minimum), min(int(parameter.maximum), 2 * SIZE))


def settings_of(step: Step) -> st.SearchStrategy[dict[str, Number]]:
    """Values under which the step is in the chain."""
    own = st.fixed_dictionaries({p.name: within(p) for p in step.parameters})
    return own.map(lambda values: {**defaults(), **values}).filter(lambda values: not step.is_neutral(values))


def forms(logits: np.ndarray) -> list[Candidates]:
    """The same distribution as a step may get it: the whole vocabulary, some of it, and in order."""
    whole = Candidates(logits)
    some = whole.take(np.flatnonzero(np.arange(SIZE) % 3 != int(logits.argmax() + 1) % 3), ordered=False)
    return [whole, some, whole.in_order(), some.in_order()]


@every_step
def test_it_is_declared_in_full(step: Step) -> None:
    assert step.parameters
    for parameter in step.parameters:
        assert parameters()[parameter.name] is parameter
        assert parameter.check(parameter.default) == parameter.default
        assert parameter.check(parameter.neutral) == parameter.neutral
        for language in LANGUAGES:
            assert say(parameter.help_key, language)


@every_step
def test_it_has_a_place_in_the_default_order(step: Step) -> None:
    assert step.name in DEFAULT_ORDER


@every_step
def test_its_source_is_told(step: Step) -> None:
    assert len(__import__(step.apply.__module__, fromlist=["STEP"]).__doc__) > 100


@every_step
@given(data=st.data())
def test_it_leaves_something_possible_and_no_broken_number(step: Step, data: st.DataObject) -> None:
    logits, values, history = data.draw(rows()), data.draw(settings_of(step)), data.draw(HISTORIES)
    for candidates in forms(logits):
        left = step.apply(candidates, values, Moment(history))
        assert 1 <= len(left) <= len(candidates)
        assert left.logits.dtype == np.float32
        assert np.isfinite(left.top)
        assert {left.token(i) for i in range(len(left))} <= {candidates.token(i) for i in range(len(candidates))}


@every_step
@given(data=st.data())
def test_it_changes_none_of_its_arguments_and_depends_on_nothing_else(step: Step, data: st.DataObject) -> None:
    logits, values, history = data.draw(rows()), data.draw(settings_of(step)), data.draw(HISTORIES)
    logits.flags.writeable = False
    once, again = (step.apply(Candidates(logits), values, Moment(tuple(history))) for _ in range(2))
    assert np.array_equal(once.logits, again.logits)
    if "history" not in step.needs:
        bare = step.apply(Candidates(logits), values, Moment())
        assert np.array_equal(once.logits, bare.logits)


@every_step
@given(data=st.data())
def test_an_order_that_it_claims_is_true(step: Step, data: st.DataObject) -> None:
    logits, values, history = data.draw(rows()), data.draw(settings_of(step)), data.draw(HISTORIES)
    for candidates in forms(logits):
        left = step.apply(candidates, values, Moment(history))
        assert not left.ordered or (left.logits[1:] <= left.logits[:-1]).all()


@every_step
@given(data=st.data())
def test_the_form_of_the_candidates_does_not_matter(step: Step, data: st.DataObject) -> None:
    """Sorted or not, the same tokens are left with the same weights. (Logits so near that their sums are exact.)"""
    logits, values, history = data.draw(rows(reach=8)), data.draw(settings_of(step)), data.draw(HISTORIES)
    whole, _, ordered, _ = forms(logits)
    left = [step.apply(candidates, values, Moment(history)) for candidates in (whole, ordered)]
    one, other = (dict(zip(map(c.token, range(len(c))), c.weights(), strict=True)) for c in left)
    assert one == pytest.approx(other, rel=1e-5)


@every_step_that_keeps_the_best
@given(data=st.data())
def test_it_keeps_the_best_token_if_it_says_so(step: Step, data: st.DataObject) -> None:
    logits, values = data.draw(rows()), data.draw(settings_of(step))
    left = step.apply(Candidates(logits), values, Moment())
    assert left.token(int(left.logits.argmax())) == int(logits.argmax())


@every_step
@given(data=st.data())
def test_at_its_neutral_value_it_is_not_in_the_chain(step: Step, data: st.DataObject) -> None:
    switch, *others = step.parameters
    values = {**defaults(), **{p.name: data.draw(within(p)) for p in others}, switch.name: switch.neutral}
    assert step not in chain(arrange(()), values)
    assert step in chain(arrange(()), {**values, switch.name: data.draw(settings_of(step))[switch.name]})
