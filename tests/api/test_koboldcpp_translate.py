"""What koboldcpp's fields come to: its own defaults, its own meanings of numbers, its placeholders."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.dialects.koboldcpp.fields import CONVENTIONS, DEFAULTS, FIELDS
from samovar.api.dialects.koboldcpp.placeholders import CHAT, WITH_SYSTEM, Tags, filled, filled_stop, tags_of
from samovar.api.dialects.koboldcpp.translate import KoboldAsked, generate
from samovar.api.reading.sampling import Convention
from samovar.core.errors import InvalidInput, OutOfRange
from samovar.core.requests import Banned, Constraint, Message
from samovar.prompts.template import render
from samovar.sampling.orders import ORDERS
from samovar.sampling.registry import parameters
from tests.api.strategies import bodies

TEMPLATES = Path(__file__).parents[1] / "prompts" / "templates"


def asked(**body: object) -> KoboldAsked:
    return generate({"prompt": "Hi", **body}, stream=False)


def values(**body: object) -> dict[str, object]:
    return dict(asked(**body).completions[0].sampling.values)


def test_what_a_body_does_not_say_is_koboldcpps_default() -> None:
    assert values() == {
        "temperature": 0.75, "top_k": 100, "top_p": 0.92, "min_p": 0.0, "repetition_penalty": 1.0,
        "repetition_penalty_range": 320, "dry_range": 320, "dry_sequence_breakers": (), "xtc_threshold": 0.2,
    }  # fmt: skip
    completion = asked().completions[0]
    assert (completion.max_tokens, completion.sampling.seed, completion.logprobs) == (512, None, None)


def test_null_is_the_same_as_absent() -> None:
    assert values(**dict.fromkeys(DEFAULTS)) == values()


def test_its_order_is_koboldcpps() -> None:
    theirs = [name for name in asked().completions[0].sampling.order if name in ORDERS["koboldcpp"]]
    assert [name for name in theirs if name != "top_n_sigma"] == [
        name for name in ORDERS["koboldcpp"] if name != "top_n_sigma"
    ]


def test_another_order_keeps_dry_first_and_xtc_last_of_the_truncation() -> None:
    order = asked(sampler_order=[5, 2, 6, 0, 1, 3, 4]).completions[0].sampling.order
    assert order.index("dry") < order.index("temperature") < order.index("top_p") < order.index("top_k")
    assert order.index("typical_p") < order.index("xtc") < order.index("mirostat")


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda row: f"{row.field}={row.sent}")
def test_numbers_mean_what_they_mean_there(convention: Convention) -> None:
    name = parameters()[convention.field].name
    assert values(**{convention.field: convention.sent})[name] == convention.means


def test_of_the_names_of_the_repetition_penalty_the_largest_counts() -> None:
    assert values(rep_pen=1.1, repetition_penalty=1.3, repeat_penalty=1.2)["repetition_penalty"] == 1.3


@pytest.mark.parametrize(("seed", "means"), [(42, 42), (0, None), (-1, None), (-5, None)])
def test_a_seed_of_zero_and_below_is_a_fresh_one(seed: int, means: int | None) -> None:
    assert asked(sampler_seed=seed).completions[0].sampling.seed == means
    assert asked(seed=seed).completions[0].sampling.seed == means
    assert asked(sampler_seed=seed, seed=7).completions[0].sampling.seed == means


def test_banned_texts_are_banned_in_any_case_under_both_names() -> None:
    completion = asked(banned_tokens=["Shivers"], banned_strings=["down"]).completions[0]
    assert completion.banned == Banned(("down", "Shivers"), ignore_case=True)


def test_banned_ids_and_biases_are_read_in_koboldcpps_spelling() -> None:
    found = values(custom_token_bans="1,2", logit_bias={"7": -5}, use_default_badwordsids=True)
    assert (found["token_bans"], found["logit_bias"], found["ban_eos_token"]) == ((1, 2), {7: -5.0}, True)


def test_a_single_line_ends_where_the_line_does() -> None:
    assert asked(singleline=True, stop_sequence=["a", "a"], stop="b").completions[0].stop == ("a", "b", "\n")


def test_a_grammar_is_gbnf() -> None:
    assert asked(grammar='root ::= "a"').completions[0].constraint == Constraint("gbnf", 'root ::= "a"')
    assert asked(grammar="").completions[0].constraint is None


def test_an_answer_goes_on_behind_its_end_unless_a_grammar_ends_it() -> None:
    free, held = asked(bypass_eos=True), asked(bypass_eos=True, grammar='root ::= "a"')
    assert (free.completions[0].past_end, held.completions[0].past_end) == (True, False)


def test_pictures_are_refused_and_none_of_them_is_none() -> None:
    assert asked(images=[]).ignored == ()
    with pytest.raises(InvalidInput):
        asked(images=["aGk="])


def test_a_number_outside_its_range_is_refused_with_the_range() -> None:
    with pytest.raises(OutOfRange, match=r"top_p.*1"):
        asked(top_p=1.5)


NAMES = (*DEFAULTS, *(field.name for field in FIELDS if field.treatment == "honoured"))


@given(bodies(NAMES))
def test_any_body_is_understood_or_refused(body: dict[str, object]) -> None:
    with suppress(InvalidInput):
        assert generate(body, stream=True).completions[0].prompt is not None


def tags(family: str) -> Tags:
    template = (TEMPLATES / f"{family}.jinja").read_text(encoding="utf-8")
    chat, with_system = [
        render(template, talk, bos_text="<s>", eos_text="</s>").text for talk in (CHAT, WITH_SYSTEM)
    ]
    return tags_of(chat, with_system, "<s>")


@pytest.mark.parametrize("family", ["chatml", "llama3", "inst", "gemma", "qwen", "deepseek"])
def test_a_chat_in_placeholders_is_the_chat_in_the_models_own_tags(family: str) -> None:
    """As the template writes it for messages, but for the BOS, which the tokenizer adds."""
    template = (TEMPLATES / f"{family}.jinja").read_text(encoding="utf-8")
    talk = [
        Message("system", "Be brief."),
        Message("user", "Hi?"),
        Message("assistant", "Hello."),
        Message("user", "?"),
    ]
    rendered = render(template, talk, bos_text="<s>", eos_text="</s>").text.removeprefix("<s>")
    marked = "{{[SYSTEM]}}Be brief.{{[INPUT]}}Hi?{{[OUTPUT]}}Hello.{{[INPUT]}}?{{[OUTPUT]}}"
    assert filled([marked], tags(family)) == [rendered]


def test_turns_that_the_client_ends_itself_are_not_ended_twice() -> None:
    marked = "{{[INPUT]}}Hi?{{[INPUT_END]}}{{[OUTPUT]}}Hello.{{[OUTPUT_END]}}{{[INPUT]}}?"
    assert filled([marked], tags("chatml")) == [
        "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\n?"
    ]


def test_a_turn_that_begins_in_the_memory_ends_in_the_prompt() -> None:
    assert filled(["{{[SYSTEM]}}Be brief.", "{{[INPUT]}}Hi?"], tags("chatml")) == [
        "<|im_start|>system\nBe brief.",
        "<|im_end|>\n<|im_start|>user\nHi?",
    ]


def test_a_stop_sequence_is_a_turns_beginning() -> None:
    assert filled_stop("{{[INPUT]}}", tags("chatml")) == "<|im_start|>user"
    assert filled_stop("\nUser:", tags("chatml")) == "\nUser:"


@given(st.lists(st.text(), min_size=1))
def test_texts_without_placeholders_stay_as_they_are(texts: list[str]) -> None:
    whole = [text.replace("{{[", "") for text in texts]
    assert filled(whole, tags("chatml")) == whole
