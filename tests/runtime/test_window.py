"""A conversation that lost its oldest turns: what is left is moved up, not computed again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from samovar.core.events import Delta, Event
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest, Part
from samovar.runtime.frames import Forget
from tests.runtime.loops import GREEDY, OpenLoop, ask, each
from tests.support.tiny_llama import Shape, TinyLlama


@each
def test_what_follows_dropped_turns_is_moved_and_answers_alike(
    build: str, open_loop: OpenLoop, tmp_path: Path
) -> None:
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
def test_an_answer_keeps_the_tokens_that_it_was_drawn_with(build: str, open_loop: OpenLoop, tmp_path: Path) -> None:
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
def test_a_forgotten_conversation_is_tokenised_as_if_it_was_never_said(
    build: str, open_loop: OpenLoop, tmp_path: Path
) -> None:
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
