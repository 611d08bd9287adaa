"""A prompt without a begin-of-sequence token, for those who ask for one, although the model wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.events import Delta, Event
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime.loop import GenerationLoop
from tests.runtime.loops import GREEDY, OpenLoop, ask, each
from tests.support.tiny_llama import TinyLlama

OPENING = Part("the other", special=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyLlama(seed=3).write(tmp_path_factory.mktemp("tiny") / "tiny.gguf", adds_bos=True)


def counted(loop: GenerationLoop, heard: list[Event], *parts: Part, bos: bool, answer: int = 1) -> int:
    """How many tokens the prompt had."""
    asked = GenerateRequest(id="0", parts=parts, sampling=GREEDY, max_tokens=answer, bos=bos)
    return ask(loop, heard, asked)[1].usage.prompt_tokens


@each
def test_it_has_one_token_less(build: str, open_loop: OpenLoop, tiny: Path) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    usual = counted(loop, heard, OPENING, bos=True)
    assert counted(loop, heard, OPENING, bos=False) == usual - 1


@each
def test_what_was_answered_to_it_continues_no_prompt_that_has_one(
    build: str, open_loop: OpenLoop, tiny: Path
) -> None:
    heard: list[Event] = []
    loop = open_loop(build, tiny, heard)
    counted(loop, heard, OPENING, bos=False, answer=12)
    said = Part("".join(event.text for event in heard if isinstance(event, Delta)), special=True)
    written = (
        loop.engine.tokenize(OPENING.text, special=True, bos=True),
        loop.engine.tokenize(said.text, special=True),
    )
    assert counted(loop, heard, OPENING, said, bos=True) == sum(map(len, written))
