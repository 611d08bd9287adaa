"""The page's API: the contract of docs/page-api.md, over a real store and a model that a test speaks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.types import Message as Asgi

from samovar.api.app import App
from samovar.api.page import router
from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import EngineFailed
from samovar.services.chats import ChatService
from samovar.services.contracts import ContextChoice, InstalledModel, ModelState
from samovar.services.presets import PresetService
from samovar.services.watched import Watched
from samovar.store.database import Database
from tests.api.conftest import FakeLibrary
from tests.api.doors import unlocked_door
from tests.services.scripted import ScriptedAnswers, ScriptedIdle
from tests.support.building import UNTIL_STOPPED, scripted
from tests.support.looking import LlamaOutlook

READY = ModelState("tiny", "ready", 1.0, notes=(Note("store.has_followers"),))


@dataclass
class OneModel(LlamaOutlook):
    """`Models` with one file in the library; a load goes on until the test ends it."""

    watched: Watched[ModelState] = field(default_factory=lambda: Watched(ModelState()))
    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked: ContextChoice | None = None

    @property
    def state(self) -> ModelState:
        return self.watched.value

    def installed(self) -> tuple[InstalledModel, ...]:
        return (InstalledModel("tiny", "/models/tiny.gguf", 98_000_000, "Q4_1", "llama", 1.7e9),)

    async def load(self, name: str, choice: ContextChoice | None = None) -> EngineInfo:
        self.asked = choice
        self.watched.set(ModelState(name, "loading"))
        await self.over.wait()
        self.watched.set(ModelState(name, "failed", error=EngineFailed("chats.broken_off").value()))
        raise EngineFailed("chats.broken_off")

    async def unload(self, name: str) -> None:  # noqa: ARG002
        self.watched.set(ModelState())

    def watch(self) -> AsyncIterator[ModelState]:
        return self.watched.watch()


class Stream:
    """A client that reads server-sent events: one ASGI connection, which it can leave."""

    def __init__(self, app: App, path: str, language: str = "en") -> None:
        self._left = asyncio.Event()
        self._frames: asyncio.Queue[tuple[str, object]] = asyncio.Queue()
        self._bytes = b""
        self.headers: dict[bytes, bytes] = {}
        self.ended = False
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"accept-language", language.encode())],
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Asgi:
        if not hasattr(self, "_asked"):
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Asgi) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
            return
        self._bytes += message["body"]
        self.ended = not message.get("more_body", False)
        *frames, self._bytes = self._bytes.split(b"\n\n")
        for frame in frames:
            if frame.startswith(b"event: "):
                name, data = frame.split(b"\n", 1)
                self._frames.put_nowait((name[7:].decode(), json.loads(data[6:])))

    async def event(self) -> tuple[str, object]:
        return await self._frames.get()

    async def until(self, name: str, **facts: object) -> list[tuple[str, object]]:
        """All events up to and with the first of that name whose data holds `facts`."""
        seen = [await self.event()]
        while not (seen[-1][0] == name and isinstance(seen[-1][1], dict) and facts.items() <= seen[-1][1].items()):
            seen.append(await self.event())
        return seen

    async def leave(self) -> None:
        self._left.set()
        await self.task


@dataclass
class Page:
    app: App
    http: httpx.AsyncClient
    chats: ChatService
    answers: ScriptedAnswers
    models: OneModel
    idle: ScriptedIdle

    async def call(self, method: str, path: str, body: object = None, *, status: int = 200, **headers: str) -> dict:
        response = await self.http.request(method, f"/samovar{path}", json=body, headers=headers)
        assert response.status_code == status, response.text
        return response.json()

    async def new(self) -> str:
        return (await self.call("POST", "/conversations", {}))["id"]

    async def ask(self, conversation: str, content: str, parent: str | None = None) -> dict:
        path = f"/conversations/{conversation}/messages"
        return await self.call("POST", path, {"parent": parent, "content": content})

    async def answered(self, conversation: str, content: str, answer: str, parent: str | None = None) -> dict:
        """The answer, finished."""
        stream = Stream(self.app, f"/samovar/conversations/{conversation}/events")
        asked = await self.ask(conversation, content, parent)
        speech = await self.answers.speech()
        speech.say(answer)
        speech.end()
        *_, (_, message) = await stream.until("message", id=asked["answer"]["id"], state="done")
        await stream.leave()
        assert isinstance(message, dict)
        return message


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    database = Database.open(tmp_path / "samovar.db")
    answers, models, idle = ScriptedAnswers(), OneModel(), ScriptedIdle()
    chats = await ChatService.open(database, answers, idle)
    presets, build = PresetService(tmp_path / "presets"), scripted(tmp_path, UNTIL_STOPPED)
    app = App(router(chats, models, FakeLibrary(), presets, build).routes, unlocked_door)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Page(app, http, chats, answers, models, idle)
    models.over.set()
    await chats.close()
    await database.close()


async def test_the_state_of_the_server(page: Page) -> None:
    state = await page.call("GET", "/state")
    nothing = {"name": None, "state": "none", "progress": 0.0, "error": None, "notes": [], "context": None}
    assert state["model"] == nothing
    tiny = {"name": "tiny", "size": 98_000_000, "quant": "Q4_1", "architecture": "llama", "writes": True}
    assert state["models"] == [tiny]
    page.models.watched.set(READY)
    russian = await page.call("GET", "/state", **{"accept-language": "ru-RU,ru;q=0.9"})
    assert russian["model"]["notes"][0].startswith("За этим ответом")


async def test_a_conversation_is_made_renamed_found_deleted_and_restored(page: Page) -> None:
    made = await page.call("POST", "/conversations", {"title": "Tea", "system": "Be brief."})
    id = made["id"]
    assert set(made) == {"id", "title", "created", "updated", "current", "sampling", "window", "messages"}
    (root,) = made["messages"]
    assert (root["role"], root["content"], made["current"]) == ("system", "Be brief.", root["id"])
    assert await page.call("GET", f"/conversations/{id}") == made
    renamed = await page.call("PATCH", f"/conversations/{id}", {"title": "Чай"})
    assert renamed["title"] == "Чай" and "messages" not in renamed
    assert [line["id"] for line in await page.call("GET", "/conversations?query=чай")] == [id]
    assert await page.call("DELETE", f"/conversations/{id}") == {}
    assert await page.call("GET", "/conversations") == []
    await page.call("GET", f"/conversations/{id}", status=404)
    await page.call("POST", f"/conversations/{id}/restore")
    (line,) = await page.call("GET", "/conversations")
    assert set(line) == {"id", "title", "updated", "snippet"}


async def test_a_question_is_answered_live(page: Page) -> None:
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    assert (await stream.event())[0] == "conversation"
    assert stream.headers[b"content-type"].startswith(b"text/event-stream")
    asked = await page.ask(conversation, "What is tea?")
    question, answer = asked["message"], asked["answer"]
    said = {"content", "thoughts", "state", "model", "error", "stats"}
    assert set(answer) == {"id", "parent", "role", "created"} | said
    assert (question["state"], answer["state"], answer["parent"]) == ("done", "streaming", question["id"])
    speech = await page.answers.speech()
    speech.read(12)
    speech.say("A ", "drink.")
    speech.end()
    seen = await stream.until("message", id=answer["id"], state="done")
    final = seen[-1][1]
    assert seen[:-1] == [
        ("message", question),
        ("title", {"title": "What is tea?"}),
        ("message", answer),
        ("current", {"current": answer["id"]}),
        ("progress", {"id": answer["id"], "done": 12, "total": 20, "cached": 8}),
        ("delta", {"id": answer["id"], "text": "A ", "offset": 0}),
        ("delta", {"id": answer["id"], "text": "drink.", "offset": 2}),
    ]
    assert isinstance(final, dict)
    assert (final["content"], final["model"]) == ("A drink.", "tiny")
    assert set(final["stats"]) == {
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "first_token_ms",
        "tokens_per_second",
        "guessed",
        "came_true",
        "loop",
    }
    assert (await page.call("GET", f"/conversations/{conversation}"))["messages"][1] == final
    await stream.leave()


async def test_a_tab_that_joins_in_mid_answer_misses_nothing(page: Page) -> None:
    conversation = await page.new()
    first = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    answer = (await page.ask(conversation, "Hi"))["answer"]
    speech = await page.answers.speech()
    speech.say("One 🫖 ")
    await first.until("delta", offset=0)
    second = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    name, whole = await second.event()
    assert isinstance(whole, dict)
    text = whole["messages"][1]["content"]
    assert (name, text, whole["current"]) == ("conversation", "One 🫖 ", answer["id"])
    speech.say("two")
    speech.end()
    for event, data in await second.until("message", state="done"):
        assert isinstance(data, dict)
        if event == "delta":
            assert data["offset"] == len(text)
            text += data["text"]
    assert (
        text == "One 🫖 two" == (await page.call("GET", f"/conversations/{conversation}"))["messages"][1]["content"]
    )
    await first.leave()
    await second.leave()


async def test_a_client_that_leaves_frees_its_subscription_and_the_answer_goes_on(page: Page) -> None:
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    answer = (await page.ask(conversation, "Hi"))["answer"]
    await stream.until("current")
    assert page.chats.watched == {conversation}
    await stream.leave()
    assert page.chats.watched == frozenset()
    speech = await page.answers.speech()
    assert not speech.cancelled
    again = Stream(page.app, f"/samovar/conversations/{conversation}/events")
    speech.end()
    await again.until("message", id=answer["id"], state="done")
    await again.leave()


async def test_streams_end_when_the_server_closes(page: Page) -> None:
    conversation = await page.new()
    streams = [
        Stream(page.app, f"/samovar/conversations/{conversation}/events"),
        Stream(page.app, "/samovar/events"),
    ]
    for stream in streams:
        await stream.event()
    page.chats.end_watches()
    for stream in streams:
        await stream.task
        assert stream.ended


async def test_everything_that_can_be_done_with_a_message(page: Page) -> None:
    conversation = await page.new()
    first = await page.answered(conversation, "Hi", "One")
    id = first["id"]

    sibling = (await page.call("POST", f"/messages/{id}/regenerate"))["answer"]
    assert (sibling["parent"], sibling["state"]) == (first["parent"], "streaming")
    (await page.answers.speech()).say("Two")
    await page.call("POST", f"/conversations/{conversation}/stop")
    shown = await page.call("PATCH", f"/conversations/{conversation}", {"current": id})
    assert shown["current"] == id

    resumed = (await page.call("POST", f"/messages/{id}/continue"))["answer"]
    assert (resumed["id"], resumed["state"]) == (id, "streaming")
    assert (await page.answers.speech()).completion.continue_last
    await page.call("POST", f"/conversations/{conversation}/stop")

    edited = await page.call("PATCH", f"/messages/{id}", {"content": "Uno"})
    assert (edited["content"], edited["state"]) == ("Uno", "done")

    prompt = await page.call("GET", f"/messages/{sibling['id']}/prompt")
    parts = [{"text": "<user>Hi", "special": False}, {"text": "<assistant>", "special": True}]
    assert prompt == {"parts": parts, "tokens": 2}

    branch = await page.call("POST", f"/messages/{id}/branch")
    assert [m["content"] for m in branch["messages"]] == ["Hi", "Uno"]
    assert branch["id"] != conversation

    forked = await page.call("POST", f"/messages/{first['parent']}/fork", {"content": "Hello"})
    assert (forked["message"]["content"], forked["answer"]["parent"]) == ("Hello", forked["message"]["id"])


async def test_a_failed_answer_says_why_in_the_readers_language(page: Page) -> None:
    page.answers.refusal = EngineFailed("chats.broken_off")
    conversation = await page.new()
    stream = Stream(page.app, f"/samovar/conversations/{conversation}/events", language="ru")
    await page.ask(conversation, "Hi")
    *_, (_, failed) = await stream.until("message", state="failed")
    assert isinstance(failed, dict) and failed["error"].startswith("Ответ оборвался")
    english = (await page.call("GET", f"/conversations/{conversation}"))["messages"][1]
    assert english["error"].startswith("The answer broke off")
    await stream.leave()


async def test_the_servers_events_tell_of_the_model_and_of_the_list(page: Page) -> None:
    stream = Stream(page.app, "/samovar/events")
    first = {(await stream.event())[0] for _ in range(3)}
    assert first == {"model", "conversations", "build"}
    await page.new()
    await stream.until("conversations")
    page.models.watched.set(READY)
    await stream.until("model", state="ready", progress=1.0)
    await stream.leave()


async def test_a_model_is_loaded_in_the_background(page: Page) -> None:
    stream = Stream(page.app, "/samovar/events")
    state = await page.call("POST", "/models/load", {"name": "tiny"}, status=202)
    assert (state["name"], state["state"]) == ("tiny", "loading")
    page.models.over.set()
    *_, (_, failed) = await stream.until("model", state="failed")
    assert isinstance(failed, dict) and failed["error"].startswith("The answer broke off")
    assert (await page.call("POST", "/models/unload", status=202))["state"] == "none"
    await stream.leave()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/conversations/nowhere", None, 404),
        ("GET", "/conversations/nowhere/events", None, 404),
        ("POST", "/conversations/nowhere/messages", {"content": "Hi"}, 404),
        ("POST", "/messages/nothing/regenerate", None, 404),
        ("GET", "/messages/nothing/prompt", None, 404),
        ("POST", "/models/load", {"name": "other"}, 404),
        ("POST", "/models/load", {}, 400),
        ("POST", "/conversations", {"title": 5}, 400),
        ("POST", "/conversations", ["title"], 400),
        ("PATCH", "/conversations/HERE", {}, 400),
        ("PATCH", "/conversations/HERE", {"current": "nothing"}, 404),
        ("POST", "/conversations/HERE/messages", {}, 400),
        ("POST", "/conversations/HERE/messages", {"content": "  "}, 400),
        ("POST", "/conversations/HERE/messages", {"content": "Hi", "parent": "nothing"}, 404),
    ],
)
async def test_what_cannot_be_done_is_said(page: Page, method: str, path: str, body: object, status: int) -> None:
    here = await page.new()
    error = (await page.call(method, path.replace("HERE", here), body, status=status))["error"]
    assert set(error) == {"kind", "message"} and error["message"]


async def test_two_answers_at_one_place_are_a_conflict(page: Page) -> None:
    conversation = await page.new()
    asked = await page.ask(conversation, "Hi")
    path = f"/messages/{asked['answer']['id']}/regenerate"
    error = (await page.call("POST", path, status=409, **{"accept-language": "ru"}))["error"]
    assert error == {
        "kind": "Conflict",
        "message": "На это сообщение уже пишется другой ответ. Дождитесь конца или сначала остановите его.",
    }


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"content": "\\ud800"}', b'{"content": "a\\u0000b"}'])
async def test_odd_bytes_never_break_the_server(page: Page, body: bytes) -> None:
    conversation = await page.new()
    response = await page.http.post(f"/samovar/conversations/{conversation}/messages", content=body)
    assert response.status_code in (200, 400)
