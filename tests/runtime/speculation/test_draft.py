"""A draft model of the same vocabulary guesses; whatever it says, the text is the model's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samovar.core.engine import Batch, Engine, LoadSpec
from samovar.core.errors import Cancelled, InvalidInput
from samovar.core.parameters import SamplingParams
from samovar.core.requests import GenerateRequest
from samovar.engines.echo import open_echo
from samovar.runtime.speculation import DraftModel, Speculation, open_speculation
from samovar.runtime.speculation.draft import CHUNK
from tests.runtime.speculation.conftest import WINDOW, answers, open_tiny, same_but_for_ties
from tests.support.tiny_llama import TinyLlama

PROMPT = [5 + i * 11 % 200 for i in range(40)]


@pytest.fixture(params=[5, 6], ids=["twin", "stranger"])
def draft(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[DraftModel]:
    setting = engine.info.setting
    assert setting is not None
    path = TinyLlama(seed=request.param).write(tmp_path / "draft.gguf")
    model = DraftModel(open_tiny(setting.build, path), engine)
    yield model
    model.close()


def greedy(engine: Engine, tokens: list[int], count: int) -> list[int]:
    """What the engine says, one token at a time."""
    for _ in range(count):
        engine.remove(0, 0)
        wanted = [False] * (len(tokens) - 1) + [True]
        rows = engine.decode(Batch(tokens, list(range(len(tokens))), [0] * len(tokens), wanted))
        tokens = [*tokens, int(rows[0].argmax())]
    engine.remove(0, 0)
    return tokens[-count:]


def test_the_text_is_the_same_whatever_the_draft_says(engine: Engine, draft: DraftModel) -> None:
    greedy = SamplingParams({"temperature": 0.0})
    request = GenerateRequest(id="a", tokens=tuple(PROMPT), sampling=greedy, max_tokens=60, logprobs=2)
    (plain,) = answers(engine, [request])
    (guessed,) = answers(engine, [request], Speculation("draft", draft))
    assert same_but_for_ties(guessed, plain)


def test_a_twin_guesses_what_the_model_says_after_any_text(engine: Engine, tmp_path: Path) -> None:
    setting = engine.info.setting
    assert setting is not None
    twin = DraftModel(open_tiny(setting.build, TinyLlama(seed=5).write(tmp_path / "twin.gguf")), engine)
    for text in (PROMPT, [*PROMPT, 7, 8], PROMPT[:20], [9, *PROMPT]):
        said = twin.guess(text, 4, 0.0)
        assert said is not None
        assert [token for token, _ in said] == greedy(engine, text, 4)
        assert all(0 < chance <= 1 for _, chance in said)
    twin.close()


def test_a_draft_stops_where_it_is_not_sure(draft: DraftModel) -> None:
    everything = draft.guess(PROMPT, 4, 0.0)
    assert everything is not None
    together = everything[0][1]
    assert draft.guess(PROMPT, 4, together * 1.01) == []
    some = draft.guess(PROMPT, 4, together * 0.99)
    assert some is not None
    assert some[0] == pytest.approx(everything[0])


def test_a_long_text_is_read_in_steps(draft: DraftModel) -> None:
    text = (PROMPT * 10)[: 3 * CHUNK + 2]
    assert [draft.guess(text, 2, 0.0) for _ in range(3)] == [None] * 3
    assert draft.guess(text, 2, 0.0)
    assert draft.guess((PROMPT * 20)[: WINDOW - 1], 2, 0.0) is None, "it does not fit its window"


def echo(path: str = "echo") -> LoadSpec:
    return LoadSpec(engine="echo", path=path, window=128, cells=256, parallel=1)


def test_a_draft_that_fails_is_not_asked_again(engine: Engine) -> None:
    target = open_echo(echo(), lambda _: True)
    draft = DraftModel(open_echo(echo("echo:fail_at=2"), lambda _: True), target)
    assert draft.guess([65, 66], 3, 0.0) is None
    assert draft.guess([65, 66], 3, 0.0) is None
    with pytest.raises(InvalidInput, match="another vocabulary"):
        DraftModel(target, engine)


@pytest.mark.parametrize("path", ["echo:fail_load=1", "echo:nonsense=1"])
def test_a_model_serves_without_a_draft_that_cannot_be_used_and_says_why(path: str) -> None:
    target = open_echo(echo(), lambda _: True)
    spec = LoadSpec(
        engine="echo", path="echo", window=128, cells=256, parallel=1, speculate="auto", draft=echo(path)
    )
    speculation, notes = open_speculation(spec, target, lambda: True)
    assert notes[0].key == "runtime.draft_unused"
    assert len(notes) == 2
    speculation.close()


def test_a_cancelled_load_is_cancelled() -> None:
    target = open_echo(echo(), lambda _: True)
    spec = LoadSpec(engine="echo", path="echo", window=128, cells=256, parallel=1, speculate="draft", draft=echo())
    with pytest.raises(Cancelled):
        open_speculation(spec, target, lambda: False)
