"""Embeddings as the real OpenAI client asks for them, and what a page of the documentation says of them."""

from __future__ import annotations

import base64
import math
import struct
from pathlib import Path

import openai
import pytest

from samovar.api.answering.vectors import MOST_TEXTS, shortened
from samovar.api.dialects.openai.embeddings import ENDPOINTS, FIELDS, read
from samovar.api.reading.fieldtable import markdown
from samovar.core.errors import InvalidInput, InvalidParameter, Missing, OutOfRange
from tests.api.conftest import MODEL, Served


def test_the_page_has_the_table_of_its_fields() -> None:
    page = (Path(__file__).parents[2] / "docs" / "apis" / "openai.md").read_text(encoding="utf-8")
    assert markdown(FIELDS, ENDPOINTS) in page


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("hello", ("hello",)),
        (["one", "two"], ("one", "two")),
        ([1, 2, 3], ((1, 2, 3),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
        (["one", [2]], ("one", (2,))),
    ],
)
def test_texts_and_tokens_alone_and_in_lists(given: object, texts: tuple[object, ...]) -> None:
    assert read({"input": given}).texts == texts


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": []},
        {"input": None},
        {"input": 5},
        {"input": [None]},
        {"input": ["a", 2.5]},
        {"input": "a", "encoding_format": "int8"},
        {"input": "a", "encoding_format": 5},
        {"input": "a", "dimensions": 0},
        {"input": ["a"] * (MOST_TEXTS + 1)},
    ],
)
def test_what_makes_no_sense_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read(body)


def test_fields_that_nobody_knows_are_no_reason_to_refuse() -> None:
    assert read({"input": "a", "truncate": "END", "user": "me"}).texts == ("a",)


def test_the_real_client_reads_both_formats(served: Served) -> None:
    client = served.client()
    # Without a format this client asks for base64, and turns it into numbers again.
    packed = client.embeddings.create(model=MODEL, input=["one", "two"])
    plain = client.embeddings.create(model=MODEL, input="one", encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1]
    assert packed.data[1].embedding == pytest.approx([0.6, 0.8])
    assert plain.data[0].embedding == [0.6, 0.8]
    assert plain.usage.prompt_tokens == plain.usage.total_tokens == 3
    assert plain.model == MODEL
    assert served.answers.embedded == [(("one", "two"), MODEL, False), (("one",), MODEL, False)]


def test_base64_is_32_bit_numbers_little_endian(served: Served) -> None:
    with served.http() as client:
        reply = client.post("/v1/embeddings", json={"input": "a", "encoding_format": "base64"}).json()
    assert struct.unpack("<2f", base64.b64decode(reply["data"][0]["embedding"])) == pytest.approx((0.6, 0.8))
    assert reply["object"] == "list"
    assert reply["data"][0]["object"] == "embedding"


def test_fewer_dimensions_are_a_vector_of_length_one_again(served: Served) -> None:
    found = served.client().embeddings.create(model=MODEL, input="a", dimensions=1).data[0].embedding
    assert found == [1.0]
    assert math.hypot(*shortened([0.5, 0.5, 0.5, 0.5], 3)) == pytest.approx(1)
    assert shortened([0.0, 1.0], 1) == [0.0]
    with pytest.raises(OutOfRange):
        shortened([0.6, 0.8], 3)


def test_refusals_have_their_status_in_openai_words(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = served.client()
    with pytest.raises(openai.UnprocessableEntityError, match="dimensions"):
        client.embeddings.create(model=MODEL, input="a", dimensions=99)
    with pytest.raises(openai.NotFoundError, match="text-embedding-3-small"):
        client.embeddings.create(model="text-embedding-3-small", input="a")

    async def unable(*_: object, **__: object) -> None:
        raise Missing("embeddings.unable", architecture="tiny")

    monkeypatch.setattr(served.answers, "embed", unable)
    with pytest.raises(openai.APIStatusError, match="tiny") as caught:
        client.embeddings.create(model=MODEL, input="a")
    assert caught.value.status_code == 501


def test_the_parameter_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidParameter) as caught:
        read({"input": "a", "encoding_format": "int8"})
    assert caught.value.facts["name"] == "encoding_format"
