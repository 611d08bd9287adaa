"""What happens when things go wrong: the person gets a sentence, nothing is lost, the next request works."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Serve, Served, events, samovar
from tests.support.tiny_llama import TinyLlama

SLOW_ECHO = ("--model", "echo:step_ms=10")


def conversation(served: Served) -> str:
    return str(served.post("/samovar/conversations", {}).json()["id"])


def send(
    served: Served, conversation: str, content: str, parent: str | None = None
) -> dict[str, dict[str, object]]:
    reply = served.post(f"/samovar/conversations/{conversation}/messages", {"parent": parent, "content": content})
    assert reply.status_code < 300, reply.text
    return reply.json()  # type: ignore[no-any-return]


def message(served: Served, conversation: str, id: object) -> dict[str, object]:
    tree = served.get(f"/samovar/conversations/{conversation}").json()
    return next(m for m in tree["messages"] if m["id"] == id)  # type: ignore[no-any-return]


def follow(served: Served, conversation: str, until: Callable[[dict[str, Any]], bool]) -> None:
    """Reads the conversation's live events until the data of one fit."""
    with served.client() as client, client.stream("GET", f"/samovar/conversations/{conversation}/events") as stream:
        next(data for data in events(stream.iter_lines()) if until(data))


def comes_to(id: object, state: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event shows message `id` in `state`: alone, or within the whole conversation."""
    return lambda data: any(
        m.get("id") == id and m.get("state") == state for m in [data, *data.get("messages", [])]
    )


def says_something(data: dict[str, Any]) -> bool:
    return "offset" in data


def test_text_that_was_shown_survives_the_death_of_the_server(serve: Serve, tmp_path: Path) -> None:
    served = serve(*SLOW_ECHO, home=tmp_path / "home")
    chat = conversation(served)
    answer = send(served, chat, "x" * 400)["answer"]
    seen: list[str] = []

    def a_second_and_a_half_was_shown(data: dict[str, Any]) -> bool:
        seen.append(str(data.get("text", "")))
        return len("".join(seen)) > 150

    follow(served, chat, a_second_and_a_half_was_shown)
    served.kill()
    again = serve(*SLOW_ECHO, home=tmp_path / "home")
    kept = message(again, chat, answer["id"])
    assert kept["state"] == "interrupted"
    assert len(str(kept["content"])) >= len("".join(seen)) - 100, "a second of this stream is 100 characters"
    assert set(str(kept["content"])) == {"x"}


def test_a_worker_killed_in_mid_answer_costs_that_answer_and_nothing_else(serve: Serve) -> None:
    served = serve(*SLOW_ECHO)
    other = conversation(served)
    done = send(served, other, "hello")["answer"]
    follow(served, other, comes_to(done["id"], "done"))
    chat = conversation(served)
    answer = send(served, chat, "y" * 400)["answer"]
    follow(served, chat, says_something)
    os.kill(served.worker_pid(), signal.SIGSEGV)
    follow(served, chat, comes_to(answer["id"], "failed"))
    failed = message(served, chat, answer["id"])
    assert failed["state"] == "failed"
    assert "SIGSEGV" in str(failed["error"])
    assert failed["content"]
    assert message(served, other, done["id"])["content"] == "hello"
    next_answer = send(served, other, "again", str(done["id"]))["answer"]
    follow(served, other, comes_to(next_answer["id"], "done"))
    assert message(served, other, next_answer["id"])["content"] == "again"


def test_a_worker_killed_under_the_api_ends_the_stream_with_an_error_event(serve: Serve) -> None:
    served = serve(*SLOW_ECHO)
    body = {"messages": [{"role": "user", "content": "z" * 400}], "stream": True}
    with served.client() as client, client.stream("POST", "/v1/chat/completions", json=body) as stream:
        lines = stream.iter_lines()
        next(line for line in lines if "zz" in line or '"z"' in line)
        os.kill(served.worker_pid(), signal.SIGSEGV)
        rest = [line for line in lines if line.startswith("data: ")]
    assert any('"error"' in line and "SIGSEGV" in line for line in rest)
    answer = served.post(
        "/v1/chat/completions", {"messages": [{"role": "user", "content": "ok"}], "temperature": 0}
    )
    assert answer.json()["choices"][0]["message"]["content"] == "ok"


def test_a_second_server_on_one_home_is_refused(serve: Serve, tmp_path: Path) -> None:
    served = serve("--model", "echo", home=tmp_path / "home")
    second = samovar("serve", "--port", "0", "--no-browser", home=tmp_path / "home")
    assert second.returncode == 2
    assert str(served.process.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        second = samovar("serve", "--port", str(port), "--no-browser", home=tmp_path / "home")
    assert second.returncode == 2
    assert str(port) in second.stderr
    assert str(os.getpid()) in second.stderr
    assert "Traceback" not in second.stderr


def test_an_open_address_without_a_key_is_refused(tmp_path: Path) -> None:
    refused = samovar("serve", "--host", "0.0.0.0", "--port", "0", "--no-browser", home=tmp_path / "home")
    assert refused.returncode == 2
    assert "--api-key" in refused.stderr


def test_ctrl_c_ends_the_server_cleanly_even_while_pages_listen(serve: Serve) -> None:
    served = serve("--model", "echo")
    with served.client() as client, client.stream("GET", "/samovar/events") as stream:
        next(stream.iter_lines())
        assert served.stop() == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.gguf", b""),
        ("page.gguf", b"<!DOCTYPE html><html>404</html>"),
        ("cut.gguf", b"GGUF\x03\x00\x00\x00"),
        ("huge.gguf", b"GGUF\x03\x00\x00\x00" + b"\xff" * 16),
    ],
)
def test_a_file_that_is_no_model_is_a_sentence_in_the_terminal_and_over_http(
    serve: Serve, tmp_path: Path, name: str, content: bytes
) -> None:
    bad = tmp_path / name
    bad.write_bytes(content)
    for command in (("show", str(bad)), ("run", "--model", str(bad), "hi")):
        refused = samovar(*command, home=tmp_path / "home")
        assert refused.returncode == 2, refused.stderr
        assert len(refused.stderr.strip()) > 30
        assert "Traceback" not in refused.stderr
    models = tmp_path / "served" / "models"
    models.mkdir(parents=True)
    (models / name).write_bytes(content)
    served = serve("--model", "echo", home=tmp_path / "served")
    reply = served.post("/v1/completions", {"model": name.removesuffix(".gguf"), "prompt": "hi"})
    assert reply.status_code in (400, 404, 422)
    assert "Traceback" not in reply.text
    assert served.get("/health").status_code == 200


def test_a_model_of_an_unknown_architecture_is_named_with_its_architecture(serve: Serve, tmp_path: Path) -> None:
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    path = models / "strange.gguf"
    TinyLlama().write(path)
    path.write_bytes(path.read_bytes().replace(b"llama", b"lxama"))
    refused = samovar("run", "--model", "strange", "hi", home=tmp_path / "home")
    assert refused.returncode == 2
    assert "lxama" in refused.stderr
    served = serve("--model", "echo", home=tmp_path / "home")
    reply = served.post("/v1/completions", {"model": "strange", "prompt": "hi"})
    assert reply.status_code in (400, 404, 422)
    assert "lxama" in reply.text
    assert str(tmp_path) not in reply.text
    assert served.post("/v1/completions", {"model": "echo", "prompt": "abc"}).status_code == 200


def test_a_missing_model_is_a_sentence(tmp_path: Path) -> None:
    for command in (("show", "nothing.gguf"), ("run", "--model", "nothing.gguf", "hi")):
        refused = samovar(*command, home=tmp_path / "home")
        assert refused.returncode == 2
        assert "nothing.gguf" in refused.stderr


def test_a_context_beyond_the_memory_is_refused_with_the_numbers(tmp_path: Path) -> None:
    refused = samovar("run", "--ctx", "16000000", "hi", home=tmp_path / "home")
    assert refused.returncode == 2
    assert "16,000,000" in refused.stderr
    assert "MiB" in refused.stderr


def test_a_full_queue_is_503_with_retry_after(serve: Serve) -> None:
    served = serve("--model", "echo:step_ms=20", "--parallel", "1")
    replies: list[httpx.Response] = []

    def ask() -> None:
        body = {"messages": [{"role": "user", "content": "q" * 8}], "max_tokens": 8}
        replies.append(served.post("/v1/chat/completions", body))

    askers = [threading.Thread(target=ask) for _ in range(100)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(120)
    refused = [r for r in replies if r.status_code == 503]
    assert refused
    assert all(int(r.headers["Retry-After"]) > 0 for r in refused)
    assert all(r.status_code in (200, 503) for r in replies)
