"""Bodies of /v1/responses become Completions, or errors of the tree; nothing else, whatever is in them."""

import msgspec
import openai.types.responses.input_token_count_params as count_params
import openai.types.responses.response_create_params as create_params
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.dialects.responses import translate
from samovar.api.dialects.responses.fields import FIELDS
from samovar.api.dialects.responses.items import READERS, kept, messages_of
from samovar.api.reading.fieldtable import Field
from samovar.core.errors import InvalidInput, InvalidParameter
from samovar.core.requests import ANY_OBJECT, Completion, Constraint, Message, Tool, ToolCall, Tools
from samovar.sampling import parameters
from tests.api.strategies import bodies, json_values

NAMES = {field.name for field in FIELDS} | set(parameters())
JSON = json_values(NAMES)

ITEMS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from((*READERS, "item_reference"))},
        optional={
            "role": st.sampled_from(["user", "assistant", "system", "developer", "king"]),
            "content": JSON | st.text(),
            "name": st.just("f"),
            "call_id": st.just("1"),
            "arguments": JSON,
            "output": JSON | st.text(),
            "summary": JSON,
            "id": st.text(),
        },
    ),
    max_size=4,
)


def asked(**body: object) -> translate.ResponsesAsked:
    return translate.create({"input": "Hello", **body})


def completion(**body: object) -> Completion:
    return asked(**body).completions[0]


@given(bodies(NAMES), st.booleans())
def test_any_body_is_a_completion_or_a_sentence(body: dict[str, object], said: bool) -> None:
    for read in (translate.create, translate.count):
        try:
            translated = read({**body, "input": "Hello"} if said else body)
        except InvalidInput as error:
            assert error.text("en")
            assert error.text("ru")
        else:
            msgspec.msgpack.encode(translated.completions)
            msgspec.json.encode(translated.repeated)
            assert translated.choices == 1


@given(ITEMS)
def test_any_items_are_messages_or_a_sentence_and_what_is_kept_of_them_is_the_same(items: list[object]) -> None:
    try:
        translated = translate.create({"input": items})
    except InvalidInput as error:
        assert error.text("ru")
        return
    again = kept(translated.input, "x")
    assert len({item["id"] for item in again}) <= len(items)
    assert tuple(messages_of(again)) == translated.completions[0].messages


def test_what_one_answer_came_apart_into_is_one_message_again() -> None:
    said = completion(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Tea?"}, {"type": "input_text", "text": "Or?"}],
            },
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "Hm."}],
            },
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"word": "tea"}'},
            {"type": "function_call", "call_id": "c2", "name": "now", "arguments": ""},
            {"type": "function_call_output", "call_id": "c1", "output": "чай"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "noon"}]},
        ],
    ).messages
    assert said == (
        Message("system", "Be brief."),
        Message("system", "Be kind."),
        Message("user", "Tea?\nOr?"),
        Message(
            "assistant",
            "I look.",
            reasoning="Hm.",
            tool_calls=(ToolCall("c1", "look_up", '{"word": "tea"}'), ToolCall("c2", "now", "{}")),
        ),
        Message("tool", "чай", tool_call_id="c1"),
        Message("tool", "noon", tool_call_id="c2"),
    )


def test_history_stands_before_the_input_and_instructions_before_both() -> None:
    history = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    (made,) = translate.create({"input": "3", "instructions": "0"}, history).completions
    assert [message.content for message in made.messages] == ["0", "1", "2", "3"]
    assert not made.continue_last


def test_an_assistant_message_at_the_end_is_continued_unless_it_calls() -> None:
    begun = {"role": "assistant", "content": "Sure, "}
    call = {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
    assert completion(input=[{"role": "user", "content": "x"}, begun]).continue_last
    assert not completion(input=[{"role": "user", "content": "x"}, begun, call]).continue_last


@pytest.mark.parametrize(
    ("input", "place"),
    [
        (None, "input"),
        ([], "input"),
        (5, "input"),
        (["x"], "input"),
        ([{"role": "king", "content": "x"}], "input[0].role"),
        ([{"content": "x"}], "input[0].role"),
        ([{"role": "user", "content": [{"type": "input_image"}]}], "input[0].content[0]"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        ([{"role": "user", "content": 5}], "input[0].content"),
        ([{"type": "item_reference", "id": "msg_1"}], "input[0]"),
        ([{"type": "function_call"}], "input[0].name"),
        ([{"type": "function_call_output", "output": "x"}], "input[0].call_id"),
    ],
)
def test_a_wrong_item_is_named_by_its_place(input: object, place: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(input=input)
    assert refused.value.facts["name"] == place


LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": True}
NOW = {"type": "function", "name": "now", "description": "The time.", "parameters": None}
TOOLS = (Tool("look_up", "", {"type": "object"}), Tool("now", "The time."))


@pytest.mark.parametrize(
    ("body", "tools"),
    [
        ({}, Tools(TOOLS)),
        ({"tool_choice": "none", "parallel_tool_calls": False}, Tools(TOOLS, "none", parallel=False)),
        ({"tool_choice": "required"}, Tools(TOOLS, "required")),
        ({"tool_choice": {"type": "function", "name": "now"}}, Tools(TOOLS, "now")),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"name": "now"}]}},
            Tools(TOOLS[1:], "required"),
        ),
    ],
)
def test_functions_are_offered_and_chosen(body: dict[str, object], tools: Tools) -> None:
    assert completion(tools=[LOOK_UP, NOW], **body).tools == tools


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [LOOK_UP], "tool_choice": "other"}, "tool_choice"),
        ({"tools": [LOOK_UP], "tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tools": [LOOK_UP], "tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"metadata": "x"}, "metadata"),
        ({"background": True}, "background"),
        ({"top_logprobs": 21}, "top_logprobs"),
    ],
)
def test_what_cannot_be_done_names_its_place(body: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(**body)
    assert refused.value.facts["name"] == place


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
AS_ASKED = Constraint("json_schema", '{"type":"object","properties":{"a":{"type":"integer"}}}')


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}}, AS_ASKED),
        ({"text": {"format": {"type": "json_object"}}}, ANY_OBJECT),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}, "regex": "a+"}, Constraint("regex", "a+")),
        ({}, None),
    ],
)
def test_answers_keep_to_a_format(body: dict[str, object], constraint: Constraint | None) -> None:
    assert completion(**body).constraint == constraint


def test_limits_stops_samplers_and_log_probabilities() -> None:
    assert completion(max_output_tokens=7).max_tokens == 7
    assert completion().max_tokens is None
    assert completion(stop="END").stop == ("END",)
    assert completion(temperature=0, top_p=0.5, min_p=0.1).sampling.values == {
        "temperature": 0.0,
        "top_p": 0.5,
        "min_p": 0.1,
    }
    assert completion(include=["message.output_text.logprobs"]).logprobs == 0
    assert completion(include=["reasoning.encrypted_content"], top_logprobs=0).logprobs is None
    assert completion(top_logprobs=3).logprobs == 3
    assert asked(wobble=1).ignored == ("wobble",)


def test_templates_are_told_how_hard_to_think() -> None:
    assert completion(reasoning={"effort": "low", "summary": "auto"}).variables == {"reasoning_effort": "low"}
    none = completion(reasoning={"effort": "none"}).variables
    assert none == {"reasoning_effort": "none", "enable_thinking": False, "thinking": False}
    assert completion(reasoning=None).variables == {}
    assert completion().reads


def test_only_store_false_keeps_nothing() -> None:
    assert [asked(store=value).keeps for value in (None, True, False)] == [True, True, False]
    assert asked().keeps


@pytest.mark.parametrize(
    ("endpoint", "params", "kind"),
    [
        ("create", create_params, "ResponseCreateParamsBase"),
        ("count", count_params, "InputTokenCountParams"),
    ],
)
def test_the_table_knows_every_field_of_openai_s_package(endpoint: str, params: object, kind: str) -> None:
    declared = set(getattr(params, kind).__annotations__)
    assert "input" in declared
    assert declared <= {field.name for field in FIELDS if field.is_on(endpoint)} | set(parameters())


def test_variables_of_the_template_can_be_named_themselves() -> None:
    variables = completion(
        reasoning={"effort": "high"}, chat_template_kwargs={"style": 1}, reasoning_effort="low"
    ).variables
    assert (variables["style"], variables["reasoning_effort"]) == (1, "low")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_of_the_table_is_treated_as_it_says(field: Field) -> None:
    translators = {"create": translate.create, "count": translate.count}
    for endpoint in field.endpoints or translators:
        for value in ("other", *field.harmless):
            try:
                assert field.name not in translators[endpoint]({"input": "x", field.name: value}).ignored
                assert field.treatment != "refused" or value in field.harmless
            except InvalidParameter as error:
                assert error.facts["name"] == field.name
                assert field.treatment == "honoured" or (field.treatment == "refused" and value == "other")
