"""Repositories on Hugging Face: which files one has, and which of them is meant. The choice is pure.

Uses the tree listing of the Hub's API, which tells each large file's size and sha256.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

import httpx
import msgspec

from samovar.core.errors import DownloadFailed, InvalidInput, NotFound
from samovar.formats.gguf import part_names, split_name
from samovar.hub.sources import Endpoint, HubRepo
from samovar.hub.web import RemoteFile, TryAgain, authorization, refuse, valid_sha256

PREFERRED_QUANT = "Q4_K_M"
_MOST_PAGES = 50
_QUANT = re.compile(r"(?:^|[-._])((?:UD-)?(?:I?Q|TQ)\d\w*|B?F16|FP16|F32|MXFP4(?:_\w+)?|NVFP4)$", re.IGNORECASE)
_COMPANIONS = re.compile(r"mmproj|imatrix|(?:^|[-_.])(?:mtp|draft)[-_.]", re.IGNORECASE)


class _Large(msgspec.Struct):
    oid: str = ""
    size: int = 0


class HubEntry(msgspec.Struct):
    """A line of the tree listing."""

    type: str
    path: str
    size: int = 0
    lfs: _Large | None = None


def find_files(client: httpx.Client, endpoint: Endpoint, wanted: HubRepo) -> tuple[RemoteFile, ...]:
    """The files of the model that `wanted` names, in order. Raises NotFound, InvalidInput where the choice is open,
    DownloadFailed where the Hub refuses."""
    try:
        entries = list(_list(client, endpoint, wanted))
    except (httpx.RequestError, TryAgain) as error:
        reason = str(error) or type(error).__name__
        raise DownloadFailed("hub.unreachable", url=endpoint.url, reason=reason) from error
    base = f"{endpoint.url}/{wanted.repo}/resolve/{quote(wanted.revision, safe='')}"
    return tuple(_remote(base, entry) for entry in choose(entries, wanted))


def _list(client: httpx.Client, endpoint: Endpoint, wanted: HubRepo) -> Iterator[HubEntry]:
    revision = quote(wanted.revision, safe="")
    url: str | None = f"{endpoint.url}/api/models/{wanted.repo}/tree/{revision}?recursive=true"
    for _ in range(_MOST_PAGES):
        if url is None or not url.startswith(f"{endpoint.url}/"):
            return
        response = client.get(url, headers=dict(authorization(endpoint, url)))
        if response.status_code in (401, 404) and response.headers.get("X-Error-Code") != "GatedRepo":
            raise NotFound("hub.repo_not_found", repo=wanted.repo, revision=wanted.revision)
        refuse(response)
        try:
            yield from msgspec.json.decode(response.content, type=list[HubEntry])
        except msgspec.DecodeError as error:
            raise DownloadFailed("hub.not_the_hub", url=endpoint.url) from error
        url = response.links.get("next", {}).get("url")


def _remote(base: str, entry: HubEntry) -> RemoteFile:
    large = entry.lfs
    size, sha256 = (large.size, valid_sha256(large.oid)) if large else (entry.size, None)
    return RemoteFile(f"{base}/{quote(entry.path)}", PurePosixPath(entry.path).name, size, sha256)


def choose(entries: Sequence[HubEntry], wanted: HubRepo) -> tuple[HubEntry, ...]:
    """The entries of one model (several for a split one): the file or quantisation that was named, else the only
    one, else PREFERRED_QUANT. Raises NotFound or InvalidInput, naming what there is."""
    files = {e.path: e for e in entries if e.type == "file" and e.path.lower().endswith(".gguf")}
    if wanted.file is not None:
        return _parts(files, _named(files, wanted))
    models = [
        path for path in sorted(files) if not _COMPANIONS.search(PurePosixPath(path).name) and _is_first(path)
    ]
    if not models:
        raise NotFound("hub.repo_no_gguf", repo=wanted.repo)
    quant = wanted.quant or (PREFERRED_QUANT if len(models) > 1 else None)
    fitting = [path for path in models if quant is None or _fits(quant_of(path), quant)]
    if len(fitting) == 1:
        return _parts(files, fitting[0])
    labels = sorted({quant_of(path) or PurePosixPath(path).name for path in models})
    if fitting:
        raise InvalidInput("hub.repo_ambiguous", repo=wanted.repo, quant=quant or "", files=", ".join(fitting))
    if wanted.quant:
        raise NotFound("hub.repo_no_quant", repo=wanted.repo, quant=wanted.quant, known=", ".join(labels))
    raise InvalidInput("hub.repo_choose", repo=wanted.repo, known=", ".join(labels), example=labels[0])


def quant_of(path: str) -> str:
    """The quantisation that a file's name ends with; "" where it names none."""
    match = _QUANT.search(_stem(path))
    return match[1] if match else ""


def _fits(label: str, quant: str) -> bool:
    return label.casefold() in (quant.casefold(), f"ud-{quant.casefold()}")


def _stem(path: str) -> str:
    stem = PurePosixPath(path).name[: -len(".gguf")]
    place = split_name(stem)
    return place[0] if place else stem


def _is_first(path: str) -> bool:
    place = split_name(PurePosixPath(path).stem)
    return place is None or place[1] == 1


def _named(files: dict[str, HubEntry], wanted: HubRepo) -> str:
    name = wanted.file or ""
    hits = [name] if name in files else [p for p in files if PurePosixPath(p).name.casefold() == name.casefold()]
    if len(hits) != 1:
        known = ", ".join(sorted(files)) or "–"
        raise NotFound("hub.repo_no_file", repo=wanted.repo, file=name, known=known)
    return hits[0]


def _parts(files: dict[str, HubEntry], path: str) -> tuple[HubEntry, ...]:
    """`path` and, where it is a part of a split model, all its siblings."""
    folder = PurePosixPath(path)
    paths = [folder.with_name(name).as_posix() for name in part_names(folder.name)]
    missing = next((p for p in paths if p not in files), None)
    if missing is not None:
        raise NotFound("hub.repo_lacks_part", file=missing, count=len(paths))
    return tuple(files[p] for p in paths)
