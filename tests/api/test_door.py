"""No page that a person has open elsewhere, and no neighbour without a key, can drive the server."""

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from samovar.api.errors import Forbidden
from samovar.api.guard.access import Access
from samovar.api.guard.attempts import MOST, MOST_ADDRESSES, WINDOW_SECONDS, Attempts
from samovar.api.guard.doorkeeper import Doorkeeper
from samovar.api.guard.origins import check_host, check_origin, named_host, named_origin
from samovar.api.guard.shown import cookie_name, keys_shown, session_shown
from samovar.api.security import SECURITY_HEADERS, Door, DoorRules
from samovar.core.errors import InvalidInput
from tests.api.conftest import Serve, Served

NO_NAMES: frozenset[str] = frozenset()
LITE = "https://lite.koboldai.net"

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
        check_host(headers(host=host), NO_NAMES, any_address=False)


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_every_name_of_this_machine_is_let_in(host: str) -> None:
    check_host(headers(host=host), NO_NAMES, any_address=False)


def test_no_host_and_two_hosts_are_refused() -> None:
    with pytest.raises(Forbidden):
        check_host(headers(), NO_NAMES, any_address=False)
    with pytest.raises(Forbidden):
        check_host(Headers(raw=[(b"host", b"localhost"), (b"host", b"localhost")]), NO_NAMES, any_address=False)


def test_configured_names_and_literal_addresses_are_let_in_where_allowed() -> None:
    check_host(headers(host="box.lan:7860"), frozenset({"box.lan"}), any_address=False)
    check_host(headers(host="192.168.1.5:7860"), NO_NAMES, any_address=True)
    check_host(headers(host="[fe80::1]:7860"), NO_NAMES, any_address=True)
    with pytest.raises(Forbidden):
        check_host(headers(host="evil.example"), NO_NAMES, any_address=True)


@given(st.text())
def test_no_host_breaks_the_check(host: str) -> None:
    try:
        check_host(Headers(raw=[(b"host", host.encode())]), NO_NAMES, any_address=False)
    except Forbidden as error:
        assert error.text("ru")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    with pytest.raises(Forbidden):
        check_origin(headers(host="localhost:7860", origin=origin), NO_NAMES)


def test_the_own_page_and_no_page_are_let_in() -> None:
    check_origin(headers(host="localhost:7860"), NO_NAMES)
    check_origin(headers(host="localhost:7860", origin="http://localhost:7860"), NO_NAMES)
    check_origin(headers(host="[::1]:7860", origin="http://[::1]:7860"), NO_NAMES)
    check_origin(headers(host="localhost", origin="http://localhost:80"), NO_NAMES)
    check_origin(headers(host="box.lan", origin="https://box.lan"), NO_NAMES)
    check_origin(headers(host="localhost:7860", origin=LITE), frozenset({LITE}))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_browser_that_hides_the_origin_but_names_another_site_is_refused(site: str) -> None:
    with pytest.raises(Forbidden):
        check_origin(headers(host="localhost:7860", sec_fetch_site=site), NO_NAMES)
    for own in ("same-origin", "none"):
        check_origin(headers(host="localhost:7860", sec_fetch_site=own), NO_NAMES)


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (LITE, LITE), ("HTTPS://Lite.KoboldAI.net/", LITE), ("https://a.example:443", "https://a.example"),
        ("http://a.example:8000", "http://a.example:8000"), ("http://[::1]:80", "http://[::1]"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)  # fmt: skip
def test_an_origin_is_allowed_as_browsers_spell_it(given: str, spelled: str) -> None:
    assert named_origin(given) == spelled


@pytest.mark.parametrize(
    "given", ["*", "null", "", "a.example", "https://a.example/path", "https://u@a", "https://a b"]
)
def test_what_is_no_origin_cannot_be_allowed(given: str) -> None:
    with pytest.raises(InvalidInput, match="origin"):
        named_origin(given)


def test_a_host_is_allowed_by_its_name_alone() -> None:
    assert named_host("Box.LAN") == "box.lan"
    for bad in ("box.lan:7860", "", "*", "http://box.lan", "a b"):
        with pytest.raises(InvalidInput, match="host name"):
            named_host(bad)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize(
    "shown",
    [
        {"authorization": "Bearer secret"}, {"authorization": "bearer  secret "}, {"x_api_key": "secret"},
        {"x_admin_key": "secret"}, {"api_key": "secret"}, {"apikey": "secret"},
        {"authorization": basic("secret")}, {"authorization": "Bearer ", "x_api_key": "secret"},
    ],
)  # fmt: skip
def test_a_key_is_taken_where_clients_put_it(shown: dict[str, str]) -> None:
    assert keys_shown(headers(**shown)) == [b"secret"]


@pytest.mark.parametrize(
    "shown",
    [
        {}, {"authorization": "Bearer "}, {"authorization": "Bearer"}, {"authorization": "secret"},
        {"x_api_key": ""}, {"authorization": "Basic ???"}, {"authorization": basic("")}, {"cookie": "key=secret"},
    ],
)  # fmt: skip
def test_anything_else_is_no_key(shown: dict[str, str]) -> None:
    assert keys_shown(headers(**shown)) == []


def test_a_key_may_be_in_any_script() -> None:
    assert keys_shown(Headers(raw=[(b"x-api-key", "ключ".encode())])) == ["ключ".encode()]


def test_each_port_has_a_session_of_its_own() -> None:
    assert cookie_name(headers(host="localhost:7860")) == "samovar_7860"
    assert cookie_name(headers(host="box.lan")) == "samovar"
    jar = "other=1; samovar_7861=theirs; samovar_7860=mine"
    assert session_shown(headers(host="localhost:7860", cookie=jar)) == b"mine"
    assert session_shown(headers(host="localhost:9000", cookie=jar)) == b""


@given(st.binary(max_size=60))
def test_no_header_breaks_the_search_for_keys(raw: bytes) -> None:
    for name in (b"authorization", b"cookie", b"x-api-key"):
        sent = Headers(raw=[(b"host", b"localhost"), (name, raw)])
        assert isinstance(keys_shown(sent), list)
        assert isinstance(session_shown(sent), bytes)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_who_guesses_has_to_wait_and_who_repeats_one_mistake_has_not() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(3 * MOST):
        attempts.failed("10.0.0.1", b"the same")
    assert attempts.wait("10.0.0.1") == 0
    for guess in range(MOST):
        attempts.failed("10.0.0.1", bytes([guess]))
    assert attempts.wait("10.0.0.1") == WINDOW_SECONDS
    assert attempts.wait("10.0.0.2") == 0
    clock.now += WINDOW_SECONDS + 1
    assert attempts.wait("10.0.0.1") == 0


def test_a_network_of_ipv6_is_one_guesser() -> None:
    attempts = Attempts(Clock())
    for guess in range(MOST):
        attempts.failed(f"2001:db8::{guess}", bytes([guess]))
    assert attempts.wait("2001:db8::ffff") > 0
    assert attempts.wait("2001:db8:1::1") == 0
    for guess in range(MOST):
        attempts.failed("::ffff:10.0.0.1", bytes([guess]))
    assert attempts.wait("10.0.0.1") > 0
    assert attempts.wait("::ffff:10.0.0.2") == 0


def test_the_table_of_guessers_is_bounded_and_forgets_the_oldest() -> None:
    attempts = Attempts(Clock())
    for guess in range(MOST):
        attempts.failed("first", bytes([guess]))
    for other in range(MOST_ADDRESSES):
        attempts.failed(f"10.1.{other // 256}.{other % 256}", b"x")
    assert attempts.wait("first") == 0


@given(st.sampled_from(["/a", "/a/", "/a/b", "/a/b/c", "/b", "", "/aa", "//a"]))
def test_the_longest_beginning_says_what_an_address_needs_and_an_unknown_one_needs_admin(path: str) -> None:
    table = Access({"/a/": "infer", "/a/b": "manage"}, {"/": "open"})
    expected = "manage" if path.startswith("/a/b") else "infer" if path.startswith("/a/") else "admin"
    assert table.needed(path) == expected
    assert table.needed("/") == "open"


@pytest.fixture
def lite(serve: Serve) -> Iterator[Served]:
    yield serve(rules=DoorRules(origins=frozenset({LITE})))


def test_every_answer_carries_the_headers_of_the_house(served: Served) -> None:
    with served.http() as client:
        for path in ("/", "/health", "/v1/models", "/nowhere", "/v1/models/missing"):
            reply = client.get(path)
            assert SECURITY_HEADERS.items() <= dict(reply.headers).items(), path
            assert "x-powered-by" not in reply.headers


def test_an_allowed_origin_may_ask_models_and_read_the_answers_errors_too(lite: Served) -> None:
    with lite.http(origin=LITE) as client:
        answers = [
            client.post("/v1/completions", content=b'{"prompt": "x"}', headers={"content-type": "text/plain"}),
            client.get("/v1/models/missing"),
            client.post("/v1/completions", content=b"{"),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 400]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == LITE
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
    assert lite.answers.asked[0].tenant == LITE


def test_an_allowed_origin_reaches_nothing_of_the_persons(lite: Served) -> None:
    with lite.http(origin=LITE) as client:
        assert client.get("/samovar/conversations").status_code == 403
        assert client.post("/samovar/models/unload").status_code == 403
    assert lite.models.unloaded == []


def test_other_origins_are_told_nothing_where_one_is_allowed(lite: Served) -> None:
    for origin in ("http://evil.example", "https://lite.koboldai.net.evil.example", "null"):
        with lite.http(origin=origin) as client:
            for answer in (client.get("/v1/models"), client.post("/v1/completions", json={"prompt": "x"})):
                assert not [name for name in answer.headers if name.startswith("access-control-")]
                assert "Origin" in answer.headers["vary"]
    assert lite.answers.asked == []


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

    door = Door(never, DoorRules(), (), Doorkeeper(), Access({}))
    for raw in ([(b"host", b"evil.example")], [(b"host", b"localhost"), (b"origin", b"http://evil.example")]):
        await door({"type": "websocket", "path": "/", "headers": raw}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"] * 2
