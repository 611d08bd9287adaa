"""What a server fetches for its clients: from hosts that were allowed, at public addresses, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from samovar.core.errors import DownloadFailed, InvalidInput
from samovar.core.home import Home
from samovar.hub.fence import Fence, FencedTransport, is_public
from samovar.hub.pull import pull
from samovar.hub.sources import Endpoint
from samovar.hub.web import open_client
from tests.hub.pulling import go_on, has_all, no_pause
from tests.hub.server import Site

PUBLIC = "93.184.215.14"


def fence(*addresses: str, hosts: tuple[str, ...] = ("models.example",)) -> Fence:
    return Fence(hosts, look_up=lambda _host, _port: addresses)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "no address",
    ],
)
def test_an_address_of_this_machine_or_the_network_around_it_is_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(InvalidInput, match="not public"):
        fence(address).address(httpx.URL("https://models.example/a.gguf"))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", f"::ffff:{PUBLIC}"])
def test_a_public_address_is_connected_to(address: str) -> None:
    assert is_public(address)
    assert fence(address).address(httpx.URL("https://cdn.models.example/a.gguf")) == address


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(InvalidInput, match="not public"):
        fence(PUBLIC, "127.0.0.1").address(httpx.URL("https://models.example/"))


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example/a.gguf",
        "https://models.example:8443/a.gguf",
        "https://user@models.example/a.gguf",
        "https://other.example/a.gguf",
        "https://models.example.evil.example/a.gguf",
        "https://notmodels.example/a.gguf",
        "https://127.0.0.1/a.gguf",
        "https://2130706433/a.gguf",
        "https://0x7f.1/a.gguf",
        "https://[::1]/a.gguf",
        "ftp://models.example/a.gguf",
    ],
)
def test_other_hosts_schemes_and_ports_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        fence(PUBLIC).address(httpx.URL(url))


def test_a_host_that_is_not_found_is_said() -> None:
    def unknown(_host: str, _port: int) -> tuple[str, ...]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(DownloadFailed, match="Name or service not known"):
        Fence(("models.example",), look_up=unknown).address(httpx.URL("https://models.example/"))


def test_the_name_is_looked_up_once_and_the_address_that_was_judged_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([(PUBLIC,), ("127.0.0.1",)])
    sent: list[httpx.Request] = []

    def direct(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", direct)
    flips = Fence(("models.example",), look_up=lambda _host, _port: next(answers))
    with httpx.Client(transport=FencedTransport(flips)) as client:
        client.get("https://models.example/a.gguf")
        with pytest.raises(InvalidInput, match="not public"):
            client.get("https://models.example/a.gguf")
    (request,) = sent
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "models.example"
    assert request.extensions["sni_hostname"] == "models.example"


def test_a_redirect_is_judged_like_any_other_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/a.gguf", "the second request must not be made"
        return httpx.Response(302, headers={"location": "https://169.254.169.254/latest/meta-data"})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", elsewhere)
    with open_client(fence(PUBLIC)) as client, pytest.raises(InvalidInput):
        client.get("https://models.example/a.gguf")


@pytest.mark.parametrize(
    "source",
    [
        lambda home: str(home / "secret.gguf"),
        lambda home: (home / "secret.gguf").as_uri(),
        lambda _: "./secret.gguf",
        lambda _: "~/secret.gguf",
        lambda _: r"https://models.example\@127.0.0.1/a.gguf",
        lambda _: "http://127.0.0.1:9/a.gguf",
        lambda _: "https://127.0.0.1/a.gguf",
    ],
)
def test_nothing_of_this_machine_is_taken(tmp_path: Path, source: Callable[[Path], str]) -> None:
    (tmp_path / "secret.gguf").write_bytes(b"GGUF")
    with pytest.raises(InvalidInput):
        pull(source(tmp_path), Home(tmp_path / "home"), go_on, Endpoint(), no_pause, fence())


def test_a_hub_that_whoever_runs_the_server_has_named_is_reached_wherever_it_is(site: Site, home: Home) -> None:
    fenced = Fence(trusted=site.url)
    pulled = pull("org/repo", home, go_on, Endpoint(site.url), no_pause, fenced)
    assert has_all(home, pulled.path)


def test_from_there_nobody_is_led_to_another_port_of_this_machine(site: Site, home: Home) -> None:
    site.statuses = [(302, {"Location": "http://127.0.0.1:9/api/models/org/repo/tree/main"})]
    with pytest.raises(InvalidInput):
        pull("org/repo", home, go_on, Endpoint(site.url), no_pause, Fence(trusted=site.url))
