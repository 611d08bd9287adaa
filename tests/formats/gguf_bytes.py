"""Writes small GGUF files byte by byte, right or wrong: gguf's own writer only writes right ones."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field


@dataclass
class Tensor:
    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    data: bytes = b""


@dataclass
class Gguf:
    """What is to be written. `counts` overrides what the header promises: (tensors, metadata)."""

    metadata: list[tuple[str, int, bytes]] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    version: int = 3
    order: str = "<"
    alignment: int = 32
    counts: tuple[int, int] | None = None
    magic: bytes = b"GGUF"

    def pack(self, code: str, *values: float) -> bytes:
        return struct.pack(self.order + code, *values)

    def text(self, value: str | bytes) -> bytes:
        raw = value if isinstance(value, bytes) else value.encode()
        return self.pack("Q", len(raw)) + raw

    def put_text(self, key: str, value: str | bytes) -> Gguf:
        self.metadata.append((key, 8, self.text(value)))
        return self

    def put_u32(self, key: str, value: int) -> Gguf:
        self.metadata.append((key, 4, self.pack("I", value)))
        return self

    def put_f32(self, key: str, value: float) -> Gguf:
        self.metadata.append((key, 6, self.pack("f", value)))
        return self

    def put_texts(self, key: str, values: list[str]) -> Gguf:
        body = self.pack("IQ", 8, len(values)) + b"".join(map(self.text, values))
        self.metadata.append((key, 9, body))
        return self

    def put_numbers(self, key: str, type_id: int, code: str, values: list[float]) -> Gguf:
        body = self.pack("IQ", type_id, len(values)) + b"".join(self.pack(code, v) for v in values)
        self.metadata.append((key, 9, body))
        return self

    def header(self) -> bytes:
        tensors, entries = self.counts or (len(self.tensors), len(self.metadata))
        out = self.magic + self.pack("IQQ", self.version, tensors, entries)
        for key, type_id, body in self.metadata:
            out += self.text(key) + self.pack("I", type_id) + body
        for t in self.tensors:
            out += self.text(t.name) + self.pack("I", len(t.shape))
            out += b"".join(self.pack("Q", n) for n in t.shape) + self.pack("IQ", t.type, t.offset)
        return out

    def bytes(self) -> bytes:
        out = self.header()
        out += b"\0" * (-len(out) % self.alignment)
        start = len(out)
        for t in self.tensors:
            out += b"\0" * (start + t.offset - len(out)) + t.data
        return out


def small(order: str = "<") -> Gguf:
    """A valid model of 2 layers with a bit of everything."""
    file = Gguf(order=order)
    file.put_text("general.architecture", "llama").put_u32("general.file_type", 3)
    file.put_u32("llama.block_count", 2).put_u32("llama.embedding_length", 64)
    file.put_u32("llama.attention.head_count", 4).put_u32("llama.attention.head_count_kv", 2)
    file.put_u32("llama.context_length", 512)
    file.put_texts("tokenizer.ggml.tokens", [f"token {i}" for i in range(70)])
    file.put_numbers("tokenizer.ggml.scores", 6, "f", [0.5] * 70)
    file.put_text("tokenizer.chat_template", "{{ messages }}")
    file.tensors = [
        Tensor("token_embd.weight", (64, 3), 3, 0, b"\1" * 120),
        Tensor("blk.0.attn_q.weight", (64, 2), 0, 128, b"\2" * 512),
        Tensor("output_norm.weight", (64,), 0, 640, b"\3" * 256),
    ]
    return file
