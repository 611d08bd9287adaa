"""What the front and a worker say to each other: msgpack values, each behind its length (4 bytes, little-endian).

Knows nothing of processes: `read` works on any binary file.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import msgspec

from samovar.core.engine import EngineInfo, LoadSpec, Note
from samovar.core.errors import ErrorValue
from samovar.core.events import Event
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime.counts import Counts, WorkerState

HEADER = struct.Struct("<I")


class Load(msgspec.Struct, frozen=True, tag="load"):
    spec: LoadSpec


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    request: GenerateRequest


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    id: str


class Tokenize(msgspec.Struct, frozen=True, tag="tokenize"):
    """Asks for the tokens of a prompt. `bos`: with the begin-of-sequence token, where the model wants one. `fresh`:
    by the tokenizer alone; else what the model has drawn keeps the tokens that it was drawn with."""

    id: str
    parts: tuple[Part, ...]
    bos: bool = True
    fresh: bool = False


class Spell(msgspec.Struct, frozen=True, tag="spell"):
    """Asks for the bytes of tokens."""

    id: str
    tokens: tuple[int, ...]


class Embed(msgspec.Struct, frozen=True, tag="embed"):
    """Asks for the vectors of texts, each a text or its token ids. `truncate`: of one that is longer than the
    window, the beginning; else it is refused."""

    id: str
    texts: tuple[str | tuple[int, ...], ...]
    truncate: bool = False


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Asks what the worker holds; of `slot`, if one is named, with the tokens of its last request."""

    id: str
    slot: int | None = None


class Erase(msgspec.Struct, frozen=True, tag="erase"):
    """What the tenant has in this sequence is kept there no longer, unless the sequence is in use."""

    slot: int
    tenant: str


class Pin(msgspec.Struct, frozen=True, tag="pin"):
    """The sessions whose caches are kept while others are given up: those that somebody looks at."""

    sessions: tuple[str, ...]


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Nothing that was computed for this session is kept any longer."""

    session: str


class Quit(msgspec.Struct, frozen=True, tag="quit"):
    """End when the step in hand is done; while loading, cancel the load."""


ToWorker = Load | Generate | Cancel | Tokenize | Spell | Embed | Pin | Forget | Look | Erase | Quit


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    share: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    info: EngineInfo


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    error: ErrorValue


class Happened(msgspec.Struct, frozen=True, tag="event"):
    id: str
    event: Event


class Tokens(msgspec.Struct, frozen=True, tag="tokens"):
    """Answers Tokenize."""

    id: str
    tokens: tuple[int, ...]


class Pieces(msgspec.Struct, frozen=True, tag="pieces"):
    """Answers Spell: those of the tokens that there are, and the bytes that each stands for."""

    id: str
    tokens: tuple[int, ...]
    pieces: tuple[bytes, ...]


class Vectors(msgspec.Struct, frozen=True, tag="vectors"):
    """Answers Embed: of each text a vector of length 1, as float32 in this machine's byte order; and how many
    tokens were read."""

    id: str
    vectors: tuple[bytes, ...]
    tokens: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Answers Tokenize, Spell or Embed where that cannot be."""

    id: str
    error: ErrorValue


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Answers Look."""

    id: str
    state: WorkerState


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """What was done since this was last said; comes with the end of each request."""

    counts: Counts


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """Something a person should know about the model that runs."""

    note: Note


FromWorker = Loading | Ready | LoadFailed | Happened | Tokens | Pieces | Vectors | Refused | Seen | Counted | Noted


def encode(frame: ToWorker | FromWorker) -> bytes:
    body = msgspec.msgpack.encode(frame)
    return HEADER.pack(len(body)) + body


def read(stream: BinaryIO) -> bytes | None:
    """The next frame's body; None at the end of the stream, also in mid-frame: the other side is gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    return body if len(body) == length else None
