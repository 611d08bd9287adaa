"""The line of a request: one line, whatever names stand in it."""

from types import SimpleNamespace

import msgspec
import pytest
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


@pytest.mark.parametrize(
    ("path", "route", "given", "told"),
    [
        ("/v1/models", "/v1/models", {}, "/v1/models"),
        ("/api/generate", "/generate", {}, "/api/generate"),
        ("/samovar/keys/k1", "/keys/{key}", {"key": "k1"}, "/samovar/keys/{key}"),
        ("/v1/models/a/b", "/v1/models/{name:path}", {"name": "a/b"}, "/v1/models/{name:path}"),
        ("/keys/keys/", "/{a}/{b:path}", {"a": "keys", "b": "keys/"}, "/{a}/{b:path}"),
    ],
)
def test_a_route_is_told_whole_and_without_the_names_in_it(
    path: str, route: str, given: dict[str, str], told: str
) -> None:
    assert template({"path": path, "route": SimpleNamespace(path=route), "path_params": given}) == told
    assert template({"path": path}) == "-"
