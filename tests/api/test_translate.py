"""Request bodies become Completions, or errors of the tree; nothing else, whatever is in them."""

import json
from pathlib import Path

import msgspec
import openai.types.chat.completion_create_params as chat_params
import openai.types.completion_create_params as text_params
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.dialects.openai import translate
from samovar.api.dialects.openai.fields import FIELDS
from samovar.api.reading.body import DEEPEST, decode
from samovar.api.reading.fieldtable import Field
from samovar.core.errors import InvalidInput, InvalidParameter, SamovarError
from samovar.core.requests import ANY_OBJECT, Constraint, Message
from samovar.sampling import parameters
from samovar.sampling.registry import defaults
from samovar.sampling.steps.temperature import is_greedy

HELLO = {"role": "user", "content": "Hello"}
PAYLOADS = Path(__file__).parents[3] / "shared" / "reference" / "clients-payloads.json"

NAMES = st.sampled_from(
    sorted({field.name for field in FIELDS} | set(parameters()) | {"role", "content", "type", "text"})
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-(2**63), 2**63, 2**64, 10**400, 0, -1, 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(NAMES, JSON, max_size=6)


@given(BODIES, st.booleans())
def test_any_chat_body_is_a_completion_or_a_sentence(body: dict[str, object], asked: bool) -> None:
    try:
        translated = translate.chat({"messages": [HELLO], **body} if asked else body)
    except InvalidInput as error:
        assert error.text("en")
        assert error.text("ru")
    else:
        msgspec.msgpack.encode(translated.completions)
        assert 1 <= translated.choices <= translate.MOST_CHOICES


@given(BODIES, JSON)
def test_any_completion_body_is_completions_or_a_sentence(body: dict[str, object], prompt: object) -> None:
    try:
        translated = translate.text({"prompt": prompt, **body})
    except InvalidInput as error:
        assert error.text("en")
    else:
        msgspec.msgpack.encode(translated.completions)
        assert 1 <= translated.choices <= translate.MOST_CHOICES


@given(
    st.lists(st.fixed_dictionaries({}, optional={"role": JSON | st.just("user"), "content": JSON, "name": JSON}))
)
def test_any_messages_are_messages_or_a_sentence(messages: list[object]) -> None:
    try:
        translated = translate.chat({"messages": messages})
    except InvalidInput:
        return
    assert len(translated.completions[0].messages) == len(messages) > 0


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_object_or_a_sentence(raw: bytes) -> None:
    try:
        assert isinstance(decode(raw), dict)
    except InvalidInput as error:
        assert error.text("ru")


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"[]", b"null", b'"text"', b'{"seed": NaN}', b'{"seed": Infinity}', b'{"n": 1e400}', b"\xff\xfe",
        b'{"stop": "\\ud800"}', b'{"a":' * 100_000, b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1),
    ],
)  # fmt: skip
def test_what_is_not_a_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode(raw)


def test_an_empty_body_is_an_empty_object() -> None:
    assert decode(b" \n") == {}
    assert decode(b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1))


def chat(**body: object) -> translate.Asked:
    return translate.chat({"messages": [HELLO], **body})


def text(**body: object) -> translate.Asked:
    return translate.text({"prompt": "x", **body})


def test_messages_of_every_kind() -> None:
    (completion,) = chat(
        messages=[
            {"role": "system", "content": "a"},
            {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
            {"role": "user", "content": "d", "name": "Ann"},
            {"role": "assistant", "content": None},
            {"role": "tool", "content": "e", "tool_call_id": "1"},
            {"role": "system", "content": "f"},
        ]
    ).completions
    assert completion.messages == (
        Message("system", "a"),
        Message("system", "b\nc"),
        Message("user", "d", "Ann"),
        Message("assistant", ""),
        Message("tool", "e", tool_call_id="1"),
        Message("system", "f"),
    )
    assert not completion.continue_last


def test_an_assistant_message_at_the_end_is_continued() -> None:
    assert chat(messages=[HELLO, {"role": "assistant", "content": "Sure, "}]).completions[0].continue_last
    assert not chat().completions[0].continue_last


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}],
            "messages[0].content[0]",
        ),
        ([HELLO, {"role": "user", "content": 5}], "messages[1].content"),
        ([{"role": "king", "content": "x"}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        (["Hello"], "messages[0]"),
        ([{"role": "assistant", "tool_calls": [{"id": "1"}]}], "messages[0].tool_calls[0].function.name"),
        ([], "messages"),
        (None, "messages"),
    ],
)
def test_a_wrong_message_is_named_by_its_place(messages: object, place: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        chat(messages=messages)
    assert refused.value.facts["name"] == place


def test_the_limit_of_tokens() -> None:
    assert chat().completions[0].max_tokens is None
    assert text().completions[0].max_tokens == 16
    assert chat(max_tokens=-1).completions[0].max_tokens is None
    assert text(max_tokens=-1).completions[0].max_tokens is None
    assert chat(max_tokens=5).completions[0].max_tokens == 5
    assert chat(max_tokens=5, max_completion_tokens=7).completions[0].max_tokens == 7
    assert chat(max_tokens=5.0).completions[0].max_tokens == 5


def test_seeds_of_every_client() -> None:
    assert chat().completions[0].sampling.seed is None
    assert chat(seed=-1).completions[0].sampling.seed is None
    assert chat(seed=0).completions[0].sampling.seed == 0
    negative = chat(seed=-2).completions[0].sampling.seed
    assert negative is not None
    assert 0 <= negative < 2**63


def test_stops_are_one_or_many() -> None:
    assert chat(stop="END").completions[0].stop == ("END",)
    assert chat(stop=["a", "", "b"] * 4).completions[0].stop == ("a", "b") * 4
    assert chat(stop=None).completions[0].stop == ()


def test_the_loaded_model_goes_by_several_names() -> None:
    assert [chat(model=name).completions[0].model for name in (None, "", "default", "m")] == [None] * 3 + ["m"]


def test_logprobs_mean_what_each_endpoint_says() -> None:
    assert chat(logprobs=True).completions[0].logprobs == 0
    assert chat(logprobs=True, top_logprobs=3).completions[0].logprobs == 3
    assert chat(logprobs=False, top_logprobs=0).completions[0].logprobs is None
    assert text(logprobs=4).completions[0].logprobs == 4
    assert text(logprobs=False).completions[0].logprobs is None


@pytest.mark.parametrize(
    "body",
    [
        {"n": 0}, {"n": 129}, {"n": 10**30}, {"n": "2"}, {"n": 1.5}, {"stop": 5}, {"stop": [5]}, {"seed": "x"},
        {"max_tokens": 0}, {"max_tokens": -2}, {"temperature": -1}, {"temperature": "hot"}, {"stream": 1},
        {"stream_options": []}, {"model": 5}, {"prompt": []}, {"prompt": {}}, {"prompt": [1, "a"]},
        {"prompt": [-1]}, {"prompt": [True]}, {"prompt": [[]]}, {"prompt": ["x"] * 65, "n": 2},
        {"logprobs": 21}, {"best_of": 3}, {"suffix": 5}, {"echo": "yes"}, {"echo": False, "max_tokens": 0},
        {"response_format": {"type": "yaml"}}, {"response_format": {"type": "json_schema"}},
        {"response_format": "json"}, {"json_schema": [1]}, {"regex": 5}, {"grammar": {}},
    ],
)  # fmt: skip
def test_what_cannot_be_done_names_its_field(body: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter) as refused:
        text(**body)
    assert str(refused.value.facts["name"]).replace(".", "[").split("[")[0] in {*body, "n"}


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function"}]},
        {"top_logprobs": 2},
        {"modalities": ["audio"]},
        {"tool_choice": "required"},
    ],
)
def test_what_is_not_there_yet_is_said(body: dict[str, object]) -> None:
    with pytest.raises(SamovarError):
        chat(**body)


def test_fields_that_ask_for_nothing_pass() -> None:
    assert chat(tools=[], tool_choice="auto", response_format={"type": "text"}, modalities=["text"]).ignored == ()
    assert text(echo=False, suffix="", best_of=2, n=2).ignored == ()
    assert text(num_beams=1, penalty_alpha=0, min_keep=0, trim_stop=True).ignored == ()


def test_what_is_asked_for_and_not_there_is_named_among_the_warnings() -> None:
    assert text(num_beams=3, penalty_alpha=0.6, min_keep=2).ignored == ("num_beams", "penalty_alpha", "min_keep")


def test_who_does_not_want_to_draw_gets_the_best_token() -> None:
    """text-generation-webui's `do_sample`, whatever else its user has set."""
    asked = text(do_sample=False, temperature=1.3, dynatemp_range=0.5, repetition_penalty=1.2, seed=5)
    sampling = asked.completions[0].sampling
    assert is_greedy(defaults() | sampling.values)
    assert sampling.values["repetition_penalty"] == 1.2 and sampling.seed == 5
    assert text(do_sample=True, temperature=1.3).completions[0].sampling.values == {"temperature": 1.3}


def test_a_raw_prompt_may_begin_bare_and_an_answer_show_its_control_tokens() -> None:
    usual, other = text().completions[0], text(add_bos_token=False, skip_special_tokens=False).completions[0]
    assert (usual.bos, usual.controls) == (True, False)
    assert (other.bos, other.controls) == (False, True)


def test_an_end_token_is_ignored_by_the_name_that_its_server_has_for_that() -> None:
    """SillyTavern sends `ban_eos_token` to Aphrodite too, whose page has only `ignore_eos` to set."""
    sent = {"ban_eos_token": False, "ignore_eos": True}
    assert text(api_type="aphrodite", **sent).completions[0].sampling.values == {"ban_eos_token": True}


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
AS_ASKED = Constraint("json_schema", '{"type":"object","properties":{"a":{"type":"integer"}}}')


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {}}, None),
        ({"response_format": {"type": "json_object"}}, ANY_OBJECT),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, AS_ASKED),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}, AS_ASKED),
        ({"response_format": {"type": "json_schema", "schema": SCHEMA}}, AS_ASKED),
        ({"json_schema": SCHEMA}, AS_ASKED),
        ({"guided_json": '{"type": "string"}'}, Constraint("json_schema", '{"type": "string"}')),
        ({"regex": "[a-z]+"}, Constraint("regex", "[a-z]+")),
        ({"guided_regex": "[a-z]+"}, Constraint("regex", "[a-z]+")),
        ({"grammar": 'root ::= "a"'}, Constraint("gbnf", 'root ::= "a"')),
        ({"guided_grammar": '%llguidance {}\nstart: "a"'}, Constraint("lark", '%llguidance {}\nstart: "a"')),
        ({"grammar": "", "grammar_string": "", "regex": "", "json_schema": None}, None),
        ({"grammar_string": 'root ::= "a"', "json_schema": SCHEMA}, AS_ASKED),
        ({"response_format": {"type": "text"}, "regex": "a"}, Constraint("regex", "a")),
    ],
)
def test_a_constraint_comes_under_everybodys_names(body: dict[str, object], constraint: Constraint | None) -> None:
    for asked in (chat(**body), text(**body)):
        assert asked.completions[0].constraint == constraint
        assert asked.ignored == ()


def test_a_format_without_its_schema_names_what_is_missing() -> None:
    with pytest.raises(InvalidParameter, match=r"response_format\.json_schema\.schema"):
        chat(response_format={"type": "json_schema", "json_schema": {"name": "x"}})


@pytest.mark.parametrize(("endpoint", "params"), [("chat", chat_params), ("text", text_params)])
def test_the_table_knows_every_field_of_openai_s_package(endpoint: str, params: object) -> None:
    name = "CompletionCreateParamsBase"
    declared = set(getattr(params, name).__annotations__)
    told = {field.name for field in FIELDS if field.is_on(endpoint)}
    assert declared - told <= set(parameters()) | {"frequency_penalty", "presence_penalty", "logit_bias"}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_of_the_table_is_treated_as_it_says(field: Field) -> None:
    translators = {"chat": translate.chat, "text": translate.text}
    for endpoint in field.endpoints or translators:
        for value in ("other", *field.harmless):
            body = {"messages": [HELLO], "prompt": "x", field.name: value}
            try:
                assert (field.name in translators[endpoint](body).ignored) == (
                    field.treatment == "inert" and field.asks(value)
                )
                assert field.treatment != "refused" or value in field.harmless
            except InvalidParameter as error:
                assert error.facts["name"] == field.name
                assert field.treatment == "honoured" or (field.treatment == "refused" and value == "other")


@pytest.mark.shared
@pytest.mark.skipif(not PAYLOADS.exists(), reason="needs the clients' recorded payloads")
@pytest.mark.parametrize("client", ["ooba", "koboldcpp", "tabby", "vllm", "generic", "aphrodite"])
def test_sillytavern_s_own_bodies_are_understood(client: str) -> None:
    body = json.loads(PAYLOADS.read_text())[client]
    completion = translate.text(body).completions[0]
    assert completion.prompt == "PROMPT"
    assert completion.max_tokens == 200
    assert completion.stop[0] == "\nUser:"
    assert completion.sampling.values["top_p"] == 0.5
