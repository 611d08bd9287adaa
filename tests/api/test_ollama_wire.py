"""Ollama's lines, byte by byte, and how they are written."""

from __future__ import annotations

import json
import re
import socket
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.answering.collected import Choice, Collected
from samovar.api.dialects.ollama.catalogue import parameter_size
from samovar.api.dialects.ollama.clock import Clock, stamp
from samovar.api.dialects.ollama.stream import Head, Lines, whole
from samovar.api.dialects.ollama.wire import Form, chat_line, generate_line
from samovar.api.sse import NDJSON, EventStream, Writing
from samovar.core.errors import EngineFailed
from samovar.core.events import Call, Delta, Done, Event, Finish, Thought, Timings, TokenDetail, Usage
from samovar.core.requests import ToolCall
from tests.api.conftest import Served, says

EVENTS: tuple[Event, ...] = (
    Thought(0, "hm", (TokenDetail(1, b"hm", -0.5),)),
    Delta(0, "Hé", (TokenDetail(2, "Hé".encode(), -0.25),)),
    Call(0, 0, "call_1", "now", "{"),
    Call(0, 0, "", "", '\n  "city": "Paris",\r\n  "n": [1, 2.5]\n}'),
    Finish(0, "length"),
    Done(Usage(7, 2, 3), Timings(5, 1.5, 3, 2.0, 2)),
)

CHAT = """\
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z",\
"message":{"role":"assistant","content":"","thinking":"hm"},"done":false}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z",\
"message":{"role":"assistant","content":"Hé"},"done":false}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","message":{"role":"assistant","content":"",\
"tool_calls":[{"id":"call_1","function":{"index":0,"name":"now","arguments":{"city":"Paris","n":[1,2.5]}}}]},"done":false}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z",\
"message":{"role":"assistant","content":""},"done":true,"done_reason":"length",\
"total_duration":10000000,"load_duration":6500000,"prompt_eval_count":7,"prompt_eval_duration":1500000,\
"eval_count":3,"eval_duration":2000000,"timings":{"prompt_n":5,"prompt_ms":1.5,"predicted_n":3,\
"predicted_ms":2.0,"cache_n":2}}
"""

GENERATE = """\
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","response":"","done":false,"thinking":"hm",\
"logprobs":[{"token":"hm","logprob":-0.5,"bytes":[104,109]}]}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","response":"Hé","done":false,\
"logprobs":[{"token":"Hé","logprob":-0.25,"bytes":[72,195,169]}]}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","response":"","done":false,\
"tool_calls":[{"id":"call_1","function":{"index":0,"name":"now","arguments":{"city":"Paris","n":[1,2.5]}}}]}
{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","response":"","done":true,\
"done_reason":"length","context":[9,8,1,2],\
"total_duration":10000000,"load_duration":6500000,"prompt_eval_count":7,"prompt_eval_duration":1500000,\
"eval_count":3,"eval_duration":2000000,"timings":{"prompt_n":5,"prompt_ms":1.5,"predicted_n":3,\
"predicted_ms":2.0,"cache_n":2}}
"""


def head(form: Form, *, logprobs: bool = False, remembered: tuple[int, ...] | None = None) -> Head:
    """Lines at a moment of their own, by a clock that has gone on by ten milliseconds whenever it is read."""
    ticks = count(0, 10_000_000)
    return Head(form, "m:latest", Clock(lambda: 1.7e9, lambda: next(ticks)), logprobs, [], remembered)


def test_the_lines_of_a_chat() -> None:
    lines = Lines(head(chat_line))
    assert lines.first() + b"".join(map(lines.translate, EVENTS)) == CHAT.encode()


def test_the_lines_of_a_completion() -> None:
    lines = Lines(head(generate_line, logprobs=True, remembered=(9, 8)))
    assert b"".join(map(lines.translate, EVENTS)) == GENERATE.encode()


def test_a_whole_answer_is_one_object() -> None:
    choice = Choice(0, "Hé", "hm", [ToolCall("call_1", "now", "{}")], reason="stop")
    done = EVENTS[-1]
    assert isinstance(done, Done)
    assert whole(Collected("m", [choice], done), head(chat_line)).decode() == (
        '{"model":"m:latest","created_at":"2023-11-14T22:13:20.000000Z","message":{"role":"assistant",'
        '"content":"Hé","thinking":"hm","tool_calls":[{"id":"call_1","function":{"index":0,"name":"now",'
        '"arguments":{}}}]},"done":true,"done_reason":"stop","total_duration":10000000,"load_duration":6500000,'
        '"prompt_eval_count":7,"prompt_eval_duration":1500000,"eval_count":3,"eval_duration":2000000,'
        '"timings":{"prompt_n":5,"prompt_ms":1.5,"predicted_n":3,"predicted_ms":2.0,"cache_n":2}}'
    )


def test_a_broken_stream_ends_with_a_sentence() -> None:
    line = Lines(head(chat_line)).failure(EngineFailed("api.broken_off"), "en")
    assert line == b'{"error":"The model broke off in the middle of its answer. Try again."}\n'


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_an_answer_of_any_characters_is_one_line_for_everybody(texts: list[str]) -> None:
    lines = Lines(head(generate_line))
    raw = b"".join(lines.translate(Delta(0, text)) for text in texts)
    read = [json.loads(line)["response"] for line in raw.decode().splitlines()]
    assert read == texts


def test_moments_and_sizes_as_ollama_writes_them() -> None:
    assert stamp(1.7e9 + 0.25) == "2023-11-14T22:13:20.250000Z"
    sizes = (0, 90, 22_700_000, 134_515_008, 7_241_732_096, 1.1e12)
    assert [parameter_size(int(size)) for size in sizes] == ["", "90", "22.70M", "134.52M", "7.2B", "1.1T"]


def chunks(raw: bytes) -> list[bytes]:
    """The chunks of a body in chunked encoding: what the server wrote with one send each."""
    body, found = raw.partition(b"\r\n\r\n")[2], []
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        start = body.index(b"\r\n") + 2
        found.append(body[start : start + size])
        body = body[start + size + 2 :]
    return found


@pytest.mark.parametrize("agent", ["node-fetch", "curl/8"])
def test_every_object_is_a_write_of_its_own_on_the_wire(served: Served, agent: str) -> None:
    served.answers.script = says("A", "B", "C")
    body = b'{"prompt": "x", "raw": true}'
    with socket.create_connection(("127.0.0.1", served.port)) as wire:
        wire.sendall(
            b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nUser-Agent: %s\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (agent.encode(), len(body), body)
        )
        raw = b"".join(iter(lambda: wire.recv(65536), b""))
    assert b"content-type: application/x-ndjson\r\n" in raw.lower()
    written = chunks(raw)
    assert [json.loads(chunk)["response"] for chunk in written] == ["A", "B", "C", ""]
    assert all(re.fullmatch(rb"\{[^\r\n]*\}\n", chunk) for chunk in written)


async def test_a_client_that_needs_it_is_given_time_between_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes at once is sent one by one, with the pause behind each."""
    done: list[object] = []

    async def frames():
        for line in (b"1\n", b"2\n", b"3\n"):
            yield line

    async def send(message: dict[str, object]) -> None:
        done.append(message.get("body", "headers"))

    async def sleep(seconds: float) -> None:
        done.append(seconds)
        await asyncio_sleep(0 if seconds < 1 else seconds)

    async def close() -> None: ...

    async def receive() -> dict[str, object]:
        await asyncio_sleep(3600)
        raise AssertionError

    import asyncio

    asyncio_sleep = asyncio.sleep
    monkeypatch.setattr("samovar.api.sse.asyncio.sleep", sleep)
    writing = Writing(NDJSON.media_type, apart=True, ping=b"", pause=0.005)
    await EventStream(frames(), close, writing)({}, receive, send)
    assert [step for step in done if step != writing.silence] == [
        "headers",
        b"1\n",
        0.005,
        b"2\n",
        0.005,
        b"3\n",
        0.005,
        b"",
    ]
