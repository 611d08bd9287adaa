"""`bench/api.py` measures what it says: every endpoint that answers, a request and a streamed token."""

from bench.api import door_rows
from tests.api.dialect_cases import CASES


def test_every_endpoint_that_answers_is_measured() -> None:
    rows = list(door_rows(3))
    assert [row.what for row in rows[::2]] == [f"{case.name}, a request" for case in CASES]
    assert [row.what for row in rows[1::2]] == [f"{case.name}, a streamed token" for case in CASES]
    assert all(row.wanted for row in rows)
