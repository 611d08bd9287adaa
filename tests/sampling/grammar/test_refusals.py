"""A grammar that cannot be used is refused with its reason before anything is said, whatever it tries to break."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput
from samovar.core.requests import Constraint, GrammarKind
from samovar.sampling.grammar import Grammars
from tests.sampling.grammar.conftest import Babbler, WordyEngine


def chain(define: str, letter: str, count: int) -> str:
    """`count` rules, each of which is the next."""
    rules = [f"{letter}{i}{define} {letter}{i + 1}" for i in range(count)]
    return "\n".join([*rules, f'{letter}{count}{define} "a"'])


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("json_schema", "{", "JSON schema cannot be used: Input data was truncated"),
        ("json_schema", '{"type": "zonk"}', "Invalid type: zonk"),
        ("json_schema", '{"uniqueItems": true, "type": "array"}', "uniqueItems"),
        ("json_schema", "3", "must be an object or boolean"),
        ("json_schema", '{"$ref": "http://example.com/schema"}', "not present"),
        ("json_schema", '{"minLength": 5, "maxLength": 3, "type": "string"}', r"minLength \(5\)"),
        ("json_schema", '{"$ref": "#"}', "No text fits"),
        ("json_schema", "[" * 100_000, "cannot be used"),
        ("json_schema", '{"items":' * 200 + "{}" + "}" * 200, "recursion limit"),
        ("regex", "(", "unclosed group"),
        ("regex", "(?=a)b", "look-around"),
        ("regex", r"a[^\s\S]", "No text fits"),
        ("regex", "(" * 100_000, "cannot be used"),
        ("lark", "start: missing", "unknown name"),
        ("lark", "start: <nothing>", "unknown special token"),
        ("lark", 'start: start "a"', "No text fits"),
        ("lark", "start: " + "(" * 10_000, "nested"),
        ("lark", "", "Lark grammar cannot be used"),
        ("gbnf", 'start ::= "a"', "no rule named root"),
        ("gbnf", "root ::= missing", "uses missing"),
        ("gbnf", "root ::= " + "(" * 10_000, "nested"),
        ("gbnf", "", "no rule named root"),
        ("regex", "a" * 300_000, "300000 bytes long; at most 262144"),
    ],
)
def test_a_bad_grammar_is_refused_with_the_reason(
    babbler: Babbler, kind: GrammarKind, text: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        babbler.grammars.grammar(Constraint(kind, text))
    assert len(refused.value.text("ru")) < 600


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("lark", "start: r0\n" + chain(":", "r", 18_000)),
        ("lark", "start: R0\n" + chain(":", "R", 18_000)),
        ("gbnf", "root ::= r0\n" + chain(" ::=", "r", 12_000)),
    ],
)
def test_a_long_chain_of_rules_does_not_break_the_stack(babbler: Babbler, kind: GrammarKind, text: str) -> None:
    assert babbler.takes(Constraint(kind, text), "a")


def test_a_grammar_that_takes_too_long_is_given_up_and_the_next_one_is_not() -> None:
    grammars = Grammars(WordyEngine(), patience=0.001)
    with pytest.raises(InvalidInput, match="was not ready"):
        grammars.grammar(Constraint("json_schema", json.dumps({"type": "integer", "multipleOf": 200_003})))
    assert Grammars(WordyEngine()).grammar(Constraint("regex", "a")).follow()


TEXTS = st.text() | st.text(alphabet='()[]{}|*+?"\\/:=<>@%^$-,.\n azRs01&~', max_size=40)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["json_schema", "regex", "lark", "gbnf"]), TEXTS)
def test_any_text_is_a_grammar_or_a_sentence(babbler: Babbler, kind: GrammarKind, text: str) -> None:
    prefix = {"lark": "start: ", "gbnf": "root ::= "}.get(kind, "")
    for grammar in (text, prefix + text):
        try:
            babbler.say(Constraint(kind, grammar), longest=20)
        except InvalidInput as error:
            assert error.text("en").endswith(".")
