"""What a person may name as the source of a model, told apart without asking anyone.

A Hugging Face repository (`org/repo`, `org/repo:Q4_K_M`, `org/repo/file.gguf`, `hf.co/…`, a link of its pages), an
https address, or a file on this machine. Pure but for one look whether a file is there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from samovar.core.errors import InvalidInput

_HUB = "https://huggingface.co"
_HUB_PREFIXES = ("hf://", "https://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/")
_NAME = r"[A-Za-z0-9_](?:[\w.-]*\w)?"
_ADDRESS = re.compile(
    rf"(?!(?:datasets|spaces|api)/)(?P<repo>{_NAME}/{_NAME})"
    r"(?:/(?:blob|resolve|tree)/(?P<revision>[^/]+))?"
    r"(?:/(?P<file>[^:]+\.gguf)|:(?P<quant>[\w.-]+)|/)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Hugging Face is, and the token that opens gated repositories there."""

    url: str = _HUB
    token: str | None = field(default=None, repr=False)

    @staticmethod
    def of(environment: Mapping[str, str]) -> Endpoint:
        """As huggingface_hub reads it: HF_ENDPOINT and HF_TOKEN."""
        return Endpoint(
            (environment.get("HF_ENDPOINT") or _HUB).rstrip("/"), environment.get("HF_TOKEN", "").strip() or None
        )


@dataclass(frozen=True, slots=True)
class HubRepo:
    """A repository, and which of its files: by path or name, by quantisation, or as `choose` thinks best."""

    repo: str
    revision: str = "main"
    file: str | None = None
    quant: str | None = None


@dataclass(frozen=True, slots=True)
class WebFile:
    url: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    path: Path


Source = HubRepo | WebFile | LocalFile


def parse_source(text: str, endpoint: Endpoint) -> Source:
    """Raises InvalidInput for what is none of the three."""
    text = text.strip()
    if text and "\0" not in text and (Path(text).expanduser().is_file() or text[0] in "./~\\"):
        return LocalFile(Path(text).expanduser().absolute())
    return parse_remote(text, endpoint)


def parse_remote(text: str, endpoint: Endpoint) -> HubRepo | WebFile:
    """As `parse_source`, and looks at no file of this machine."""
    text = text.strip()
    address = _hub_address(text, endpoint)
    repo = _hub_repo(address) if address is not None else None
    if repo is not None:
        return repo
    if "://" not in text:
        raise InvalidInput("hub.source_unclear", source=text[:200])
    require_safe_url(text)
    return WebFile(text)


def _hub_address(text: str, endpoint: Endpoint) -> str | None:
    """What may be the address of a repository on the Hub; None for a URL that leads elsewhere."""
    for prefix in (*_HUB_PREFIXES, f"{endpoint.url}/"):
        if text.startswith(prefix):
            return unquote(urlsplit(text.removeprefix(prefix)).path)
    return None if "://" in text else text


def require_safe_url(url: str) -> None:
    """Raises InvalidInput for anything but https, and http to this very machine."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput("hub.url_scheme", url=url[:200]) from error
    if not parts.host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.host))):
        raise InvalidInput("hub.url_scheme", url=url[:200])


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hub_repo(address: str) -> HubRepo | None:
    match = _ADDRESS.fullmatch(address)
    return HubRepo(match["repo"], match["revision"] or "main", match["file"], match["quant"]) if match else None
