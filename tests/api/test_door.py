"""No page that a person has open elsewhere, and no neighbour without the key, can drive the server."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from samovar.api.app import Services, create_app
from samovar.api.errors import Forbidden, Unauthorized
from samovar.api.security import (
    SECURITY_HEADERS,
    Door,
    DoorRules,
    check_exposure,
    check_host,
    check_key,
    check_origin,
)
from samovar.core.errors import InvalidInput
from samovar.core.home import Home
from samovar.services.building import BuildService
from samovar.services.presets import PresetService
from tests.api.conftest import NO_CHATS, NO_RESPONSES, FakeAnswers, FakeLibrary, FakeModels, Serve, Served

FOREIGN_HOSTS = [
    "evil.example", "localhost.evil.com", "127.0.0.1.evil.com", "localhost.", "127.0.0.1.", "evil@localhost",
    "localhost@evil.com", "localhost:80:80", "localhost:", "localhost:port", "", " ", "0.0.0.0", "192.168.1.5", "0",
    "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::2]", "::1", "[::1", "[localhost]",
    "localhost/", "localhost#", "localhost,evil.example", "lоcalhost".encode().decode("latin-1"),
]  # fmt: skip
OWN_HOSTS = ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "127.0.0.2", "[::1]:7860", "[0:0:0:0:0:0:0:1]"]

FOREIGN_ORIGINS = [
    "null", "", "http://evil.example", "http://localhost:5173", "http://localhost", "https://localhost:7860.evil.com",
    "http://localhost:7860@evil.example", "http://127.0.0.1:7860", "file://", "chrome-extension://abc",
    "http://localhost:7860/", "HTTP://localhost:7860 http://evil.example", "//localhost:7860",
]  # fmt: skip


def headers(**values: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in values.items()})


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(host: str) -> None:
    with pytest.raises(Forbidden):
        check_host(headers(host=host), DoorRules())


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_every_name_of_this_machine_is_let_in(host: str) -> None:
    check_host(headers(host=host), DoorRules())


def test_no_host_and_two_hosts_are_refused() -> None:
    with pytest.raises(Forbidden):
        check_host(headers(), DoorRules())
    with pytest.raises(Forbidden):
        check_host(Headers(raw=[(b"host", b"localhost"), (b"host", b"localhost")]), DoorRules())


def test_configured_names_and_literal_addresses_are_let_in_where_allowed() -> None:
    check_host(headers(host="box.lan:7860"), DoorRules(hosts=frozenset({"box.lan"})))
    open_house = DoorRules(any_address=True)
    check_host(headers(host="192.168.1.5:7860"), open_house)
    check_host(headers(host="[fe80::1]:7860"), open_house)
    with pytest.raises(Forbidden):
        check_host(headers(host="evil.example"), open_house)


@given(st.text())
def test_no_host_breaks_the_check(host: str) -> None:
    try:
        check_host(Headers(raw=[(b"host", host.encode())]), DoorRules())
    except Forbidden as error:
        assert error.text("ru")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    with pytest.raises(Forbidden):
        check_origin(headers(host="localhost:7860", origin=origin), DoorRules())


def test_the_own_page_and_no_page_are_let_in() -> None:
    check_origin(headers(host="localhost:7860"), DoorRules())
    check_origin(headers(host="localhost:7860", origin="http://localhost:7860"), DoorRules())
    check_origin(headers(host="[::1]:7860", origin="http://[::1]:7860"), DoorRules())
    check_origin(headers(host="localhost", origin="http://localhost:80"), DoorRules())
    check_origin(headers(host="box.lan", origin="https://box.lan"), DoorRules())
    lite = DoorRules(origins=frozenset({"https://lite.koboldai.net"}))
    check_origin(headers(host="localhost:7860", origin="https://lite.koboldai.net"), lite)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize(
    "shown",
    [
        {"authorization": "Bearer secret"}, {"authorization": "bearer  secret "}, {"x_api_key": "secret"},
        {"authorization": basic("secret")}, {"authorization": "Bearer ", "x_api_key": "secret"},
    ],
)  # fmt: skip
def test_the_key_is_taken_where_clients_put_it(shown: dict[str, str]) -> None:
    check_key(headers(**shown), "secret")


@pytest.mark.parametrize(
    "shown",
    [
        {}, {"authorization": "Bearer "}, {"authorization": "Bearer"}, {"authorization": "secret"},
        {"x_api_key": ""},
        {"authorization": "Bearer secre"}, {"authorization": "Bearer secret2"}, {"x_api_key": "Secret"},
        {"authorization": "Basic ???"}, {"authorization": basic("")}, {"authorization": basic("other")},
    ],
)  # fmt: skip
def test_anything_else_is_no_key(shown: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        check_key(headers(**shown), "secret")


def test_a_key_may_be_in_any_script() -> None:
    check_key(Headers(raw=[(b"x-api-key", "ключ".encode())]), "ключ")


def test_an_open_address_needs_a_key() -> None:
    for host in ("0.0.0.0", "::", "", "192.168.1.5", "box.lan"):
        with pytest.raises(InvalidInput, match="--api-key"):
            check_exposure(host, None)
        with pytest.raises(InvalidInput):
            check_exposure(host, "")
        check_exposure(host, "secret")
    for host in ("127.0.0.1", "::1", "localhost"):
        check_exposure(host, None)


def every_route() -> list[tuple[str, str]]:
    """Method and address of everything that is registered, however it was registered."""
    app = create_app(
        Services(
            FakeAnswers(),
            FakeModels(),
            FakeLibrary(),
            NO_CHATS,
            PresetService(Path("nowhere")),
            BuildService(Home(Path("nowhere"))),
            NO_RESPONSES,
            page=Path("nowhere"),
        )
    )
    found = {(method, path) for path, methods in _paths(app.routes) for method in methods}
    return sorted((method, path.replace("{", "").replace(":path}", "").replace("}", "")) for method, path in found)


def _paths(routes: list[BaseRoute], prefix: str = "") -> list[tuple[str, set[str]]]:
    found: list[tuple[str, set[str]]] = []
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found += _paths(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, Route):
            found.append((prefix + route.path, route.methods or set()))
    return found


ROUTES = every_route()


def test_the_matrix_sees_the_routes() -> None:
    known = {("POST", "/v1/chat/completions"), ("GET", "/"), ("GET", "/health"), ("POST", "/samovar/models/load")}
    assert known <= set(ROUTES)


def test_every_route_refuses_a_foreign_host(served: Served) -> None:
    with served.http(host="localhost.evil.com") as client:
        replies = [
            client.request(method, path) for method, path in [*ROUTES, ("GET", "/nowhere"), ("PUT", "/v1/x")]
        ]
    assert {reply.status_code for reply in replies} == {403}


def test_every_route_that_changes_something_refuses_a_foreign_origin(served: Served) -> None:
    changing = [(method, path) for method, path in ROUTES if method not in {"GET", "HEAD"}]
    assert changing
    for origin in ("http://evil.example", "null"):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            with served.http(origin=origin, **{"content-type": kind}) as client:
                replies = [client.request(method, path, content=b"{}") for method, path in changing]
            assert {reply.status_code for reply in replies} == {403}


def test_every_route_but_health_asks_for_the_key(serve: Serve) -> None:
    served = serve(rules=DoorRules(key="secret"))
    with served.http() as client:
        refused = {path for method, path in ROUTES if client.request(method, path).status_code == 401}
        assert refused == {path for _, path in ROUTES} - {"/health", "/v1/health"}
        assert client.get("/v1/models").headers["www-authenticate"] == "Bearer"
        assert client.get("/").headers["www-authenticate"].startswith("Basic")
    with served.http(authorization="Bearer secret") as client:
        assert client.get("/v1/models").status_code == 200


def test_no_page_elsewhere_may_read(served: Served) -> None:
    with served.http(origin="http://evil.example") as client:
        for reply in (client.get("/v1/models"), client.options("/v1/chat/completions")):
            assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_every_answer_carries_the_headers_of_the_house(served: Served) -> None:
    with served.http() as client:
        for path in ("/", "/health", "/v1/models", "/nowhere", "/v1/models/missing"):
            reply = client.get(path)
            assert SECURITY_HEADERS.items() <= dict(reply.headers).items(), path
            assert "x-powered-by" not in reply.headers


def test_a_body_that_is_too_large_is_refused_as_announced_and_as_counted(serve: Serve) -> None:
    served = serve(rules=DoorRules(body_limit=1000))
    with served.http() as client:
        announced = client.post("/v1/completions", content=b" " * 1001)
        counted = client.post("/v1/completions", content=iter([b" " * 600, b" " * 600]))
        assert client.post("/v1/completions", content=b'{"prompt": "x"}' + b" " * 900).status_code == 200
    for reply in (announced, counted):
        assert reply.status_code == 413
        assert reply.json()["error"]["type"] == "invalid_request_error"
    assert len(served.answers.asked) == 1


async def test_a_websocket_is_refused_like_anything_else() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("a refused socket must not reach the routes")

    for raw in ([(b"host", b"evil.example")], [(b"host", b"localhost"), (b"origin", b"http://evil.example")]):
        await Door(never, DoorRules(), ())({"type": "websocket", "path": "/", "headers": raw}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"] * 2
