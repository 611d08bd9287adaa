"""Every dialect that is served. A new one is added here, and is then tested with all others."""

from __future__ import annotations

from samovar.api.dialects import (
    anthropic,
    koboldcpp,
    llamacpp,
    ollama,
    openai,
    responses,
    tabbyapi,
    textgen,
)
from samovar.api.dialects.dialect import Dialect
from samovar.api.errors import Shapes

# Of two dialects that share an address the first one is asked first whether a request is its own.
DIALECTS: tuple[Dialect, ...] = (
    anthropic.DIALECT,
    openai.DIALECT,
    responses.DIALECT,
    ollama.DIALECT,
    koboldcpp.DIALECT,
    llamacpp.DIALECT,
    textgen.DIALECT,
    tabbyapi.DIALECT,
)


def shapes(dialects: tuple[Dialect, ...] = DIALECTS) -> Shapes:
    """Whose errors look how, the longest beginning of an address first."""
    known = [(prefix, dialect.error_shape) for dialect in dialects for prefix in dialect.prefixes]
    return tuple(sorted(known, key=lambda pair: -len(pair[0])))
