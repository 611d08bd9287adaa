"""The security matrix, over the route table itself: whatever is registered, now or later, is behind the door."""

import re
from collections.abc import Iterator

import pytest

from samovar.api.dialects.registry import DIALECTS
from samovar.api.guard.access import access
from samovar.api.security import DoorRules
from samovar.core.keys import RANKS, KeyScope
from tests.api.conftest import Serve, Served
from tests.api.routes import Routes, every_route, filled

LITE = "https://lite.koboldai.net"
CONTENT_TYPES = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
)
BEFORE_A_KEY = frozenset(
    {
        "/api/v1/model", "/api/v1/info/version", "/api/v1/config/max_context_length", "/api/extra/version",
        "/api/extra/true_max_context_length", "/api/extra/preloadstory", "/sdapi/v1/sd-models",
    }
)  # fmt: skip
"""What KoboldAI Lite asks before it has a key."""

OPEN = frozenset({"/", "/health", "/v1/health", "/c/conversation", "/samovar/session"}) | BEFORE_A_KEY


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    return every_route(tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="module")
def routes(templates: Routes) -> Routes:
    """With each parameter's name in its place."""
    return [(method, filled(path)) for method, path in templates]


@pytest.fixture
def locked(serve: Serve) -> Iterator[Served]:
    yield serve(key="secret", rules=DoorRules(origins=frozenset({LITE})))


def test_the_matrix_sees_the_routes(routes: Routes) -> None:
    known = {
        ("POST", "/v1/chat/completions"), ("GET", "/"), ("GET", "/health"), ("POST", "/samovar/models/load"),
        ("DELETE", "/samovar/keys/key"), ("GET", "/c/conversation"),
    }  # fmt: skip
    assert known <= set(routes)


def test_every_route_refuses_a_foreign_host(served: Served, routes: Routes) -> None:
    with served.http(host="localhost.evil.com") as client:
        replies = [
            client.request(method, path) for method, path in [*routes, ("GET", "/nowhere"), ("PUT", "/v1/x")]
        ]
    assert {reply.status_code for reply in replies} == {403}


@pytest.mark.parametrize("kind", CONTENT_TYPES)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_every_route_that_changes_something_refuses_a_foreign_origin(
    locked: Served, routes: Routes, origin: str, kind: str
) -> None:
    """With the right key too: browsers send along what they remember of Basic."""
    changing = [(method, path) for method, path in routes if method not in {"GET", "HEAD"}]
    assert changing
    shown = {"authorization": "Basic OnNlY3JldA==", "content-type": kind}
    with locked.http(origin=origin, **shown) as client:
        replies = [client.request(method, path, content=b"{}") for method, path in changing]
    assert {reply.status_code for reply in replies} == {403}
    with locked.http(**{"sec-fetch-site": "cross-site"}, **shown) as client:
        hidden = [client.request(method, path, content=b"{}") for method, path in changing]
    assert {reply.status_code for reply in hidden} == {403}
    assert locked.answers.asked == []


def test_every_route_but_the_open_ones_asks_for_a_key(locked: Served, routes: Routes) -> None:
    with locked.http() as client:
        replies = {(method, path): client.request(method, path) for method, path in routes}
        unknown = client.get("/nowhere")
    refused = {path for (_, path), reply in replies.items() if reply.status_code == 401}
    assert refused == {path for _, path in routes} - OPEN
    assert unknown.status_code == 401
    for reply in replies.values():
        # Basic would make the browser ask, before the page can.
        assert reply.headers.get("www-authenticate") == ("Bearer" if reply.status_code == 401 else None)


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic OndyZW9uZw=="])
def test_no_route_takes_a_wrong_key(locked: Served, routes: Routes, shown: str) -> None:
    with locked.http(authorization=shown, cookie="samovar=wrong") as client:
        closed = [(method, path) for method, path in routes if path not in OPEN]
        assert {client.request(method, path).status_code for method, path in closed} == {401}


def test_every_scope_reaches_what_it_allows_and_nothing_more(serve: Serve, routes: Routes) -> None:
    """What a route needs is the table's to say; that the table is obeyed, for each route, is said here."""
    served = serve(key="secret")
    assert served.keys is not None
    with served.http(authorization="Bearer secret") as owner:
        made = {
            scope: owner.post("/samovar/keys", json={"name": scope, "scope": scope}).json()["secret"]
            for scope in RANKS
        }
    table = access(DIALECTS, ())
    refused: dict[KeyScope, set[str]] = {scope: set() for scope in RANKS}
    for scope, secret in made.items():
        with served.http(authorization=f"Bearer {secret}") as client:
            for _, path in routes:
                # OPTIONS reaches no service: what is asked is only whether they come in.
                if path not in OPEN and client.request("OPTIONS", path).status_code == 403:
                    refused[scope].add(path)
    for _, path in routes:
        need = table.needed(path)
        for scope, rank in RANKS.items():
            assert (path in refused[scope]) == (path not in OPEN and need != "open" and rank < RANKS[need]), path
    assert refused["admin"] == set()
    assert {"/samovar/keys", "/samovar/conversations"} <= refused["manage"]
    assert "/v1/chat/completions" not in refused["infer"]


CHANGES_THE_HOUSE = re.compile(
    r"load|pull|push|delete|copy|create|remove|download|save|restore|erase|lora-adapters|admin"
)


NOTHING_THERE = frozenset({"/lora-adapters", "/api/extra/data/load", "/api/extra/data/save"})
"""Addresses with such a word that always answer that there is nothing to change."""


def test_no_key_for_asking_changes_the_house(templates: Routes) -> None:
    """A new route with such a word in its address needs `manage` at the least."""
    table = access(DIALECTS, ())
    suspicious = {path for method, path in templates if method != "GET" and CHANGES_THE_HOUSE.search(path)}
    suspicious -= NOTHING_THERE
    assert suspicious
    assert {path for path in suspicious if table.needed(path) in ("infer", "open")} == set()


def test_what_a_dialect_opens_is_only_read(templates: Routes) -> None:
    opened = frozenset().union(*(dialect.open for dialect in DIALECTS))
    assert opened == BEFORE_A_KEY
    assert {method for method, path in templates if path in opened} == {"GET"}


def test_an_address_that_nobody_named_needs_admin(serve: Serve) -> None:
    served = serve(key="secret")
    with served.http(authorization="Bearer secret") as owner:
        secret = owner.post("/samovar/keys", json={"name": "one", "scope": "manage"}).json()["secret"]
        assert owner.get("/nowhere").status_code == 404
    with served.http(authorization=f"Bearer {secret}") as client:
        assert client.get("/nowhere").status_code == 403
        assert client.get("/openapi.json").status_code == 403


def test_preflights_are_answered_on_every_route_for_allowed_origins_only(locked: Served, routes: Routes) -> None:
    """Without a key: browsers show none."""
    asks = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,genkey,apikey,client-agent,x-api-key",
    }
    for origin in (LITE, "http://evil.example", "null"):
        with locked.http(origin=origin, **asks) as client:
            for _, path in [*routes, ("POST", "/nowhere")]:
                reply = client.options(path)
                if origin != LITE:
                    assert not [name for name in reply.headers if name.startswith("access-control-")]
                    continue
                assert reply.status_code == 204
                assert reply.headers["access-control-allow-origin"] == LITE
                assert "POST" in reply.headers["access-control-allow-methods"]
                allowed = {one.strip().lower() for one in reply.headers["access-control-allow-headers"].split(",")}
                assert set(asks["access-control-request-headers"].split(",")) <= allowed
                assert "access-control-allow-credentials" not in reply.headers


def test_no_page_elsewhere_may_read(served: Served) -> None:
    with served.http(origin="http://evil.example") as client:
        for reply in (client.get("/v1/models"), client.options("/v1/chat/completions")):
            assert not [name for name in reply.headers if name.startswith("access-control-")]
