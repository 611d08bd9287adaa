"""Gets a model into the library, from Hugging Face, an https address or a file on this machine.

The model appears in the library whole or not at all: parts lie beside as `.part` files until all are verified, and
a pull that was stopped goes on where it was. File names from a server are cut to their last component and cleaned,
so that nothing lands outside `models`.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from samovar.core.errors import Cancelled, Conflict, DownloadFailed
from samovar.core.filelock import try_lock
from samovar.core.home import Home
from samovar.formats.gguf import part_names, read_header
from samovar.hub.download import Download
from samovar.hub.fence import Fence
from samovar.hub.huggingface import find_files
from samovar.hub.placing import place, require_space, storage_failure
from samovar.hub.sources import Endpoint, HubRepo, LocalFile, parse_remote, parse_source
from samovar.hub.web import RemoteFile, TryAgain, authorization, open_client, refuse, sha256_of, whole_length

_UNSAFE = re.compile(r"[^\w.()+,=@~ -]")
_NUMBER = re.compile(r"-\d{5}(?=-of-\d{5}\.gguf)")
_LONGEST_NAME = 200
_RATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Pulling:
    """Bytes of all files together; `total` None where the source does not tell; `rate` in bytes a second."""

    done: int
    total: int | None
    rate: float


Report = Callable[[Pulling], bool]
"""Called while bytes come; returning False cancels."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """Where the model's (first) file is. `fresh`: it was not there before."""

    path: Path
    fresh: bool


def pull(
    source: str,
    home: Home,
    report: Report,
    endpoint: Endpoint | None = None,
    wait: Callable[[float], None] = time.sleep,
    fence: Fence | None = None,
) -> Pulled:
    """With a `fence`, nothing of this machine is taken, and only what it lets through is reached. Raises
    InvalidInput for a source that is none or leaves a choice open, NotFound, BadModelFile, StorageFailed,
    DownloadFailed, Conflict where another process fetches the same, and Cancelled when `report` says so; what has
    come is then kept for the next pull."""
    endpoint = endpoint or Endpoint()
    what = parse_source(source, endpoint) if fence is None else parse_remote(source, endpoint)
    home.make()
    if isinstance(what, LocalFile):
        return _take_local(what.path, home.models)
    with open_client(fence) as client:
        if isinstance(what, HubRepo):
            remotes, folder = find_files(client, endpoint, what), home.models / what.repo
        else:
            remotes, folder = _web_files(client, endpoint, what.url), home.models
        downloads = [Download(client, endpoint, r, folder / safe_name(r.name), wait) for r in remotes]
        with _alone(downloads[0]):
            return _fetch(downloads, report)


def safe_name(name: str) -> str:
    """A name for this machine's disk from one that a server gave: one component, ending in .gguf."""
    stem = _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).removesuffix(".gguf").strip(". ")
    return f"{stem[:_LONGEST_NAME] or 'model'}.gguf"


def _take_local(path: Path, models: Path) -> Pulled:
    header = read_header(path)
    if models.absolute() in path.parents:
        return Pulled(path, fresh=False)
    for part in reversed(header.paths):
        place(part, models / part.name)
    return Pulled(models / path.name, fresh=True)


def _web_files(client: httpx.Client, endpoint: Endpoint, url: str) -> tuple[RemoteFile, ...]:
    """What is at an address; for one part of a split model, all parts beside it."""
    names = part_names(safe_name(unquote(urlsplit(url).path)))
    urls = [url] if len(names) == 1 else [_NUMBER.sub(f"-{n:05d}", url) for n in range(1, len(names) + 1)]
    return tuple(_web_file(client, endpoint, part_url, name) for part_url, name in zip(urls, names, strict=True))


def _web_file(client: httpx.Client, endpoint: Endpoint, url: str, name: str) -> RemoteFile:
    """Asks for the file and looks only at the answer's head: not every server answers HEAD."""
    try:
        with client.stream("GET", url, headers=dict(authorization(endpoint, url))) as response:
            refuse(response)
            return RemoteFile(url, name, whole_length(response), sha256_of(response))
    except (httpx.RequestError, TryAgain) as error:
        raise DownloadFailed("hub.unreachable", url=url, reason=str(error) or type(error).__name__) from error


@contextmanager
def _alone(first: Download) -> Iterator[None]:
    """Nobody else fetches this model meanwhile. Raises Conflict where somebody does, StorageFailed."""
    lock = first.part.with_name(f"{first.part.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("ab")
    except OSError as error:
        raise storage_failure(error, lock) from error
    with file:
        if not try_lock(file.fileno()):
            raise Conflict("hub.pulled_elsewhere", name=first.target.name)
        try:
            yield
        finally:
            # Windows keeps a file that is open.
            with suppress(OSError):
                lock.unlink()


def _fetch(downloads: Sequence[Download], report: Report) -> Pulled:
    """All files of one model; they get their names when all are verified, the first file last: a model is listed by
    its first file."""
    missing = [download for download in downloads if not download.present()]
    target = downloads[0].target
    if not missing:
        return Pulled(target, fresh=False)
    require_space(target.parent, sum((d.remote.size or 0) - d.done() for d in missing if d.remote.size))
    sizes = [download.remote.size for download in missing]
    meter = _Meter(report, None if None in sizes else sum(filter(None, sizes)))
    for download in missing:
        meter.told(download.done())
        download.run(meter.told)
        meter.next_file()
    for download in reversed(missing):
        download.finish()
    return Pulled(target, fresh=True)


class _Meter:
    """Adds up the bytes of all files and their rate over the last seconds."""

    def __init__(self, report: Report, total: int | None) -> None:
        self._report = report
        self._total = total
        self._finished = 0
        self._done = 0
        self._samples: deque[tuple[float, int]] = deque()

    def told(self, done: int) -> None:
        """`done` bytes of the present file are here. Raises Cancelled."""
        now, self._done = time.monotonic(), self._finished + done
        if not self._samples or self._done < self._samples[-1][1]:
            self._samples = deque([(now, self._done)])
        self._samples.append((now, self._done))
        while self._samples[0][0] < now - _RATE_SECONDS:
            self._samples.popleft()
        start, before = self._samples[0]
        rate = (self._done - before) / (now - start) if now > start else 0.0
        if not self._report(Pulling(self._done, self._total, rate)):
            raise Cancelled("hub.pull_cancelled", done=self._done)

    def next_file(self) -> None:
        self._finished = self._done
