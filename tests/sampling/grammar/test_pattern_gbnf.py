"""A pattern as GBNF takes the strings that the pattern matches, and no others."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from samovar.core.requests import Constraint
from samovar.sampling.grammar.characters import HALVES, LAST, others, union
from samovar.sampling.grammar.pattern_gbnf import PatternError, pattern_to_gbnf
from samovar.sampling.grammar.schema_gbnf import to_gbnf
from tests.sampling.grammar.conftest import Babbler

ALPHABET = 'ab0_ "\\\n-я'
"""Also what JSON escapes, and what GBNF does."""

checked = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _in_class(members: list[str]) -> str:
    return "".join(re.escape(member) if len(member) == 1 else member for member in members)


MEMBERS = (*ALPHABET, r"\d", r"\w", r"\s", "a-b")
CLASSES = st.one_of(
    st.lists(st.sampled_from([*MEMBERS, r"\D"]), min_size=1, max_size=3).map(lambda some: f"[{_in_class(some)}]"),
    st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3).map(lambda some: f"[^{_in_class(some)}]"),
)
"""What is in all of them is in the alphabet: a class of nothing is refused."""

ATOMS = (
    st.sampled_from([re.escape(c) for c in ALPHABET] + [".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"]) | CLASSES
)
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "+?"])
BODIES = st.recursive(
    st.builds(str.__add__, ATOMS, REPEATS),
    lambda inner: (
        st.lists(inner, max_size=3).map("".join)
        | st.lists(inner, min_size=1, max_size=3).map(lambda options: f"({'|'.join(options)})")
        | st.builds(lambda one, repeat: f"(?:{one}){repeat}", inner, st.sampled_from(["", "?", "{0,2}", "*"]))
    ),
    max_leaves=5,
)
TEXTS = st.text(ALPHABET, max_size=6)


def takes(babbler: Babbler, pattern: str, text: str) -> bool:
    constraint = Constraint("gbnf", to_gbnf({"type": "string", "pattern": pattern}))
    return babbler.takes(constraint, json.dumps(text, ensure_ascii=False))


@given(BODIES, TEXTS)
@checked
def test_an_anchored_pattern_takes_what_it_matches_as_a_whole(babbler: Babbler, body: str, text: str) -> None:
    assert takes(babbler, f"^(?:{body})$", text) == bool(re.fullmatch(body, text, re.ASCII))


@given(BODIES, st.data())
@checked
def test_it_takes_texts_that_were_made_to_match(babbler: Babbler, body: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(body, re.ASCII), fullmatch=True, alphabet=ALPHABET))
    assert takes(babbler, f"^(?:{body})$", text)


@given(BODIES, TEXTS)
@checked
def test_a_pattern_without_anchors_is_looked_for_anywhere(babbler: Babbler, body: str, text: str) -> None:
    assume("(" not in body)
    assert takes(babbler, body, text) == bool(re.search(body, text, re.ASCII))


@given(BODIES, BODIES, TEXTS)
@checked
def test_each_alternative_has_anchors_of_its_own(babbler: Babbler, one: str, other: str, text: str) -> None:
    expected = re.match(one, text, re.ASCII) or re.search(rf"(?:{other})\Z", text, re.ASCII)
    assert takes(babbler, f"^{one}|{other}$", text) == bool(expected)


@pytest.mark.parametrize(
    ("pattern", "gbnf"),
    [
        (r"^\d{3}-[a-z]+$", '[0-9]{3} "-" [a-z]+'),
        ("^$", '""'),
        ("", "char*"),
        ("tea", 'char* "tea" char*'),
        ("^(?<drink>tea|)$", '( "tea" | "" )'),
        (r"^\x41\u{1F375}\/$", '"A🍵/"'),
        ('^"$', r'"\\\""'),
        (r"^[\]\-\\]$", r'( [\x2D\x5D] | "\\\\" )'),
    ],
)
def test_a_pattern_is_written_as_one_would(pattern: str, gbnf: str) -> None:
    assert pattern_to_gbnf(pattern) == gbnf


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "a)", "(a", "[a", "*a", "a**", "a{2", "a{3,2}", "a{9999}", "a$b", "a^b", "(^a)", "(a$)",
        r"\1", r"\b", r"\p{L}", r"\k<a>", r"\u12", r"\ud83c", r"\u{110000}", "(?=a)", "(?!a)", "(?<=a)", "(?i)a",
        "[b-a]", r"[a-\d]", "[]", r"\x07", "\\", "(" * 40 + ")" * 40,
    ],
)  # fmt: skip
def test_what_no_grammar_keeps_to_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        pattern_to_gbnf(pattern)


@given(st.text(ALPHABET + "[](){}|^$*+?.,:<>=!dDuxp-", max_size=20))
def test_any_text_is_a_pattern_or_refused(pattern: str) -> None:
    try:
        assert pattern_to_gbnf(pattern)
    except PatternError as error:
        assert str(error)


POINTS = st.integers(0, LAST).filter(lambda code: not HALVES[0] <= code <= HALVES[1])
RANGES = st.lists(st.tuples(POINTS, POINTS).map(lambda pair: (min(pair), max(pair))), max_size=5)


@given(RANGES, POINTS)
def test_a_character_is_in_a_set_or_among_the_others(ranges: list[tuple[int, int]], code: int) -> None:
    inside = any(low <= code <= high for low, high in ranges)
    assert any(low <= code <= high for low, high in union(ranges)) == inside
    assert any(low <= code <= high for low, high in others(ranges)) != inside
