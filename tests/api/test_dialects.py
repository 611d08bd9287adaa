"""What holds for every dialect there is."""

import json
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.api.dialects.dialect import Dialect
from samovar.api.dialects.registry import DIALECTS, shapes
from samovar.api.errors import STATUS, shape_of
from samovar.api.reading.fieldtable import markdown
from samovar.core.catalogue import say
from samovar.core.engine import Note
from samovar.core.errors import EngineFailed, SamovarError
from samovar.core.events import (
    Alternative,
    Call,
    Delta,
    Event,
    Finish,
    Looked,
    PromptProgress,
    PromptTokens,
    Stage,
    Thought,
    TokenDetail,
    Warned,
)
from samovar.core.requests import Completion
from tests.api.conftest import Served, done, says
from tests.api.dialect_cases import CASES, Case

DOCS = Path(__file__).parents[2] / "docs" / "apis"

each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


@each_dialect
def test_its_page_of_the_documentation_has_its_table_of_fields(dialect: Dialect) -> None:
    page = (DOCS / f"{dialect.name.lower()}.md").read_text(encoding="utf-8")
    assert markdown(dialect.fields, dialect.endpoints) in page
    for convention in dialect.conventions:
        assert f"`{convention.field}`" in page


@each_dialect
def test_its_addresses_get_errors_in_its_shape(dialect: Dialect) -> None:
    for prefix in dialect.prefixes:
        assert shape_of(shapes(), prefix) is dialect.error_shape


@each_dialect
def test_it_names_no_field_twice(dialect: Dialect) -> None:
    names = [
        (field.name, endpoint) for field in dialect.fields for endpoint in field.endpoints or dialect.endpoints
    ]
    assert len(names) == len(set(names))


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

EVENTS: tuple[Event, ...] = (
    PromptProgress(3, 7, 2),
    PromptTokens((TokenDetail(1, b"a", None), TokenDetail(2, b"b", -0.5, (Alternative(3, b"c", -0.7),)))),
    Thought(0, "hm", (TokenDetail(4, b"hm", -0.1),)),
    Delta(0, "Hel", (TokenDetail(5, b"Hel", -0.2, (Alternative(6, b"Hal", -1.5),)),)),
    Delta(0, "", (TokenDetail(7, b"\xd0", -0.3),)),
    Delta(0, "lo", (TokenDetail(8, b"lo", -0.4),)),
    Call(0, 0, "call_1", "look_up", '{"word":'),
    Call(0, 0, "", "", ' "tea"}'),
    Warned(Note("api.broken_off")),
    Looked((Stage("top_k", 1, (Alternative(9, b"x", 0.0),)),)),
    Finish(0, "tool_calls"),
)


def events_of(_: Completion) -> list[Event | SamovarError | None]:
    return [*EVENTS, done(spoken=3)]


def asked(served: Served, case: Case, *, stream: bool) -> httpx.Response:
    body = {**case.body, **(case.streaming if stream else {})}
    path = case.stream_path if stream and case.stream_path else case.path
    with served.http(**case.headers) as client:
        return client.post(path, json=body)


@each_case
def test_every_event_of_the_core_has_a_translation(served: Served, case: Case) -> None:
    served.answers.script = events_of
    whole, stream = asked(served, case, stream=False), asked(served, case, stream=True)
    assert (whole.status_code, stream.status_code) == (200, 200)
    assert case.text(whole.content) == "Hello"
    assert "".join(case.pieces(stream.content)) == "Hello"
    assert not case.broken(stream.content)


@each_case
@given(pieces=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_joined_stream_is_the_whole_answer(served: Served, case: Case, pieces: list[str]) -> None:
    served.answers.script = says(*pieces)
    whole = case.text(asked(served, case, stream=False).content)
    assert whole == "".join(case.pieces(asked(served, case, stream=True).content)) == "".join(pieces)


@each_case
@pytest.mark.parametrize("kind", sorted(STATUS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_each_error_of_the_core_has_its_status_and_a_sentence(
    served: Served, case: Case, kind: type[SamovarError]
) -> None:
    served.answers.refusal = kind("api.broken_off")
    for stream in (False, True):
        answer = asked(served, case, stream=stream)
        assert answer.status_code == case.statuses.get(kind, STATUS[kind])
        assert say("api.broken_off", "en") in json.dumps(answer.json(), ensure_ascii=False)


@each_case
def test_a_stream_that_breaks_says_so_and_keeps_what_was_said(served: Served, case: Case) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel", (TokenDetail(5, b"Hel"),)), EngineFailed("api.broken_off")]
    stream = asked(served, case, stream=True)
    assert "Hel" in stream.text
    assert say("api.broken_off", "en") in stream.text
    assert case.broken(stream.content)


@each_case
def test_a_client_that_goes_away_frees_its_sequence(served: Served, case: Case) -> None:
    served.answers.script = lambda _: [Delta(0, "Hel", (TokenDetail(5, b"Hel"),)), None]
    path = case.stream_path or case.path
    with (
        served.http(**case.headers) as client,
        client.stream("POST", path, json={**case.body, **case.streaming}) as answer,
    ):
        assert any("Hel" in text for text in answer.iter_text())
    assert served.answers.generations[-1].cancelled.wait(20)
