"""What the APIs cost beside the model: tokens of texts, a request, a streamed token, and clients who only listen.

    python bench/api.py [--rounds 200] [--only tokens|door|listeners|loading] [--model FILE]

Prints a table for docs/benchmarks.md, each row with what is wanted of it. `door` drives the app in this process,
with answers that cost nothing, through every dialect; `tokens`, `listeners` and `loading` drive real servers over
HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import httpx
import uvloop
from starlette.types import ASGIApp, Message, Scope

sys.path.insert(0, str(Path(__file__).parent.parent))

from samovar.core.errors import SamovarError
from samovar.core.events import Delta, Event, Finish, TokenDetail
from samovar.core.home import Home
from samovar.core.settings import Settings
from samovar.hub.starter import starter_file
from samovar.runtime.supervisor import Hooks, Supervisor
from samovar.runtime.trust import Verdict
from samovar.services.contracts import KeptResponse
from samovar.services.loading import LoadPlanner
from samovar.store.responses import ResponseStore
from tests.api.conftest import FakeAnswers, Script, app_of_fakes, done
from tests.api.dialect_cases import CASES, Case
from tests.e2e.conftest import Served, start

TOKENS, STREAMED, IDLE, ACTIVE, STEPS = 2000, 1000, 200, 8, 200
LONG = TOKENS * 7
"""Characters of more tokens than that."""
DOCUMENTS = Path(__file__).parent.parent / "docs"


class Row(NamedTuple):
    what: str
    measured: str
    wanted: str


def median(rounds: int, measure: Callable[[], object]) -> float:
    """Seconds, after one round that does not count."""
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        measure()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


@contextmanager
def server(*options: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as home:
        served = start(Path(home), *options)
        try:
            yield served
        finally:
            served.stop()


# Tokens of texts.


def tokens_rows(model: str, rounds: int) -> Iterator[Row]:
    """Over HTTP from one connection, texts that are new each time: places in this project's documents, which have
    words in common; and words that nobody ever wrote, the worst case. And one text again and again."""
    with server("--model", model, "--ctx", "2048") as served, served.client() as client:

        def ask(text: str) -> httpx.Response:
            return client.post("/tokenize", json={"content": text}).raise_for_status()

        def asking(words: Callable[[], str]) -> float:
            length = LONG * TOKENS // len(ask(words()).json()["tokens"])
            new = [words()[:length] for _ in range(rounds + 1)]
            return median(rounds, lambda: ask(new.pop()))

        wanted = "≤ 2 ms"
        text = written()
        yield Row("the same with nothing to do (`/health`)", ms(median(rounds, lambda: client.get("/health"))), "")
        yield Row(f"{TOKENS} tokens, a new text", ms(asking(written)), wanted)
        yield Row(f"{TOKENS} tokens, again", ms(asking(lambda: text)), wanted)
        with streaming(served):
            yield Row(f"{TOKENS} tokens, a new text, while an answer streams", ms(asking(written)), wanted)
        yield Row(f"{TOKENS} tokens, each word invented", ms(asking(invented)), "")


def written() -> str:
    """A place in the documents, longer than `TOKENS` tokens."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.rglob("*.md")))
    start = random.randrange(len(text) - LONG)
    return text[start : start + LONG]


def invented() -> str:
    words = ("".join(random.choices(string.ascii_lowercase, k=random.randint(3, 8))) for _ in range(LONG // 5))
    return " ".join(words)[:LONG]


@contextmanager
def streaming(served: Served) -> Iterator[None]:
    body = {"prompt": "Once upon a time", "max_tokens": -1, "stream": True, "ban_eos_token": True}
    with served.client() as client, client.stream("POST", "/v1/completions", json=body) as reply:
        next(reply.iter_raw())
        yield


# A request and a streamed token.


def door_rows(rounds: int) -> Iterator[Row]:
    """The whole app between a request's last byte and the answer's, for each endpoint that answers, on the event
    loop that the server runs on."""
    with tempfile.TemporaryDirectory() as home:
        answers = FakeAnswers()
        app = app_of_fakes(Path(home), answers=answers, responses=cast(ResponseStore, Forgetful()))
        for case in CASES:
            answers.script = spoken(1)
            one = uvloop.run(calls(app, case, rounds, stream=False))
            answers.script = spoken(0)
            nothing = uvloop.run(calls(app, case, rounds, stream=True))
            answers.script = spoken(STREAMED)
            long = uvloop.run(calls(app, case, max(rounds // 10, 3), stream=True))
            yield Row(f"{case.name}, a request", ms(one), "≤ 0.2 ms")
            each = (long - nothing) / STREAMED * 1e6
            yield Row(f"{case.name}, a streamed token", f"{each:.1f} µs", "≤ 20 µs")


class Forgetful:
    """Keeps no response: a disk's speed is not what is measured."""

    async def keep(self, tenant: str, response: KeptResponse) -> None: ...


def spoken(count: int) -> Script:
    """What an answer of `count` tokens says, all at once."""
    events: list[Event | SamovarError | None] = [
        *(Delta(0, " word", (TokenDetail(5, b" word"),)) for _ in range(count)),
        Finish(0, "stop"),
        done(spoken=count),
    ]
    return lambda _: list(events)


async def calls(app: ASGIApp, case: Case, rounds: int, *, stream: bool) -> float:
    """Median seconds of a call of the app."""
    path = case.stream_path if stream and case.stream_path else case.path
    body = json.dumps({**case.body, **(case.streaming if stream else {})}).encode()
    headers = {"host": "127.0.0.1", "content-type": "application/json", **case.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 7860),
    }
    taken = [await call(app, scope, body) for _ in range(rounds + 1)]
    return statistics.median(taken[1:])


async def call(app: ASGIApp, scope: Scope, body: bytes) -> float:
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.perf_counter()
    await app(dict(scope), receive, send)
    taken = time.perf_counter() - began
    if statuses != [200]:
        raise RuntimeError(f"{scope['path']} answered {statuses}")
    return taken


# Clients who only listen.


def listeners_rows(rounds: int) -> Iterator[Row]:
    """The echo engine draws every 10 ms: gaps between the chunks of active streams, alone and with listeners."""
    echo = "echo:step_ms=10;reply=" + "x" * STEPS
    options = ("--model", echo, "--parallel", str(ACTIVE), "--ctx", "1024")
    with server(*options) as served:
        alone, among = asyncio.run(gaps_alone_and_among(served.port, max(rounds // 40, 2)))
    added = f"{(p95(among) - p95(alone)) * 1000:+.2f} ms"
    yield Row(f"{ACTIVE} streams, p95 of gaps, alone", ms(p95(alone)), "")
    yield Row(f"the same beside {IDLE} idle streams, added", added, "≤ 5 ms")


async def gaps_alone_and_among(port: int, rounds: int) -> tuple[list[float], list[float]]:
    alone: list[float] = []
    among: list[float] = []
    for _ in range(rounds):
        alone += await gaps(port)
        listeners = [await listen(port) for _ in range(IDLE)]
        among += await gaps(port)
        for writer in listeners:
            writer.close()
    return alone, among


async def listen(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /samovar/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    return writer


async def gaps(port: int) -> list[float]:
    """Seconds between the chunks of all active streams."""
    return [gap for stream in await asyncio.gather(*(active(port) for _ in range(ACTIVE))) for gap in stream]


async def active(port: int) -> list[float]:
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    times = []
    while not (line := await reader.readline()).startswith(b"data: [DONE]"):
        if not line:
            raise RuntimeError("an answer broke off")
        if line.startswith(b"data: "):
            times.append(time.perf_counter())
    writer.close()
    return [later - earlier for earlier, later in itertools.pairwise(times)]


# Loading by name.


def loading_rows(model: str, rounds: int) -> Iterator[Row]:
    """Rounds of: the load alone, by a supervisor in this process; a request that loads the model by its name; the
    same request again. What the name adds is what is left of the second without the other two."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.make()
        (home.models / "named.gguf").symlink_to(model)
        alone = Alone(home)
        served = start(home.root, "--ctx", "2048")
        try:
            with served.client() as client:
                turns = range(max(rounds // 10, 3) + 1)
                times = [loading_round(client, alone, turn) for turn in turns][1:]
        finally:
            served.stop()
    load, by_name, added = (statistics.median(column) for column in zip(*times, strict=True))
    yield Row("loading the starter model, alone", ms(load), "")
    yield Row("a request that loads it by name", ms(by_name), "")
    yield Row("added to the load and the request", ms(added), "≤ 50 ms")


def loading_round(client: httpx.Client, alone: Alone, turn: int) -> tuple[float, float, float]:
    """(seconds of the load alone, of the request that loads, of the latter without the load and the request)"""
    load = asyncio.run(alone.load())

    def ask() -> float:
        began = time.perf_counter()
        body = {"model": "named", "prompt": f"{turn} Once", "max_tokens": 1, "cache_prompt": False}
        client.post("/v1/completions", json=body).raise_for_status()
        return time.perf_counter() - began

    by_name, again = ask(), ask()
    client.post("/v1/internal/model/unload").raise_for_status()
    return load, by_name, by_name - again - load


class Alone:
    """Loads as the server does, knowing what was learnt of the model when it was loaded first."""

    def __init__(self, home: Home) -> None:
        planner = LoadPlanner(Settings(home=home, ctx=2048))
        self._spec = planner.plan(planner.find("named"))
        self._log = home.logs / "alone.log"
        self._verdict = Verdict()

    async def load(self) -> float:
        """Seconds."""
        hooks = Hooks(progress=lambda _: None, remember=self._remember)
        supervisor = Supervisor(self._spec, self._verdict, self._log, hooks)
        began = time.perf_counter()
        await supervisor.worker()
        took = time.perf_counter() - began
        await supervisor.close()
        return took

    async def _remember(self, verdict: Verdict) -> None:
        self._verdict = verdict


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--only", choices=("tokens", "door", "listeners", "loading"))
    options.add_argument("--model", default=str(starter_file()))
    chosen = options.parse_args()
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "tokens": lambda: tokens_rows(chosen.model, chosen.rounds),
        "door": lambda: door_rows(chosen.rounds),
        "listeners": lambda: listeners_rows(chosen.rounds),
        "loading": lambda: loading_rows(chosen.model, chosen.rounds),
    }
    print("| | measured, at the median | wanted |\n|---|---|---|")
    for name, rows in parts.items():
        if chosen.only in (None, name):
            for row in rows():
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
