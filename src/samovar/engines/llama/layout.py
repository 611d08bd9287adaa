"""Whether the structs that Python declares are those of the library that was loaded.

A field too few or of another size would hand C++ garbage or let it write past the end. Two checks: the declared
fields against the library's own header, or a digest of it where the header is not at hand, and marked values in
what the library's `*_default_params` return.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
from collections.abc import Iterator, Mapping

from samovar.core.errors import EngineFailed

Field = tuple[str, int]
"""Name and size in bytes."""

_SIZES: Mapping[str, int] = {
    "bool": 1,
    "int8_t": 1,
    "int": 4,
    "float": 4,
    "int32_t": 4,
    "uint32_t": 4,
    "llama_pos": 4,
    "llama_seq_id": 4,
    "llama_token": 4,
    "size_t": 8,
}
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DECLARATION = re.compile(r"(?:const\s+)?(?:struct\s+)?(?P<type>enum\s+\w+|\w+)(?P<stars>[\s*]+)(?P<name>\w+)")


def declared_fields(struct: type[ctypes.Structure]) -> list[Field]:
    """The fields of a ctypes struct in order."""
    return [(field[0], ctypes.sizeof(field[1])) for field in struct._fields_]


def header_fields(header: str, struct: str) -> list[Field]:
    """The fields of `struct` in the text of a C header. Raises ValueError for anything but a list of fields."""
    body = re.search(r"struct\s+" + struct + r"\s*\{(.*?)\}", _COMMENT.sub("", header), re.DOTALL)
    if body is None:
        raise ValueError(f"no struct {struct}")
    return list(_fields(body[1]))


def layout_digest(structs: Mapping[str, list[Field]]) -> str:
    """A digest of structs by name, for versions whose header may not be at hand."""
    return hashlib.blake2b(repr(sorted(structs.items())).encode(), digest_size=8).hexdigest()


def check_header(build: str, version: str, header: str, structs: Mapping[str, type[ctypes.Structure]]) -> None:
    """Raises EngineFailed where a struct of the header and its declaration differ."""
    for name, struct in structs.items():
        declared, found = declared_fields(struct), header_fields(header, name)
        if declared != found:
            odd = next((pair[0] for pair in zip(found, declared, strict=False) if pair[0] != pair[1]), (name, 0))
            raise EngineFailed("engines.layout", build=build, version=version, field=f"{name}.{odd[0]}")


def check_defaults(
    build: str, version: str, params: ctypes.Structure, expected: Mapping[str, int | float | bool]
) -> None:
    """Raises EngineFailed where default parameters have other values than the library is known to give."""
    for name, value in expected.items():
        if getattr(params, name) != value:
            raise EngineFailed(
                "engines.layout", build=build, version=version, field=f"{type(params).__name__}.{name}"
            )


def _fields(body: str) -> Iterator[Field]:
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        match = _DECLARATION.fullmatch(declaration)
        if match is None:
            raise ValueError(f"not a field: {declaration}")
        yield match["name"], _size(match["type"], "*" in match["stars"])


def _size(type: str, pointer: bool) -> int:
    if pointer or type.endswith("_callback"):
        return ctypes.sizeof(ctypes.c_void_p)
    return 4 if type.startswith("enum") else _SIZES[type]
