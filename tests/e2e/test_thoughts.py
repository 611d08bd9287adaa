"""Thoughts in a real server: kept through the power button, and sent again only where the template writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.e2e.conftest import Serve, Served, events

REPLY = quote("<think>\nHm, tea?\n</think>\n\nPour water.", safe="")
MODEL = f"echo:reply={REPLY}"
TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
MUSED = "<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
OPENED = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
FORGETS = "{% for m in messages %}" + TURN + "{% endfor %}" + OPENED
REMEMBERS = "{% for m in messages %}" + MUSED + "{{ m.content }}<|im_end|>\n{% endfor %}" + OPENED


class Chat:
    """A conversation over the page's own API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.id = self.call("POST", "/conversations", {})["id"]

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = self._client.request(method, f"/samovar{path}", json=body)
        response.raise_for_status()
        told: dict[str, Any] = response.json()
        return told

    def ask(self, content: str, parent: str | None = None) -> dict[str, Any]:
        """The answer, once it is whole."""
        asked = self.call("POST", f"/conversations/{self.id}/messages", {"parent": parent, "content": content})
        return self.ended(str(asked["answer"]["id"]))

    def ended(self, id: str) -> dict[str, Any]:
        with self._client.stream("GET", f"/samovar/conversations/{self.id}/events") as response:
            for event in events(response.iter_lines()):
                for message in event.get("messages", [event]):
                    if message.get("id") == id and message.get("state", "streaming") != "streaming":
                        return dict(message)
        raise AssertionError("the answer did not end")


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve("--model", MODEL)


@pytest.fixture
def chat(served: Served) -> Iterator[Chat]:
    with served.client() as client:
        yield Chat(client)


def test_thoughts_outlive_the_server(serve: Serve, served: Served, chat: Chat) -> None:
    answer = chat.ask("How is tea made?")
    assert (answer["thoughts"], answer["content"]) == ("Hm, tea?", "Pour water.")
    served.kill()
    with serve("--model", MODEL, home=served.home).client() as client:
        kept = client.get(f"/samovar/conversations/{chat.id}").json()["messages"][-1]
    assert (kept["thoughts"], kept["content"]) == ("Hm, tea?", "Pour water.")


@pytest.mark.parametrize(("template", "sent"), [(FORGETS, False), (REMEMBERS, True)])
def test_the_template_decides_whether_they_are_sent_again(chat: Chat, template: str, sent: bool) -> None:
    own = {"threads": None, "library": None, "template": template, "preset": None}
    chat.call("PUT", "/models/echo/settings", own)
    chat.call("POST", "/models/unload")
    first = chat.ask("How is tea made?")
    second = chat.ask("And cold?", str(first["id"]))
    parts = chat.call("GET", f"/messages/{second['id']}/prompt")["parts"]
    prompt = "".join(part["text"] for part in parts)
    assert "Pour water." in prompt
    assert ("Hm, tea?" in prompt) == sent
