"""Chat templates by name, for clients that ask for one and models that bring none along: one Jinja file each."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from samovar.core.errors import NotFound

FROM_MODEL = "from_model"
"""What the template of a model's own file is called, where names are listed and chosen from."""

_SUFFIX = ".jinja"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted((name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)), key=str.casefold))


def source(name: str) -> str:
    """The Jinja text of the template of that name, in any case. Raises NotFound with the names there are."""
    wanted = name.removesuffix(_SUFFIX).casefold()
    found = next((known for known in names() if known.casefold() == wanted), None)
    if found is None:
        raise NotFound("prompts.no_such_template", name=name[:80], known=", ".join(names()))
    return files(__name__).joinpath(found + _SUFFIX).read_text(encoding="utf-8").rstrip("\n")
