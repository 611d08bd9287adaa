"""Anthropic's bodies become Completions, or errors of the tree; nothing else, whatever is in them."""

import anthropic.types.message_count_tokens_params as count_params
import anthropic.types.message_create_params as message_params
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.dialects.anthropic import translate
from samovar.api.dialects.anthropic.content import ROLES, TEXTS
from samovar.api.dialects.anthropic.fields import FIELDS
from samovar.api.reading.fieldtable import Field
from samovar.core.errors import InvalidInput, InvalidParameter, OutOfRange
from samovar.core.requests import ANY_OBJECT, Completion, Constraint, Message, Tool, ToolCall, Tools
from samovar.sampling import parameters
from tests.api.strategies import bodies, json_values

HELLO = {"role": "user", "content": "Hello"}
NAMES = {field.name for field in FIELDS} | set(parameters())
BLOCKS = (*TEXTS, "thinking", "redacted_thinking", "tool_use", "tool_result", "image")
JSON = json_values(NAMES)


def asked(**body: object) -> translate.AnthropicAsked:
    return translate.messages({"messages": [HELLO], "max_tokens": 5, **body})


def completion(**body: object) -> Completion:
    return asked(**body).completions[0]


@given(bodies(NAMES), st.booleans())
def test_any_body_is_a_completion_or_a_sentence(body: dict[str, object], said: bool) -> None:
    for read in (translate.messages, translate.count):
        try:
            translated = read({"messages": [HELLO], **body} if said else body)
        except InvalidInput as error:
            assert error.text("en")
            assert error.text("ru")
        else:
            msgspec.msgpack.encode(translated.completions)
            assert translated.choices == 1


@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(sorted(ROLES))},
            optional={
                "content": JSON
                | st.lists(
                    st.fixed_dictionaries(
                        {"type": st.sampled_from(BLOCKS)},
                        optional={
                            "text": JSON,
                            "thinking": st.text(),
                            "tool_use_id": st.just("1"),
                            "name": st.just("f"),
                            "input": JSON,
                            "content": JSON,
                            "source": JSON,
                        },
                    ),
                    max_size=3,
                )
            },
        ),
        max_size=3,
    )
)
def test_any_messages_are_messages_or_a_sentence(messages: list[object]) -> None:
    try:
        said = translate.messages({"messages": messages}).completions[0].messages
    except InvalidInput as error:
        assert error.text("ru")
    else:
        assert {message.role for message in said} <= {"system", "user", "assistant", "tool"}


def test_a_conversation_with_tools_becomes_messages_in_order() -> None:
    said = completion(
        system=[
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
            {"text": "Be kind."},
        ],
        messages=[
            HELLO,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "A word?", "signature": "x"},
                    {"type": "redacted_thinking", "data": "zzz"},
                    {"type": "text", "text": "I look it up."},
                    {"type": "tool_use", "id": "t1", "name": "look_up", "input": {"word": "чай"}},
                    {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "tea"}]},
                    {"type": "tool_result", "tool_use_id": "t2", "is_error": True},
                    {"type": "text", "text": "And?"},
                ],
            },
        ],
    ).messages
    assert said == (
        Message("system", "Be brief.\nBe kind."),
        Message("user", "Hello"),
        Message(
            "assistant",
            "I look it up.",
            reasoning="A word?",
            tool_calls=(ToolCall("t1", "look_up", '{"word":"чай"}'), ToolCall("t2", "now", "{}")),
        ),
        Message("tool", "tea", tool_call_id="t1"),
        Message("tool", "", tool_call_id="t2"),
        Message("user", "And?"),
    )


def test_documents_and_search_results_are_read_as_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "All about tea."}
    found = {"type": "search_result", "title": "Tea", "source": "a", "content": [{"type": "text", "text": "hot"}]}
    blocks = [{"type": "document", "title": "Tea", "source": source}, found]
    (message,) = completion(messages=[{"role": "user", "content": blocks}]).messages
    assert message.content == "Tea\nAll about tea.\nTea\na\nhot"


@pytest.mark.parametrize(
    "system", ["{}You are a coder.", [{"type": "text", "text": "{}"}, {"text": "You are a coder."}]]
)
def test_what_claude_code_writes_for_its_maker_does_not_reach_the_model(system: object) -> None:
    """It differs in every request, so that nothing behind it would be found in a cache."""
    prompts = set()
    for mark in ("36ee5", "0aaa9"):
        line = f"x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli; cch={mark};\n"
        sent = msgspec.json.decode(msgspec.json.encode(system).decode().replace("{}", line.replace("\n", "\\n")))
        prompts.add(completion(system=sent).messages)
    assert len(prompts) == 1
    assert prompts.pop()[0].content.strip() == "You are a coder."


def test_an_assistant_message_at_the_end_is_continued_unless_it_calls() -> None:
    assert completion(messages=[HELLO, {"role": "assistant", "content": "Sure, "}]).continue_last
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    assert not completion(messages=[HELLO, {"role": "assistant", "content": [call]}]).continue_last
    assert not completion().continue_last


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": [{"type": "image", "source": {}}]}], "messages[0].content[0]"),
        ([HELLO, {"role": "user", "content": 5}], "messages[1].content"),
        ([{"role": "king", "content": "x"}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "tool_result"}]}], "messages[0].content[0].tool_use_id"),
        ([{"role": "user", "content": [{"type": "tool_use"}]}], "messages[0].content[0]"),
        ([{"role": "assistant", "content": [{"type": "tool_use"}]}], "messages[0].content[0].name"),
        (
            [{"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": []}]}],
            "messages[0].content[0].input",
        ),
        (
            [{"role": "user", "content": [{"type": "document", "source": {"type": "base64"}}]}],
            "messages[0].content[0].source.type",
        ),
        (["Hello"], "messages[0]"),
        ([], "messages"),
        (None, "messages"),
    ],
)
def test_a_wrong_message_is_named_by_its_place(messages: object, place: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(messages=messages)
    assert refused.value.facts["name"] == place


TOOL = {"name": "look_up", "description": "A word.", "input_schema": {"type": "object", "properties": {"word": {}}}}
LOOK_UP = Tool("look_up", "A word.", {"type": "object", "properties": {"word": {}}})


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        (None, Tools((LOOK_UP,))),
        ({"type": "auto"}, Tools((LOOK_UP,))),
        ({"type": "auto", "disable_parallel_tool_use": True}, Tools((LOOK_UP,), parallel=False)),
        ({"type": "any"}, Tools((LOOK_UP,), "required")),
        ({"type": "tool", "name": "look_up"}, Tools((LOOK_UP,), "look_up")),
        ({"type": "none"}, Tools((LOOK_UP,), "none")),
    ],
)
def test_tools_are_offered_and_chosen(choice: object, tools: Tools) -> None:
    assert completion(tools=[{"type": "custom", **TOOL}], tool_choice=choice).tools == tools


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "tool_choice.name"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tools": [TOOL], "tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice.type"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
    ],
)
def test_what_cannot_be_done_names_its_place(body: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        asked(**body)
    assert refused.value.facts["name"] == place


@pytest.mark.parametrize(
    ("thinking", "variables"),
    [
        (None, {}),
        ({"type": "adaptive"}, {}),
        ({"type": "disabled"}, {"enable_thinking": False, "thinking": False}),
        (
            {"type": "enabled", "budget_tokens": 2048},
            {"enable_thinking": True, "thinking": True, "thinking_budget": 2048},
        ),
    ],
)
def test_templates_are_told_whether_to_think(thinking: object, variables: dict[str, object]) -> None:
    assert completion(thinking=thinking).variables == variables
    told = completion(thinking=thinking, output_config={"effort": "low"}).variables
    assert told == {**variables, "reasoning_effort": "low"}


def test_thinking_is_read_apart_and_may_be_left_out_of_the_answer() -> None:
    assert completion().reads
    assert asked(thinking={"type": "enabled", "budget_tokens": 1024}).shows_thinking
    assert not asked(thinking={"type": "adaptive", "display": "omitted"}).shows_thinking


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
AS_ASKED = Constraint("json_schema", '{"type":"object","properties":{"a":{"type":"integer"}}}')


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, AS_ASKED),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, AS_ASKED),
        ({"response_format": {"type": "json_object"}}, ANY_OBJECT),
        ({"regex": "a+", "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, AS_ASKED),
        ({"regex": "a+"}, Constraint("regex", "a+")),
        ({}, None),
    ],
)
def test_answers_keep_to_a_schema(body: dict[str, object], constraint: Constraint | None) -> None:
    assert completion(**body).constraint == constraint


def test_limits_stops_samplers_and_names() -> None:
    assert completion(max_tokens=7).max_tokens == 7
    assert completion(max_tokens=None).max_tokens is None
    assert completion(stop_sequences=["a", "", "b"]).stop == ("a", "b")
    assert completion(temperature=1.5, top_k=-1, min_p=0.1).sampling.values == {
        "temperature": 1.5,
        "top_k": 0,
        "min_p": 0.1,
    }
    assert [completion(model=name).model for name in (None, "", "default", "m")] == [None] * 3 + ["m"]
    assert asked(wobble=1).ignored == ("wobble",)
    with pytest.raises(OutOfRange):
        asked(max_tokens=0)


@pytest.mark.parametrize(("endpoint", "params"), [("messages", message_params), ("count", count_params)])
def test_the_table_knows_every_field_of_anthropic_s_package(endpoint: str, params: object) -> None:
    declared = {
        name
        for kind in ("MessageCreateParamsBase", "MessageCountTokensParams")
        for name in getattr(getattr(params, kind, None), "__annotations__", ())
    }
    assert {"messages", "thinking"} <= declared
    assert declared <= {field.name for field in FIELDS if field.is_on(endpoint)} | set(parameters())


def test_variables_of_the_template_can_be_named_themselves() -> None:
    variables = completion(
        thinking={"type": "enabled"}, chat_template_kwargs={"style": 1}, reasoning_effort="low"
    ).variables
    assert (variables["style"], variables["reasoning_effort"]) == (1, "low")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_of_the_table_is_treated_as_it_says(field: Field) -> None:
    translators = {"messages": translate.messages, "count": translate.count}
    for endpoint in field.endpoints or translators:
        for value in ("other", *field.harmless):
            body = {"messages": [HELLO], field.name: value}
            try:
                assert field.name not in translators[endpoint](body).ignored
                assert field.treatment != "refused" or value in field.harmless
            except InvalidParameter as error:
                assert str(error.facts["name"]).split(".")[0] == field.name
                assert field.treatment == "honoured" or (field.treatment == "refused" and value == "other")
