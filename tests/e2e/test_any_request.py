"""Whatever is sent to any address of the real server, it answers with what it means to: never with a fault."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.openapi.loaders import from_dict
from schemathesis.schemas import APIOperation

from samovar.api.dialects.registry import DIALECTS
from samovar.api.openapi import document
from tests.api.conftest import app_of_fakes
from tests.e2e.conftest import Served, start

EXAMPLES = int(os.environ.get("SAMOVAR_REQUESTS", "30"))
"""Requests for each address and method."""

MEANT = {501, 502, 503, 507}
"""Not faults: what is not installed or not supported, a source that refuses, a full queue, a full disk."""

LEFT_OUT = re.compile(r"/(pull|download)$|^/samovar/build|/events$")
"""What would go to the network, keep the processor busy for minutes, or never ends."""


def operations() -> list[APIOperation]:
    schema = from_dict(document(app_of_fakes(Path("nowhere")).routes, DIALECTS))
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if not LEFT_OUT.search(operation.path)]


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("any"), "--model", "echo:reply=hello", "--ctx", "256")
    yield served
    served.stop()


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_no_request_is_answered_with_a_fault(echo: Served, operation: APIOperation) -> None:
    @given(operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Case) -> None:
        answer = case.call(base_url=echo.url, timeout=60)
        assert answer.status_code < 500 or answer.status_code in MEANT, answer.text
        assert "Traceback" not in answer.text
        assert str(Path(__file__).parents[2]) not in answer.text

    ask()
