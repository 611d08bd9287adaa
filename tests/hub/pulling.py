"""What the tests of pulling share: a model to pull, and how to ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.catalogue import LANGUAGES
from samovar.core.errors import (
    SamovarError,
)
from samovar.core.home import Home
from samovar.hub.library import Library
from samovar.hub.pull import Pulled, Pulling, pull
from samovar.hub.sources import Endpoint
from tests.formats.gguf_bytes import Tensor, small
from tests.hub.server import Site


def model(rows: int = 4096) -> bytes:
    """A valid model of about a megabyte, so that it arrives in several pieces."""
    file = small()
    file.tensors = [Tensor("token_embd.weight", (64, rows), 0, 0, bytes(range(256)) * rows)]
    return file.bytes()


MODEL = model()
HALF = len(MODEL) // 2


def go_on(_: Pulling) -> bool:
    return True


def no_pause(_: float) -> None:
    pass


def get(site: Site, home: Home, source: str = "org/repo") -> Pulled:
    return pull(source, home, go_on, Endpoint(site.url), no_pause)


def refusal(site: Site, home: Home, source: str = "org/repo") -> SamovarError:
    """The error of a pull; its sentence exists in every language, and no model has appeared."""
    with pytest.raises(SamovarError) as caught:
        get(site, home, source)
    for language in LANGUAGES:
        assert "{" not in caught.value.text(language)
    assert Library(home).models() == ()
    return caught.value


def leftovers(home: Home) -> list[str]:
    return sorted(p.name for p in home.models.rglob("*") if p.is_file())


def has_all(home: Home, path: Path, content: bytes = MODEL) -> bool:
    return path.read_bytes() == content and leftovers(home) == [path.name]
