"""The listening socket: bound before anything is loaded, and when it cannot be, who is in the way."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Iterator

import msgspec
import psutil

from samovar.core.errors import Conflict, InvalidInput, SamovarError

ASKING_SECONDS = 1.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def listen(host: str, port: int) -> socket.socket:
    """A bound socket that listens. Raises Conflict where the port is taken, InvalidInput where host or port cannot
    be listened on at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise _refusal(error, host, port) from error


def url_of(host: str, port: int) -> str:
    """The address to open on this machine for a server that listens on `host`."""
    name = ANY_ADDRESS.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _refusal(error: OSError, host: str, port: int) -> SamovarError:
    if error.errno == errno.EADDRINUSE:
        return _taken(host, port)
    if error.errno == errno.EACCES:
        return InvalidInput("cli.port_forbidden", port=port)
    return InvalidInput("cli.host_unusable", host=host, reason=error.strerror or str(error))


def _taken(host: str, port: int) -> SamovarError:
    if _is_samovar(ANY_ADDRESS.get(host, host), port):
        return Conflict("cli.port_taken_by_samovar", port=port, url=url_of(host, port))
    for process in _listeners(port):
        return Conflict("cli.port_taken_by", port=port, process=process.name(), pid=process.pid)
    return Conflict("cli.port_taken", port=port)


class _Health(msgspec.Struct):
    """The part of our /health by which another Samovar is known."""

    status: str
    model: dict[str, object]


def _is_samovar(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=ASKING_SECONDS)
    try:
        connection.request("GET", "/health")
        told = msgspec.json.decode(connection.getresponse().read(65536), type=_Health)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return False
    finally:
        connection.close()
    return told.status == "ok" and {"name", "state", "progress"} <= told.model.keys()


def _listeners(port: int) -> Iterator[psutil.Process]:
    """The processes that listen on `port`, as far as this system tells them to this person."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1] == port and connection.pid:
            try:
                yield psutil.Process(connection.pid)
            except psutil.NoSuchProcess:
                continue
