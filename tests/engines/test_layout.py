"""Structs that Python declares are held against the library's header and its defaults before they are used."""

from __future__ import annotations

import ctypes
import importlib.util

import pytest

from samovar.core.errors import EngineFailed
from samovar.engines.llama.builds import version_of
from samovar.engines.llama.layout import check_defaults, check_header, declared_fields, header_fields, layout_digest

HEADER = """
    // a comment; with a struct params { int32_t wrong; }
    struct params {
        uint32_t size;      // of it; in bytes
        enum kind kind;
        const char * name;  /* several
                               lines */
        llama_abort_callback callback;
        bool flag;
    };
    typedef struct pair { float a; struct params * b; } pair;
"""


class Params(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("kind", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("callback", ctypes.c_void_p),
        ("flag", ctypes.c_bool),
    )


class Grown(ctypes.Structure):
    _fields_ = (*Params._fields_, ("new", ctypes.c_bool))


class Narrowed(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint16), *Params._fields_[1:])


def test_fields_of_a_header_are_read() -> None:
    assert header_fields(HEADER, "params") == declared_fields(Params)
    assert header_fields(HEADER, "pair") == [("a", 4), ("b", ctypes.sizeof(ctypes.c_void_p))]


def test_a_struct_that_agrees_passes() -> None:
    check_header("ik", "1", HEADER, {"params": Params})


@pytest.mark.parametrize("struct", [Grown, Narrowed])
def test_a_struct_that_differs_is_refused(struct: type[ctypes.Structure]) -> None:
    with pytest.raises(EngineFailed, match="params"):
        check_header("ik", "1", HEADER, {"params": struct})


def test_a_header_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        header_fields("int main(void) { return 0; }", "params")


def test_defaults_that_differ_are_refused() -> None:
    check_defaults("ik", "1", Params(size=512, flag=True), {"size": 512, "flag": True})
    with pytest.raises(EngineFailed, match=r"Params\.size"):
        check_defaults("ik", "1", Params(size=5), {"size": 512})


@pytest.mark.skipif(
    not importlib.util.find_spec("ik_llama_cpp"), reason="the ik build of libllama is not installed"
)
def test_ik_is_declared_as_its_header_says() -> None:
    """Its own header where it is still there, else the digest of it that is kept for the pinned version."""
    from samovar.engines.llama.ik import KNOWN_LAYOUTS, own_header, structs

    header = own_header()
    if header is not None:
        check_header("ik", "installed", header, structs())
    fields = {name: header_fields(header, name) if header else declared_fields(s) for name, s in structs().items()}
    assert layout_digest(fields) == KNOWN_LAYOUTS[version_of("ik")]
