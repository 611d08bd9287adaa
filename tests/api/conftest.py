"""The app as it is served: a real uvicorn on a free port, over answers that a test scripts at the contract."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import anthropic
import httpx
import openai
import pytest
import uvicorn
from msgspec.structs import replace

from samovar.api.app import App, Services, create_app
from samovar.api.security import DoorRules
from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import SamovarError
from samovar.core.events import Accepted, Delta, Done, Event, Finish, Stage, Timings, TokenDetail, Usage
from samovar.core.home import Home
from samovar.core.requests import Completion, Part
from samovar.core.rope import PLAIN_CACHE, CacheTypes, Context
from samovar.services.building import BuildService
from samovar.services.characters import CharacterService
from samovar.services.chats import ChatService
from samovar.services.contracts import (
    ContextChoice,
    Embedded,
    Generation,
    InstalledModel,
    LoadedModel,
    ModelState,
    Outlook,
    RenderedPrompt,
)
from samovar.services.keys import KeyService
from samovar.services.presets import PresetService
from samovar.store.database import Database
from samovar.store.responses import ResponseStore
from tests.api.doors import key_service
from tests.api.library import MODEL as MODEL
from tests.api.library import FakeLibrary as FakeLibrary
from tests.api.workers import FakeGauges, FakeSlots

INFO = EngineInfo(
    architecture="llama",
    description="little",
    vocab_size=257,
    trained_context=4096,
    window=2048,
    cells=8192,
    parallel=4,
    threads=1,
    chat_template="{{ messages }}",
    bos_token=256,
    eos_token=0,
    bos_text="<s>",
    eos_text="</s>",
)
"""What is known of a loaded model."""

Script = Callable[[Completion], list[Event | SamovarError | None]]
"""What the model says to a request; None is a wait that only a cancel ends, an error is raised."""


def says(*pieces: str, finish: str = "stop", cached: int = 2) -> Script:
    """A script that answers every choice with `pieces`, a token each."""

    def script(completion: Completion) -> list[Event | SamovarError | None]:
        events: list[Event | SamovarError | None] = []
        for piece in pieces:
            token = TokenDetail(len(piece), piece.encode(), None if completion.logprobs is None else -0.5)
            events += [Delta(choice, piece, (token,)) for choice in range(completion.n)]
        events += [Finish(choice, finish) for choice in range(completion.n)]  # type: ignore[arg-type]
        return [*events, done(cached=cached, spoken=len(pieces) * completion.n)]

    return script


def done(*, cached: int = 0, spoken: int = 1) -> Done:
    return Done(Usage(7, cached, spoken), Timings(7 - cached, 1.5, spoken, 2.5, cached))


@dataclass
class FakeGeneration:
    """Says its script; waits where it says None, until it is cancelled."""

    script: list[Event | SamovarError | None]
    model: str = MODEL
    accepted: Accepted = field(default_factory=lambda: Accepted(7, 42))
    notes: tuple[Note, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self.script:
            if event is None:
                await self._wake.wait()
                yield Finish(0, "cancelled")
                yield done()
                return
            if isinstance(event, Exception):
                raise event
            yield event

    async def cancel(self) -> None:
        self.cancelled.set()
        self._wake.set()


@dataclass
class FakeAnswers:
    """`Answers` that remembers what it was asked."""

    script: Script = field(default_factory=lambda: says("Hel", "lo"))
    stages: tuple[Stage, ...] = ()
    refusal: Exception | None = None
    hangs: bool = False
    opens: asyncio.Event | None = None
    asked: list[Completion] = field(default_factory=list)
    generations: list[FakeGeneration] = field(default_factory=list)
    spelled: list[tuple[str | tuple[int, ...], bool, bool, str | None]] = field(default_factory=list)
    embedded: list[tuple[tuple[str | tuple[int, ...], ...], str | None, bool]] = field(default_factory=list)
    kept_alive: list[float | None] = field(default_factory=list)
    abandoned: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    async def start(self, completion: Completion) -> Generation:
        self.asked.append(completion)
        if self.hangs:
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.abandoned.set()
        if self.opens is not None:
            self._loop = asyncio.get_running_loop()
            try:
                await self.opens.wait()
            except asyncio.CancelledError:
                self.abandoned.set()
                raise
        if self.refusal is not None:
            raise self.refusal
        generation = FakeGeneration(self.script(completion))
        self.generations.append(generation)
        self.begun.set()
        return generation

    async def next_token(self, completion: Completion, count: int) -> tuple[Stage, ...]:
        self.asked.append(completion)
        return tuple(Stage(stage.step, stage.survivors, stage.top[:count]) for stage in self.stages)

    def open(self) -> None:
        """Lets those go on that wait for `opens`; from another thread."""
        assert self.opens is not None
        self._loop.call_soon_threadsafe(self.opens.set)

    async def render(self, completion: Completion) -> RenderedPrompt:
        text = completion.prompt if isinstance(completion.prompt, str) else repr(completion.messages)
        return RenderedPrompt((Part(text, special=True),), tuple(text.encode()))

    async def tokenize(
        self, text: str, *, special: bool, bos: bool = False, model: str | None = None
    ) -> tuple[int, ...]:
        """A token is a byte; 256 begins the sequence."""
        self.spelled.append((text, special, bos, model))
        return (256, *text.encode()) if bos else tuple(text.encode())

    async def detokenize(self, tokens: tuple[int, ...], model: str | None = None) -> tuple[tuple[int, bytes], ...]:
        self.spelled.append((tokens, False, False, model))
        return tuple((token, b"" if token == 256 else bytes([token])) for token in tokens if token <= 256)

    async def embed(
        self,
        texts: Sequence[str | tuple[int, ...]],
        model: str | None = None,
        *,
        truncate: bool = False,
        keep_alive: float | None = None,
    ) -> Embedded:
        self.embedded.append((tuple(texts), model, truncate))
        self.kept_alive.append(keep_alive)
        return Embedded(model or MODEL, tuple((0.6, 0.8) for _ in texts), sum(map(len, texts)))


@dataclass
class FakeModels:
    state: ModelState = field(default_factory=lambda: ModelState(MODEL, "ready", 1.0))
    names: tuple[str, ...] = ("another/model", MODEL)
    other_names: dict[str, str] = field(default_factory=dict)
    unloaded: list[str | None] = field(default_factory=list)
    loads: list[tuple[str | None, ContextChoice | None]] = field(default_factory=list)
    stays: list[tuple[str | None, float | None]] = field(default_factory=list)
    progress: tuple[float, ...] = ()
    refusal: SamovarError | None = None
    context: Context = field(default_factory=Context)
    kept: dict[str, Context] = field(default_factory=dict)
    usual_window: int = 1024
    suiting: CacheTypes = PLAIN_CACHE
    _followed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def asked_for(self) -> list[str | None]:
        """The names that were to be loaded."""
        return [name for name, _ in self.loads]

    def installed(self) -> tuple[InstalledModel, ...]:
        return tuple(InstalledModel(name, f"{name}.gguf", 9, "Q4_1", "llama", 1.7e9) for name in self.names)

    async def load(self, name: str | None = None, choice: ContextChoice | None = None) -> EngineInfo:
        """Ends once somebody has seen all of `progress`."""
        self.loads.append((name, choice))
        if self.refusal is not None:
            raise self.refusal
        if self.progress:
            await self._followed.wait()
        return INFO

    async def chosen(self, name: str) -> Context | None:
        return self.kept.get(name)

    async def whole(self, name: str, context: Context) -> Context:  # noqa: ARG002
        return replace(context, cache=context.cache or self.suiting)

    async def outlook(self, name: str, window: int | None = None, alpha: float | None = None) -> Outlook:  # noqa: ARG002
        window = window or self.usual_window
        return Outlook(4096, window, 1e4, alpha or 1.0, 1.0, 1e4, notes=(), curve=(), cache=())

    async def load_beside(self, name: str | None = None, keep_alive: float | None = None) -> EngineInfo:
        self.stays.append((name, keep_alive))
        return await self.load(name)

    def loaded(self) -> tuple[LoadedModel, ...]:
        return (LoadedModel(self.state.name, 9, 2048),) if self.state.name else ()

    def answering(self) -> frozenset[str]:
        return frozenset()

    def engine(self, name: str | None = None) -> EngineInfo | None:
        return INFO if self.state.state == "ready" and name in (None, self.state.name) else None

    def states(self) -> tuple[ModelState, ...]:
        return (self.state,)

    def meant(self, name: str) -> str:
        return self.other_names.get(name, name)

    def loading(self, name: str | None = None) -> float | None:  # noqa: ARG002
        return self.state.progress if self.state.state == "loading" else None

    async def unload(self, name: str | None = None) -> None:
        self.unloaded.append(name)

    async def watch(self) -> AsyncIterator[ModelState]:
        yield self.state
        for share in self.progress:
            yield ModelState(MODEL, "loading", share)
        self._followed.set()
        await asyncio.Event().wait()


@dataclass
class Served:
    """A running app and the fakes behind it."""

    answers: FakeAnswers
    models: FakeModels
    library: FakeLibrary
    gauges: FakeGauges
    port: int
    closing: ExitStack
    keys: KeyService | None = None
    slots: FakeSlots = field(default_factory=FakeSlots)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def http(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False)

    def client(self) -> openai.OpenAI:
        """The real client; it is closed with the test."""
        return self.closing.enter_context(
            openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, http_client=self.http())
        )

    def anthropic(self, retries: int = 0) -> anthropic.Anthropic:
        """Anthropic's own client; it is closed with the test."""
        http = anthropic.DefaultHttpxClient(trust_env=False)
        client = anthropic.Anthropic(base_url=self.url, api_key="none", max_retries=retries, http_client=http)
        return self.closing.enter_context(client)


NO_CHATS = cast(ChatService, None)
"""For tests whose requests never reach a conversation."""

NO_RESPONSES = cast(ResponseStore, None)
"""For tests whose requests keep no response."""


def app_of_fakes(
    home: Path,
    keys: KeyService | None = None,
    answers: FakeAnswers | None = None,
    responses: ResponseStore = NO_RESPONSES,
) -> App:
    """The whole app without a server."""
    return create_app(
        Services(
            answers=answers or FakeAnswers(),
            models=FakeModels(),
            library=FakeLibrary(),
            slots=FakeSlots(),
            gauges=FakeGauges(),
            chats=NO_CHATS,
            presets=PresetService(home / "presets"),
            characters=CharacterService(home / "characters"),
            build=BuildService(Home(home)),
            responses=responses,
            page=home / "no-page",
            keys=keys,
        )
    )


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts apps on free ports; they end with the test."""
    closing = ExitStack()
    database = Database.open(tmp_path / "samovar.db")

    def begin(
        *, rules: DoorRules | None = None, page: Path | None = None, key: str | None = None, locked: bool = False
    ) -> Served:
        """`key`: the one that the server is started with; `locked`: there is a store of keys, maybe empty."""
        answers, models, library, gauges = FakeAnswers(), FakeModels(), FakeLibrary(), FakeGauges()
        models.other_names = library.known
        slots = FakeSlots()
        keys = closing.enter_context(key_service(tmp_path, key)) if key or locked else None
        app = create_app(
            Services(
                answers,
                models,
                library,
                slots,
                gauges,
                NO_CHATS,
                PresetService(tmp_path / "presets"),
                CharacterService(tmp_path / "characters"),
                BuildService(Home(tmp_path)),
                ResponseStore(database),
                rules or DoorRules(),
                page or tmp_path / "no-page",
                keys,
            )
        )
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        closing.callback(_end, server, thread)
        return Served(answers, models, library, gauges, listener.getsockname()[1], closing, keys, slots)

    with closing:
        yield begin
    asyncio.run(database.close())


def _end(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()
