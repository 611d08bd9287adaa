"""GGUF: the public face of the reader. Uses the standard library alone; it runs in the front process."""

from __future__ import annotations

from pathlib import Path

from samovar.formats.gguf_header import GgufHeader, TensorInfo
from samovar.formats.gguf_reader import read_part
from samovar.formats.gguf_split import join_parts, part_names, split_name
from samovar.formats.gguf_types import GgmlType
from samovar.formats.gguf_values import LazyArray, Value

__all__ = [
    "GgmlType",
    "GgufHeader",
    "LazyArray",
    "TensorInfo",
    "Value",
    "part_names",
    "read_header",
    "read_part",
    "split_name",
]


def read_header(path: Path) -> GgufHeader:
    """The checked header of the model at `path`; of a split model `path` is the first part, and all are read.

    Raises NotFound where no file is, BadModelFile for everything else that is wrong with it or its other parts.
    """
    return join_parts(read_part(path))
