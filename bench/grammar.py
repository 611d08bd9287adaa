"""Microseconds a token that a grammar costs: `python bench/grammar.py`. Medians over real steps, one thread.

The vocabulary is made up: bytes, words, numbers and punctuation in the proportions of a byte-level BPE.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from samovar.core.engine import EngineInfo
from samovar.core.requests import ANY_OBJECT, Constraint
from samovar.sampling.grammar import Grammars

VOCABULARIES = (49_152, 262_144)
ANSWERS, LONGEST = 20, 200

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "mood": {"enum": ["glad", "sad", "so-so"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
    },
    "required": ["name", "age", "mood", "tags"],
    "additionalProperties": False,
}
LISTS = 'root ::= "(" item (" " item)* ")"\nitem ::= [a-z]+ | root'
CONSTRAINTS = {
    "JSON schema": Constraint("json_schema", json.dumps(PERSON)),
    "any JSON object": ANY_OBJECT,
    "regular expression": Constraint("regex", r"([A-Z][a-z]{2,12} ){20,40}\."),
    "GBNF without recursion": Constraint("gbnf", 'root ::= ("- " [^\\n]{1,60} "\\n"){2,9}'),
    "GBNF with recursion": Constraint("gbnf", LISTS),
    "free text before a mark": Constraint("json_schema", "{}", ("<call>",)),
}


class Vocabulary:
    """As much of an engine as grammars need."""

    def __init__(self, size: int) -> None:
        self._pieces = list(pieces(size))
        self.info = EngineInfo(
            architecture="",
            description="",
            vocab_size=size,
            trained_context=0,
            window=0,
            cells=0,
            parallel=1,
            threads=1,
            chat_template=None,
            bos_token=None,
            eos_token=0,
            end_tokens=(0,),
        )

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:  # noqa: ARG002
        return [1 + byte for byte in text.encode()]


def pieces(size: int) -> Iterator[bytes]:
    """One end token, the bytes, common joints of JSON, then words with and without a space before them."""
    random = np.random.default_rng(0)
    fixed = [
        b"",
        *(bytes([byte]) for byte in range(256)),
        b'{"',
        b'":',
        b'": "',
        b'",',
        b'"}',
        b"},",
        b"[\n",
        b"]\n",
    ]
    yield from fixed
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkqjxz0123456789.,-_()", dtype=np.uint8)
    for length in random.integers(2, 10, size - len(fixed)):
        word = bytes(letters[(random.random(length) ** 2 * len(letters)).astype(int)])
        yield b" " + word if random.random() < 0.5 else word


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e6


def steps(grammars: Grammars, constraint: Constraint, size: int) -> Iterator[tuple[float, float]]:
    """(microseconds for a masked row, microseconds to go on with a token) of every step of some random answers."""
    random = np.random.default_rng(1)
    row = random.standard_normal(size).astype(np.float32)
    for _ in range(ANSWERS):
        follower = grammars.grammar(constraint).follow()
        random.shuffle(row)
        for _ in range(LONGEST):
            masking = timed(lambda: follower.masked(row))  # noqa: B023 - called at once
            token = int((follower.masked(row) + random.gumbel(size=size)).argmax())
            if token == 0:
                break
            yield masking, timed(lambda: follower.advance(token))  # noqa: B023
            if follower.complete:
                break


def main() -> None:
    for size in VOCABULARIES:
        grammars = Grammars(Vocabulary(size))  # type: ignore[arg-type]
        first = timed(lambda: grammars.grammar(Constraint("regex", "a")))  # noqa: B023
        print(f"\n{size} tokens; reading the vocabulary and the first grammar: {first / 1e6:.2f} s")
        print(f"{'':28}{'compile':>10}{'mask':>10}{'90 %':>10}{'advance':>10}   µs")
        for name, constraint in CONSTRAINTS.items():
            compiling = timed(lambda: grammars.grammar(constraint))  # noqa: B023
            masking, advancing = zip(*steps(grammars, constraint, size), strict=True)
            tenth = statistics.quantiles(masking, n=10)[-1]
            times = (compiling, statistics.median(masking), tenth, statistics.median(advancing))
            print(f"{name:28}" + "".join(f"{t:10.0f}" for t in times))


if __name__ == "__main__":
    main()
