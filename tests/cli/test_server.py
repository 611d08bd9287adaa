"""What the commands ask of the server that runs, against a server that a test answers for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from samovar.cli.server import Loaded, Server
from samovar.core.errors import Conflict

LOADING = {"name": "tiny", "state": "loading", "progress": 0.4}
READY = {"name": "tiny", "state": "ready", "progress": 1.0}
BUSY = {"error": {"kind": "Conflict", "message": "It is busy."}}


class SlowLoad(ThreadingHTTPServer):
    """Its load ends with `ending`, once a test has seen how far it is."""

    daemon_threads = True

    def __init__(self, ending: object, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.ending, self.status = ending, status
        self.seen = threading.Event()

    @property
    def client(self) -> Server:
        return Server(f"http://127.0.0.1:{self.server_address[1]}", None)


class Answer(BaseHTTPRequestHandler):
    server: SlowLoad

    def do_GET(self) -> None:
        self._say(200, [LOADING])

    def do_PUT(self) -> None:
        self.server.seen.wait()
        self._say(self.server.status, self.server.ending)

    def log_message(self, format: str, *args: object) -> None:
        """A test's own server has nothing to tell."""

    def _say(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> Iterator[SlowLoad]:
    ending, status = request.param
    with SlowLoad(ending, status) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("slow", [([READY], 200)], indirect=True)
def test_how_far_a_load_is_is_told_while_it_is_waited_for(slow: SlowLoad) -> None:
    seen: list[list[Loaded]] = []

    def report(loaded: list[Loaded]) -> None:
        seen.append(loaded)
        slow.seen.set()

    assert slow.client.load("tiny", None, report) == [Loaded("tiny", "ready", 1.0)]
    assert seen[0] == [Loaded("tiny", "loading", 0.4)]


@pytest.mark.parametrize("slow", [(BUSY, 409)], indirect=True)
def test_what_a_load_ends_with_is_said_once(slow: SlowLoad) -> None:
    with pytest.raises(Conflict) as refused:
        slow.client.load("tiny", None, lambda _: slow.seen.set())
    assert refused.value.text() == "It is busy."
