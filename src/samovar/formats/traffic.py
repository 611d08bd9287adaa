"""How much of a model's weights is read to compute one token."""

from __future__ import annotations

from samovar.formats.gguf_header import GgufHeader

_TABLE, _HEAD = "token_embd.weight", "output.weight"


def bytes_per_token(header: GgufHeader) -> int:
    """Bytes of weights: all of them, but only one row of the table of tokens where the head has a matrix of its
    own, and of expert matrices only the share of experts that is used."""
    tied = all(tensor.name != _HEAD for tensor in header.tensors)
    arch = header.architecture
    experts = header.whole(f"{arch}.expert_count", 0)
    used = header.whole(f"{arch}.expert_used_count", 0) / experts if experts else 1.0
    read = 0.0
    for tensor in header.tensors:
        if tensor.name == _TABLE and not tied:
            read += tensor.size / max(tensor.elements // max(tensor.width, 1), 1)
        else:
            read += tensor.size * (used if "_exps." in tensor.name else 1.0)
    return round(read)
