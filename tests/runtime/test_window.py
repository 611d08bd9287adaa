"""A conversation that lost its oldest turns: what is left is moved up, not computed again."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec
import pytest

from samovar.core.engine import LoadSpec, Setting
from samovar.core.events import Delta, Done, Event
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest, Part
from samovar.engines.llama.builds import PACKAGES
from samovar.engines.registry import open_engine
from samovar.runtime.frames import Forget, FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop
from tests.support.tiny_llama import Shape, TinyLlama

GREEDY = SamplingParams({"temperature": 0.0})

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


def open_loop(build: str, path: Path, heard: list[Event]) -> GenerationLoop:
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
    return GenerationLoop(open_engine(spec, lambda _: True), hear)


def ask(loop: GenerationLoop, heard: list[Event], request: GenerateRequest) -> tuple[list[int], Done]:
    heard.clear()
    loop.handle(Generate(request))
    while not loop.idle:
        loop.step()
    done = heard[-1]
    assert isinstance(done, Done)
    return [token.id for event in heard if isinstance(event, Delta) for token in event.tokens], done


@each
def test_what_follows_dropped_turns_is_moved_and_answers_alike(build: str, tmp_path: Path) -> None:
    """With one layer a moved cache is exactly a fresh one, so that the answers can be compared."""
    path = TinyLlama(Shape(layers=1), seed=3).write(tmp_path / "flat.gguf")
    system = [20 + i % 150 for i in range(30)]
    old, rest = [30 + i * 3 % 170 for i in range(100)], [25 + i * 7 % 160 for i in range(150)]
    heard: list[Event] = []
    loop = open_loop(build, path, heard)
    ask(loop, heard, GenerateRequest(id="0", tokens=(*system, *old, *rest), sampling=GREEDY, max_tokens=5))
    slid = GenerateRequest(id="1", tokens=(*system, *rest, 9, 10), sampling=GREEDY, max_tokens=20)
    moved, done = ask(loop, heard, slid)
    assert done.usage.cached_tokens == len(system) + len(rest)
    assert done.timings.prompt_n == 2
    fresh, _ = ask(open_loop(build, path, heard), heard, slid)
    assert moved == fresh


@each
def test_an_answer_keeps_the_tokens_that_it_was_drawn_with(build: str, tmp_path: Path) -> None:
    """Drawn letter by letter, words are spelled as no tokenizer would; the next turn still finds them cached."""
    path = TinyLlama(seed=3).write(tmp_path / "tiny.gguf")
    heard: list[Event] = []
    loop = open_loop(build, path, heard)
    engine = loop.engine
    letters = [token for token in range(engine.info.vocab_size) if engine.piece(token) in (b"t", b"h", b"e")]
    others = {token: -100.0 for token in range(engine.info.vocab_size) if token not in letters}
    sampling = SamplingParams(
        {"temperature": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "logit_bias": others}, seed=5
    )
    opening = Part("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n", special=True)
    drawn, _ = ask(loop, heard, GenerateRequest(id="0", parts=(opening,), sampling=sampling, max_tokens=60))
    text = "".join(event.text for event in heard if isinstance(event, Delta))
    turn = Part("<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n<|im_start|>assistant\n", special=True)
    parts = (opening, Part(text, special=True), turn)
    _, done = ask(loop, heard, GenerateRequest(id="1", parts=parts, sampling=GREEDY, max_tokens=1))
    first = engine.tokenize(opening.text, special=True, bos=True)
    assert engine.tokenize(opening.text + text, special=True, bos=True) != first + drawn, (
        "it is spelled in another way"
    )
    assert done.usage.cached_tokens == len(first) + len(drawn) - 1


@each
def test_a_forgotten_conversation_is_tokenised_as_if_it_was_never_said(build: str, tmp_path: Path) -> None:
    path = TinyLlama(seed=3).write(tmp_path / "tiny.gguf")
    heard: list[Event] = []
    loop = open_loop(build, path, heard)
    letters = [token for token in range(loop.engine.info.vocab_size) if loop.engine.piece(token) in (b"t", b"h")]
    sampling = SamplingParams({"temperature": 0.0, "logit_bias": dict.fromkeys(letters, 100.0)})
    opening = Part("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n", special=True)
    asked = GenerateRequest(id="0", parts=(opening,), sampling=sampling, max_tokens=60, session="secret")
    drawn, _ = ask(loop, heard, asked)
    text = "".join(event.text for event in heard if isinstance(event, Delta))
    again = GenerateRequest(id="1", parts=(opening, Part(text, special=True)), sampling=GREEDY, max_tokens=1)
    _, before = ask(loop, heard, again)
    loop.handle(Forget("secret"))
    _, after = ask(loop, heard, msgspec.structs.replace(again, id="2"))
    first = loop.engine.tokenize(opening.text, special=True, bos=True)
    plain = loop.engine.tokenize(opening.text + text, special=True, bos=True)
    assert before.usage.prompt_tokens == len(first) + len(drawn) != len(plain)
    assert after.usage.prompt_tokens == len(plain)
