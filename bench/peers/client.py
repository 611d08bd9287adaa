"""The HTTP client of both sides: raw sockets, one connection a request, nothing parsed before the answer is over.

A client that shares two cores with the server it measures must cost next to nothing. Knows what OpenAI's API and
server-sent events look like, and no server by name.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
LONGEST_LINE = 1 << 22
GREEDY: Mapping[str, object] = {"temperature": 0.0, "top_k": 1, "ignore_eos": True}
"""The same draw on every side, and answers that end where `max_tokens` says."""


class Refused(Exception):
    """A side answered with something other than success."""


@dataclass(frozen=True)
class Heard:
    """One streamed answer. `times`: when each piece of text came, in seconds after the request was sent."""

    times: tuple[float, ...]
    text: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.times[0]

    @property
    def rate(self) -> float:
        """Tokens a second after the first one."""
        return (self.completion_tokens - 1) / (self.times[-1] - self.times[0])


async def complete(port: int, prompt: str, tokens: int) -> Heard:
    """A text completion of exactly `tokens` tokens."""
    return await _answer(port, "/v1/completions", {"prompt": prompt}, tokens)


async def chat(port: int, messages: list[dict[str, str]], tokens: int) -> Heard:
    """An answer of exactly `tokens` tokens to a chat."""
    return await _answer(port, "/v1/chat/completions", {"messages": messages}, tokens)


async def call(port: int, method: str, path: str, body: object = None) -> Any:
    """One request and its JSON answer. Raises Refused, and OSError where nobody listens."""
    async with _exchange(port, method, path, body) as reader:
        # Lines between the marks of chunked encoding; a JSON answer of the servers measured here is one line.
        lines = (await reader.read()).decode().splitlines()
    return json.loads(next(line for line in lines if line[:1] in "{["))


async def events(port: int, path: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    """Server-sent events as (name, data), until the server or the caller ends it."""
    async with _exchange(port, "GET", path) as reader:
        name = ""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                name = line[len(b"event: ") :].strip().decode()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[len(b"data: ") :])


async def _answer(port: int, path: str, asked: Mapping[str, object], tokens: int) -> Heard:
    body = {**asked, **GREEDY, "max_tokens": tokens, "stream": True, "stream_options": {"include_usage": True}}
    came: list[tuple[float, bytes]] = []
    began = time.perf_counter()
    async with _exchange(port, "POST", path, body) as reader:
        while line := await reader.readline():
            if line.startswith(b"data: [DONE]"):
                break
            if line.startswith(b"data: "):
                came.append((time.perf_counter() - began, line))
    return _heard([(moment, json.loads(line[len(b"data: ") :])) for moment, line in came])


def _heard(chunks: list[tuple[float, dict[str, Any]]]) -> Heard:
    failed = next((chunk for _, chunk in chunks if "error" in chunk), None)
    if failed or not chunks:
        raise Refused(str(failed))
    texts = [(moment, _text(chunk)) for moment, chunk in chunks]
    usage = next(chunk["usage"] for _, chunk in reversed(chunks) if chunk.get("usage"))
    times = tuple(moment for moment, text in texts if text)
    return Heard(times, "".join(text for _, text in texts), usage["prompt_tokens"], usage["completion_tokens"])


def _text(chunk: dict[str, Any]) -> str:
    """The text of a chunk, be it of a chat or of a completion."""
    choice: dict[str, Any] = next(iter(chunk.get("choices") or ()), {})
    return str(choice.get("text") or choice.get("delta", {}).get("content") or "")


@asynccontextmanager
async def _exchange(port: int, method: str, path: str, body: object = None) -> AsyncIterator[asyncio.StreamReader]:
    """Sends one request; the block reads the answer's body. Raises Refused for a status that is no success."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=LONGEST_LINE)
    try:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n"
        writer.write(
            f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
        )
        status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        if status >= 300:
            raise Refused(f"{method} {path}: {status} {(await reader.read()).decode()[:1000]}")
        yield reader
    finally:
        writer.close()
