"""A BERT that NumPy computes: vectors of texts without any library, and a GGUF file that libllama reads.

`Bert.random` has weights drawn from a seed; `Bert.of` those of a checkpoint in Hugging Face's layout. The formulas
are those of BERT (Devlin et al., 2018): no token waits for another, positions are learnt.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from tests.support.gguf_file import finish

Array = npt.NDArray[np.float32]

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("tea", "samovar", "snow", "the", "is", "hot", "and", "warm", ",", ".", "?", "чай", "снег")
PIECES = ("##er", "##ing", "##ок")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")

_EPSILON = 1e-12
_NAMES = {
    "embeddings.word_embeddings.": "token_embd.",
    "embeddings.position_embeddings.": "position_embd.",
    "embeddings.token_type_embeddings.": "token_types.",
    "embeddings.LayerNorm.": "token_embd_norm.",
    "encoder.layer.": "blk.",
    "attention.self.query.": "attn_q.",
    "attention.self.key.": "attn_k.",
    "attention.self.value.": "attn_v.",
    "attention.output.dense.": "attn_output.",
    "attention.output.LayerNorm.": "attn_output_norm.",
    "intermediate.dense.": "ffn_up.",
    "output.dense.": "ffn_down.",
    "output.LayerNorm.": "layer_output_norm.",
}
"""Hugging Face's names of a BERT's tensors, and GGUF's."""


@dataclass(frozen=True)
class Bert:
    """`weights` by GGUF's names; `tokens`: the vocabulary, as `vocab.txt` writes it."""

    weights: Mapping[str, Array]
    tokens: Sequence[str]
    heads: int

    @classmethod
    def random(cls, width: int = 64, heads: int = 2, layers: int = 2, context: int = 128, seed: int = 1911) -> Bert:
        tokens = (*SPECIAL, *LETTERS, *WORDS, *PIECES, *(f"##{letter}" for letter in LETTERS))
        draw = np.random.default_rng(seed)
        sizes = dict(_sizes(width, layers, context, len(tokens)))
        weights = {
            name: (draw.standard_normal(size) * (1 / np.sqrt(size[-1]) if len(size) > 1 else 0.1)).astype(
                np.float32
            )
            + np.float32("norm.weight" in name)
            for name, size in sizes.items()
        }
        return cls(weights, tokens, heads)

    @classmethod
    def of(cls, folder: Path) -> Bert:
        """A checkpoint: `config.json`, `vocab.txt`, `model.safetensors`."""
        tensors = {_gguf_name(name): value for name, value in _safetensors(folder / "model.safetensors").items()}
        config = json.loads((folder / "config.json").read_text())
        tokens = (folder / "vocab.txt").read_text("utf-8").splitlines()
        return cls({n: w for n, w in tensors.items() if "." in n}, tokens, config["num_attention_heads"])

    @property
    def layers(self) -> int:
        return len({name.split(".")[1] for name in self.weights if name.startswith("blk.")})

    @property
    def context(self) -> int:
        return len(self.weights["position_embd.weight"])

    @property
    def width(self) -> int:
        return self.weights["token_embd.weight"].shape[1]

    def hidden(self, tokens: Sequence[int]) -> Array:
        """float32 [tokens, width]: the states behind the last layer."""
        w = self.weights
        x = (
            w["token_embd.weight"][list(tokens)]
            + w["position_embd.weight"][: len(tokens)]
            + w["token_types.weight"][0]
        )
        x = self._norm(x, "token_embd_norm")
        for layer in range(self.layers):
            at = f"blk.{layer}."
            q, k, v = (self._split(self._linear(x, f"{at}attn_{which}")) for which in "qkv")
            scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
            share = np.exp(scores - scores.max(-1, keepdims=True))
            seen = (share / share.sum(-1, keepdims=True)) @ v
            seen = seen.transpose(1, 0, 2).reshape(x.shape)
            x = self._norm(x + self._linear(seen, f"{at}attn_output"), f"{at}attn_output_norm")
            x = self._norm(
                x + self._linear(_gelu(self._linear(x, f"{at}ffn_up")), f"{at}ffn_down"), f"{at}layer_output_norm"
            )
        return x

    def vector(self, tokens: Sequence[int]) -> Array:
        """The mean of the states, with length 1."""
        mean = self.hidden(tokens).mean(0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def write(self, path: Path, *, pooling: int = 1, causal: bool | None = False) -> Path:
        """As a GGUF file. `pooling`: of `enum llama_pooling_type`; `causal`: what it says of that, if anything."""
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_name("Tiny random BERT")
        writer.add_context_length(self.context)
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(len(self.weights["blk.0.ffn_up.weight"]))
        writer.add_head_count(self.heads)
        writer.add_layer_norm_eps(_EPSILON)
        writer.add_pooling_type(gguf.PoolingType(pooling))
        if causal is not None:
            writer.add_causal_attention(causal)
        self._write_vocabulary(writer)
        for name, weight in self.weights.items():
            writer.add_tensor(name, weight)
        finish(writer)
        return path

    def _write_vocabulary(self, writer: gguf.GGUFWriter) -> None:
        """Words begin with ▁ there, and what goes on in a word has no mark (llama.cpp's convert_hf_to_gguf)."""
        control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
        writer.add_tokenizer_model("bert")
        writer.add_token_list(
            [t if t in SPECIAL else t[2:] if t.startswith("##") else f"▁{t}" for t in self.tokens]
        )
        writer.add_token_types([control if t in SPECIAL else normal for t in self.tokens])
        writer.add_token_type_count(2)
        ids = {text: id for id, text in enumerate(self.tokens)}
        writer.add_pad_token_id(ids["[PAD]"])
        writer.add_unk_token_id(ids["[UNK]"])
        writer.add_bos_token_id(ids["[CLS]"])
        writer.add_sep_token_id(ids["[SEP]"])
        writer.add_mask_token_id(ids["[MASK]"])

    def _linear(self, x: Array, name: str) -> Array:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _EPSILON)
        return np.asarray(scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"])

    def _split(self, x: Array) -> Array:
        """[tokens, width] to [heads, tokens, head]."""
        return x.reshape(len(x), self.heads, -1).transpose(1, 0, 2)


def _gelu(x: Array) -> Array:
    """0.5·x·(1 + erf(x/√2)), with Abramowitz and Stegun's erf (7.1.26, error below 1.5e-7)."""
    z = np.abs(x) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    rest = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(0.5 * x * (1 + np.sign(x) * (1 - rest * np.exp(-z * z))), dtype=np.float32)


def _sizes(width: int, layers: int, context: int, vocabulary: int) -> list[tuple[str, tuple[int, ...]]]:
    sizes: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (vocabulary, width)),
        ("position_embd.weight", (context, width)),
        ("token_types.weight", (2, width)),
        ("token_embd_norm.weight", (width,)),
        ("token_embd_norm.bias", (width,)),
    ]
    for layer in range(layers):
        for name, rows, columns in (
            *((f"attn_{which}", width, width) for which in ("q", "k", "v", "output")),
            ("ffn_up", 4 * width, width),
            ("ffn_down", width, 4 * width),
        ):
            sizes += [(f"blk.{layer}.{name}.weight", (rows, columns)), (f"blk.{layer}.{name}.bias", (rows,))]
        for name in ("attn_output_norm", "layer_output_norm"):
            sizes += [(f"blk.{layer}.{name}.{part}", (width,)) for part in ("weight", "bias")]
    return sizes


def _gguf_name(name: str) -> str:
    """GGUF's name of a tensor; one without a dot for those that a GGUF file has not."""
    if "position_ids" in name or "pooler" in name:
        return "none"
    for theirs, ours in _NAMES.items():
        name = name.replace(theirs, ours)
    return name


def _safetensors(path: Path) -> dict[str, Array]:
    """The float32 tensors of a file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    found = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            start, end = about["data_offsets"]
            found[name] = np.frombuffer(data[8 + length + start : 8 + length + end], np.float32).reshape(
                about["shape"]
            )
    return found
