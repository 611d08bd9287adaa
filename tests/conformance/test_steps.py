"""What every sampling step promises: a new file in sampling/steps is tested before it has a test of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from samovar.core.catalogue import LANGUAGES, say
from samovar.core.parameters import Parameter, SamplingParams, Value
from samovar.sampling import Lexicon, Sampler, parameters, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.chain import active
from samovar.sampling.orders import DEFAULT_ORDER
from samovar.sampling.registry import arrange, defaults, neutral
from samovar.sampling.step import Moment, Step

every_step = pytest.mark.parametrize("step", steps().values(), ids=lambda step: step.name)
every_step_that_keeps_the_best = pytest.mark.parametrize(
    "step", [step for step in steps().values() if step.keeps_best], ids=lambda step: step.name
)

few = settings(max_examples=40)
"""There are many steps."""

SIZE = 16
LEXICON = Lexicon(
    SIZE, (3, 11), lambda token: b"a" * (token % 3) + b":" * (token % 5 == 4), lambda text: [len(text)]
)


@st.composite
def rows(draw: st.DrawFn, reach: int = 10_000) -> np.ndarray:
    """Logits that an engine may return: any size of number, some tokens impossible, at least one possible."""
    logit = st.floats(-reach, reach, width=32) | st.just(-np.inf)
    values = draw(st.lists(logit, min_size=SIZE, max_size=SIZE))
    assume(max(values) > -np.inf)
    return np.array(values, dtype=np.float32)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    history = tuple(draw(st.lists(st.integers(0, SIZE - 1), max_size=20)))
    produced = draw(st.integers(0, len(history)))
    return Moment(history, produced, LEXICON, draw(st.floats(0, 1, exclude_max=True)))


def within(parameter: Parameter) -> st.SearchStrategy[Value]:
    token = st.integers(0, 2 * SIZE)
    bias = st.floats(parameter.minimum, parameter.maximum) | st.just(-math.inf)
    strategies: dict[str, st.SearchStrategy[Value]] = {
        "float": st.floats(parameter.minimum, parameter.maximum).map(lambda x: x if x > 1e-9 or x < 0 else 0.0),
        "int": st.integers(int(parameter.minimum), min(int(parameter.maximum), 2 * SIZE)),
        "bool": st.booleans(),
        "texts": st.lists(st.sampled_from(["a", ":", "aa", "a:b"])).map(tuple),
        "tokens": st.lists(token).map(tuple),
        "bias": st.dictionaries(token, bias),
    }
    return strategies[parameter.kind]


def settings_of(step: Step) -> st.SearchStrategy[dict[str, Value]]:
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
    assert 1 <= step.switches <= len(step.parameters)
    for parameter in step.parameters:
        assert parameters()[parameter.name] is parameter
        assert parameter.check(parameter.default) == parameter.default
        assert parameter.check(parameter.neutral) == parameter.neutral
        assert all(parameter.check(value) == parameter.neutral for value in parameter.off)
        for language in LANGUAGES:
            assert say(parameter.help_key, language)


@every_step
def test_it_has_a_place_in_the_default_order(step: Step) -> None:
    assert step.name in DEFAULT_ORDER


@every_step
def test_its_source_is_told(step: Step) -> None:
    assert len(__import__(step.apply.__module__, fromlist=["STEP"]).__doc__) > 100


@every_step
@few
@given(data=st.data())
def test_it_leaves_something_possible_and_no_broken_number(step: Step, data: st.DataObject) -> None:
    logits, values, moment = data.draw(rows()), data.draw(settings_of(step)), data.draw(moments())
    for candidates in forms(logits):
        left = step.apply(candidates, values, moment)
        assert 1 <= len(left) <= len(candidates)
        assert left.logits.dtype == np.float32
        assert np.isfinite(left.top)
        assert not np.isnan(left.logits).any()
        assert {left.token(i) for i in range(len(left))} <= {candidates.token(i) for i in range(len(candidates))}


@every_step
@few
@given(data=st.data())
def test_what_is_impossible_stays_impossible(step: Step, data: st.DataObject) -> None:
    logits, values, moment = data.draw(rows()), data.draw(settings_of(step)), data.draw(moments())
    left = step.apply(Candidates(logits), values, moment)
    possible = {left.token(i) for i in range(len(left)) if left.logits[i] > -np.inf}
    assert possible <= set(np.flatnonzero(logits > -np.inf))


@every_step
@few
@given(data=st.data())
def test_it_changes_none_of_its_arguments_and_depends_on_nothing_else(step: Step, data: st.DataObject) -> None:
    logits, values, moment = data.draw(rows()), data.draw(settings_of(step)), data.draw(moments())
    logits.flags.writeable = False
    once, again = (step.apply(Candidates(logits), values, moment) for _ in range(2))
    assert np.array_equal(once.logits, again.logits)
    bare = Moment(
        moment.history if "history" in step.needs else (),
        moment.produced if "history" in step.needs or step.name == "min_tokens" else 0,
        moment.lexicon if "lexicon" in step.needs else Lexicon(0),
        moment.chance if "chance" in step.needs else 0.0,
    )
    assert np.array_equal(once.logits, step.apply(Candidates(logits), values, bare).logits)


@every_step
@few
@given(data=st.data())
def test_an_order_that_it_claims_is_true(step: Step, data: st.DataObject) -> None:
    logits, values, moment = data.draw(rows()), data.draw(settings_of(step)), data.draw(moments())
    for candidates in forms(logits):
        left = step.apply(candidates, values, moment)
        assert not left.ordered or (left.logits[1:] <= left.logits[:-1]).all()


@every_step
@few
@given(data=st.data())
def test_the_form_of_the_candidates_does_not_matter(step: Step, data: st.DataObject) -> None:
    """Sorted or not, the same tokens are left with the same weights. (Logits so near that their sums are exact, and
    so different that rounding decides nothing.)"""
    spread = data.draw(st.permutations(range(SIZE)))
    logits = (np.array(spread, dtype=np.float32) * np.float32(0.37)) ** np.float32(1.1)
    logits[data.draw(st.lists(st.integers(0, SIZE - 1), max_size=8))] = -np.inf
    values, moment = data.draw(settings_of(step)), data.draw(moments())
    whole, _, ordered, _ = forms(logits)
    left = [step.apply(candidates, values, moment) for candidates in (whole, ordered)]
    one, other = (possible_weights(candidates) for candidates in left)
    assert one == pytest.approx(other, rel=1e-4, abs=1e-12)


def possible_weights(candidates: Candidates) -> dict[int, float]:
    weights = zip(map(candidates.token, range(len(candidates))), candidates.weights(), strict=True)
    return {token: weight for token, weight in weights if weight > 0}


@every_step_that_keeps_the_best
@few
@given(data=st.data())
def test_it_keeps_the_best_token_if_it_says_so(step: Step, data: st.DataObject) -> None:
    logits, values = data.draw(rows()), data.draw(settings_of(step))
    left = step.apply(Candidates(logits), values, Moment())
    assert left.token(int(left.logits.argmax())) == int(logits.argmax())


@every_step
@few
@given(data=st.data())
def test_at_its_neutral_value_it_is_not_in_the_chain(step: Step, data: st.DataObject) -> None:
    switches, others = step.parameters[: step.switches], step.parameters[step.switches :]
    values = {
        **neutral(),
        **{p.name: data.draw(within(p)) for p in others},
        **{p.name: p.neutral for p in switches},
    }
    assert step not in active(arrange(()), values)
    on = {**neutral(), **{p.name: data.draw(settings_of(step))[p.name] for p in step.parameters}}
    assert step.is_neutral(on) != (step in active(arrange(()), on))


@few
@given(data=st.data())
def test_any_chain_in_any_order_draws_a_possible_token_and_the_same_again(data: st.DataObject) -> None:
    order = tuple(data.draw(st.permutations(DEFAULT_ORDER)))
    values: dict[str, Value] = {}
    for step in data.draw(st.lists(st.sampled_from(list(steps().values())), max_size=6)):
        values.update({p.name: data.draw(within(p)) for p in step.parameters})
    params = SamplingParams(values, order, seed=data.draw(st.integers(0, 2**64 - 1)))
    texts = data.draw(st.lists(rows(reach=50), min_size=1, max_size=4))
    one, other = Sampler(params, LEXICON), Sampler(params, LEXICON)
    tokens: list[int] = []
    for logits in texts:
        token = one.draw(logits, tokens)
        assert logits[token] > -np.inf
        assert other.draw(logits, list(tokens)) == token
        tokens.append(token)
