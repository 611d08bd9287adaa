"""Generation loops over libllama and tiny models, in this process. The fixture `open_loop` opens them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from samovar.core.engine import LoadSpec, Setting
from samovar.core.events import Delta, Done, Event
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.registry import open_engine
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop, limits_of

GREEDY = SamplingParams({"temperature": 0.0})
OpenLoop = Callable[..., GenerationLoop]
"""Takes what `make_loop` takes, and closes the engine after the test: `ik` keeps 64 contexts of ggml at most."""

each = pytest.mark.parametrize(
    "build",
    [
        pytest.param(
            build,
            marks=pytest.mark.skipif(
                not importlib.util.find_spec(module), reason=f"the {build} build of libllama is not installed"
            ),
        )
        for build, (module, _) in PACKAGES.items()
    ],
)


def make_loop(build: str, path: Path, heard: list[Event], *, reuse_shifted: bool = False) -> GenerationLoop:
    """A loop for two sequences that writes down what it says."""

    def hear(frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        heard.append(frame.event)

    spec = LoadSpec(
        engine="llama",
        path=str(path),
        window=512,
        cells=1024,
        parallel=2,
        threads=1,
        settings=(Setting(build, 512, flash=False),),
        trusted=0,
    )
    engine = open_engine(spec, lambda _: True)
    return GenerationLoop(engine, hear, limits_of(engine, reuse_shifted=reuse_shifted))


def ask(loop: GenerationLoop, heard: list[Event], request: GenerateRequest) -> tuple[list[int], Done]:
    heard.clear()
    loop.handle(Generate(request))
    while not loop.idle:
        loop.step()
    done = heard[-1]
    assert isinstance(done, Done)
    return [token.id for event in heard if isinstance(event, Delta) for token in event.tokens], done
