"""HTTP as downloads need it: a client that follows redirects only to safe places, and what refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from samovar.core.errors import DownloadFailed, NotFound, SamovarError
from samovar.hub.fence import Fence, FencedTransport
from samovar.hub.sources import Endpoint, require_safe_url

_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to download: `name` for this machine; `size` in bytes and `sha256` where the source tells them."""

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None


class TryAgain(Exception):
    """The server cannot serve this just now."""


def open_client(fence: Fence | None = None) -> httpx.Client:
    """The body comes as it is, never compressed: a byte range must mean the same in every answer. With a `fence`,
    only what it lets through is reached, and no proxy is used, which would look up names again."""
    return httpx.Client(
        timeout=_TIMEOUT,
        follow_redirects=True,
        headers={"Accept-Encoding": "identity", "User-Agent": "samovar"},
        event_hooks={"request": [lambda request: require_safe_url(str(request.url))]},
        transport=FencedTransport(fence) if fence else None,
        trust_env=fence is None,
    )


def authorization(endpoint: Endpoint, url: str) -> Mapping[str, str]:
    """The token goes to the endpoint alone; httpx drops it when a redirect leads to another host."""
    if endpoint.token is None or not url.startswith(f"{endpoint.url}/"):
        return MappingProxyType({})
    return MappingProxyType({"Authorization": f"Bearer {endpoint.token}"})


def refuse(response: httpx.Response) -> None:
    """Returns for an answer that has what was asked. Raises TryAgain for a passing trouble, else what it means."""
    if response.status_code in (200, 206):
        return
    if response.status_code in _RETRYABLE:
        raise TryAgain(f"HTTP {response.status_code}")
    raise _refusal(response)


def _refusal(response: httpx.Response) -> SamovarError:
    status, url = response.status_code, str(response.history[0].url if response.history else response.url)
    reason = response.headers.get("X-Error-Code", "")
    if reason == "GatedRepo":
        return DownloadFailed("hub.gated", url=url)
    if status in (401, 403):
        return DownloadFailed("hub.forbidden", url=url, status=status)
    if status in (404, 410):
        return NotFound("hub.url_not_found", url=url, status=status)
    return DownloadFailed("hub.refused", url=url, status=status)


def sha256_of(response: httpx.Response) -> str | None:
    """The hash that Hugging Face names for a large file, on the answer or on the redirect that led to it."""
    etags = (r.headers.get("X-Linked-ETag", "").strip('"') for r in (*response.history, response))
    return next((etag for etag in etags if _SHA256.fullmatch(etag)), None)


def valid_sha256(text: object) -> str | None:
    return text if isinstance(text, str) and _SHA256.fullmatch(text) else None


def whole_length(response: httpx.Response) -> int | None:
    """Bytes of the whole file, by Content-Range or Content-Length; None where the server does not tell."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = total if response.status_code == 206 else response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None
