"""A fresh home, and a site to pull from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samovar.core.home import Home
from tests.hub.pulling import MODEL
from tests.hub.server import Site, serving


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site({"model-Q4_K_M.gguf": MODEL})) as site:
        yield site
