"""What holds for every format of tool calls: what it writes it reads, however that is cut, and its grammar allows
just that."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer
from msgspec.structs import replace

from samovar.core.errors import InvalidInput
from samovar.core.requests import Completion, Constraint, Message, Tool, ToolCall, Tools
from samovar.prompts.manner import Manner, plan_of
from samovar.prompts.reasoning import MARKS, THINK
from samovar.prompts.tools.format import ToolFormat
from samovar.prompts.tools.harmony import HARMONY
from samovar.prompts.tools.hermes import HERMES
from samovar.prompts.tools.lark import unlike
from samovar.prompts.tools.registry import FORMATS
from samovar.sampling.grammar.forms import compose
from tests.prompts.tools.answers import ADD, TOOLS, WEATHER, cut, manner, plan, told
from tests.prompts.tools.bytes_engine import BytesEngine

each_format = pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)

texts = st.text(
    st.characters(codec="utf-8", exclude_characters="<>[]|`\r", exclude_categories=["Cc", "Cs"]), max_size=12
)
plain = texts.map(str.strip)
arguments = st.fixed_dictionaries(
    {"city": plain},
    optional={
        "days": st.integers(-1000, 10**6),
        "exact": st.booleans(),
        "unit": st.sampled_from(["c", "f"]),
        "where": st.lists(st.integers(-90, 90), max_size=3),
        "more": st.fixed_dictionaries({"note": plain}),
    },
)
calls = st.lists(
    st.one_of(
        arguments.map(lambda given: ToolCall("", WEATHER.name, json.dumps(given, ensure_ascii=False))),
        st.integers(-99, 99).map(lambda a: ToolCall("", ADD.name, json.dumps({"a": a}))),
    ),
    min_size=1,
    max_size=3,
)


@each_format
@given(calls=calls, places=st.lists(st.integers(1, 400), max_size=60), live=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_it_writes_it_reads_however_it_is_cut(
    format: ToolFormat, calls: list[ToolCall], places: list[int], live: bool
) -> None:
    text = format.write(calls)
    answer = told(plan(format), *cut(text, places), live=live)
    assert answer.asked == [(call.name, json.loads(call.arguments)) for call in calls]
    assert (answer.text, answer.thought, answer.warned, answer.reason) == ("", "", [], "tool_calls")
    assert len({call.id for call in answer.calls}) == len(calls)


formats = st.sampled_from(FORMATS)
marks = ["<think>", "</think>", "{", "}", '"', "\n", "<", "[", "]", ">>>", "Action:", "(", "all\n"]
answers = st.builds(lambda format, calls, size: format.write(calls)[:size], formats, calls, st.integers(1, 300))
written = st.lists(
    st.one_of(
        texts,
        st.sampled_from(marks),
        formats.flatmap(lambda format: st.sampled_from([format.start, format.open, format.close, format.between])),
        answers,
    ),
    max_size=5,
).map("".join)


@each_format
@given(written=written, places=st.lists(st.integers(1, 400), max_size=60), live=st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_comes_is_read_alike_however_it_is_cut(
    format: ToolFormat, written: str, places: list[int], live: bool
) -> None:
    whole, pieces = told(plan(format), written, live=live), told(plan(format), *cut(written, places), live=live)
    whole.tokens = pieces.tokens = []
    assert whole == pieces


@each_format
@given(calls=calls, size=st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_a_call_that_breaks_off_is_text_with_a_warning_and_never_a_call(
    format: ToolFormat, calls: list[ToolCall], size: int
) -> None:
    """No call is made up: each that is told of was written in full."""
    whole = [(call.name, json.loads(call.arguments)) for call in calls]
    answer = told(plan(format), format.write(calls)[:size], reason="length")
    assert answer.asked == whole[: len(answer.asked)]
    assert answer.reason == "length"


@each_format
@given(calls=calls, size=st.integers(1, 400), places=st.lists(st.integers(1, 400), max_size=60))
@settings(max_examples=60, deadline=None)
def test_of_a_call_that_must_be_made_nothing_is_text_wherever_the_answer_ends(
    format: ToolFormat, calls: list[ToolCall], size: int, places: list[int]
) -> None:
    must = plan(format, Tools(TOOLS.offered, "required"))
    text = format.write(calls)[:size]
    answer = told(must, *cut(text, places), live=True, reason="length")
    assert (answer.text, answer.reason) == ("", "length")
    assert answer.warned in ([], ["tools.cut"])
    whole = answer.calls if not answer.warned else answer.calls[: len(answer.calls) - 1]
    assert [(call.name, json.loads(call.arguments)) for call in whole] == [
        (call.name, json.loads(call.arguments)) for call in calls[: len(whole)]
    ]


@each_format
def test_every_token_goes_with_one_event(format: ToolFormat) -> None:
    text = format.write([ToolCall("", ADD.name, '{"a": 1}')])
    answer = told(plan(format), *text)
    assert sorted(answer.tokens) == list(range(len(text)))


def follows(format: ToolFormat, tools: Tools, text: str, prompt: str = "") -> bool:
    """Whether the grammar takes `text` from its first byte to its last, and lets it end there."""
    constraint = plan(format, tools, prompt=prompt).constraint
    assert constraint is not None
    return takes(format, constraint, text)


def takes(format: ToolFormat, constraint: Constraint, text: str, controls: Sequence[str] | None = None) -> bool:
    """`controls`: the texts of the model's control tokens, those of the format where nothing else is said."""
    engine = BytesEngine(format.shown if controls is None else controls)
    matcher = LLMatcher(LLTokenizer(engine.tokenizer(), n_vocab=engine.size), compose(constraint, engine))
    assert not matcher.is_error(), matcher.get_error()
    tokens = engine.tokenize(text, special=True)
    return (
        matcher.validate_tokens(tokens) == len(tokens) and matcher.consume_tokens(tokens) and matcher.is_accepting()
    )


CALLS = [ToolCall("", WEATHER.name, '{"city": "Oslo", "days": 3}'), ToolCall("", ADD.name, '{"a": 5}')]


@each_format
def test_its_grammar_takes_what_it_writes(format: ToolFormat) -> None:
    assert follows(format, Tools(TOOLS.offered, "required"), format.write(CALLS))


@each_format
def test_it_is_all_the_same_whether_marks_are_control_tokens_or_text(format: ToolFormat) -> None:
    text = format.write(CALLS)
    for controls in ((), (*format.shown, *THINK.marks)):
        for tools in (TOOLS, Tools(TOOLS.offered, "required")):
            constraint = plan(format, tools).constraint
            assert constraint is not None
            assert takes(format, constraint, text, controls)
            if not format.whole:
                assert takes(format, constraint, f"<think>Hm.</think>\n\n{text}", controls)
        constraint = plan(format).constraint
        assert constraint is not None
        assert takes(format, constraint, "Hm, no <call>.", controls)


@each_format
def test_a_call_that_must_be_made_comes_behind_the_thoughts(format: ToolFormat) -> None:
    required = Tools(TOOLS.offered, "required")
    if format.musing:
        before, end, after = format.musing
        assert follows(format, required, f"{before}Hm.{end}{after}{format.write(CALLS)}")
        return
    assert follows(format, required, "<think>Hm.</think>\n\n" + format.write(CALLS))
    assert follows(format, required, "Hm.</think>\n\n" + format.write(CALLS), "assistant\n<think>\n")
    assert not follows(format, required, "Hm.</think>\n\nNo.", "assistant\n<think>\n")


@each_format
def test_a_named_function_is_the_only_one(format: ToolFormat) -> None:
    named = Tools(TOOLS.offered, ADD.name)
    assert follows(format, named, format.write(CALLS[1:]))
    assert not follows(format, named, format.write(CALLS[:1]))


@each_format
def test_one_call_at_most_where_several_are_not_wanted(format: ToolFormat) -> None:
    single = Tools(TOOLS.offered, "required", parallel=False)
    assert follows(format, single, format.write(CALLS[:1]))
    assert not follows(format, single, format.write(CALLS))


def test_thoughts_may_stand_between_marks_of_several_tokens() -> None:
    """Gemma 4's begin with a control token and a word, Kimi K3's end with two control tokens and one."""
    for name in ("gemma", "kimi-k3"):
        format = next(format for format in FORMATS if format.name == name)
        thinking = next(
            marks
            for marks in MARKS
            if set(marks.parts) & {"<|channel>", "<|open|>"}
            and (name == "gemma") == (marks.parts[0] == "<|channel>")
        )
        known = Manner(format, True, True, thinking)
        controls = (*format.shown, *thinking.marks)
        for tools in (TOOLS, Tools(TOOLS.offered, "required")):
            asked = Completion(messages=(Message("user", "?"),), tools=tools, reads=True)
            for prompt in ("", thinking.open + "\n"):
                held = plan_of(asked, known, prompt)
                assert held.constraint is not None
                thought = f"{'' if prompt else thinking.open}Hm.{thinking.close}"
                assert takes(format, held.constraint, thought + format.write(CALLS), controls)
                read = told(held, thought + format.write(CALLS), live=True)
                assert (read.thought, read.text, len(read.calls)) == ("Hm.", "", 2)
                assert set(controls) <= set(held.shown)


def test_a_text_that_is_written_as_it_is_is_no_longer_than_its_schema_says() -> None:
    city = Tool(
        "get_weather", "", {"properties": {"city": {"type": "string", "maxLength": 5}}, "required": ["city"]}
    )
    for name in ("deepseek-v4", "glm", "kimi-k3", "minimax-m3", "hermes"):
        format = next(format for format in FORMATS if format.name == name)
        for controls in ((), format.shown):
            held = plan(format, Tools((city,), "required")).constraint
            assert held is not None
            short, long = (
                format.write([ToolCall("", city.name, f'{{"city": "{text}"}}')]) for text in ("Токио", "Ottawa")
            )
            assert takes(format, held, short, controls)
            assert not takes(format, held, long, controls)


def test_a_string_with_the_marks_of_its_end_in_it_can_be_written_where_there_are_quotes_for_it() -> None:
    minicpm = next(format for format in FORMATS if format.name == "minicpm")
    call = ToolCall("", WEATHER.name, json.dumps({"city": "a</param></function>"}))
    required = Tools(TOOLS.offered, "required")
    assert follows(minicpm, required, minicpm.write([call]))
    assert told(plan(minicpm), minicpm.write([call])).asked == [(WEATHER.name, {"city": "a</param></function>"})]
    assert not follows(minicpm, required, minicpm.write([call]).replace("]]>", ""))


def test_arguments_that_nobody_listed_cannot_come_unless_they_may() -> None:
    required, text = Tools((ADD,), "required"), HERMES.write([ToolCall("", "add", '{"a": 1, "b": 2}')])
    assert not follows(HERMES, required, text)
    open_schema = {**ADD.parameters, "additionalProperties": True}
    assert follows(HERMES, Tools((Tool("add", "", open_schema),), "required"), text)


@each_format
def test_a_function_without_arguments_can_be_called(format: ToolFormat) -> None:
    now = Tool("now")
    text = format.write([ToolCall("", "now", "{}")])
    assert follows(format, Tools((now,), "required"), text)
    assert told(plan(format, Tools((now,))), text).asked == [("now", {})]


FREE = ["No call at all.", "<b>No</b> call.", "<table>", "<t", "", '{"name": "Ada"}', "[1] is a footnote."]


@each_format
@pytest.mark.parametrize("text", FREE)
def test_an_answer_without_a_call_is_free(format: ToolFormat, text: str) -> None:
    assert follows(format, TOOLS, text)
    assert follows(format, TOOLS, f"Hm.</think>\n\n{text}", "assistant\n<think>\n")


marked = pytest.mark.parametrize("format", [f for f in FORMATS if f.marked], ids=lambda format: format.name)
unmarked = pytest.mark.parametrize("format", [f for f in FORMATS if not f.marked], ids=lambda format: format.name)


@marked
def test_a_call_that_may_be_made_is_held_to_the_grammar_from_its_mark_on(format: ToolFormat) -> None:
    assert follows(format, TOOLS, "Let me see. " + format.write(CALLS))
    assert follows(format, TOOLS, format.write(CALLS))
    named = "a call" if any(mark in format.start for mark in format.shown) else format.start
    thought = f"<think>I could write {named} or not.</think>\n\n"
    assert follows(format, TOOLS, thought + "No.")
    assert follows(format, TOOLS, thought + format.write(CALLS))
    assert not follows(format, TOOLS, thought + format.start + "no call")
    assert not follows(format, TOOLS, "Let me see. " + format.start + "no call")
    assert follows(format, TOOLS, thought.removeprefix("<think>") + format.write(CALLS), "<think>\n")


@unmarked
def test_without_a_mark_a_call_is_held_to_the_grammar_once_a_function_is_named(format: ToolFormat) -> None:
    other = ToolCall("", "subtract", '{"a": 5}')
    wrong = ToolCall("", ADD.name, '{"b": true}')
    for before in ["", *([] if format.whole else ["<think>I could [add(a=5) or not.</think>\n\n"])]:
        assert follows(format, TOOLS, before + format.write(CALLS))
        assert follows(format, TOOLS, before + format.write([other]))
        assert not follows(format, TOOLS, before + format.write([wrong]))
    assert not follows(format, TOOLS, format.write([*CALLS, wrong]))
    assert not follows(format, TOOLS, "Hm.</think>\n\n" + format.write([wrong]), "<think>\n") or format.whole


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("harmony", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"),
        ("harmony", "<|channel|>commentary<|message|>I add.<|end|><|start|>assistant"),
        ("functionary-v3.2", "all\nLet me add.>>>"),
        ("functionary-v2", "all\n<|content|>Let me add.\n<|from|>assistant\n<|recipient|>"),
        ("command-r", "Action needs thought. "),
        ("llama", "Let me add. <|python_tag|>"),
    ],
)
def test_text_may_come_before_a_call_that_is_held_to_the_grammar(name: str, before: str) -> None:
    format = next(format for format in FORMATS if format.name == name)
    assert follows(format, TOOLS, before + format.write(CALLS))
    assert follows(format, TOOLS, before + "Well.")
    assert not follows(format, TOOLS, before + format.write([ToolCall("", ADD.name, '{"a": "five"}')]))


@unmarked
def test_a_call_is_handed_on_as_it_is_written_only_where_a_grammar_holds_all_of_them(format: ToolFormat) -> None:
    assert not plan(format).live
    assert plan(format, Tools(TOOLS.offered, "required")).live


@given(mark=st.sampled_from(["<think>", "[THINK]", "◁think▷"]), text=st.text("<think>[TH◁▷x ", max_size=9))
@settings(max_examples=300)
def test_what_is_unlike_a_mark_is_every_text_that_does_not_begin_with_it(mark: str, text: str) -> None:
    fits = re.fullmatch(unlike((mark,), "(?s:.*)"), text) is not None
    assert fits == (bool(text) and not text.startswith((mark, " ")))


def test_an_answer_in_json_may_take_the_place_of_a_call() -> None:
    schema = Constraint("json_schema", '{"type": "object", "properties": {"sum": {"type": "integer"}}}')
    completion = Completion(messages=(Message("user", "?"),), tools=TOOLS, reads=True, constraint=schema)
    constraint = plan_of(completion, manner(HERMES), "").constraint
    assert constraint is not None
    assert takes(HERMES, constraint, '{"sum": 3}')
    assert takes(HERMES, constraint, HERMES.write(CALLS))
    assert not takes(HERMES, constraint, "Three.")


def test_a_grammar_cannot_be_combined_with_tools_that_may_be_called() -> None:
    regex = Constraint("regex", "a+")
    completion = Completion(messages=(Message("user", "?"),), tools=TOOLS, reads=True, constraint=regex)
    with pytest.raises(InvalidInput, match="JSON schema"):
        plan_of(completion, manner(HERMES), "")


def test_a_form_that_is_asked_for_is_that_of_the_channel_that_is_said() -> None:
    schema = Constraint("json_schema", '{"type": "integer"}')
    completion = Completion(messages=(Message("user", "?"),), reads=True, constraint=schema)
    held = plan_of(completion, manner(HARMONY), "<|start|>assistant").constraint
    assert held is not None
    said = "<|channel|>final<|message|>3"
    assert takes(HARMONY, held, said)
    assert takes(HARMONY, held, f"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant{said}")
    assert not takes(HARMONY, held, "<|channel|>final<|message|>Three.")
    with_tools = plan_of(replace(completion, tools=TOOLS), manner(HARMONY), "<|start|>assistant").constraint
    assert with_tools is not None
    assert takes(HARMONY, with_tools, said)
    assert takes(HARMONY, with_tools, HARMONY.write(CALLS))


def test_a_form_that_is_asked_for_begins_behind_the_thoughts() -> None:
    schema = Constraint("json_schema", '{"type": "integer"}')
    completion = Completion(messages=(Message("user", "?"),), reads=True, constraint=schema)
    behind = plan_of(completion, manner(HERMES), "assistant\n<think>\n").constraint
    assert behind is not None
    assert takes(HERMES, behind, "Hm.</think>3")
    assert plan_of(completion, manner(HERMES), "assistant\n").constraint == schema
