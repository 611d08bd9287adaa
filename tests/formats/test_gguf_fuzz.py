"""Whatever bytes a file holds, reading its header ends in a header or in BadModelFile, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.core.errors import BadModelFile
from samovar.formats.gguf import read_header
from samovar.formats.shape import model_shape, require_language_model
from tests.formats.gguf_bytes import small

VALID = small().bytes()
VALID_HEADER = len(small().header())
ABSURD = (0, 1, 0x7F, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, (1 << 64) - 1)
MEMORY_LIMIT = 64 << 20

positions = st.integers(0, VALID_HEADER - 1)


def flip(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def overwrite(content: bytes, at: int, value: int, width: int) -> bytes:
    raw = (value % (1 << 8 * width)).to_bytes(width, "little")
    return content[:at] + raw + content[at + width :]


flips = st.lists(st.tuples(positions, st.integers(0, 7)), min_size=1, max_size=8)
splices = st.tuples(positions, positions, st.integers(1, 64))
Mutation = Callable[[bytes], bytes]


def flipped(where: list[tuple[int, int]]) -> Mutation:
    def mutate(content: bytes) -> bytes:
        for at, bit in where:
            content = flip(content, at % len(content), bit) if content else content
        return content

    return mutate


mutations: st.SearchStrategy[Mutation] = st.one_of(
    flips.map(flipped),
    st.integers(0, len(VALID)).map(lambda n: lambda c: c[:n]),
    splices.map(lambda s: lambda c: c[: s[0]] + c[s[1] : s[1] + s[2]] + c[s[0] :]),
    splices.map(lambda s: lambda c: c[: s[0]] + c[s[0] + s[2] :]),
    st.tuples(positions, st.sampled_from(ABSURD), st.sampled_from((4, 8))).map(
        lambda s: lambda c: overwrite(c, s[0], s[1], s[2])
    ),
    st.binary(max_size=40).map(lambda junk: lambda c: junk + c[len(junk) :]),
)


def read_everything(path: Path) -> None:
    """Reads all that a front asks of a file before it is handed to an engine."""
    header = read_header(path)
    require_language_model(header)
    model_shape(header)
    assert header.quant is not None and header.tensor_kinds() is not None
    assert all(t.offset + t.size <= path.stat().st_size for t in header.tensors)


@settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(mutations, min_size=1, max_size=3), st.booleans())
def test_a_mutated_file_is_read_or_refused(mutate: list[Mutation], swapped: bool) -> None:
    content = small(">").bytes() if swapped else VALID
    for mutation in mutate:
        content = mutation(content)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        path.write_bytes(content)
        tracemalloc.start()
        try:
            read_everything(path)
        except BadModelFile as error:
            assert error.text("ru") and error.text("en")
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MEMORY_LIMIT


@pytest.mark.parametrize("width", [4, 8])
def test_an_absurd_number_anywhere_in_the_header_is_survived(tmp_path: Path, width: int) -> None:
    path = tmp_path / "model.gguf"
    refused = 0
    for at in range(4, VALID_HEADER):
        path.write_bytes(overwrite(VALID, at, ABSURD[at % len(ABSURD)], width))
        try:
            read_everything(path)
        except BadModelFile:
            refused += 1
    assert refused > VALID_HEADER // 4
