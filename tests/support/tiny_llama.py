"""A random llama small enough to compute in NumPy: exact logits and a real tokenizer without a download.

`TinyLlama` holds the weights, computes their logits without any library, and writes itself as a GGUF file with the
matrices in any GGML type. The same seed gives the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from tests.support.gguf_file import finish

Array = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]
Quantize = Callable[[Array, str], npt.NDArray[np.uint8]]

CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGED = (
    "th",
    "the",
    "in",
    "er",
    "an",
    "and",
    "on",
    "or",
    "ou",
    "you",
    "Ġt",
    "Ġthe",
    "Ġa",
    "Ġan",
    "Ġand",
    "Ð°",
    "Ð¾",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}"
    "{{ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


_ROPE_BASE, _EPSILON = 10_000.0, 1e-5


@dataclass(frozen=True)
class Shape:
    """`width`: the row width of all matrices but two (`attn_output`, `ffn_down`), which stay F32."""

    width: int = 128
    heads: int = 2
    kv_heads: int = 1
    head: int = 64
    hidden: int = 192
    layers: int = 2
    context: int = 2048


@dataclass(frozen=True)
class Cache:
    """Of every layer keys, not yet turned to their positions, and values: [tokens, key heads, head] each."""

    positions: Positions = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    layers: list[tuple[Array, Array]] = field(default_factory=list)

    def part(self, start: int, end: int, by: int = 0) -> Cache:
        """Tokens [start, end), moved by so many positions."""
        return Cache(self.positions[start:end] + by, [(k[start:end], v[start:end]) for k, v in self.layers])

    def __add__(self, other: Cache) -> Cache:
        both = zip(self.layers, other.layers, strict=True)
        layers = [(np.concatenate([k, k2]), np.concatenate([v, v2])) for (k, v), (k2, v2) in both]
        return Cache(np.concatenate([self.positions, other.positions]), layers)


class TinyLlama:
    """Weights drawn from `seed`, scaled so that the next-token distribution has about 3 nat of entropy."""

    def __init__(self, shape: Shape | None = None, seed: int = 1911) -> None:
        self.shape = shape = shape or Shape()
        self.tokens, self.kinds, _ = _vocabulary()
        random = np.random.default_rng(seed)
        self.weights: dict[str, Array] = {
            name: (random.standard_normal(size) * (gain / np.sqrt(size[-1]) if gain else 0.1)).astype(np.float32)
            + np.float32(0 if gain else 1)
            for name, size, gain in _tensors(shape, len(self.tokens))
        }

    @property
    def matrices(self) -> tuple[str, ...]:
        """The tensors that a test of a type puts into that type: all with rows of `shape.width`."""
        kinds = ("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up")
        return ("output.weight", *(n for n in self.weights if n.split(".")[-2] in kinds))

    def logits(self, tokens: list[int], *, base: float = _ROPE_BASE, scale: float = 1.0) -> Array:
        """float32 [len(tokens), vocabulary]. Position p turns pair i by p · `scale` · `base`^(−2i/d)."""
        return self.compute(tokens, range(len(tokens)), Cache(), base=base, scale=scale)[0]

    def compute(
        self,
        tokens: list[int],
        positions: Sequence[int],
        past: Cache,
        *,
        base: float = _ROPE_BASE,
        scale: float = 1.0,
    ) -> tuple[Array, Cache]:
        """Logits as `logits` gives them, with everything of `past` in view that has no later position; and what was
        computed for the tokens."""
        hidden, cache = self.hidden(tokens, positions, past, base=base, scale=scale)
        return np.asarray(hidden @ self.weights["output.weight"].T, dtype=np.float32), cache

    def hidden(
        self,
        tokens: list[int],
        positions: Sequence[int],
        past: Cache,
        *,
        base: float = _ROPE_BASE,
        scale: float = 1.0,
    ) -> tuple[Array, Cache]:
        """As `compute`, before the matrix that makes logits: float32 [len(tokens), width]."""
        shape, w = self.shape, self.weights
        x = w["token_embd.weight"][tokens]
        places = np.array(positions, dtype=np.int64)
        around = np.concatenate([past.positions, places])
        made: list[tuple[Array, Array]] = []
        for i in range(shape.layers):
            p = f"blk.{i}."
            h = _norm(x, w[p + "attn_norm.weight"])
            q, k, v = (
                (h @ w[p + f"attn_{which}.weight"].T).reshape(len(tokens), -1, shape.head) for which in "qkv"
            )
            made.append((k, v))
            if past.layers:
                k, v = (np.concatenate([old, new]) for old, new in zip(past.layers[i], (k, v), strict=True))
            seen = places[:, None] >= around[None, :]
            turned = _rotate(q, places, base, scale), _rotate(k, around, base, scale)
            x = x + _attention(*turned, v, seen) @ w[p + "attn_output.weight"].T
            h = _norm(x, w[p + "ffn_norm.weight"])
            gate = h @ w[p + "ffn_gate.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w[p + "ffn_up.weight"].T)) @ w[p + "ffn_down.weight"].T
        return _norm(x, w["output_norm.weight"]), Cache(places, made)

    def in_type(self, type: str, quantize: Quantize) -> tuple[TinyLlama, Mapping[str, npt.NDArray[np.uint8]]]:
        """This model with its matrices rounded to `type`, and their blocks in that type."""
        blocks = {name: quantize(self.weights[name], type) for name in self.matrices}
        rounded = TinyLlama(self.shape)
        kind = gguf.GGMLQuantizationType[type]
        rounded.weights = self.weights | {n: gguf.quants.dequantize(b, kind) for n, b in blocks.items()}
        return rounded, blocks

    def write(
        self,
        path: Path,
        type: str = "F32",
        blocks: Mapping[str, npt.NDArray[np.uint8]] | None = None,
        *,
        adds_bos: bool = False,
        marks: Sequence[str] = (),
        metadata: Mapping[str, int] | None = None,
    ) -> Path:
        """Writes the model; `blocks` (of `type`) in place of the float32 values where given. `marks`: control
        tokens in place of the last tokens of the vocabulary; `metadata`: further numbers in its header."""
        writer = gguf.GGUFWriter(path, "llama")
        self._describe(writer)
        write_vocabulary(writer, self.kinds, adds_bos=adds_bos, marks=marks)
        for key, number in (metadata or {}).items():
            writer.add_uint32(key, number)
        for name, weight in self.weights.items():
            if blocks and name in blocks:
                writer.add_tensor(name, blocks[name], raw_dtype=gguf.GGMLQuantizationType[type])
            else:
                writer.add_tensor(name, weight)
        finish(writer)
        return path

    def _describe(self, writer: gguf.GGUFWriter) -> None:
        shape = self.shape
        writer.add_name("Tiny random llama")
        writer.add_context_length(shape.context)
        writer.add_embedding_length(shape.width)
        writer.add_block_count(shape.layers)
        writer.add_feed_forward_length(shape.hidden)
        writer.add_head_count(shape.heads)
        writer.add_head_count_kv(shape.kv_heads)
        writer.add_key_length(shape.head)
        writer.add_value_length(shape.head)
        writer.add_rope_dimension_count(shape.head)
        writer.add_rope_freq_base(_ROPE_BASE)
        writer.add_layer_norm_rms_eps(_EPSILON)
        writer.add_vocab_size(len(self.tokens))


def write_vocabulary(
    writer: gguf.GGUFWriter, changed: list[int] | None = None, *, adds_bos: bool, marks: Sequence[str] = ()
) -> int:
    """Writes tokenizer and template, with `changed` kinds of tokens in place of the usual ones, and with control
    tokens `marks` in place of the last ones; the number of tokens."""
    texts, kinds, merges = _vocabulary()
    if marks:
        gone = set(texts[-len(marks) :])
        texts[-len(marks) :] = marks
        changed = [*(changed or kinds)[: -len(marks)], *[int(gguf.TokenType.CONTROL)] * len(marks)]
        merges = [merge for merge in merges if merge.replace(" ", "") not in gone]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(texts)
    writer.add_token_types(changed or kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(adds_bos)
    writer.add_chat_template(CHAT_TEMPLATE)
    return len(texts)


def _vocabulary() -> tuple[list[str], list[int], list[str]]:
    """Texts, kinds and merges of a byte-level BPE vocabulary: control tokens, the bytes, a few merged pieces."""
    texts = [*CONTROL_TOKENS, *(_byte_character(byte) for byte in range(256)), *MERGED]
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    kinds = [control if text in CONTROL_TOKENS else normal for text in texts]
    known = set(texts)
    merges = [
        next(f"{text[:i]} {text[i:]}" for i in range(1, len(text)) if text[:i] in known and text[i:] in known)
        for text in MERGED
    ]
    return texts, kinds, merges


def _byte_character(byte: int) -> str:
    """The visible character that byte-level BPE vocabularies write for `byte` (GPT-2's bytes_to_unicode)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return chr(byte) if byte in visible else chr(256 + hidden.index(byte))


def _tensors(shape: Shape, vocabulary: int) -> list[tuple[str, tuple[int, ...], float]]:
    """Name, size and gain (0: a norm's weights, around 1) of every tensor."""
    width, queries, keys = shape.width, shape.heads * shape.head, shape.kv_heads * shape.head
    tensors: list[tuple[str, tuple[int, ...], float]] = [
        ("token_embd.weight", (vocabulary, width), float(np.sqrt(width))),
        ("output_norm.weight", (width,), 0.0),
        ("output.weight", (vocabulary, width), 2.0),
    ]
    for i in range(shape.layers):
        layer: dict[str, tuple[tuple[int, ...], float]] = {
            "attn_norm": ((width,), 0.0),
            "attn_q": ((queries, width), 1.5),
            "attn_k": ((keys, width), 1.5),
            "attn_v": ((keys, width), 1.0),
            "attn_output": ((width, queries), 1.0),
            "ffn_norm": ((width,), 0.0),
            "ffn_gate": ((shape.hidden, width), 1.0),
            "ffn_up": ((shape.hidden, width), 1.0),
            "ffn_down": ((width, shape.hidden), 1.0),
        }
        tensors += [(f"blk.{i}.{name}.weight", size, gain) for name, (size, gain) in layer.items()]
    return tensors


def _norm(x: Array, weight: Array) -> Array:
    """Root mean square normalisation."""
    return np.asarray(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(_EPSILON)) * weight)


def _rotate(x: Array, positions: Positions, base: float, scale: float) -> Array:
    """Rotary embedding of [tokens, heads, head] over neighbouring pairs (llama's NORM type)."""
    half = x.shape[-1] // 2
    angles = scale * positions[:, None] * base ** (-np.arange(half) / half)
    cos, sin = (wave(angles)[:, None, :].astype(np.float32) for wave in (np.cos, np.sin))
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)


def _attention(q: Array, k: Array, v: Array, seen: npt.NDArray[np.bool_]) -> Array:
    """Attention over what is `seen`, [queries, keys]; [queries, heads · head]. Several query heads share a key
    head."""
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    scores = np.einsum("qhd,khd->hqk", q, k) * np.float32(q.shape[-1] ** -0.5)
    scores = np.where(seen, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.asarray(np.einsum("hqk,khd->qhd", weights, v).reshape(len(q), -1))
