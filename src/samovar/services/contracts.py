"""What the layers above ask of the services: the seams at which tests put fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

import msgspec

from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import ErrorValue, NotFound
from samovar.core.events import Accepted, Event, Stage
from samovar.core.library import InstalledModel as InstalledModel
from samovar.core.library import Own as Own
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Completion, Message, Part
from samovar.core.rope import Context
from samovar.hub.outlook import Outlook as Outlook
from samovar.runtime.counts import Counts, SlotState, WorkerState
from samovar.services.building_contract import Building as Building
from samovar.services.building_contract import BuildState as BuildState
from samovar.store.responses import KeptResponse as KeptResponse
from samovar.store.responses import NoSuchResponse as NoSuchResponse

LoadState = Literal["none", "loading", "ready", "failed"]


class ContextChoice(msgspec.Struct, frozen=True):
    """What a model is to be loaded with from now on; None: what the settings say, as for a model for which nothing
    was chosen."""

    context: Context | None


class ModelState(msgspec.Struct, frozen=True):
    """What the served model is doing. `progress` runs from 0 to 1 while it loads. `context`: the one that was
    chosen for it, None where it has that of the settings."""

    name: str | None = None
    state: LoadState = "none"
    progress: float = 0.0
    error: ErrorValue | None = None
    notes: tuple[Note, ...] = ()
    context: Context | None = None


class LoadedModel(msgspec.Struct, frozen=True):
    """A model that has a worker of its own. `memory`: bytes that it was planned to take; `window`: tokens of one
    request; `expires`: Unix seconds at which it is unloaded unless it is used before, None: not by itself."""

    name: str
    memory: int
    window: int
    expires: float | None = None


class ModelDetails(msgspec.Struct, frozen=True):
    """What the file of an installed model says. `parameters`: how many weights; `metadata`: its short values, by
    their own keys."""

    model: InstalledModel
    parameters: int
    trained_context: int
    embedding: int
    template: str | None
    metadata: dict[str, str | int | float | bool]


class Pulling(msgspec.Struct, frozen=True):
    """How far a download is, in bytes; `total` None where the source does not tell. `model`: its name, once it is
    whole and in the library."""

    done: int
    total: int | None
    model: str | None = None


class Embedded(msgspec.Struct, frozen=True):
    """One vector for each text, of length 1; `tokens`: how many were read."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class NoSuchPreset(NotFound):
    """Names presets that are called nearly so."""


class RenderedPrompt(msgspec.Struct, frozen=True):
    """Exactly what the model is sent: the parts, and the token ids they become. `notes`: what was done to the
    messages so that the model's template takes them."""

    parts: tuple[Part, ...]
    tokens: tuple[int, ...]
    notes: tuple[Note, ...] = ()


class Measured(msgspec.Struct, frozen=True):
    """Tokens that messages take in a prompt: `sizes`, one for each, its markup included; `fixed` for what every
    prompt has besides. The true prompt may be some tokens smaller or larger. `window`: what one request may use."""

    window: int
    fixed: int
    sizes: tuple[int, ...]


class Generation(Protocol):
    """A request that a worker has accepted. Iterate once: PromptProgress, Delta, Finish, then Done or Failed."""

    @property
    def model(self) -> str: ...

    @property
    def accepted(self) -> Accepted: ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the asker should know about the prompt that was made of the messages."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def cancel(self) -> None:
        """Frees the sequence within one step. Idempotent; the iteration then ends with a Finish of reason
        "cancelled" and Done."""
        ...


class Answers(Protocol):
    """Asking the model."""

    async def start(self, completion: Completion) -> Generation:
        """Renders, queues and returns once the worker has accepted. Raises the error tree (NotFound for the model,
        PromptTooLong, Busy, EngineFailed …) before anything was streamed."""
        ...

    async def render(self, completion: Completion) -> RenderedPrompt: ...

    async def measure(self, messages: Sequence[Message]) -> Measured:
        """How much of the window the messages take. Loads the model if need be, as `start` does."""
        ...

    async def embed(
        self, texts: Sequence[str | tuple[int, ...]], model: str | None = None, *, truncate: bool = False
    ) -> Embedded:
        """Vectors of texts or token ids. Raises as `start` does; Missing where the model cannot, InvalidInput for
        an empty text, PromptTooLong for one that is longer than the window, unless its beginning is enough
        (`truncate`)."""
        ...

    async def next_token(self, completion: Completion, count: int) -> tuple[Stage, ...]:
        """What each step of the chain does to the next token's distribution, with the `count` likeliest tokens."""
        ...

    async def tokenize(
        self, text: str, *, special: bool, bos: bool = False, model: str | None = None
    ) -> tuple[tuple[int, bytes], ...]:
        """(id, bytes) of each token of `text`; with `special`, control tokens' texts become those; with `bos` the
        begin-of-sequence token comes first, where the model has one."""
        ...

    async def detokenize(self, tokens: tuple[int, ...], model: str | None = None) -> tuple[tuple[int, bytes], ...]:
        """(id, bytes) of each of `tokens` that the vocabulary has."""
        ...


class Reading(msgspec.Struct, frozen=True):
    """What the workers of one model have counted since the server started, how often they crashed, and how often
    they were ended to make room for another model; what the one that runs holds, and the bytes of memory that it
    has; None and 0 where none runs."""

    model: str
    counts: Counts
    crashes: int
    state: WorkerState | None
    memory: int
    evicted: int = 0


class Gauges(Protocol):
    """Counts and states, for those who watch the server."""

    async def read(self) -> tuple[Reading, ...]: ...


class Kept(msgspec.Struct, frozen=True):
    """`tokens` of what `slot` was last asked and answered, saved in or restored from a file of `size` bytes."""

    slot: int
    tokens: int
    size: int


class Slots(Protocol):
    """The sequences of the loaded model, as far as a tenant may know of them, and what was kept of them by name.
    Raises NotFound where no model is loaded."""

    async def listed(self, tenant: str) -> tuple[SlotState, ...]:
        """Of what others have there only that it is busy; none where no model is loaded."""
        ...

    async def save(self, slot: int, name: str, tenant: str) -> Kept:
        """Keeps the tokens of the slot's last request under a name, per model and tenant. Raises NotFound where it
        has none, InvalidInput for a name that cannot be one, StorageFailed."""
        ...

    async def restore(self, name: str, tenant: str) -> Kept:
        """Sees that what was saved is in the cache again, in whichever slot. Raises NotFound, as
        `Answers.start` does."""
        ...

    async def erase(self, slot: int, tenant: str) -> int:
        """Empties the slot: how many tokens it held. Exported caches stay. Raises NotFound, Conflict while it
        answers."""
        ...


class Idle(Protocol):
    """What is done beside requests, with the model that happens to be loaded. Nothing here loads one, and nothing
    holds up a request, a switch or an end."""

    async def measure(self, messages: Sequence[Message]) -> Measured | None:
        """As `Answers.measure`; None where no model is ready."""
        ...

    async def warm(self, completion: Completion) -> Generation | None:
        """Reads a prompt into the cache for a request to come. Iterate to see it through, cancel to give it up: it
        is given up by itself for whatever is more urgent. None where no model is ready, or its cache could not be
        cut back to what is asked in the end."""
        ...

    def pin(self, sessions: tuple[str, ...]) -> None:
        """From now on, and for every model that is loaded later, the caches of these sessions are kept while those
        of others are given up."""
        ...

    async def forget(self, session: str) -> None:
        """Removes every cache of the session, from memory and from disk, for all models."""
        ...

    def loads(self) -> AsyncIterator[None]:
        """One item each time that a model is found to have become ready."""
        ...


class Presets(Protocol):
    """Named sets of sampling values."""

    async def params(self, name: str) -> SamplingParams:
        """All that the preset sets. Raises NoSuchPreset; InvalidInput for a damaged one."""
        ...

    async def names(self) -> tuple[str, ...]: ...


class Responses(Protocol):
    """Answers that are kept for the requests that go on from them, each tenant's apart."""

    async def keep(self, tenant: str, response: KeptResponse) -> None:
        """Raises StorageFailed."""
        ...

    async def get(self, tenant: str, id: str) -> KeptResponse:
        """Raises NoSuchResponse."""
        ...

    async def thread(self, tenant: str, id: str) -> tuple[KeptResponse, ...]:
        """The response and all that it goes on from, the oldest first. Raises NoSuchResponse."""
        ...

    async def remove(self, tenant: str, id: str) -> None:
        """Raises NoSuchResponse."""
        ...


class Library(Protocol):
    """The models that are installed, beyond their names."""

    async def details(self, name: str) -> ModelDetails:
        """Raises NotFound, BadModelFile."""
        ...

    def pull(self, source: str) -> AsyncIterator[Pulling]:
        """Gets a model from a hub or an https address, never from a place of this machine. Ends when it is in the
        library; closing the iterator stops it, and what has come is kept for the next pull. Raises InvalidInput,
        NotFound, DownloadFailed, StorageFailed, Conflict while the same is pulled."""
        ...

    async def remove(self, name: str) -> None:
        """Deletes a model's files, unloading it first. Raises NotFound, Conflict while it answers."""
        ...

    async def alias(self, name: str, alias: str) -> None:
        """From now on `alias` means the model `name`. Raises NotFound, InvalidInput for a name that cannot be one,
        Conflict where a model or another alias is called so."""
        ...

    async def unalias(self, alias: str) -> None:
        """From now on `alias` means nothing. Raises NotFound."""
        ...

    async def aliases(self) -> dict[str, str]:
        """Model names by alias."""
        ...

    async def own(self, name: str) -> Own:
        """What a model (by any of its names) has of its own beside its context."""
        ...

    async def set_own(self, name: str, own: Own) -> None:
        """Template and preset hold at once, the rest from the model's next load. Raises NotFound, StorageFailed,
        InvalidInput for a template that is none."""
        ...


class Models(Protocol):
    """The library and the models that are loaded. One of them is the page's: `state`, `watch` and requests that
    name none mean that one."""

    @property
    def state(self) -> ModelState: ...

    def installed(self) -> tuple[InstalledModel, ...]: ...

    async def outlook(self, name: str, window: int | None = None, alpha: float | None = None) -> Outlook:
        """What a window of so many tokens (else the one that the model is loaded with) comes to for a model of the
        library. Raises NotFound, BadModelFile, Missing for a model that has no file, OutOfRange."""
        ...

    @property
    def context(self) -> Context:
        """What models are loaded with for which nothing else was chosen."""
        ...

    async def chosen(self, name: str) -> Context | None:
        """The context that is kept for a model."""
        ...

    async def whole(self, name: str, context: Context) -> Context:
        """`context` with what suits the model where it leaves that open."""
        ...

    async def check(self, name: str, context: Context) -> None:
        """Raises what `load` with that context would, as far as it is known without loading: NotFound, OutOfRange,
        InvalidParameter, InvalidInput where no library has such a cache."""
        ...

    async def load(self, name: str | None = None, choice: ContextChoice | None = None) -> EngineInfo:
        """Loads (or finds loaded) and returns when the model is ready: the named one, else the one that is served,
        else the default. With a `choice` it is loaded anew if it has another context, and what was chosen is kept
        once that has worked. Raises the error tree."""
        ...

    async def load_beside(self, name: str | None = None, keep_alive: float | None = None) -> EngineInfo:
        """As `load`, and the page goes on to show the model that it shows, if any. `keep_alive`: as in
        Completion."""
        ...

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Those that have a worker, the one used last first."""
        ...

    def answering(self) -> frozenset[str]:
        """Those that somebody waits for, or for an answer of."""
        ...

    def states(self) -> tuple[ModelState, ...]:
        """Of those that are loaded or on their way, the one used last first."""
        ...

    def meant(self, name: str) -> str:
        """The name of the model that `name` is another name for, else `name` itself."""
        ...

    def loading(self, name: str | None = None) -> float | None:
        """How much of the named model (else of the page's) has been loaded, 0 to 1, while somebody may wait for it;
        None where it is not being loaded."""
        ...

    async def dress(self, name: str) -> None:
        """What the model of that name has of its own was changed: the template holds for whatever is asked next."""
        ...

    async def unload(self, name: str | None = None) -> None:
        """Ends the named model's worker, or all of them. A load is cancelled; answers in flight end with an error
        and keep their text. Nothing happens where it is not loaded."""
        ...

    def watch(self) -> AsyncIterator[ModelState]:
        """The present state, then each change."""
        ...
