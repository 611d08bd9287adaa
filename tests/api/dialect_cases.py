"""One case for each endpoint of each dialect that answers: what is sent to it, and how its answers are read.

A new dialect adds its cases here, and `test_dialects.py` holds it to what every dialect promises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from samovar.core.errors import Busy, SamovarError

Body = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """`streaming`: what is added to `body` for a stream; `stream_path`: where that is asked, if elsewhere than at
    `path`. `text`: the answer's text in a whole reply; `pieces`: the texts of a stream, in order, whatever the
    dialect calls them; `broken`: whether a stream's bytes say that it ended with an error. `statuses`: of errors
    that the dialect's clients know by another status than the table's."""

    name: str
    path: str
    body: Body
    streaming: Body
    text: Callable[[bytes], str]
    pieces: Callable[[bytes], list[str]]
    broken: Callable[[bytes], bool]
    stream_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[type[SamovarError], int] = field(default_factory=dict)


def sse_objects(raw: bytes) -> list[dict[str, object]]:
    """The JSON objects of a stream of server-sent events, in order; comments and [DONE] left out."""
    lines = [line for line in raw.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def ndjson_objects(raw: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in raw.decode().splitlines() if line]


def _chat_text(raw: bytes) -> str:
    message = json.loads(raw)["choices"][0]["message"]
    return str(message["content"] or "")


def _text_text(raw: bytes) -> str:
    return str(json.loads(raw)["choices"][0]["text"])


def _chat_pieces(raw: bytes) -> list[str]:
    choices = [choice for chunk in sse_objects(raw) for choice in chunk.get("choices", [])]
    return [choice["delta"].get("content") or "" for choice in choices if choice["index"] == 0]


def _text_pieces(raw: bytes) -> list[str]:
    choices = [choice for chunk in sse_objects(raw) for choice in chunk.get("choices", [])]
    return [choice["text"] for choice in choices if choice["index"] == 0]


def openai_broken(raw: bytes) -> bool:
    return "error" in sse_objects(raw)[-1]


def _kobold_text(raw: bytes) -> str:
    return str(json.loads(raw)["results"][0]["text"])


def _kobold_pieces(raw: bytes) -> list[str]:
    return [str(event["token"]) for event in sse_objects(raw)]


def kobold_broken(raw: bytes) -> bool:
    return sse_objects(raw)[-1]["finish_reason"] == "error"


def _llamacpp_pieces(raw: bytes) -> list[str]:
    return [str(said["content"]) for said in sse_objects(raw) if said.get("index") == 0]


def _ollama_text(raw: bytes) -> str:
    return _ollama_piece(json.loads(raw))


def _ollama_pieces(raw: bytes) -> list[str]:
    return [_ollama_piece(line) for line in ndjson_objects(raw) if "error" not in line]


def _ollama_piece(line: Mapping[str, Any]) -> str:
    return str(line["response"] if "response" in line else line["message"]["content"])


def ollama_broken(raw: bytes) -> bool:
    return "error" in ndjson_objects(raw)[-1]


def _message_text(raw: bytes) -> str:
    return "".join(block["text"] for block in json.loads(raw)["content"] if block["type"] == "text")


def _message_pieces(raw: bytes) -> list[str]:
    deltas = [event["delta"] for event in sse_objects(raw) if event["type"] == "content_block_delta"]
    return [delta["text"] for delta in deltas if delta["type"] == "text_delta"]


def _message_broken(raw: bytes) -> bool:
    return sse_objects(raw)[-1]["type"] == "error"


def _response_text(raw: bytes) -> str:
    messages = [item for item in json.loads(raw)["output"] if item["type"] == "message"]
    return "".join(part["text"] for message in messages for part in message["content"])


def _response_pieces(raw: bytes) -> list[str]:
    return [str(event["delta"]) for event in sse_objects(raw) if event["type"] == "response.output_text.delta"]


def _response_broken(raw: bytes) -> bool:
    return sse_objects(raw)[-1]["type"] == "response.failed"


CASES: tuple[Case, ...] = (
    Case(
        name="responses",
        path="/v1/responses",
        body={"input": "Hello"},
        streaming={"stream": True},
        text=_response_text,
        pieces=_response_pieces,
        broken=_response_broken,
    ),
    Case(
        name="anthropic",
        path="/v1/messages",
        body={"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16},
        streaming={"stream": True},
        text=_message_text,
        pieces=_message_pieces,
        broken=_message_broken,
        headers={"anthropic-version": "2023-06-01"},
        statuses={Busy: 529},
    ),
    Case(
        name="openai-chat",
        path="/v1/chat/completions",
        body={"messages": [{"role": "user", "content": "Hello"}]},
        streaming={"stream": True},
        text=_chat_text,
        pieces=_chat_pieces,
        broken=openai_broken,
    ),
    Case(
        name="openai-text",
        path="/v1/completions",
        body={"prompt": "Hello"},
        streaming={"stream": True},
        text=_text_text,
        pieces=_text_pieces,
        broken=openai_broken,
    ),
    Case(
        name="koboldcpp",
        path="/api/v1/generate",
        body={"prompt": "Hello"},
        streaming={},
        text=_kobold_text,
        pieces=_kobold_pieces,
        broken=kobold_broken,
        stream_path="/api/extra/generate/stream",
    ),
    Case(
        name="llamacpp-completion",
        path="/completion",
        body={"prompt": "Hello"},
        streaming={"stream": True},
        text=lambda raw: str(json.loads(raw)["content"]),
        pieces=_llamacpp_pieces,
        broken=openai_broken,
    ),
    Case(
        name="llamacpp-infill",
        path="/infill",
        body={"input_prefix": "def hello():\n    ", "input_suffix": "\n"},
        streaming={"stream": True},
        text=lambda raw: str(json.loads(raw)["content"]),
        pieces=_llamacpp_pieces,
        broken=openai_broken,
    ),
    Case(
        name="ollama-generate",
        path="/api/generate",
        body={"prompt": "Hello", "stream": False},
        streaming={"stream": True},
        text=_ollama_text,
        pieces=_ollama_pieces,
        broken=ollama_broken,
    ),
    Case(
        name="ollama-chat",
        path="/api/chat",
        body={"messages": [{"role": "user", "content": "Hello"}], "stream": False},
        streaming={"stream": True},
        text=_ollama_text,
        pieces=_ollama_pieces,
        broken=ollama_broken,
    ),
)
