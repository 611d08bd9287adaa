"""A template from a stranger's file can neither reach Python nor use up the machine."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from samovar.core.errors import InvalidInput
from samovar.core.requests import Message
from samovar.prompts.budget import SECONDS, Budget
from samovar.prompts.sandbox import Sandbox
from samovar.prompts.template import render

ASK = (Message("user", "hi"),)


def doubling(body: str, start: str = "'ab'") -> str:
    return f"{{% set ns = namespace(x={start}) %}}{{% for i in range(99) %}}{body}{{% endfor %}}{{{{ ns.x }}}}"


ESCAPES = [
    "{{ cycler.__init__.__globals__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__ }}",
    "{{ messages[0]['__class__'] | attr('__base__') }}{{ (''|attr('__class__')).x }}",
    "{{ '{0.__class__.__init__}'.format(messages) }}",
    "{{ raise_exception.__globals__ }}",
    "{% set _ = messages.append(1) %}",
    "{% set _ = messages[0].pop('role') %}",
    "{% set l = [] %}{% set _ = l.append(l) %}",
    "{% set l = [] %}{% set held = [l] %}{% set _ = l.append(1) %}",
    "{% set l = [] %}{% set held = {'l': l} %}{% set _ = l.append(1) %}",
    "{% set l = [1] %}{% set k = [] %}{% set _ = k.append(l) %}{% set _ = l.pop() %}",
    "{{ (1).to_bytes(1000000000, 'big') }}",
    "{% for x in [1] %}{{ loop.__init__ }}{% endfor %}",
]

BOMBS = {
    "repeated text": "{{ 'x' * 10**9 }}",
    "repeated list": "{{ [0] * 10**9 }}",
    "huge power": "{{ 9 ** (9 ** 9) }}",
    "squares": doubling("{% set ns.x = ns.x * ns.x %}", "3"),
    "doubling with +": doubling("{% set ns.x = ns.x + ns.x %}"),
    "doubling with ~": doubling("{% set ns.x = ns.x ~ ns.x %}"),
    "doubling by capture": doubling("{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}"),
    "doubling by nesting": doubling("{% set ns.x = [ns.x, ns.x] %}"),
    "doubling by mapping": doubling("{% set ns.x = {'a': ns.x, 'b': ns.x} %}"),
    "doubling by join": doubling("{% set ns.x = [ns.x, ns.x] | join %}"),
    "doubling by append": doubling(
        "{% set y = [] %}{% for k in 'ab' %}{% set _ = y.append(ns.x) %}{% endfor %}{% set ns.x = y %}"
    ),
    "doubling by arguments": "{% macro m() %}{{ m(varargs, varargs) }}{% endmacro %}{{ m() }}",
    "endless append": "{% set l = [1] %}{% for x in l %}{% set _ = l.append('x' * 999) %}{% endfor %}",
    "doubling by format": doubling("{% set ns.x = '{0}{0}'.format(ns.x) %}"),
    "doubling by %": doubling("{% set ns.x = '%s%s' % (ns.x, ns.x) %}"),
    "replace filter": "{{ ('x' * 9999) | replace('x', 'y' * 9999) }}",
    "replace method": "{{ ('x' * 9999).replace('x', 'y' * 9999) }}",
    "mapped replace": "{{ range(99999) | map('string') | map('replace', '1', 'y' * 99999) | list | length }}",
    "join filter": "{{ range(9999) | map('string') | join('y' * 99999) }}",
    "join method": "{{ ('y' * 99999).join(range(9999) | map('string')) }}",
    "wide %": "{{ '%999999999d' % 1 }}",
    "wide % from outside": "{{ '%*d' % (999999999, 1) }}",
    "wide format": "{{ '{:>999999999}'.format(1) }}",
    "wide format from outside": "{{ '{:{}}'.format(1, 999999999) }}",
    "format filter": "{{ '%999999999d' | format(1) }}",
    "indented json": "{{ [1] | tojson(indent=10**9) }}",
    "indented text": "{{ 'a\nb' | indent(10**9) }}",
    "rounding": "{{ 1 | round(10**9, 'ceil') }}",
    "huge range": "{{ range(10**12) | list }}",
    "loops in loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "static text": "{% for i in range(99999) %}" + "x" * 9999 + "{% endfor %}",
    "macros": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
}


@pytest.mark.parametrize("template", ESCAPES)
def test_escapes_are_refused_with_a_sentence(template: str) -> None:
    with pytest.raises(InvalidInput, match="uses what a template must not use"):
        render(template, ASK)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_stopped_with_a_sentence_and_before_they_take_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput, match="chat template was stopped"):
            render(BOMBS[name], ASK)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_slow_template_is_stopped_by_the_clock() -> None:
    seconds = iter(range(1000))
    sandbox = Sandbox(Budget(clock=lambda: float(next(seconds))))
    with pytest.raises(InvalidInput, match=f"after {SECONDS} seconds"):
        sandbox.from_string("{% for i in range(100) %}{{ i }}{% endfor %}").render()


def test_a_namespace_that_holds_itself_is_no_trap() -> None:
    assert render("{% set n = namespace() %}{% set n.n = n %}{{ n }}{{ [n, n] }}", ASK).text.startswith(
        "<Namespace>"
    )


def test_long_conversations_have_room() -> None:
    """The limits grow with what is written: a megabyte in 400 messages passes through twice over."""
    messages = tuple(Message("user", "слово " * 400) for _ in range(400))
    template = (
        "{% set ns = namespace(all='', seen=[]) %}{% for m in messages %}"
        "{% set ns.seen = ns.seen + [m] %}{{ m.content | trim }}{% endfor %}"
        "{% for m in ns.seen %}{{ m.content.split(' ') | join(' ') }}{% endfor %}"
    )
    rendered = render(template, messages)
    assert rendered.notes == ()
    assert len(rendered.text) == 400 * (6 * 400 - 1) + 400 * 6 * 400


def test_a_list_of_the_templates_own_grows_and_shrinks() -> None:
    """As Kimi K2's templates keep the calls that wait for their results."""
    template = (
        "{% set queue = namespace(ids=[]) %}{% macro ask(id) %}{% set _ = queue.ids.append(id) %}{% endmacro %}"
        "{% for i in range(4) %}{{ ask('id' ~ i) }}{% endfor %}"
        "{{ queue.ids.pop(0) }}{{ queue.ids.pop() }}{{ queue.ids | length }}{{ queue.ids }}"
    )
    rendered = render(template, ASK)
    assert (rendered.text, rendered.notes) == ("id0id32['id1', 'id2']", ())


def test_methods_are_weighed_in_loops_as_elsewhere() -> None:
    template = (
        "{% for i in range(2) %}{{ ', '.join(['a', 'b']) }}{{ '{}{x}'.format(i, x='!') }}"
        "{{ 'aa'.replace('a', 'b', 1) }}|{% endfor %}"
    )
    rendered = render(template, ASK)
    assert (rendered.text, rendered.notes) == ("a, b0!ba|a, b1!ba|", ())


def test_what_templates_rely_on_works() -> None:
    template = (
        "{%- macro shout(text) -%}{{ text | upper }}!{%- endmacro -%}"
        "{%- for x in range(9) -%}{%- if x == 1 -%}{%- continue -%}{%- endif -%}{%- if x == 3 -%}{%- break -%}"
        "{%- endif -%}{{ x }}{{ ',' if not loop.last }}{%- endfor -%}"
        "|{{ shout('a') }}|{{ {'b': 1, 'a': 2} | dictsort | map('first') | join('-') }}"
        "|{{ messages | selectattr('role', 'equalto', 'user') | list | length }}|{{ 'x' is in ['x'] }}"
        "|{{ '%s-%d' % ('a', 1) }}|{{ '{} {a}'.format(1, a=2) }}|{{ 7 // 2 }}|{{ 2 ** 10 }}|{{ [1, 2][::-1] }}"
        "|{{ 'a\nb' | indent(2) }}|{{ 3.14159 | round(2) }}"
        "|{{ [{'k': 1}, {'k': 2}] | map(attribute='k') | join('+') }}"
        "|{{ missing is defined }}|{{ missing | default('d') }}|{{ {'a': none, 'b': [1, 'é<']} | tojson }}"
        "|{{ {'a': [1]} | tojson(indent=1) }}|{% generation %}g{% endgeneration %}|{{ messages[0].content[:1] }}"
        "|{% set x, y = (1, 2) %}{{ y ~ x }}|{{ [1, 2] | join(', ') }}|{{ {'a': 1}.items() | list }}"
    )
    expected = (
        "0,2,|A!|a-b|1|True|a-1|1 2|3|1024|[2, 1]|a\n  b|3.14|1+2|False|d|"
        + json.dumps({"a": None, "b": [1, "é<"]}, ensure_ascii=False)
        + "|"
        + json.dumps({"a": [1]}, indent=1)
        + "|g|h|21|1, 2|[('a', 1)]"
    )
    rendered = render(template, ASK)
    assert rendered.notes == ()
    assert rendered.text == expected
