"""The line of a request: one line, whatever names stand in it."""

from types import SimpleNamespace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.journal import template, written


def test_plain_words_stand_as_they_are_and_others_are_json() -> None:
    line = written({"route": "/v1/models/{name:path}", "status": 200, "ms": 1.5, "key": "Anna's laptop"})
    assert line == 'route=/v1/models/{name:path} status=200 ms=1.5 key="Anna\'s laptop"'


@given(st.text())
def test_no_name_makes_a_second_line_or_a_second_fact(name: str) -> None:
    key, _, value = written({"key": name}).partition("=")
    assert key == "key"
    assert not {"\n", "\r"} & set(value)
    assert value == name or msgspec.json.decode(value) == name


def test_a_route_is_told_without_the_names_that_stood_in_its_address() -> None:
    route = SimpleNamespace(path="/v1/models/{name:path}")
    assert template({"path": "/v1/models/secret", "route": route}) == "/v1/models/{name:path}"
    assert template({"path": "/nowhere/secret"}) == "-"
