"""Control tokens in an answer: unseen, unless somebody needs them to tell the answer's parts from each other."""

from __future__ import annotations

import pytest

from samovar.core.engine import LoadSpec
from samovar.core.events import Delta, Event
from samovar.core.requests import GenerateRequest, Part
from samovar.engines.echo import IM_START, EchoEngine, Script
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop
from tests.runtime.loops import GREEDY

PROMPT = (Part("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", special=True),)


class Marked(EchoEngine):
    """Says "a", a control token, "b"."""

    def _next(self, history: list[int]) -> int:
        said = history[len(self.tokenize(PROMPT[0].text, special=True)) :]
        return [*b"a", IM_START, *b"b", self.info.end_tokens[0]][len(said)]


def answer(*, patient: bool, **fields: object) -> tuple[str, list[bytes]]:
    """(the text of an answer, the bytes of its tokens)."""
    heard: list[Event] = []

    def hear(frame: FromWorker) -> None:
        assert isinstance(frame, Happened)
        heard.append(frame.event)

    engine = Marked(LoadSpec(engine="echo", path="echo:", window=64, cells=64, parallel=1), Script())
    loop = GenerationLoop(engine, hear, patient=patient)
    loop.handle(Generate(GenerateRequest(id="1", parts=PROMPT, sampling=GREEDY, **fields)))
    while not loop.idle:
        loop.step()
    deltas = [event for event in heard if isinstance(event, Delta)]
    pieces = [token.piece for delta in deltas for token in delta.tokens]
    return "".join(delta.text for delta in deltas), pieces


@pytest.mark.parametrize("patient", [False, True])
def test_a_control_token_is_part_of_the_text_only_where_it_is_to_be_shown(patient: bool) -> None:
    assert answer(patient=patient) == ("ab", [b"a", b"", b"b"])
    shown = answer(patient=patient, shown=("<|im_start|>", "<|no_such_token|>"))
    assert shown == ("a<|im_start|>b", [b"a", b"<|im_start|>", b"b"])


def test_a_shown_control_token_can_be_a_stop_string() -> None:
    assert answer(patient=False, shown=("<|im_start|>",), stop=("<|im_start|>",))[0] == "a"
    assert answer(patient=False, stop=("<|im_start|>",))[0] == "ab"
