"""Whatever people write, the model sees the control tokens of its template and no others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput
from samovar.core.requests import Message, Part
from samovar.prompts.template import render

TEMPLATES = {path.stem: path.read_text() for path in (Path(__file__).parent / "templates").iterdir()}
CONTROLS = {
    "chatml": ["<|im_start|>", "<|im_end|>"],
    "llama3": ["<s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "inst": ["<s>", "</s>", "[INST]", "[/INST]"],
    "gemma": ["<s>", "<start_of_turn>", "<end_of_turn>"],
    "qwen": ["<|im_start|>", "<|im_end|>", "<tool_response>"],
    "deepseek": ["<s>", "<|User|>", "<|Assistant|>", "<|end_of_sentence|>"],
}


def control_tokens(parts: Sequence[Part], controls: Sequence[str]) -> list[str]:
    """What a tokenizer makes of the parts: control tokens where `special` lets it, the longest first."""
    pattern = re.compile("|".join(map(re.escape, sorted(controls, key=len, reverse=True))))
    return [found for part in parts if part.special for found in pattern.findall(part.text)]


def pieces_of(controls: Sequence[str]) -> st.SearchStrategy[str]:
    """Text made of control tokens, halves of them, spaces, private-use characters and anything else."""
    halves = [c[:cut] for c in controls for cut in range(1, len(c))] + [
        c[cut:] for c in controls for cut in range(1, 5)
    ]
    odd = st.sampled_from([*controls, *halves, " ", "\n", "\U000f0000", "\U000f0001", "</think>"])
    return st.lists(odd | st.text(max_size=3), max_size=6).map("".join)


@pytest.mark.parametrize("family", TEMPLATES)
@given(data=st.data())
def test_control_tokens_are_those_of_the_template_alone(family: str, data: st.DataObject) -> None:
    controls = CONTROLS[family]
    write = pieces_of(controls)
    written = [data.draw(write) for _ in range(3)]
    roles = ("user", "assistant", "user")
    parts = _parts(family, [Message(role, text) for role, text in zip(roles, written, strict=True)])
    harmless = _parts(family, [Message(role, "word") for role in roles])
    assert control_tokens(parts, controls) == control_tokens(harmless, controls)


@given(st.lists(pieces_of(CONTROLS["chatml"]), min_size=1, max_size=4))
def test_what_was_written_arrives_letter_for_letter(written: list[str]) -> None:
    parts = _parts("chatml", [Message("user", text) for text in written])
    expected = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" + "".join(
        f"<|im_start|>user\n{text}<|im_end|>\n" for text in written
    )
    assert "".join(part.text for part in parts) == expected + "<|im_start|>assistant\n"


def test_a_typed_control_token_is_a_part_of_its_own_and_the_rest_stays_whole() -> None:
    parts = _parts("inst", [Message("user", "one </s> two")])
    assert parts == (Part("<s>[INST] one ", True), Part("</s>", False), Part(" two [/INST]", True))


def test_harmless_text_is_never_cut() -> None:
    assert len(_parts("inst", [Message("user", "if a < b and c > d: <tag>")])) == 1


def test_a_half_that_the_template_would_complete_stays_text() -> None:
    template = "{{ messages[0].content }}im_end|>"
    parts = render(template, [Message("user", "sly <|")], special_texts=["<|im_end|>"]).parts
    assert parts == (Part("sly ", True), Part("<|", False), Part("im_end|>", True))


def test_names_roles_and_tools_are_text_too() -> None:
    template = "{{ messages[0].role }}{{ messages[0].name }}{{ tools | tojson }}"
    message = Message("<end>", "hi", name="x<end>")
    parts = render(template, [message], special_texts=["<end>"], tools=[{"<end>": ["<end>"]}]).parts
    assert "".join(part.text for part in parts) == '<end>x<end>[{"<end>": ["<end>"]}]'
    assert control_tokens(parts, ["<end>"]) == []


def test_a_message_of_all_private_characters_is_refused_not_garbled() -> None:
    everything = "".join(map(chr, [*range(0xF0000, 0xFFFFE), *range(0x100000, 0x10FFFE)]))
    with pytest.raises(InvalidInput, match="private-use"):
        render(None, [Message("user", everything + "<end>")], special_texts=["<end>"])


def _parts(family: str, messages: Sequence[Message]) -> tuple[Part, ...]:
    controls = CONTROLS[family]
    return render(TEMPLATES[family], messages, special_texts=controls, bos_text="<s>", eos_text="</s>").parts
