"""Engines by name. An engine's module, and what it drags in, is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from samovar.core.engine import Engine, LoadSpec, OpenEngine, Progress
from samovar.core.errors import NotFound


def _llama() -> OpenEngine:
    from samovar.engines.llama.opening import open_llama

    return open_llama


def _echo() -> OpenEngine:
    from samovar.engines.echo import open_echo

    return open_echo


ENGINES: Mapping[str, Callable[[], OpenEngine]] = MappingProxyType({"llama": _llama, "echo": _echo})


def open_engine(spec: LoadSpec, progress: Progress) -> Engine:
    """Opens what `spec.engine` names. Raises NotFound for an unknown name, else what that engine raises."""
    if spec.engine not in ENGINES:
        raise NotFound("engines.unknown", name=spec.engine, known=", ".join(sorted(ENGINES)))
    return ENGINES[spec.engine]()(spec, progress)
