"""Random one-layer models, each with its matrices in one GGML type: small enough to compute in every way.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; the blocks are made by the
loaded library's own quantiser.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from samovar.formats.gguf_types import GGML_TYPES, GgmlType

Quantise = ctypes.CDLL
"""A library that exports `ggml_quantize_chunk`."""

_TYPES: Mapping[str, GgmlType] = {kind.name: kind for kind in GGML_TYPES.values()}
_ALIGNMENT = 32
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TOKENS = ("<unk>", "<s>", "</s>", *_BYTES)
_KINDS = (2, 3, 3, *(6,) * 256)
"""Of a SentencePiece vocabulary: unknown, control, byte."""


@dataclass(frozen=True)
class Specimen:
    """A llama of `layers` layers. `width`: the row width of all matrices but two (`attn_output`, `ffn_down`), which
    stay F32 as the embedding does."""

    type: str
    width: int
    layers: int = 1
    heads: int = 2
    hidden: int = 192

    @property
    def name(self) -> str:
        return f"{self.type}-{self.width}"

    def write(self, path: Path, library: Quantise) -> Path:
        """The same weights each time. Returns `path`."""
        random = np.random.default_rng(1911)
        infos, data = bytearray(), bytearray()
        shapes = list(self._tensors())
        for name, shape, gain in shapes:
            weights = (random.standard_normal(shape) * (gain / np.sqrt(shape[-1]))).astype(np.float32)
            kind = _TYPES[self.type if name.split(".")[-2] in _ROUNDED else "F32"]
            rows = np.ones_like(weights) if gain == 0 else weights
            infos += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
            infos += struct.pack("<IQ", kind.id, len(data))
            data += _blocks(rows, kind, library)
            data += bytes(-len(data) % _ALIGNMENT)
        facts = list(self._facts())
        head = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(facts)) + b"".join(facts) + infos
        path.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + data)
        return path

    def _tensors(self) -> Iterator[tuple[str, tuple[int, ...], float]]:
        """Name, shape and gain (0: all ones)."""
        width, keys = self.width, self.heads * _HEAD
        yield "token_embd.weight", (len(TOKENS), width), float(np.sqrt(width))
        yield "output_norm.weight", (width,), 0.0
        yield "output.weight", (len(TOKENS), width), 2.0
        for layer in range(self.layers):
            prefix = f"blk.{layer}."
            for name, gain in (("attn_norm", 0.0), ("ffn_norm", 0.0)):
                yield f"{prefix}{name}.weight", (width,), gain
            for name, rows, gain in (
                ("attn_q", keys, 1.5),
                ("attn_k", keys, 1.5),
                ("attn_v", keys, 1.0),
                ("ffn_gate", self.hidden, 1.0),
                ("ffn_up", self.hidden, 1.0),
            ):
                yield f"{prefix}{name}.weight", (rows, width), gain
            yield f"{prefix}attn_output.weight", (width, keys), 1.0
            yield f"{prefix}ffn_down.weight", (width, self.hidden), 1.0

    def _facts(self) -> Iterator[bytes]:
        yield _fact("general.architecture", "llama")
        sizes = {
            "context_length": 2048,
            "embedding_length": self.width,
            "block_count": self.layers,
            "feed_forward_length": self.hidden,
            "attention.head_count": self.heads,
            "attention.head_count_kv": self.heads,
            "attention.key_length": _HEAD,
            "attention.value_length": _HEAD,
            "rope.dimension_count": _HEAD,
        }
        for name, value in sizes.items():
            yield _fact(f"llama.{name}", value)
        yield _fact("llama.attention.layer_norm_rms_epsilon", 1e-5)
        yield _fact("tokenizer.ggml.model", "llama")
        yield _list("tokenizer.ggml.tokens", 8, b"".join(map(_text, TOKENS)))
        yield _list("tokenizer.ggml.scores", 6, bytes(4 * len(TOKENS)))
        yield _list("tokenizer.ggml.token_type", 5, struct.pack(f"<{len(_KINDS)}i", *_KINDS))
        yield _fact("tokenizer.ggml.bos_token_id", 1)
        yield _fact("tokenizer.ggml.eos_token_id", 2)


_HEAD = 64
_ROUNDED = frozenset({"output", "attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up"})


def _text(text: str) -> bytes:
    told = text.encode()
    return struct.pack("<Q", len(told)) + told


def _fact(key: str, value: str | int | float) -> bytes:
    match value:
        case str():
            return _text(key) + struct.pack("<I", 8) + _text(value)
        case int():
            return _text(key) + struct.pack("<II", 4, value)
        case float():
            return _text(key) + struct.pack("<If", 6, value)


def _list(key: str, kind: int, values: bytes, count: int = len(TOKENS)) -> bytes:
    return _text(key) + struct.pack("<IIQ", 9, kind, count) + values


def _blocks(weights: npt.NDArray[np.float32], kind: GgmlType, library: Quantise) -> bytes:
    if kind.name == "F32":
        return weights.tobytes()
    function = library["ggml_quantize_chunk"]
    function.restype = ctypes.c_size_t
    function.argtypes = (ctypes.c_int, *(ctypes.c_void_p,) * 2, *(ctypes.c_int64,) * 3, ctypes.c_void_p)
    rows, width = weights.shape
    blocks = np.zeros(rows * kind.row_bytes(width), dtype=np.uint8)
    function(kind.id, weights.ctypes.data, blocks.ctypes.data, 0, rows, width, None)
    return blocks.tobytes()


def widths_of(type: str, widths: Sequence[int]) -> list[int]:
    """Those of `widths` that the blocks of `type` divide."""
    return [width for width in widths if width % _TYPES[type].block == 0]
