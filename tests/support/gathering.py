"""Makes a real engine gather streams whenever several draw, so that tests do not depend on what is faster."""

from __future__ import annotations

from collections.abc import Sequence

from samovar.core.engine import Engine
from samovar.engines.llama.contexts import Contexts
from samovar.engines.llama.engine import LlamaEngine
from samovar.engines.llama.worth import Worth


class Always(Worth):
    """Says so whatever it takes; a gathering that turns out wrong fails the test."""

    def say(self, _: Sequence[int]) -> bool:
        return True

    def never(self) -> None:
        raise AssertionError("the gathered streams' logits are wrong, or could not be computed")


def gathering_always(engine: Engine) -> Engine:
    """`engine`, a libllama engine with its sequences apart."""
    assert isinstance(engine, LlamaEngine) and isinstance(engine._context, Contexts)
    engine._context._worth = Always()
    return engine
