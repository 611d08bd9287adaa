"""One request holds only so much, in whatever dialect it comes."""

import pytest

from samovar.api.reading.limits import check
from samovar.core.errors import OutOfRange
from samovar.core.requests import Completion, Constraint, Message, Tool, Tools

LARGEST = Completion(
    messages=(Message("user", "x"),) * 20_000,
    stop=("x" * 4096,) * 512,
    n=128,
    constraint=Constraint("gbnf", "x" * 256 * 1024),
    tools=Tools((Tool("x"),) * 512),
)


def test_what_clients_send_is_taken() -> None:
    check([LARGEST])


@pytest.mark.parametrize(
    ("name", "completion"),
    [
        ("messages", Completion(messages=(Message("user", "x"),) * 20_001)),
        ("stop", Completion(stop=("x",) * 513)),
        ("stop", Completion(stop=("x" * 4097,))),
        ("n", Completion(n=129)),
        ("grammar", Completion(constraint=Constraint("json_schema", "x" * (256 * 1024 + 1)))),
        ("tools", Completion(tools=Tools((Tool("x"),) * 513))),
    ],
)
def test_more_is_refused_with_the_bound(name: str, completion: Completion) -> None:
    with pytest.raises(OutOfRange, match=name):
        check([completion])


def test_choices_count_over_all_prompts() -> None:
    with pytest.raises(OutOfRange, match="129"):
        check([Completion(n=128), Completion()])
