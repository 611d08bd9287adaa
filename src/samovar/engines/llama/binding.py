"""The part of libllama's C API that the engine uses, with one meaning in every build.

Pointers are plain integers; a handle that could not be made is 0. Nothing here is checked: a wrong handle ends the
process. `model`, `context` and `vocabulary` see to it that no wrong one comes here.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from samovar.core.engine import Build
from samovar.core.rope import OWN_ROPE, PLAIN_CACHE, CacheTypes, Rope
from samovar.engines.llama.log import LibraryLog

CONTROL, USER_DEFINED = 1 << 3, 1 << 4
"""Bits of `llama_token_attr`."""

PTR, I32, U32, SIZE = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_size_t
BOOL, TEXT, TOKENS = ctypes.c_bool, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int32)

CType = type["ctypes._CDataType"]
Signature = tuple[str, CType | None, tuple[CType, ...]]
"""C name, result type, argument types."""
Function = Callable[..., int]

SHARED: Mapping[str, Signature] = {
    "free_context": ("llama_free", None, (PTR,)),
    "logits": ("llama_get_logits", PTR, (PTR,)),
    "hidden": ("llama_get_embeddings", PTR, (PTR,)),
    "width": ("llama_model_n_embd", I32, (PTR,)),
    "set_threads": ("llama_set_n_threads", None, (PTR, I32, I32)),
    "context_cells": ("llama_n_ctx", U32, (PTR,)),
    "tokenize": ("llama_tokenize", I32, (PTR, TEXT, I32, TOKENS, I32, BOOL, BOOL)),
    "piece": ("llama_token_to_piece", I32, (PTR, I32, TEXT, I32, I32, BOOL)),
    "describe": ("llama_model_desc", I32, (PTR, TEXT, SIZE)),
    "metadata": ("llama_model_meta_val_str", I32, (PTR, TEXT, TEXT, SIZE)),
    "chat_template": ("llama_model_chat_template", TEXT, (PTR, TEXT)),
    "has_encoder": ("llama_model_has_encoder", BOOL, (PTR,)),
    "has_decoder": ("llama_model_has_decoder", BOOL, (PTR,)),
    "is_recurrent": ("llama_model_is_recurrent", BOOL, (PTR,)),
    "is_hybrid": ("llama_model_is_hybrid", BOOL, (PTR,)),
}
"""Functions that every build declares alike, by the binding's name for them."""


@dataclass(frozen=True)
class ContextOptions:
    """`cells`: KV cells over all sequences. `batch`: tokens of one decode call; `micro_batch`: of one graph.
    `hidden`: what comes of a token is its hidden state behind the last layer, not logits."""

    cells: int
    batch: int
    micro_batch: int
    parallel: int
    threads: int
    flash: bool
    cache: CacheTypes = PLAIN_CACHE
    rope: Rope = OWN_ROPE
    hidden: bool = False


@dataclass(frozen=True)
class ModelOptions:
    """`rope`: of its contexts. `repacked`: as in `Setting`."""

    rope: Rope = OWN_ROPE
    repacked: bool = False


PLAIN_MODEL = ModelOptions()


class Binding(ABC):
    """One build of the library, loaded. The functions that are attributes are the C functions themselves."""

    build: Build
    compact_cells: bool
    """Whether the used KV cells must be kept together, without gaps."""
    folds_words: bool
    """Whether it makes letters small, and leaves accents out, where a vocabulary wants that."""

    free_model: Callable[[int], None]
    free_context: Callable[[int], None]
    decode: Callable[[int, ctypes.Structure], int]
    logits: Callable[[int], int | None]
    hidden: Callable[[int], int | None]
    width: Callable[[int], int]
    # Of a model's hidden states.
    set_threads: Callable[[int, int, int], None]
    # For one token, and for more.
    context_cells: Callable[[int], int]

    describe: Callable[[int, ctypes.Array[ctypes.c_char], int], int]
    metadata: Callable[[int, bytes, ctypes.Array[ctypes.c_char], int], int]
    chat_template: Callable[[int, None], bytes | None]
    trained_context: Callable[[int], int]
    has_encoder: Callable[[int], bool]
    has_decoder: Callable[[int], bool]
    is_recurrent: Callable[[int], bool]
    is_hybrid: Callable[[int], bool]

    # These take what `vocabulary` gives.
    vocab_size: Callable[[int], int]
    bos: Callable[[int], int]
    eos: Callable[[int], int]
    token_text: Callable[[int, int], bytes | None]
    token_attributes: Callable[[int, int], int]
    ends_generation: Callable[[int, int], bool]
    tokenize: Callable[[int, bytes, int, ctypes.Array[ctypes.c_int32], int, bool, bool], int]
    piece: Callable[[int, int, ctypes.Array[ctypes.c_char], int, int, bool], int]

    def __init__(
        self,
        library: ctypes.CDLL,
        version: str,
        batch_type: type[ctypes.Structure],
        functions: Mapping[str, Signature],
    ) -> None:
        self.library = library
        self.version = version
        self.batch_type = batch_type
        self.log = LibraryLog(library)
        for name, signature in functions.items():
            setattr(self, name, declare(library, signature))

    @abstractmethod
    def load_model(self, path: str, progress: Callable[[float], bool], options: ModelOptions) -> int:
        """The loaded model, 0 where that failed or `progress` returned False."""

    @abstractmethod
    def new_context(self, model: int, options: ContextOptions) -> int: ...

    @abstractmethod
    def vocabulary(self, model: int) -> int:
        """The handle that the vocabulary's functions take."""

    @abstractmethod
    def adds_bos(self, model: int) -> bool: ...

    @abstractmethod
    def remove(self, context: int, sequence: int, start: int, end: int) -> bool:
        """`end` −1: up to the last position."""

    @abstractmethod
    def copy(self, context: int, source: int, target: int, start: int, end: int) -> None: ...

    @abstractmethod
    def shift(self, context: int, sequence: int, start: int, end: int, by: int) -> None: ...

    @abstractmethod
    def last_position(self, context: int, sequence: int) -> int:
        """Of a sequence that is not empty."""

    @abstractmethod
    def can_shift(self, context: int) -> bool:
        """Whether the library offers to; not whether it does so rightly."""

    @abstractmethod
    def compact(self, context: int, *, movable: bool) -> bool:
        """Moves the used cells together, where `compact_cells`. False where the library did not manage it.
        `movable`: cells from the end may fill the gaps; else their order is kept."""

    @abstractmethod
    def state_size(self, context: int, sequence: int) -> int:
        """Bytes that `state_read` will write."""

    @abstractmethod
    def state_read(self, context: int, sequence: int, address: int, size: int) -> int:
        """Writes the sequence's state to memory; the number of bytes written."""

    @abstractmethod
    def state_write(self, context: int, sequence: int, address: int, size: int) -> int:
        """Fills the sequence from memory; the number of bytes read, 0 where that failed."""


CACHE_TYPES: Mapping[str, int] = MappingProxyType({"f16": 1, "q8_0": 8, "q5_1": 7, "q4_0": 2})
"""`enum ggml_type`."""
NO_POOLING = 0
"""Of `enum llama_pooling_type`: a hidden state for each token."""
SCALINGS: Mapping[str, int] = MappingProxyType({"none": 0, "linear": 1, "yarn": 2})
"""`enum llama_rope_scaling_type`."""


def set_common(params: ctypes.Structure, options: ContextOptions) -> None:
    """Writes rope, cache types and what is computed into a `llama_context_params`, whose fields every build names
    alike. What nobody said keeps the library's default, which is the model's own."""
    rope = options.rope
    fields: Mapping[str, float | None] = {
        "type_k": CACHE_TYPES[options.cache.keys],
        "type_v": CACHE_TYPES[options.cache.values],
        "rope_scaling_type": None if rope.scaling is None else SCALINGS[rope.scaling],
        "rope_freq_base": rope.freq_base,
        "rope_freq_scale": rope.freq_scale,
        "yarn_orig_ctx": rope.yarn_orig_ctx,
        "yarn_ext_factor": rope.yarn_ext_factor,
        "yarn_attn_factor": rope.yarn_attn_factor,
        "yarn_beta_fast": rope.yarn_beta_fast,
        "yarn_beta_slow": rope.yarn_beta_slow,
    }
    for name, value in fields.items():
        if value is not None:
            setattr(params, name, value)
    if options.hidden:
        params.embeddings, params.pooling_type = True, NO_POOLING


def metadata(binding: Binding, model: int, key: str) -> str:
    """A value of the file's header as text; "" where it has none of that name."""
    buffer = ctypes.create_string_buffer(256)
    binding.metadata(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace")


def declare(library: ctypes.CDLL, signature: Signature) -> Function:
    """The C function with its types set. Raises AttributeError where the library has none of that name."""
    name, result, arguments = signature
    # A function object of our own: `library.name` is shared with the package, which declares it in its own way.
    function = library[name]
    function.restype, function.argtypes = result, arguments
    return function
