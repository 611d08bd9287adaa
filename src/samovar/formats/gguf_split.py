"""Models that are split over several GGUF files: `name-00001-of-00003.gguf` and its siblings, made one header.

The keys are those of llama.cpp's gguf-split: split.no, split.count, split.tensors.count.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from samovar.core.errors import BadModelFile
from samovar.formats.gguf_header import GgufHeader
from samovar.formats.gguf_reader import read_part

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.DOTALL)
_MOST_PARTS = 1000


def split_name(stem: str) -> tuple[str, int, int] | None:
    """What a file's name without ".gguf" says of its place: (name of the model, part from 1, number of parts)."""
    match = _PART.fullmatch(stem)
    return (match["stem"], int(match["number"]), int(match["count"])) if match else None


def part_names(file_name: str) -> tuple[str, ...]:
    """All parts' file names for the name of one of them; for a file that is no part, its own name."""
    place = split_name(file_name.removesuffix(".gguf"))
    if place is None or not 1 <= place[2] <= _MOST_PARTS:
        return (file_name,)
    stem, _, count = place
    return tuple(f"{stem}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1))


def join_parts(first: GgufHeader) -> GgufHeader:
    """One header for a whole model. Raises BadModelFile where `first` is not the first part, or another part is
    missing, damaged or of another model."""
    count = first.split_count
    if count == 1:
        return first
    paths = _part_paths(first.paths[0], count)
    parts = [first, *(_sibling(path, number, count) for number, path in enumerate(paths[1:], start=1))]
    tensors = tuple(replace(t, part=number) for number, part in enumerate(parts) for t in part.tensors)
    promised = first.whole("split.tensors.count", len(tensors))
    if len({t.name for t in tensors}) != promised or len(tensors) != promised:
        raise BadModelFile("formats.split_tensors", found=len(tensors), promised=promised, count=count)
    size = sum(part.file_size for part in parts)
    return replace(first, paths=paths, tensors=tensors, file_size=size)


def _part_paths(path: Path, count: int) -> tuple[Path, ...]:
    place = split_name(path.stem)
    if place is None or place[2] != count or not 1 <= count <= _MOST_PARTS:
        raise BadModelFile("formats.split_name", file=path.name, count=count)
    names = part_names(path.name)
    if place[1] != 1:
        raise BadModelFile("formats.split_not_first", file=path.name, first=names[0])
    return tuple(path.with_name(name) for name in names)


def _sibling(path: Path, number: int, count: int) -> GgufHeader:
    if not path.is_file():
        raise BadModelFile("formats.split_missing", file=path.name, count=count)
    part = read_part(path)
    if part.split_count != count or part.whole("split.no", -1) != number:
        raise BadModelFile("formats.split_foreign", file=path.name, number=number + 1, count=count)
    return part
