"""The models that are loaded, and what is chosen for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import ErrorValue
from samovar.core.library import InstalledModel
from samovar.core.rope import Context
from samovar.hub.outlook import Outlook

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

    def engine(self, name: str | None = None) -> EngineInfo | None:
        """How the named model (else the page's) is loaded; None where it is not ready. Loads nothing."""
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
