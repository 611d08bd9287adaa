"""One file over HTTP to a `.part` file, resumed where it stopped, verified as it lies on the disk.

Beside the part lies a `.part.json` that says of which file it is a part. What a server sends is appended only if it
is the same file as before: by its sha256 where the source tells one, else by its ETag (RFC 9110, If-Range).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec

from samovar.core.errors import BadModelFile, DownloadFailed
from samovar.formats.gguf import read_part
from samovar.formats.sniff import HEAD_BYTES, looks_like
from samovar.hub.placing import storage_failure
from samovar.hub.sources import Endpoint
from samovar.hub.web import RemoteFile, TryAgain, authorization, refuse, whole_length

_ATTEMPTS = 5
_CHUNK = 1 << 20

Told = Callable[[int], None]
"""Called with the number of bytes that the part now has."""


class _Record(msgspec.Struct, frozen=True):
    """Of which file a part is."""

    url: str
    etag: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A download to `target`, by way of `part`. `wait` makes the pauses between attempts."""

    client: httpx.Client
    endpoint: Endpoint
    remote: RemoteFile
    target: Path
    wait: Callable[[float], None] = time.sleep

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def record(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def done(self) -> int:
        """Bytes that are there already and can be gone on with."""
        size = self.part.stat().st_size if self.part.is_file() else 0
        known = self._recall()
        if known is None or (known.url, known.sha256) != (self.remote.url, self.remote.sha256 or ""):
            return 0
        sure = known.sha256 or _strong(known.etag)
        return size if sure and (self.remote.size is None or size <= self.remote.size) else 0

    def present(self) -> bool:
        """Whether `target` is this very file already."""
        if not self.target.is_file() or self.target.stat().st_size != self.remote.size:
            return False
        return self.remote.sha256 is None or file_sha256(self.target) == self.remote.sha256

    def run(self, told: Told) -> None:
        """Completes the part and verifies it. A connection that breaks is taken up again, until five attempts in a
        row have brought nothing. Raises DownloadFailed, NotFound, BadModelFile, StorageFailed, and whatever `told`
        raises; the part stays, unless its bytes are wrong."""
        try:
            self._complete(told)
            self._verify()
        except BadModelFile as error:
            self.discard()
            raise BadModelFile(error.key, **(error.facts | {"path": self.remote.url})) from error

    def _complete(self, told: Told) -> None:
        failures = 0
        while self.remote.size is None or self.done() < self.remote.size:
            before = self.done()
            try:
                self._go_on(before, told)
                break
            except (httpx.RequestError, TryAgain) as error:
                failures = 1 if self.done() > before else failures + 1
                if failures == _ATTEMPTS:
                    raise self._broke_off(error) from error
                self.wait(2.0 ** (failures - 1))
            except OSError as error:
                raise storage_failure(error, self.part) from error

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def finish(self) -> None:
        """Moves the verified part to its place, at once and whole."""
        try:
            self.part.replace(self.target)
            self.record.unlink(missing_ok=True)
        except OSError as error:
            raise storage_failure(error, self.target) from error

    def _go_on(self, offset: int, told: Told) -> None:
        headers = dict(authorization(self.endpoint, self.remote.url))
        known = self._recall()
        if offset and known is not None:
            headers["Range"] = f"bytes={offset}-"
            headers |= {} if known.sha256 else {"If-Range": known.etag}
        with self.client.stream("GET", self.remote.url, headers=headers) as response:
            refuse_range = response.status_code == 416 or (
                response.status_code == 206 and not _continues(response, offset, known)
            )
            if refuse_range:
                self.discard()
                raise TryAgain(f"HTTP {response.status_code}")
            refuse(response)
            if response.status_code == 200:
                self._remember(response)
            with self.part.open("ab" if response.status_code == 206 else "wb") as file:
                self._write(response, file, told)

    def _write(self, response: httpx.Response, file: BinaryIO, told: Told) -> None:
        total = whole_length(response)
        self._require_size(self.remote.size if total is None else total)
        head = b"" if file.tell() == 0 else b"GGUF"
        for chunk in response.iter_raw():
            file.write(chunk)
            head = head if len(head) >= 4 else _gguf_head(head + chunk)
            told(file.tell())
        if total is not None and file.tell() < total:
            raise TryAgain(f"{file.tell()} / {total}")

    def _require_size(self, size: int | None) -> None:
        promised = self.remote.size
        if promised is not None and size != promised:
            self.discard()
            raise DownloadFailed("hub.size_differs", url=self.remote.url, size=size or 0, promised=promised)

    def _verify(self) -> None:
        if not self.part.is_file():
            raise BadModelFile("formats.empty", path=self.remote.url)
        self._require_size(self.part.stat().st_size)
        if self.remote.sha256 is not None and file_sha256(self.part) != self.remote.sha256:
            self.discard()
            raise DownloadFailed("hub.sha_differs", url=self.remote.url)
        read_part(self.part)

    def _remember(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        record = _Record(self.remote.url, etag, self.remote.sha256 or "")
        self.part.unlink(missing_ok=True)
        self.record.write_bytes(msgspec.json.encode(record))

    def _recall(self) -> _Record | None:
        try:
            return msgspec.json.decode(self.record.read_bytes(), type=_Record)
        except (OSError, msgspec.DecodeError):
            return None

    def _broke_off(self, error: Exception) -> DownloadFailed:
        reason = str(error) or type(error).__name__
        return DownloadFailed("hub.broke_off", url=self.remote.url, done=self.done(), reason=reason)


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _gguf_head(head: bytes) -> bytes:
    """`head`, which notices a web page or another kind of file before gigabytes of it are here."""
    if len(head) >= 4 and not head.startswith(b"GGUF"):
        raise BadModelFile(looks_like(head[:HEAD_BYTES]), path="")
    return head[:HEAD_BYTES]


def _strong(etag: str) -> bool:
    """A weak ETag promises the same meaning, not the same bytes."""
    return bool(etag) and not etag.startswith("W/")


def _continues(response: httpx.Response, offset: int, known: _Record | None) -> bool:
    """Whether a partial answer begins where the part ends, and is of the same file."""
    if known is None or not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
        return False
    return bool(known.sha256) or response.headers.get("ETag", known.etag) == known.etag
