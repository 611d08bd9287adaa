"""The page's way in: signing in with a key, the cookie, and managing keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from samovar.api.security import DoorRules
from samovar.core.events import Delta, TokenDetail
from tests.api.conftest import Serve, Served


@contextmanager
def signed_in(served: Served, key: str) -> Iterator[httpx.Client]:
    with served.http() as client:
        assert client.post("/samovar/session", json={"key": key}).status_code == 200
        yield client


def test_where_no_key_is_asked_for_the_page_needs_no_signing_in(serve: Serve) -> None:
    with serve(locked=True).http() as client:
        assert client.get("/samovar/session").json() == {"asked": False, "name": None}
        assert client.get("/samovar/state").status_code == 200


def test_the_page_signs_in_with_a_cookie_and_out_again(serve: Serve) -> None:
    served = serve(key="secret")
    with served.http() as client:
        assert client.get("/samovar/session").json() == {"asked": True, "name": None}
        assert client.get("/samovar/state").status_code == 401
        entered = client.post("/samovar/session", json={"key": " secret "})
        assert entered.json() == {"asked": True, "name": "--api-key"}
        cookie = entered.headers["set-cookie"]
        assert re.match(rf"samovar_{served.port}=[\w-]{{43}}; ", cookie)
        assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
        assert "secret" not in cookie
        assert client.get("/samovar/state").status_code == 200
        assert client.post("/v1/completions", json={"prompt": "x"}).status_code == 200
        token = client.cookies[f"samovar_{served.port}"]
        left = client.delete("/samovar/session")
        assert "Max-Age=0" in left.headers["set-cookie"]
        assert client.get("/samovar/state").status_code == 401
    with served.http(cookie=f"samovar_{served.port}={token}") as thief:
        assert thief.get("/samovar/state").status_code == 401


def test_the_person_at_the_page_is_no_tenant_and_each_key_is_one(serve: Serve) -> None:
    served = serve(key="secret")
    with signed_in(served, "secret") as page:
        made = page.post("/samovar/keys", json={"name": "laptop"}).json()
        page.post("/v1/completions", json={"prompt": "x"})
    for key in ("secret", made["secret"]):
        with served.http(**{"x-api-key": key}) as client:
            client.post("/v1/completions", json={"prompt": "x"})
    assert [asked.tenant for asked in served.answers.asked] == ["", "api-key", made["key"]["id"]]


def test_a_cookie_of_the_page_is_nothing_to_a_foreign_one(serve: Serve) -> None:
    served = serve(key="secret")
    with signed_in(served, "secret") as page:
        for origin in ("http://evil.example", "http://localhost:1"):
            assert page.post("/samovar/models/unload", headers={"origin": origin}).status_code == 403
    assert served.models.unloaded == []


def test_a_key_that_only_asks_models_does_not_open_the_page(serve: Serve) -> None:
    served = serve(key="secret")
    with signed_in(served, "secret") as page:
        secret = page.post("/samovar/keys", json={"name": "laptop", "scope": "manage"}).json()["secret"]
    with served.http() as client:
        refused = client.post("/samovar/session", json={"key": secret})
        assert refused.status_code == 403
        assert "laptop" in refused.json()["error"]["message"]
        assert "set-cookie" not in refused.headers


def test_who_guesses_must_wait_even_with_the_right_key_but_stored_keys_open_always(serve: Serve) -> None:
    served = serve(key="secret")
    with signed_in(served, "secret") as page:
        stored = page.post("/samovar/keys", json={"name": "laptop"}).json()["secret"]
    with served.http() as client:
        for guess in range(10):
            assert client.post("/samovar/session", json={"key": f"guess {guess}"}).status_code == 401
        for path, shown in (("/v1/models", {"authorization": "Bearer secret"}), ("/v1/models", {"apikey": "x"})):
            blocked = client.get(path, headers=shown)
            assert blocked.status_code == 429
            assert 0 < int(blocked.headers["retry-after"]) <= 60
        assert client.post("/samovar/session", json={"key": "secret"}).status_code == 429
        assert client.get("/v1/models", headers={"x-api-key": stored}).status_code == 200


def test_one_key_has_only_so_many_requests_under_way(serve: Serve) -> None:
    """The person at the page is not held up by them."""
    served = serve(key="secret", rules=DoorRules(per_key=2))
    served.answers.script = lambda _: [Delta(0, "Hel", (TokenDetail(5, b"Hel"),)), None]
    body = {"prompt": "x", "stream": True}
    with (
        served.http(authorization="Bearer secret") as client,
        signed_in(served, "secret") as page,
        ExitStack() as open_,
    ):
        for _ in range(2):
            answer = open_.enter_context(client.stream("POST", "/v1/completions", json=body))
            assert answer.status_code == 200
        refused = client.post("/v1/completions", json=body)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert int(refused.headers["retry-after"]) > 0
        assert page.get("/v1/models").status_code == 200
    for generation in served.answers.generations:
        assert generation.cancelled.wait(20)
    with served.http(authorization="Bearer secret") as client:
        assert client.get("/v1/models").status_code == 200


def test_the_first_key_made_on_the_page_locks_the_door_and_leaves_its_maker_inside(serve: Serve) -> None:
    served = serve(locked=True)
    with served.http() as page, served.http() as other:
        refused = page.post("/samovar/keys", json={"name": "laptop", "scope": "infer"})
        assert refused.status_code == 409
        assert other.get("/samovar/state").status_code == 200
        made = page.post("/samovar/keys", json={"name": "owner", "scope": "admin"})
        assert made.status_code == 201
        assert page.get("/samovar/session").json() == {"asked": True, "name": "owner"}
        assert page.get("/samovar/state").status_code == 200
        assert other.get("/samovar/state").status_code == 401


def test_keys_are_listed_without_secrets_and_revoked_at_once(serve: Serve) -> None:
    served = serve(key="secret")
    with signed_in(served, "secret") as page:
        made = page.post("/samovar/keys", json={"name": "laptop", "scope": "infer"}).json()
        (listed,) = page.get("/samovar/keys").json()
        assert listed == made["key"]
        assert set(listed) == {"id", "name", "prefix", "scope", "created", "used", "revoked"}
        with served.http(authorization=f"Bearer {made['secret']}") as laptop:
            assert laptop.get("/v1/models").status_code == 200
            assert page.delete(f"/samovar/keys/{listed['id']}").json()["revoked"] is None
            assert laptop.get("/v1/models").status_code == 401
        assert page.get("/samovar/keys").json()[0]["revoked"] > 0
        assert page.delete(f"/samovar/keys/{listed['id']}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "scope": "root"}, {"name": 7}, {"name": "a\nb"}])
def test_a_key_that_cannot_be_made_is_refused_with_a_sentence(serve: Serve, body: dict[str, object]) -> None:
    with signed_in(serve(key="secret"), "secret") as page:
        refused = page.post("/samovar/keys", json=body)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"]
