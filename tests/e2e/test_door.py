"""The door of the real server: nothing of the machine gets out, and keys do what they say at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.api.routes import every_route, filled
from tests.e2e.conftest import Serve, Served, samovar, start

MESSAGES = [{"role": "user", "content": "Hello"}]

STARTS_WORK = re.compile(r"^/samovar/build|/events$|^/c/")
"""Routes that compile, or answer for ever, or serve the page whatever stands behind them."""

TRAVERSALS = (
    "..%2f..%2fsecret", "%2e%2e%2fsecret", "....//secret", "..%5csecret", "%2fetc%2fpasswd", "C:%5csecret",
    "%5c%5chost%5cshare", "secret%00", "nul", "file:%2f%2f%2fetc%2fpasswd", "~%2fsecret", "%c0%ae%c0%ae%2fsecret",
    ".", "..", "%e2%80%ae", "secret%0d%0aset-cookie:%20a=b",
)  # fmt: skip


SECRET = "the contents of a file"


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("echo"), "--model", "echo")
    (served.home / "secret").write_text(SECRET)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    found = every_route(tmp_path_factory.mktemp("routes"))
    return [(method, path) for method, path in found if not STARTS_WORK.search(path)]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_no_name_in_an_address_is_a_path(echo: Served, templates: list[tuple[str, str]], name: str) -> None:
    """Whatever stands where a route has a name: no file is read or written by it."""
    with echo.client() as client:
        for method, template in templates:
            if "{" not in template:
                continue
            reply = client.request(method, filled(template, name), content=b"{}")
            assert reply.status_code < 500 or reply.status_code == 501, (method, template, reply.status_code)
            assert SECRET not in reply.text
            assert str(echo.home) not in reply.text
            assert "set-cookie" not in reply.headers
    assert (echo.home / "secret").read_text() == SECRET
    written = {path for path in echo.home.rglob("*") if path.is_file() and path.parent == echo.home}
    assert {path.name for path in written} <= {
        "secret",
        "keys.stamp",
        "samovar.lock",
        "samovar.db",
        "samovar.db-wal",
        "samovar.db-shm",
    }


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "..\\secret", "secret\0", "C:\\secret", "a/../../secret"]
)
@pytest.mark.parametrize("field", ["model", "preset", "name", "filename"])
def test_no_name_in_a_body_is_a_path(echo: Served, templates: list[tuple[str, str]], name: str, field: str) -> None:
    with echo.client() as client:
        for method, template in templates:
            if method not in ("POST", "PUT", "PATCH") or template.startswith("/samovar/keys"):
                continue
            body = {"prompt": "x", "max_tokens": 1, "messages": MESSAGES, field: name}
            reply = client.request(method, filled(template), json=body)
            assert reply.status_code < 500 or reply.status_code == 501, (method, template, reply.text)
            assert SECRET not in reply.text
    assert (echo.home / "secret").read_text() == SECRET


def test_no_error_tells_of_this_machine(echo: Served, templates: list[tuple[str, str]]) -> None:
    bodies = (b"", b"{}", b"{", b"[]", b"\xff", b'{"prompt": 1e999, "messages": [{"role": 7}], "name": {"a": []}}')
    with echo.client() as client:
        for method, template in templates:
            for content in bodies if not template.startswith("/samovar/keys") else bodies[2:5]:
                reply = client.request(method, filled(template), content=content)
                assert reply.status_code < 500 or reply.status_code in (501, 503), (method, template, reply.text)
                told = re.search(r"Traceback|0x[0-9a-f]{6}|\.py\b|site-packages", reply.text)
                assert not (reply.status_code >= 400 and (told or str(echo.home) in reply.text)), reply.text


def client_of(served: Served, key: str) -> openai.OpenAI:
    http = httpx.Client(trust_env=False, timeout=60)
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0, http_client=http)


def test_openais_client_comes_in_with_a_key_until_it_is_revoked(serve: Serve) -> None:
    """Keys are made and taken back by another process, while the server runs."""
    served = serve("--model", "echo")
    home = served.home
    refused = samovar("keys", "add", "laptop", home=home)
    assert refused.returncode == 2
    assert "admin" in refused.stderr
    with client_of(served, "none") as anybody:
        assert anybody.completions.create(model="echo", prompt="Hello").choices[0].text
        made = samovar("keys", "add", "owner", "--scope", "admin", home=home)
        assert made.returncode == 0, made.stderr
        with pytest.raises(openai.AuthenticationError):
            anybody.completions.create(model="echo", prompt="Hello")
    secret = samovar("keys", "add", "laptop", home=home).stdout.strip()
    with client_of(served, secret) as laptop:
        assert laptop.completions.create(model="echo", prompt="Hello").choices[0].text
        chat = laptop.chat.completions.create(model="echo", messages=MESSAGES, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chat if chunk.choices)
        with served.client() as raw:
            assert raw.get("/samovar/conversations", headers={"x-api-key": secret}).status_code == 403
        listed = samovar("keys", "ls", home=home).stdout
        assert "laptop" in listed
        assert secret not in listed
        assert samovar("keys", "rm", "laptop", home=home).returncode == 0
        with pytest.raises(openai.AuthenticationError):
            laptop.completions.create(model="echo", prompt="Hello")
    assert secret.encode() not in b"".join(path.read_bytes() for path in home.glob("samovar.db*"))


def test_an_open_address_needs_a_key(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "box.invalid"):
        refused = samovar("serve", "--host", host, "--port", "0", "--no-browser", "--model", "echo", home=tmp_path)
        assert refused.returncode == 2, host
        assert "--api-key" in refused.stderr or "address" in refused.stderr.lower()


def test_sites_and_names_are_let_in_as_the_command_line_and_the_settings_say(serve: Serve, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text('allow_origin = ["https://Lite.KoboldAI.net/"]\n')
    served = serve("--model", "echo", "--allow-host", "Box.lan", home=home)
    lite = {"origin": "https://lite.koboldai.net"}
    with served.client() as client:
        answer = client.post("/v1/completions", json={"prompt": "x"}, headers=lite)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, lite["origin"])
        assert client.get("/v1/models", headers={"host": "box.lan:7860"}).status_code == 200
        assert client.get("/v1/models", headers={"host": "other.lan"}).status_code == 403
    refused = samovar("serve", "--port", "0", "--model", "echo", "--allow-origin", "*", home=tmp_path)
    assert refused.returncode == 2
    assert "origin" in refused.stderr


CANARY = "the canary sings at a quarter past four"


def test_the_log_has_a_line_a_request_and_nothing_that_was_said(serve: Serve) -> None:
    served = serve("--model", "echo", "--api-key", "kept-out-of-the-log")
    with served.client() as client:
        client.headers["authorization"] = "Bearer kept-out-of-the-log"
        said = {"prompt": CANARY, "messages": [{"role": "user", "content": CANARY}], "max_tokens": 5}
        for path in ("/v1/completions", "/v1/chat/completions", "/v1/tokenize", "/samovar/conversations"):
            client.post(path, json=said | {"text": CANARY, "title": CANARY})
            client.post(path, json=said | {"stream": True, "temperature": 1e9})
            client.post(path, content=CANARY.encode())
        client.get("/samovar/conversations", params={"query": CANARY})
        client.get(f"/v1/models/{CANARY}")
        client.get(f"/{CANARY}")
        client.get("/health")
        client.post("/api/generate", json={"prompt": CANARY, "stream": False})
    served.stop()
    log = "".join(path.read_text(encoding="utf-8") for path in (served.home / "logs").glob("front.log*"))
    assert CANARY not in log
    assert "canary" not in log.lower()
    assert "kept-out-of-the-log" not in log
    lines = [line for line in log.splitlines() if " samovar.requests " in line]
    answered = next(line for line in lines if "route=/v1/completions" in line and "status=200" in line)
    assert re.search(r"method=POST route=/v1/completions status=200 ms=[\d.]+ key=--api-key", answered)
    assert re.search(r"model=echo prompt_tokens=\d+ cached_tokens=\d+ completion_tokens=5", answered)
    assert any("route=/v1/models/{name:path} status=404" in line for line in lines)
    assert any("route=/api/generate status=200" in line for line in lines)
    assert not any("/health" in line for line in lines)
