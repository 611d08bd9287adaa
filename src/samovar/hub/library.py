"""The library: the model files in the home's folder `models`, by name. Plain files that a person may copy.

A damaged file is listed with its problem and breaks nothing. Refuses to know where files come from.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from samovar.core.errors import BadModelFile, Conflict, NotFound, SamovarError, StorageFailed
from samovar.core.home import Home
from samovar.core.library import InstalledModel
from samovar.formats.gguf import part_names, read_header, split_name
from samovar.formats.shape import model_shape, require_language_model
from samovar.hub.roll import Roll

_SUFFIX = ".gguf"
_SHOWN_MATCHES = 5
_LONGEST_SHOWN = 200

_Stamp = tuple[tuple[str, int, int], ...]


class Library:
    """The models of one home. Reads a file's header once and again only when the file has changed: the first
    listing takes some 50 ms per model, so a server asks for it off its event loop. Safe to use from threads."""

    def __init__(self, home: Home) -> None:
        self._root = home.models
        self.roll = Roll(home.roll)
        self._seen: dict[Path, tuple[_Stamp, InstalledModel]] = {}

    def models(self) -> tuple[InstalledModel, ...]:
        """All models, by name. Each name is unique: the file's, with its folder where two would be alike."""
        names = _names(self._root, sorted(_model_files(self._root)))
        self._seen = {path: seen for path, seen in self._seen.items() if path in names}
        found = (self._inspect(path, name) for path, name in names.items())
        return tuple(sorted((m for m in found if m is not None), key=lambda m: m.name.casefold()))

    def find(self, wanted: str) -> InstalledModel:
        """The model of the library with this name in any case, or that goes by it as well, or the only one whose
        name begins so. Raises NotFound, naming near matches."""
        models = self.models()
        wanted = wanted if any(model.name == wanted for model in models) else self.roll.meant(wanted)
        hits = self._matches(wanted, models)
        if len(hits) != 1:
            raise _not_found(wanted, models, hits)
        return hits[0]

    def locate(self, wanted: str) -> InstalledModel:
        """As `find`, or the model file at a path anywhere on this machine: for the person at its command line, not
        for what comes over the network."""
        path = _file_at(wanted)
        if path is None:
            return self.find(wanted)
        known = next((m for m in self.models() if path.samefile(m.path)), None)
        model = known or self._inspect(path, _model_name(path))
        return model or self.find(wanted)

    def add_alias(self, alias: str, name: str) -> InstalledModel:
        """From now on `alias` means the model `name`. Raises NotFound, InvalidInput for what cannot be a name,
        Conflict where a model is called so, or another has that name already."""
        model = self.find(name)
        if any(other.name == alias for other in self.models()):
            raise Conflict("fleet.alias_is_model", alias=alias[:_LONGEST_SHOWN])
        self.roll.add_alias(alias, model.name)
        return model

    def remove(self, name: str) -> InstalledModel:
        """Deletes the files of a model of the library and the folders that this leaves empty. Raises NotFound for
        what is not in the library (a path outside it too), StorageFailed where the system refuses."""
        model = self.find(name)
        try:
            for path in _parts(Path(model.path)):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed("hub.cannot_remove", path=model.path, reason=error.strerror or "") from error
        _remove_empty_folders(Path(model.path).parent, self._root)
        self.roll.forget(model.name)
        return model

    def _matches(self, wanted: str, models: tuple[InstalledModel, ...]) -> list[InstalledModel]:
        """Whoever fits in the strictest sense in which anyone fits."""
        folded = wanted.replace("\\", "/").removesuffix(_SUFFIX).casefold()
        senses = (
            lambda m: m.name == wanted,
            lambda m: folded in (m.name.casefold(), self._relative(m).casefold()),
            lambda m: folded == m.name.rpartition("/")[2].casefold(),
            lambda m: bool(folded) and m.name.casefold().startswith(folded),
        )
        return next((hits for fits in senses if (hits := list(filter(fits, models)))), [])

    def _relative(self, model: InstalledModel) -> str:
        return Path(model.path).relative_to(self._root).as_posix().removesuffix(_SUFFIX)

    def _inspect(self, path: Path, name: str) -> InstalledModel | None:
        """None where the file vanished meanwhile."""
        try:
            stamp = tuple((str(p), (s := p.stat()).st_size, s.st_mtime_ns) for p in _parts(path) if p.exists())
        except OSError:
            return None
        seen = self._seen.get(path)
        if seen is None or seen[0] != stamp or seen[1].name != name:
            size, newest = sum(part[1] for part in stamp), max((part[2] for part in stamp), default=0)
            model = _read(InstalledModel(name, str(path), size, "", "", newest / 1e9))
            if model is None:
                return None
            seen = self._seen[path] = (stamp, model)
        return seen[1]


def _read(blank: InstalledModel) -> InstalledModel | None:
    """`blank` with what the file's header says, or with the problem it has."""
    quant = architecture = ""
    problem: SamovarError | None = None
    writes = True
    try:
        header = read_header(Path(blank.path))
        quant, architecture = header.quant, header.architecture
        require_language_model(header)
        writes = model_shape(header).causal
    except BadModelFile as error:
        problem = error
    except NotFound:
        return None
    value = problem.value() if problem else None
    return replace(blank, quant=quant, architecture=architecture, problem=value, writes=writes)


def _model_files(root: Path) -> Iterator[Path]:
    """Files *.gguf below `root`, of split models the first part; linked folders are entered once."""
    entered: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            place = split_name(name.removesuffix(_SUFFIX))
            if name.endswith(_SUFFIX) and not name.startswith(".") and (place is None or place[1] == 1):
                yield Path(folder, name)


def _names(root: Path, paths: list[Path]) -> Mapping[Path, str]:
    """The shortest name of each file that no other has: its stem, its stem with the folder, all of its path."""
    choices = {p: (_model_name(p), _with_folder(root, p), p.relative_to(root).as_posix()) for p in paths}
    used = [Counter(row[level].casefold() for row in choices.values()) for level in range(3)]
    return {
        path: next((n for level, n in enumerate(row) if used[level][n.casefold()] == 1), row[-1])
        for path, row in choices.items()
    }


def _model_name(path: Path) -> str:
    stem = path.name.removesuffix(_SUFFIX)
    place = split_name(stem)
    return place[0] if place else stem


def _with_folder(root: Path, path: Path) -> str:
    return (path.relative_to(root).parent / _model_name(path)).as_posix()


def _parts(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(name) for name in part_names(path.name))


def _file_at(wanted: str) -> Path | None:
    """The absolute path that `wanted` is, where it is written like one and a file is there."""
    if "\0" in wanted or not (wanted.endswith(_SUFFIX) or "/" in wanted or os.sep in wanted):
        return None
    path = Path(wanted).expanduser().absolute()
    return path if path.is_file() else None


def _remove_empty_folders(folder: Path, root: Path) -> None:
    while folder != root and root in folder.parents and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _not_found(wanted: str, models: tuple[InstalledModel, ...], hits: list[InstalledModel]) -> NotFound:
    wanted = wanted[:200]
    if hits:
        return NotFound("hub.model_ambiguous", name=wanted, names=", ".join(m.name for m in hits[:_SHOWN_MATCHES]))
    if not models:
        return NotFound("hub.library_empty", name=wanted)
    by_fold = {m.name.casefold(): m.name for m in models}
    contained = [name for fold, name in by_fold.items() if wanted.casefold() in fold]
    near = [by_fold[fold] for fold in get_close_matches(wanted.casefold(), by_fold, _SHOWN_MATCHES, 0.5)]
    shown = list(dict.fromkeys(contained + near))[:_SHOWN_MATCHES]
    if shown:
        return NotFound("hub.model_not_found_near", name=wanted, names=", ".join(shown))
    return NotFound("hub.model_not_found", name=wanted, count=len(models))
