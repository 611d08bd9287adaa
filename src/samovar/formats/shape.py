"""What a model's metadata say about its layers: all that memory planning and the choice of an engine need.

Pure: from a header to a frozen value. Keys and defaults are those of llama.cpp (llama-arch.cpp, load_hparams).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from samovar.core.errors import BadModelFile
from samovar.formats.gguf_header import GgufHeader

_MOST_LAYERS = 4096
_LARGEST = 1 << 31
_LARGEST_BASE = 1e12
_FREQUENCY_TENSORS = frozenset({"rope_freqs.weight", "rope_factors_long.weight"})


@dataclass(frozen=True, slots=True)
class RopeShape:
    """How a model turns positions into angles: `base`, and the `dimensions` of a head that are turned; 0 where the
    file says nothing of turning.

    `stretched`: it was already made for more than it was first trained on (YaRN, long RoPE, a table of frequencies
    of its own), so that its trained context includes a stretch.
    """

    base: float = 10_000.0
    dimensions: int = 0
    stretched: bool = False


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Layers of a language model. The tuples have one entry per layer.

    `key_width`, `value_width`: elements of the KV cache per token and layer (0 for a layer without one).
    `state_width`: elements of recurrent state per sequence and layer (0 for an attention layer).
    `sliding_window`: tokens that the model's windowed layers look back; 0 for none.
    `causal`: whether tokens see only those before them, so that the model writes; else it only reads whole texts.
    """

    architecture: str
    layers: int
    embedding: int
    heads: tuple[int, ...]
    kv_heads: tuple[int, ...]
    key_width: tuple[int, ...]
    value_width: tuple[int, ...]
    state_width: tuple[int, ...]
    trained_context: int
    sliding_window: int
    vocabulary: int
    chat_template: str | None
    rope: RopeShape = RopeShape()
    causal: bool = True

    @property
    def key_head(self) -> int:
        """Elements of one head's key; 0 for a model without attention."""
        return max((w // n for w, n in zip(self.key_width, self.kv_heads, strict=True) if n), default=0)

    @property
    def value_head(self) -> int:
        return max((w // n for w, n in zip(self.value_width, self.kv_heads, strict=True) if n), default=0)

    @property
    def recurrent(self) -> bool:
        """Whether any layer keeps a state that cannot be cut back to an earlier token."""
        return any(self.state_width)


def require_language_model(header: GgufHeader) -> None:
    """Raises BadModelFile for a GGUF file that is something else (an adapter, an image projector, statistics), or
    that is in the other byte order than this machine's, which no engine reads."""
    if header.order != sys.byteorder:
        raise BadModelFile("formats.byte_order", file=header.order, machine=sys.byteorder)
    kind = header.text("general.type", "model")
    if kind != "model" or header.architecture == "clip":
        raise BadModelFile("formats.not_language_model", kind=kind if kind != "model" else header.architecture)


def model_shape(header: GgufHeader) -> ModelShape:
    """Raises BadModelFile where a number that every model has is missing or absurd."""
    facts = _Facts(header)
    layers = facts.whole("block_count", most=_MOST_LAYERS)
    embedding = facts.whole("embedding_length")
    heads = facts.layered("attention.head_count", layers, 0)
    kv_heads = _without_recurrent(facts, layers, facts.layered("attention.head_count_kv", layers, None, heads))
    head = embedding // max(heads) if max(heads) else 0
    key, value = facts.whole("attention.key_length", head), facts.whole("attention.value_length", head)
    state = _state_width(facts, embedding)
    return ModelShape(
        architecture=header.architecture,
        layers=layers,
        embedding=embedding,
        heads=heads,
        kv_heads=kv_heads,
        key_width=tuple(n * key for n in kv_heads),
        value_width=tuple(n * value for n in kv_heads),
        state_width=tuple(0 if n else state for n in kv_heads),
        trained_context=facts.whole("context_length"),
        sliding_window=facts.whole("attention.sliding_window", 0),
        vocabulary=header.length("tokenizer.ggml.tokens") or facts.whole("vocab_size", 0),
        chat_template=header.text("tokenizer.chat_template", "") or None,
        rope=_rope(facts, key),
        causal=not facts.denies("attention.causal"),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """Reads the keys that begin with the architecture's name."""

    header: GgufHeader

    def says(self, name: str) -> bool:
        return self._key(name) in self.header.metadata

    def denies(self, name: str) -> bool:
        return self.header.metadata.get(self._key(name)) is False

    def whole(self, name: str, default: int | None = None, most: int = _LARGEST) -> int:
        return self._sane(name, self.header.whole(self._key(name), default), 0 if default is not None else 1, most)

    def number(self, name: str, default: float, least: float, most: float) -> float:
        value = self.header.number(self._key(name), default)
        if not least <= value <= most:
            raise BadModelFile("formats.metadata_range", key=self._key(name), value=value, least=least, most=most)
        return value

    def layered(
        self, name: str, layers: int, default: int | None, fallback: tuple[int, ...] = ()
    ) -> tuple[int, ...]:
        if fallback and self._key(name) not in self.header.metadata:
            return fallback
        values = self.header.per_layer(self._key(name), layers, default)
        return tuple(self._sane(name, value, 0, _LARGEST) for value in values)

    def _key(self, name: str) -> str:
        return f"{self.header.architecture}.{name}"

    def _sane(self, name: str, value: int, least: int, most: int) -> int:
        if not least <= value <= most:
            raise BadModelFile("formats.metadata_range", key=self._key(name), value=value, least=least, most=most)
        return value


def _rope(facts: _Facts, head: int) -> RopeShape:
    scaling = facts.header.text(f"{facts.header.architecture}.rope.scaling.type", "none")
    return RopeShape(
        base=facts.number("rope.freq_base", 10_000.0, 1.0, _LARGEST_BASE),
        dimensions=facts.whole("rope.dimension_count", head if facts.says("rope.freq_base") else 0),
        stretched=scaling != "none" or any(tensor.name in _FREQUENCY_TENSORS for tensor in facts.header.tensors),
    )


def _without_recurrent(facts: _Facts, layers: int, kv_heads: tuple[int, ...]) -> tuple[int, ...]:
    """Some hybrids say only that every n-th layer has attention; the others' KV heads are then none."""
    interval = facts.whole("full_attention_interval", 0)
    if not interval:
        return kv_heads
    return tuple(n if (layer + 1) % interval == 0 else 0 for layer, n in zip(range(layers), kv_heads, strict=True))


def _state_width(facts: _Facts, embedding: int) -> int:
    """Elements of one recurrent layer's state (llama_hparams::n_embd_r and n_embd_s); 0 for a pure transformer."""
    head = facts.whole("wkv.head_size", 0)
    if head:
        return embedding * (facts.whole("token_shift_count", 2) + head)
    reach = facts.whole("shortconv.l_cache", 0)
    if reach:
        return embedding * (reach - 1)
    inner, state = facts.whole("ssm.inner_size", 0), facts.whole("ssm.state_size", 0)
    kernel, groups = facts.whole("ssm.conv_kernel", 0), facts.whole("ssm.group_count", 0)
    return max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner
