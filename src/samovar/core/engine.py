"""The engine contract: what every way of running a model gives. An engine gives logits and keeps a KV cache;
scheduling, sampling and everything else is shared.

An engine is synchronous and used by one thread of one process. A capability that is missing is reported in
`EngineInfo.capabilities`, never faked. All errors are of the tree in `core.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from samovar.core.rope import OWN_ROPE, PLAIN_CACHE, CacheTypes, Rope

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

Build = Literal["ik-native", "ik", "mainline"]
"""Builds of libllama. "ik-native" is the source of "ik", compiled on this machine for its very processor."""
Speculate = Literal["auto", "off", "lookup", "draft"]
"""Where guessed tokens come from: what stood in the text before (lookup), a small model (draft), or both (auto)."""


class Capabilities(msgspec.Struct, frozen=True):
    """What the KV cache of this model on this engine allows; and whether its threads can be changed. `can_copy`: a
    beginning to an empty sequence; `can_copy_range`: any positions to where a sequence ends. Where it cannot write,
    every token sees those after it: it gives no logits, and embeds only whole texts."""

    can_remove_tail: bool = True
    can_copy: bool = True
    can_copy_range: bool = False
    can_shift: bool = False
    can_export: bool = False
    can_set_threads: bool = False
    can_embed: bool = False
    can_write: bool = True

    @property
    def can_reuse_shifted(self) -> bool:
        """Whether what follows inserted text can be taken to its new place, in a second sequence."""
        return self.can_shift and self.can_copy and self.can_copy_range and self.can_remove_tail


class Setting(msgspec.Struct, frozen=True):
    """How a library build computes a model. Kept per model once it has been seen to work. `apart`: each sequence in
    a context of its own, with cells of its own. `repacked`: the rows of matrices are interleaved when the model is
    loaded, as vector instructions read them."""

    build: str
    micro_batch: int
    flash: bool
    apart: bool = False
    repacked: bool = False

    @property
    def loading(self) -> tuple[str, bool]:
        """What of it cannot be changed once the model is loaded."""
        return self.build, self.repacked


class Pace(msgspec.Struct, frozen=True):
    """How fast a way of computing was seen to be on this machine, in tokens per second: drawing one at a time with
    `threads`, reading a prompt with `prompt_threads`."""

    setting: Setting
    threads: int
    prompt_threads: int
    decode: float
    prompt: float

    @property
    def turn(self) -> float:
        """Seconds of a usual turn: what is new of the prompt is read, an answer is drawn."""
        return _TURN_READ / self.prompt + _TURN_DRAWN / self.decode


_TURN_READ, _TURN_DRAWN = 256, 128


Pooling = Literal["mean", "first", "last"]
"""Which of a text's hidden states stand for the whole text: their mean, or that of one token."""


class Infill(msgspec.Struct, frozen=True):
    """How a model is asked for what is missing in a text: the texts of the control tokens that stand before the
    beginning (`prefix`), before the end (`suffix`), and before what is missing (`middle`, "" for none).
    `suffix_first`: the end comes before the beginning. `repository`, `file`: tokens before a project's name and
    before the name of each of its files, "" where the model has none."""

    prefix: str
    suffix: str
    middle: str = ""
    suffix_first: bool = False
    repository: str = ""
    file: str = ""


class Note(msgspec.Struct, frozen=True):
    """Something a person should know about a load: a catalogue key and its facts."""

    key: str
    facts: dict[str, str | int | float] = {}


class LoadSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to load, and how.

    `window`: tokens one request may use. `cells`: KV cells of the whole cache, shared by `parallel` sequences; a
    setting that keeps them apart gives each a window of cells, and may gather those that draw tokens in as many as
    `gathered` more.
    `settings`: ways to compute, fastest first; `trusted` of them (an index) is known good and needs no check.
    `threads` 0: as many as there are physical cores. `calibrate`: seconds that may be spent on finding the fastest
    of the ways that are right, and its threads, unless `pace` says what an earlier load has found.
    `shifts`: whether positions can be shifted; None: not known yet. `native`: the folder of the build "ik-native",
    "" for none. `kv_folder`: where caches of conversations are kept over a restart; `kv_ram` and `kv_disk`: bytes
    that they may take, 0: none are kept there. `reuse_shifted`: the cache of text that inserted text has moved is
    used again, which is approximate. `draft`: a small model that guesses for this one. `memory`: bytes that all of
    it is planned to take, caches and draft included.
    `notes`: what was decided about this load.
    """

    engine: str
    path: str
    window: int
    cells: int
    parallel: int
    gathered: int = 0
    threads: int = 0
    settings: tuple[Setting, ...] = ()
    trusted: int | None = None
    shifts: bool | None = None
    kv_folder: str = ""
    kv_ram: int = 0
    kv_disk: int = 0
    reuse_shifted: bool = False
    native: str = ""
    speculate: Speculate = "off"
    draft: LoadSpec | None = None
    cache: CacheTypes = PLAIN_CACHE
    rope: Rope = OWN_ROPE
    memory: int = 0
    notes: tuple[Note, ...] = ()
    calibrate: float = 0.0
    pace: Pace | None = None


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded model. `special_texts`: the texts of its control tokens, which user text must never become.

    `cache_id`: what an exported sequence fits: this file, library, cache layout and positions; "" where nothing is
    exported. `settled`: index into `LoadSpec.settings` of the way that was chosen; `notes` say what was stepped
    down and why. `threads`: the most that tokens are drawn with; `prompt_threads`: what prompts are read with, 0
    for as many. `pace`: how fast that is, None where it was not measured or other processes were in the way.
    `rows`: of logits that a step may give without slowing those after it, 0 for any number. `pooling`: of texts
    that are embedded, which end with the end token where `adds_eos`. `infill` None: the model has not learnt to
    fill in.
    """

    architecture: str
    description: str
    vocab_size: int
    trained_context: int
    window: int
    cells: int
    parallel: int
    threads: int
    chat_template: str | None
    bos_token: int | None
    eos_token: int | None
    bos_text: str = ""
    eos_text: str = ""
    end_tokens: tuple[int, ...] = ()
    special_texts: tuple[str, ...] = ()
    adds_bos: bool = False
    adds_eos: bool = False
    prompt_threads: int = 0
    pace: Pace | None = None
    rows: int = 0
    pooling: Pooling = "mean"
    infill: Infill | None = None
    capabilities: Capabilities = Capabilities()
    cache_id: str = ""
    setting: Setting | None = None
    settled: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether each sequence has cells of its own, so that what one holds slows no other."""
        return self.setting is not None and self.setting.apart


class Batch(msgspec.Struct):
    """Tokens to compute: parallel lists. `wanted[i]` asks for the logits after token i."""

    tokens: list[int]
    positions: list[int]
    sequences: list[int]
    wanted: list[bool]


class Tokenizer(Protocol):
    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:
        """Token ids of `text`. With `special`, control tokens' texts become their ids; `bos` puts the model's
        begin-of-sequence token first where the model wants one."""
        ...


class Engine(Tokenizer, Protocol):
    """One loaded model. Sequence ids run from 0 to `info.parallel` − 1; positions from 0."""

    @property
    def info(self) -> EngineInfo: ...

    def cuts_at_words(self) -> bool:
        """Whether a text that is cut by `core.wordcuts` has the tokens of its parts, each but the first with its
        space. The first call may take a tenth of a second."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes that `token` stands for in text; b"" for control tokens."""
        ...

    def decode(self, batch: Batch) -> Logits:
        """Computes the batch (any length up to the free cells) and returns float32 [wanted rows, vocabulary] in
        batch order: valid until the next call. Raises EngineFailed; the cache is then as before the call or the
        batch's own positions must be removed by the caller."""
        ...

    def embed(self, tokens: Sequence[int], *, start: int = 0, length: int = 0) -> Logits:
        """Hidden states behind the last layer, float32 [tokens, width]: valid until the next call. `start` 0 begins
        a text, of `length` tokens in all; else the text goes on that the call before left at `start`. In a cache of
        its own, as large as the text, which `end_embedding` gives back. Raises EngineFailed. Only where
        capabilities.can_embed; only whole texts where not capabilities.can_write."""
        ...

    def end_embedding(self) -> None: ...

    def copy(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        """Positions [start, end) of `source` also belong to `target`, which ended at `start`. A start other than 0
        only where capabilities.can_copy_range."""
        ...

    def remove(self, sequence: int, start: int, end: int | None = None) -> bool:
        """Forgets positions [start, end). False if the model's cache cannot be cut there: then nothing changed."""
        ...

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        """Moves positions [start, end) by `by`, in every sequence that shares them. Only where
        capabilities.can_shift."""
        ...

    def export(self, sequence: int) -> bytes:
        """The sequence's cache as a blob that `restore` of the same model, build and KV types takes."""
        ...

    def restore(self, sequence: int, blob: bytes) -> None:
        """Fills the empty `sequence` from a blob. Raises EngineFailed for a foreign or damaged one."""
        ...

    def set_threads(self, count: int) -> None:
        """From the next call on, computes with `count` threads, at least 1. Only where
        capabilities.can_set_threads; cheap where nothing changes."""
        ...

    def close(self) -> None: ...


Progress = Callable[[float], bool]
"""Called with the loaded share, 0 to 1, while a model loads; returning False cancels the load."""


class OpenEngine(Protocol):
    """How a registered engine is opened. Raises the error tree; Cancelled when progress returned False."""

    def __call__(self, spec: LoadSpec, progress: Progress) -> Engine: ...


def wanted_rows(wanted: Sequence[bool]) -> list[int]:
    """Indices of the batch entries whose logits are wanted, in order: row r of `decode` belongs to entry [r]."""
    return [i for i, w in enumerate(wanted) if w]
