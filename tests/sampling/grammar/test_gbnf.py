"""GBNF means here what it means in llama.cpp."""

from __future__ import annotations

import pytest

from samovar.core.requests import Constraint
from samovar.sampling.grammar.gbnf import GbnfError, read
from samovar.sampling.grammar.gbnf_lark import is_recursive
from tests.sampling.grammar.conftest import Babbler

JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws   # a comment
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,15})? ws
ws     ::= | " " | "\n" [ \t]{0,20}
"""


@pytest.mark.parametrize(
    ("grammar", "fits", "fits_not"),
    [
        ('root ::= "yes" | "no"', ["yes", "no"], ["", "yesno", "y"]),
        ('root ::= ("a" | "b")+ "!"?', ["a", "abba!"], ["", "!", "a!!"]),
        ("root ::= [a-c]{2} [^a-c]", ["abx", "ccю"], ["abc", "ax"]),
        ("root ::= [a-c]{1,} [-x]", ["a-", "abx"], ["-", "a"]),
        ("root ::= [\\]\\[^-]*", ["]^-[", ""], ["a"]),
        ('root ::= "\\x41\\u044E\\U0001F600\\"\\\\\\n"', ['Aю😀"\\\n'], ["A"]),
        ("root ::= .{3}", ["a\nю"], ["ab", "abcd"]),
        ('root ::= a-b a_c\na-b ::= "x" |\n  "y"\na_c ::= ""', ["x", "y"], [""]),
        ('root ::= "a"{2,3} # twice\n\n# or thrice', ["aa", "aaa"], ["a", "aaaa"]),
        ('root ::= "a"\n  | "b"', ["b"], ["c"]),
        ('root ::= ""', [""], ["a"]),
        ('root ::= "a"{0} "b"{0,0} "c"', ["c"], ["ac", "bc"]),
        # Where a lexer would take all letters for one lexeme and never come to the end:
        ('root ::= word "true"\nword ::= [a-z]*', ["true", "trtrue", "truetrue"], ["tru"]),
        ('root ::= item | "(" root ")"\nitem ::= [a-z]* "true"', ["true", "(trtrue)", "((true))"], ["(tru)", "("]),
        (JSON, ["{}", '{"a":[1, -2.5e+3,\n\t{"b\\n\\u00e9":null} ]}', '{"":true}'], ['{"a" 1}', "[]", '{"a":1']),
    ],
)
def test_a_grammar_takes_its_texts_and_no_others(
    babbler: Babbler, grammar: str, fits: list[str], fits_not: list[str]
) -> None:
    constraint = Constraint("gbnf", grammar)
    assert [text for text in fits if not babbler.takes(constraint, text)] == []
    assert [text for text in fits_not if babbler.takes(constraint, text)] == []


@pytest.mark.parametrize(
    ("grammar", "reason"),
    [
        ("root", "line 1: a rule"),
        ('root ::= "a', "line 1: cannot read"),
        ('root ::= "a"\nb ::= [a', "line 2: cannot read"),
        ('root ::= ("a"', "a closing parenthesis is expected, not the end"),
        ('root ::= "a")', r"a rule, name ::= …, is expected, not \)"),
        ('root ::= "\\q"', r"there is no escape \\q"),
        ("root ::= [z-a]", "range z-a is empty"),
        ("root ::= []", "set .* is empty"),
        ('root ::= "\\uD800"', "is no character"),
        ('root ::= "a"{3000}', "at most 2000 repetitions"),
        ("root ::= *", "a rule"),
        ("root ::= <think>", "cannot read '<think>'"),
    ],
)
def test_what_is_no_gbnf_is_said_with_its_line(grammar: str, reason: str) -> None:
    with pytest.raises(GbnfError, match=reason):
        read(grammar)


def test_recursion_is_found_through_other_rules() -> None:
    assert is_recursive(read(JSON))
    assert is_recursive(read('root ::= "a" b\nb ::= c?\nc ::= b "x"'))
    assert not is_recursive(read('root ::= a a\na ::= b b\nb ::= "x"'))
