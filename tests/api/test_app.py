"""The app as a whole: health, the page's files, and errors in the right shape everywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from samovar.core.errors import EngineFailed
from samovar.services.contracts import ModelState
from tests.api.conftest import Serve, Served


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_is_ok_whatever_the_model_does(served: Served, path: str) -> None:
    with served.http() as client:
        assert client.get(path).json() == {
            "status": "ok",
            "model": {"name": "little-model", "state": "ready", "progress": 1.0, "error": None},
        }
        error = EngineFailed("api.broken_off")
        served.models.state = ModelState("little-model", "failed", 0.5, error.value())
        reply = client.get(path, headers={"accept-language": "ru"})
    assert reply.status_code == 200
    assert reply.json()["model"]["error"] == error.text("ru")


def test_errors_have_the_shape_of_their_dialect_and_the_language_asked_for(served: Served) -> None:
    with served.http() as client:
        openai = client.get("/v1/nothing")
        assert openai.status_code == 404
        assert openai.json()["error"] == {
            "message": "There is nothing at /v1/nothing.",
            "type": "invalid_request_error",
            "param": None,
            "code": "unknown_url",
        }
        house = client.get("/nothing", headers={"accept-language": "ru-RU"})
        assert house.json() == {"error": {"kind": "NoSuchRoute", "message": "По адресу /nothing ничего нет."}}
        assert client.delete("/v1/models").status_code == 405
        assert client.post("/completion/x", json={}).status_code == 404
        assert client.get("/v1/../health").status_code in (200, 404)


@pytest.mark.parametrize(
    "raw", [b"{", b"[1]", b'{"n": NaN}', b'{"a":' * 50_000, b"\xff", b'{"prompt": "x", "n": 1e999}']
)
def test_a_bad_body_is_a_sentence(served: Served, raw: bytes) -> None:
    with served.http() as client:
        for path in ("/v1/completions", "/v1/chat/completions"):
            reply = client.post(path, content=raw)
            assert reply.status_code == 400
            assert reply.json()["error"]["message"]
            assert "Traceback" not in reply.text


def test_json_is_read_whatever_it_is_called(served: Served) -> None:
    with served.http(**{"content-type": "text/plain;charset=UTF-8"}) as client:
        assert client.post("/v1/completions", content=b'{"prompt": "x"}').status_code == 200


def test_the_page_is_served_with_the_caching_of_its_files(serve: Serve, tmp_path: Path) -> None:
    page = tmp_path / "web"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Samovar</title>")
    (page / "assets" / "app-1a2b.js").write_text("export {}")
    (page / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("secret")
    with serve(page=page).http() as client:
        for path in ("/", "/c/abc", "/c/abc?x=1"):
            reply = client.get(path)
            assert "<title>Samovar" in reply.text
            assert reply.headers["cache-control"] == "no-cache"
        script = client.get("/assets/app-1a2b.js")
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
        assert client.get("/icon.svg").headers["content-type"].startswith("image/svg+xml")
        for path in (
            "/assets/../../secret",
            "/assets/%2e%2e/%2e%2e/secret",
            "/assets/..%2f..%2fsecret",
            "/assets/no.js",
        ):
            assert client.get(path).status_code == 404
        assert "no-store" in client.get("/v1/models").headers["cache-control"]


def test_a_page_that_was_not_built_says_so_in_both_languages(served: Served) -> None:
    with served.http() as client:
        reply = client.get("/")
    assert reply.status_code == 501
    assert "start.sh" in reply.text
    assert "не собрана" in reply.text or "ещё не собрана" in reply.text


def test_the_front_starts_without_the_heavy_libraries() -> None:
    heavy = ["numpy", "jinja2", "ctypes.wintypes", "huggingface_hub", "samovar.engines", "samovar.sampling"]
    probe = f"import sys, samovar.api.app; print([m for m in {heavy!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
