"""Addresses find their routes: looked up where they are plain, matched where they have parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Scope

from samovar.api.errors import NoSuchRoute, WrongMethod
from samovar.api.routing import Router, Routes


def some_routes() -> Routes:
    routes, inner, special = Routes("/a"), Routes("/in"), Routes(header="x-special")

    @routes.get("")
    async def top() -> Response:
        return PlainTextResponse("top")

    @routes.get("/{name}")
    async def one(name: str) -> Response:
        return PlainTextResponse(f"one {name}")

    @routes.get("/plain")
    async def plain() -> Response:
        return PlainTextResponse("plain")

    @routes.post("/plain")
    async def posted(request: Request) -> Response:
        return PlainTextResponse(f"posted {request.method}")

    @special.get("/in/plain")
    async def specially() -> Response:
        return PlainTextResponse("specially")

    @inner.get("/plain")
    async def inside() -> Response:
        return PlainTextResponse("inside")

    @inner.get("/{name:path}/end")
    async def deep(request: Request, name: str) -> Response:
        return PlainTextResponse(f"deep {name} {request.path_params['name']}")

    routes.include(special)
    routes.include(inner)
    return routes


async def ask(path: str, method: str = "GET", **headers: str) -> str:
    said: list[bytes] = []

    async def send(message: Message) -> None:
        said.append(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    shown = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": shown, "query_string": b""}
    await Router(some_routes().routes)(scope, receive, send)
    return b"".join(said).decode()


async def test_each_address_has_its_route() -> None:
    assert await ask("/a") == "top"
    assert await ask("/a/x") == "one x"
    assert await ask("/a/plain") == "plain"
    assert await ask("/a/plain", "POST") == "posted POST"
    assert await ask("/a/in/plain") == "inside"
    assert await ask("/a/in/b/c/end") == "deep b/c b/c"


async def test_of_two_routes_for_one_address_the_header_decides() -> None:
    assert await ask("/a/in/plain", x_special="1") == "specially"


@pytest.mark.parametrize("path", ["", "/", "/b", "/a/", "/a/x/y", "/A", "/a/in/end", "/a/plain/"])
async def test_an_address_that_there_is_not_is_said_so(path: str) -> None:
    with pytest.raises(NoSuchRoute):
        await ask(path)


async def test_another_method_is_said_so() -> None:
    with pytest.raises(WrongMethod):
        await ask("/a", "POST")
    with pytest.raises(WrongMethod):
        await ask("/a/plain", "DELETE")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1)


@given(NAMES.filter(lambda name: name not in ("plain", "in")))
async def test_any_name_reaches_its_route_whole(name: str) -> None:
    assert await ask(f"/a/{name}") == f"one {name}"


def test_a_handler_that_asks_for_what_the_address_has_not_is_refused_at_once() -> None:
    routes = Routes()

    @routes.get("/{name}")
    async def one(other: str) -> Response:
        return PlainTextResponse(other)

    with pytest.raises(TypeError, match="other"):
        Router(routes.routes)
