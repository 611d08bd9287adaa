"""Whatever a model's logits are, its answer fits its grammar; and where it cannot, a sentence says so."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from samovar.core.errors import InvalidInput
from samovar.core.requests import ANY_OBJECT, Constraint
from tests.sampling.grammar.conftest import VOCAB_SIZE, Babbler, WordyEngine, noise
from tests.sampling.grammar.schemas import SCHEMAS, Schema, fits

SEEDS = st.integers(0, 2**32)


def schema(value: object) -> Constraint:
    return Constraint("json_schema", json.dumps(value))


@settings(deadline=None, max_examples=150)
@given(SCHEMAS, SEEDS)
def test_any_answer_under_a_schema_parses_and_validates(babbler: Babbler, wanted: Schema, seed: int) -> None:
    told = babbler.say(schema(wanted), seed)
    assert told.whole
    assert fits(json.loads(told.text), wanted)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_any_object_is_an_object_once_it_is_whole(babbler: Babbler, seed: int) -> None:
    told = babbler.say(ANY_OBJECT, seed, longest=300)
    if told.whole:
        assert isinstance(json.loads(told.text), dict)


@settings(deadline=None)
@given(
    st.sampled_from(
        [
            "[ab]{2,9}c",
            "(yes|no)( please)?",
            "[0-9]{4}-(0[1-9]|1[0-2])",
            "(а|б|ю){3}",
            "a?",
            "[^x]{5}",
            r"\d{3}\.\d",
        ]
    ),
    SEEDS,
)
def test_any_answer_under_a_regular_expression_fits_it(babbler: Babbler, pattern: str, seed: int) -> None:
    told = babbler.say(Constraint("regex", pattern), seed)
    assert told.whole
    assert re.fullmatch(pattern, told.text.decode(), re.DOTALL)


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_under_a_lark_grammar_fits_it(babbler: Babbler, seed: int) -> None:
    grammar = Constraint("lark", '%llguidance {}\nstart: NAME ("=" NUM)? ";"\nNAME: /[ab]{1,3}/\nNUM: /[0-9]{1,3}/')
    told = babbler.say(grammar, seed)
    assert told.whole
    assert re.fullmatch(rb"[ab]{1,3}(=[0-9]{1,3})?;", told.text)


def test_white_space_between_the_parts_of_json_is_bounded(babbler: Babbler) -> None:
    wanted = schema({"type": "array", "items": {"type": "integer"}})
    assert babbler.takes(wanted, "[1, 2,\n    3]")
    assert not babbler.takes(wanted, "[1,  2]")
    assert not babbler.takes(wanted, "[1,\n\n2]")


def test_forced_text_may_be_spelt_in_any_tokens(babbler: Babbler) -> None:
    follower = babbler.grammars.grammar(Constraint("regex", "true!")).follow()
    allowed = np.flatnonzero(follower.masked(np.zeros(VOCAB_SIZE, dtype=np.float32)) == 0)
    assert [babbler.engine.piece(int(token)) for token in allowed] == [b"t", b"true"]


def test_the_row_stays_as_it_is_and_allowed_logits_keep_their_values(babbler: Babbler) -> None:
    follower = babbler.grammars.grammar(Constraint("regex", "[a-z]+")).follow()
    row = noise(np.random.default_rng(0))
    before = row.copy()
    masked = follower.masked(row)
    assert (row == before).all()
    letters = np.arange(ord("a"), ord("z") + 1)
    assert (masked[letters] == row[letters]).all()
    assert np.isneginf(masked[ord("A")])


def test_a_row_may_hold_impossible_tokens_already(babbler: Babbler) -> None:
    row = np.full(VOCAB_SIZE, -np.inf, dtype=np.float32)
    row[[ord("a"), ord("1")]] = [1.0, 2.0]
    masked = babbler.grammars.grammar(Constraint("regex", "[a-z]+")).follow().masked(row)
    assert list(np.flatnonzero(np.isfinite(masked))) == [ord("a")]


def test_answers_beside_each_other_do_not_disturb_each_other(babbler: Babbler) -> None:
    wanted = Constraint("regex", "[ab]{6}")
    alone = babbler.say(wanted, 1)
    one, other = (babbler.grammars.grammar(wanted).follow() for _ in range(2))
    random, text = np.random.default_rng(1), b""
    while not one.complete:
        other.masked(noise(np.random.default_rng(2)))
        if not other.complete:
            other.advance(ord("a"))
        token = int(one.masked(noise(random)).argmax())
        one.advance(token)
        text += babbler.engine.piece(token)
        if other.complete:
            other = babbler.grammars.grammar(wanted).follow()
    assert text == alone.text


def test_a_model_without_end_tokens_is_told_when_the_answer_is_whole() -> None:
    babbler = Babbler(WordyEngine(ends=False))
    assert babbler.say(Constraint("regex", "ab?c"), 3).whole


def test_an_end_tokens_own_text_cannot_end_an_answer_inside_a_string() -> None:
    """Some files mark their end token as user-defined: then it has a text, and JSON strings could hold it."""

    class Speaking(WordyEngine):
        def piece(self, token: int) -> bytes:
            return b"end" if token in self.info.end_tokens else super().piece(token)

    babbler = Babbler(Speaking())
    follower = babbler.grammars.grammar(schema({"type": "string"})).follow()
    follower.advance(ord('"'))
    masked = follower.masked(np.zeros(VOCAB_SIZE, dtype=np.float32))
    assert np.isneginf(masked[list(babbler.engine.info.end_tokens)]).all()


def test_a_grammar_that_the_vocabulary_cannot_spell_is_a_sentence_not_a_hang() -> None:
    babbler = Babbler(WordyEngine(lacking=frozenset({ord("q")})))
    with pytest.raises(InvalidInput, match=r"No text fits|dead end"):
        babbler.say(Constraint("regex", "[a-z]{2}q"))
    with pytest.raises(InvalidInput, match="No text fits"):
        babbler.say(Constraint("regex", "q"))


def test_a_token_that_was_not_allowed_is_refused(babbler: Babbler) -> None:
    follower = babbler.grammars.grammar(Constraint("regex", "ab")).follow()
    with pytest.raises(InvalidInput):
        follower.advance(ord("x"))


MARKED = Constraint("regex", "[0-9]{2}", ("<call>", "<|im_start|>"))


def test_before_its_mark_a_lazy_grammar_lets_everything_through(babbler: Babbler) -> None:
    assert babbler.takes(MARKED, "Just words, <cal and more.")
    assert babbler.takes(MARKED, "")


def test_after_its_mark_a_lazy_grammar_holds(babbler: Babbler) -> None:
    assert babbler.takes(MARKED, "So: <call>42")
    assert not babbler.takes(MARKED, "So: <call>4")
    assert not babbler.takes(MARKED, "So: <call>four")
    assert not babbler.takes(MARKED, "So: <call>42 and more")


def test_a_control_token_is_a_mark_too(babbler: Babbler) -> None:
    follower = babbler.grammars.grammar(MARKED).follow()
    (token,) = babbler.engine.tokenize("<|im_start|>", special=True)
    zeros = np.zeros(VOCAB_SIZE, dtype=np.float32)
    for written in (ord("x"), token):
        assert follower.masked(zeros)[written] == 0
        follower.advance(written)
    allowed = np.flatnonzero(follower.masked(zeros) == 0)
    assert [babbler.engine.piece(int(t)) for t in allowed] == [*(b"%d" % d for d in range(10)), b"12"]


COUNTING = Constraint("gbnf", 'root ::= "я" ("ab" [0-9] "\\"")* "да!"')


@given(st.integers(0, 4), st.data())
@settings(deadline=None, max_examples=60)
def test_an_answer_goes_on_where_an_earlier_one_was_cut_off(
    babbler: Babbler, rounds: int, data: st.DataObject
) -> None:
    text = "я" + "".join(f'ab{data.draw(st.integers(0, 9))}"' for _ in range(rounds)) + "да!"
    cut = data.draw(st.integers(0, len(text) - 1))
    begun = replace(COUNTING, begun=text[:cut])
    assert babbler.takes(begun, text[cut:])
    assert not babbler.takes(begun, text[cut:] + "!")
    assert babbler.takes(COUNTING, text)


def test_what_is_whole_already_begins_anew_and_what_does_not_fit_is_refused(babbler: Babbler) -> None:
    assert babbler.takes(replace(COUNTING, begun="яда!"), "яда!")
    with pytest.raises(InvalidInput, match="grammar_retain_state"):
        babbler.takes(replace(COUNTING, begun="ю"), "да!")
