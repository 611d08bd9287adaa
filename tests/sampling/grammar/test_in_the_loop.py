"""A constraint beside all else that a request may ask for, through the generation loop over a whole engine."""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from samovar.core.engine import LoadSpec
from samovar.core.events import Accepted, Delta, Done, Event, Failed, Finish
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Constraint, GenerateRequest, Part
from samovar.engines.echo import EchoEngine, Script
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop

OBJECT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
PERSON = Constraint("json_schema", json.dumps(OBJECT))
DIGITS = Constraint("regex", "[0-9]{8}")
WILD = SamplingParams({"temperature": 3.0, "top_k": 0, "min_p": 0.0, "top_p": 1.0}, seed=5)


def ask(id: str, text: str = "hello", **changes: object) -> GenerateRequest:
    parts = (
        Part("<|im_start|>user\n", special=True),
        Part(text, special=False),
        Part("<|im_end|>\n<|im_start|>assistant\n", special=True),
    )
    return GenerateRequest(id=id, parts=parts, **changes)  # type: ignore[arg-type]


class Heard:
    """Answers everything that is asked, to the end."""

    def __init__(self, *requests: GenerateRequest) -> None:
        self.events: defaultdict[str, list[Event]] = defaultdict(list)
        spec = LoadSpec(engine="echo", path="echo", window=256, cells=2048, parallel=4)
        loop = GenerationLoop(EchoEngine(spec, Script()), self._take)
        for request in requests:
            loop.handle(Generate(request))
        while not loop.idle:
            loop.step()

    def _take(self, frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        self.events[frame.id].append(frame.event)

    def text(self, id: str = "a", index: int = 0) -> str:
        return "".join(e.text for e in self.events[id] if isinstance(e, Delta) and e.index == index)

    def reasons(self, id: str = "a") -> dict[int, str]:
        return {e.index: e.reason for e in self.events[id] if isinstance(e, Finish)}


@pytest.mark.parametrize("temperature", [0.0, 3.0])
def test_the_answer_fits_whatever_the_sampler(temperature: float) -> None:
    heard = Heard(ask("a", constraint=PERSON, sampling=SamplingParams({"temperature": temperature}, seed=1)))
    assert set(json.loads(heard.text())) == {"name", "age"}
    assert heard.reasons() == {0: "stop"}


def test_the_answer_ends_with_its_last_token_and_every_token_is_counted() -> None:
    heard = Heard(ask("a", constraint=DIGITS, sampling=WILD))
    done = heard.events["a"][-1]
    assert re.fullmatch("[0-9]{8}", heard.text())
    assert isinstance(done, Done)
    assert done.usage.completion_tokens == 8


def test_constrained_answers_and_free_ones_stream_beside_each_other() -> None:
    free = ask("free", "just words", sampling=SamplingParams({"temperature": 0.0}))
    asked = [
        ask(f"p{i}", constraint=PERSON, sampling=SamplingParams({"temperature": 2.0}, seed=i)) for i in range(5)
    ]
    heard = Heard(asked[0], free, *asked[1:], ask("d", constraint=DIGITS, sampling=WILD))
    assert heard.text("free") == "just words"
    assert heard.text("d").isdigit()
    for request in asked:
        assert set(json.loads(heard.text(request.id))) == {"name", "age"}


def test_each_of_several_choices_keeps_to_the_grammar_in_its_own_way() -> None:
    heard = Heard(ask("a", constraint=DIGITS, sampling=WILD, n=4))
    texts = [heard.text(index=i) for i in range(4)]
    assert all(re.fullmatch("[0-9]{8}", text) for text in texts)
    assert len(set(texts)) > 1
    assert heard.reasons() == dict.fromkeys(range(4), "stop")


def test_a_stop_string_comes_before_the_grammar() -> None:
    grammar = Constraint("regex", "one, two, three")
    heard = Heard(ask("a", constraint=grammar, sampling=WILD, stop=(", th",)))
    assert heard.text() == "one, two"
    assert heard.reasons() == {0: "stop"}


def test_max_tokens_in_the_middle_is_an_end_by_length() -> None:
    heard = Heard(ask("a", constraint=DIGITS, sampling=WILD, max_tokens=3))
    assert len(heard.text()) == 3
    assert heard.reasons() == {0: "length"}


def test_max_tokens_at_the_very_end_is_an_end_by_the_grammar() -> None:
    assert Heard(ask("a", constraint=DIGITS, sampling=WILD, max_tokens=8)).reasons() == {0: "stop"}


def test_log_probabilities_stay_the_models_own() -> None:
    """The echo engine's best token is "h", whatever a grammar forbids it to say."""
    heard = Heard(ask("a", constraint=DIGITS, sampling=WILD, logprobs=1))
    (detail,) = next(e for e in heard.events["a"] if isinstance(e, Delta)).tokens
    assert detail.piece.isdigit()
    assert detail.top[0].piece == b"h"
    assert detail.logprob is not None
    assert detail.logprob < detail.top[0].logprob < 0


def test_the_same_seed_gives_the_same_text_under_a_grammar() -> None:
    first, second = (Heard(ask("a", constraint=PERSON, sampling=WILD)) for _ in range(2))
    assert first.text() == second.text()


def test_a_bad_grammar_fails_before_the_request_is_accepted() -> None:
    heard = Heard(ask("a", constraint=Constraint("regex", "(")), ask("b", "fine", sampling=SamplingParams(seed=1)))
    (failed,) = heard.events["a"]
    assert isinstance(failed, Failed)
    assert failed.error.kind == "InvalidInput"
    assert isinstance(heard.events["b"][0], Accepted)
    assert heard.reasons("b") == {0: "stop"}


def test_free_words_end_by_themselves_before_a_lazy_grammar_begins() -> None:
    lazy = Constraint("regex", "[0-9]{2}", ("<call>",))
    greedy = SamplingParams({"temperature": 0.0})
    heard = Heard(
        ask("a", "no call", constraint=lazy, sampling=greedy),
        ask("b", "a <call>ed off", constraint=lazy, sampling=greedy),
    )
    assert heard.text("a") == "no call"
    assert re.fullmatch(r"a <call>[0-9]{2}", heard.text("b"))
