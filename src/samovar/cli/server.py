"""The server that runs on a home folder, as the commands ask it: found by the home's lock, asked over its port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import msgspec

from samovar.cli.options import terminal_language
from samovar.core.errors import EngineFailed, ErrorValue, NotFound, SamovarError, revive
from samovar.core.home import Home
from samovar.core.settings import Said, read_settings
from samovar.store.lock import holder_of

CONNECTING = httpx.Timeout(None, connect=5.0)
"""Seconds: a load takes as long as it takes."""


GLANCE = 0.2
"""Seconds between two looks at how far a load is."""


class Loaded(msgspec.Struct, frozen=True):
    """A line of what the server has loaded, as it says it."""

    name: str
    state: str
    progress: float
    memory: int | None = None
    window: int | None = None
    expires: float | None = None


Report = Callable[[list[Loaded]], None]


class _Told(msgspec.Struct, frozen=True):
    kind: str
    message: str


class _Refusal(msgspec.Struct, frozen=True):
    error: _Told


@dataclass(frozen=True)
class Server:
    """Everything may raise EngineFailed where it does not answer, and what it refuses with."""

    url: str
    key: str | None

    @staticmethod
    def of(home: Home, key: str | None) -> Server:
        """Raises NotFound where none is running there."""
        holder = holder_of(home)
        if holder is None:
            raise NotFound("fleet.no_server", home=str(home.root))
        return Server(f"http://127.0.0.1:{holder.port}", read_settings(home, Said(api_key=key)).api_key)

    def loaded(self) -> list[Loaded]:
        return self._ask("GET", "loaded")

    def load(self, name: str, keep_alive: float | None, report: Report) -> list[Loaded]:
        """Returns when it is loaded; `report` is told meanwhile of all that the server has."""
        body = {} if keep_alive is None else {"keep_alive": keep_alive}
        with self._watched(report):
            return self._ask("PUT", f"loaded/{quote(name, safe='')}", body)

    def unload(self, name: str | None) -> list[Loaded]:
        return self._ask("DELETE", "loaded" if name is None else f"loaded/{quote(name, safe='')}")

    @contextmanager
    def _watched(self, report: Report) -> Iterator[None]:
        """Looks beside what is done here, which Ctrl-C can end at any moment."""
        over = threading.Event()

        def look() -> None:
            # What is wrong with the server is said by what is done here.
            with suppress(SamovarError):
                while not over.wait(GLANCE):
                    report(self.loaded())

        threading.Thread(target=look, daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _ask(self, method: str, path: str, body: dict[str, float] | None = None) -> list[Loaded]:
        headers: dict[str, str] = {"accept-language": terminal_language()}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        try:
            with httpx.Client(base_url=self.url, headers=headers, timeout=CONNECTING, trust_env=False) as client:
                response = client.request(method, f"/samovar/models/{path}", json=body)
                if response.is_success:
                    return msgspec.json.decode(response.content, type=list[Loaded])
                told = msgspec.json.decode(response.content, type=_Refusal).error
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            reason = str(error) or type(error).__name__
            raise EngineFailed("fleet.unreachable", url=self.url, reason=reason) from error
        raise revive(ErrorValue(told.kind, "fleet.server_says", {"message": told.message}))
