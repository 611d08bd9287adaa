"""A real HTTP server on loopback that serves files as Hugging Face does, and misbehaves as it is told."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    path: str
    headers: dict[str, str]


@dataclass
class Site:
    """`files` by path below the repository. Every field after it is a fault, or a way of the real Hub."""

    files: dict[str, bytes] = field(default_factory=dict)
    repo: str = "org/repo"
    large: bool = True
    etag: str | None = '"first"'
    break_after: int | None = None
    breaks: int = 0
    ignore_range: bool = False
    refuse_range: bool = False
    ignore_if_range: bool = False
    tamper: bool = False
    listed_size: int | None = None
    chunked: bool = False
    hold: threading.Event | None = None
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    page_size: int | None = None
    cdn: str | None = None
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def downloads(self) -> list[Asked]:
        return [asked for asked in self.asked if "/api/" not in asked.path]

    def ranges(self) -> list[str]:
        return [a.headers.get("range", "") for a in self.downloads()]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}))
        if site.statuses:
            status, headers = site.statuses.pop(0)
            self._head(status, headers | {"Content-Length": "0"})
        elif "/api/models/" in self.path:
            self._listing()
        else:
            self._file()

    def _listing(self) -> None:
        site = self.site
        if f"/api/models/{site.repo}/tree/main" not in self.path:
            self._head(401, {"X-Error-Code": "RepoNotFound", "Content-Length": "0"})
            return
        entries: list[dict[str, object]] = [{"type": "directory", "path": "sub"}]
        for path, content in site.files.items():
            size = len(content) if site.listed_size is None else site.listed_size
            entry: dict[str, object] = {"type": "file", "path": path, "size": size, "oid": "0" * 40}
            if site.large:
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 130}
            entries.append(entry)
        headers = {"Content-Type": "application/json"}
        if site.page_size is not None:
            start = int(self.path.partition("cursor=")[2] or 0)
            if start + site.page_size < len(entries):
                path = self.path.partition("&cursor=")[0]
                headers["Link"] = f'<{site.url}{path}&cursor={start + site.page_size}>; rel="next"'
            entries = entries[start : start + site.page_size]
        body = json.dumps(entries).encode()
        self._head(200, headers | {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _file(self) -> None:
        site = self.site
        name = self.path.partition(f"/{site.repo}/resolve/main/")[2] or self.path.lstrip("/")
        content = site.files.get(name.partition("?")[0])
        if content is None:
            self._head(404, {"Content-Length": "0"})
            return
        if site.cdn is not None:
            sha256 = hashlib.sha256(content).hexdigest()
            self._head(
                302, {"Location": f"{site.cdn}/{name}", "X-Linked-ETag": f'"{sha256}"', "Content-Length": "0"}
            )
            return
        self._send(bytes([content[0], *content[1:-1], content[-1] ^ 1]) if site.tamper else content)

    def _send(self, content: bytes) -> None:
        site = self.site
        headers = {"ETag": site.etag} if site.etag else {}
        start = self._start(len(content))
        if start and site.refuse_range:
            self._head(416, {"Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        headers |= {"Transfer-Encoding": "chunked"} if site.chunked else {"Content-Length": str(len(body))}
        self._head(206 if start else 200, headers)
        if site.hold is not None:
            self.wfile.write(body[: site.break_after])
            site.hold.wait()
            self.close_connection = True
        elif site.breaks and site.break_after is not None:
            site.breaks -= 1
            self.wfile.write(body[: site.break_after])
            self.close_connection = True
        elif site.chunked:
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.wfile.write(body)

    def _start(self, size: int) -> int:
        """Where the answer begins, as Range and If-Range say (RFC 9110)."""
        asked = self.headers.get("Range")
        same = self.site.ignore_if_range or self.headers.get("If-Range", self.site.etag) == self.site.etag
        if asked is None or self.site.ignore_range or not same:
            return 0
        return min(int(asked.removeprefix("bytes=").rstrip("-")), size)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    handler = type("Handler", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
