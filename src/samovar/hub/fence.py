"""What may be reached on behalf of somebody else: named hosts, at public addresses.

A client that has a server fetch things for it must not reach through it into this machine or the network around it.
So a name is looked up once, every address that it has is judged, and the connection is made to one that was judged:
a name that changes its mind in between gains nothing. Redirects pass here like any other request.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from samovar.core.errors import DownloadFailed, InvalidInput

HUB_HOSTS = ("huggingface.co", "hf.co")
"""With everything below them: files lie on hosts of these."""

HTTPS_PORT = 443

LookUp = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as texts. Raises OSError."""


def look_up(host: str, port: int) -> Sequence[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Fence:
    """`hosts`: those that may be reached, with all names below them. `trusted`: an origin ("https://host:port")
    that whoever runs the server has named, wherever it lies."""

    hosts: tuple[str, ...] = HUB_HOSTS
    trusted: str = ""
    look_up: LookUp = field(default=look_up, repr=False)

    def address(self, url: httpx.URL) -> str | None:
        """The address to connect to; None for the trusted origin, which is left to the system. Raises InvalidInput
        for what may not be reached, DownloadFailed for a host that is not found."""
        if self.trusted and _origin(str(url)) == _origin(self.trusted):
            return None
        host = url.host.lower().rstrip(".")
        if url.scheme != "https" or url.port not in (None, HTTPS_PORT) or url.userinfo:
            raise InvalidInput("hub.fence_scheme", host=host[:80])
        if not any(host == known or host.endswith(f".{known}") for known in self.hosts):
            raise InvalidInput("hub.fence_host", host=host[:80], hosts=", ".join(self.hosts))
        return self._public(host)

    def _public(self, host: str) -> str:
        try:
            found = self.look_up(host, HTTPS_PORT)
        except OSError as error:
            raise DownloadFailed("hub.unreachable", url=host, reason=error.strerror or str(error)) from error
        if not found or not all(map(is_public, found)):
            raise InvalidInput("hub.fence_address", host=host[:80])
        return found[0]


class FencedTransport(httpx.HTTPTransport):
    """Connects to the address that the fence has judged; the server is still asked by its name, and shows a
    certificate for it."""

    def __init__(self, fence: Fence) -> None:
        super().__init__()
        self._fence = fence

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = self._fence.address(request.url)
        if address is None:
            return super().handle_request(request)
        direct = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return super().handle_request(direct)


def is_public(address: str) -> bool:
    """Whether it is an address of the whole network: no loopback, private, link-local, shared or reserved one, nor
    one that stands for such an IPv4 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = (parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ()))
        if any(found is not None and not is_public(str(found)) for found in inner) or parsed in NAT64:
            return False
        if parsed.ipv4_mapped is not None:
            return True
    return parsed.is_global and not parsed.is_multicast


NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Every IPv4 address has one here, private ones too (RFC 6052)."""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or ""), parts.port or {"http": 80, "https": HTTPS_PORT}.get(parts.scheme)
