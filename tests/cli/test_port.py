"""A port that cannot be had: the sentence says by whom it is held, as far as can be told."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from samovar.cli.port import listen, url_of
from samovar.core.errors import Conflict, InvalidInput


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """The port of an HTTP server that answers everything with `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keeps quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_free_port_is_bound_at_once() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(Conflict):
        listen("127.0.0.1", first.getsockname()[1])


def test_the_holder_is_named() -> None:
    with answering(b"hello") as port, pytest.raises(Conflict) as refused:
        listen("127.0.0.1", port)
    assert refused.value.key == "cli.port_taken_by"
    assert refused.value.facts["pid"] == os.getpid()


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"status": "ok"}', b'{"status": "ok", "model": {}}', b"\xff"])
def test_a_stranger_with_a_health_page_is_not_taken_for_a_samovar(body: bytes) -> None:
    with answering(body) as port, pytest.raises(Conflict) as refused:
        listen("127.0.0.1", port)
    assert refused.value.key == "cli.port_taken_by"


def test_another_samovar_is_recognised() -> None:
    health = b'{"status": "ok", "model": {"name": null, "state": "none", "progress": 0.0, "error": null}}'
    with answering(health) as port, pytest.raises(Conflict) as refused:
        listen("127.0.0.1", port)
    assert refused.value.key == "cli.port_taken_by_samovar"
    assert f"http://127.0.0.1:{port}" in refused.value.text("en")


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match=host):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
        ("localhost", "http://localhost:7860"),
    ],
)
def test_the_address_to_open_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert url_of(host, 7860) == url
