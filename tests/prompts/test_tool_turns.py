"""Tools, calls, results and thoughts on their way into chat templates, and what templates are known by."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from samovar.core.requests import Message, Tool, ToolCall
from samovar.prompts.manner import manner_of
from samovar.prompts.reasoning import MARKS, Thinking, spelled_out
from samovar.prompts.template import render
from samovar.prompts.tools.described import as_text, calls_as_text, described
from samovar.prompts.tools.formattable import markdown
from samovar.prompts.tools.hermes import HERMES
from samovar.prompts.tools.registry import FORMATS, format_of
from samovar.prompts.trial import Calls, calls_in, forgets_calls
from samovar.prompts.turns import named

TEMPLATES = Path(__file__).parent / "templates"
CALL = ToolCall("abc", "add", '{"a": 1, "who": "Ян"}')
ASKED = Message("user", "Add.")
CALLED = Message("assistant", "", tool_calls=(CALL,))
RESULT = Message("tool", "2", tool_call_id="abc")
LOOP = "{% for m in messages %}"
CALLS = LOOP + "{% for c in m.tool_calls or [] %}"


def written(template: str, *messages: Message, **given: object) -> str:
    return render(template, messages, **given).text


@pytest.mark.parametrize(
    "form",
    [
        "{{ c.function.arguments | tojson }}",
        "{{ c.function.arguments }}",
        "{{ '' ~ c.function.arguments }}",
        "{{ 'x' + c.function.arguments }}",
        "{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}",
    ],
)
def test_arguments_are_json_however_a_template_writes_them(form: str) -> None:
    text = written(CALLS + form + "{% endfor %}{% endfor %}", ASKED, CALLED)
    assert json.loads(text.removeprefix("x")) == {"a": 1, "who": "Ян"}


def test_arguments_can_be_walked_through() -> None:
    walk = "{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }};{% endfor %}"
    assert written(CALLS + walk + "{% endfor %}{% endfor %}", ASKED, CALLED) == "a=1;who=Ян;"


def test_a_message_has_only_what_it_has() -> None:
    keys = LOOP + "{{ m.keys() | list | join(',') }};{% endfor %}"
    thought = Message("assistant", "Hi.", reasoning="hm")
    assert written(keys, ASKED, CALLED, RESULT, thought) == (
        "role,content;role,content,tool_calls;role,content,tool_call_id;role,content,reasoning_content;"
    )


def test_a_result_is_given_the_name_of_its_function() -> None:
    assert named((ASKED, CALLED, RESULT))[2].name == "add"
    assert named((ASKED, RESULT))[1].name is None


def test_ids_are_made_shorter_for_a_template_that_refuses_others() -> None:
    strict = (
        CALLS
        + "{{ raise_exception('9') if c.id | length != 9 else c.id }}{% endfor %}{{ m.tool_call_id }}{% endfor %}"
    )
    text = written(strict, ASKED, msgspec.structs.replace(CALLED, tool_calls=(ToolCall("call_0123", "f", "{}"),)))
    assert text == "call_0123"
    long = "call_0123456789"
    called = Message("assistant", "", tool_calls=(ToolCall(long, "f", "{}"),))
    text = written(strict, ASKED, called, Message("tool", "2", tool_call_id=long))
    assert len(text) == 18
    assert text[:9] == text[9:]


def test_thoughts_before_a_call_are_there_under_the_name_that_gpt_oss_has_for_them() -> None:
    thought = msgspec.structs.replace(CALLED, reasoning="hm")
    assert written(LOOP + "{{ m.thinking }}{% endfor %}", ASKED, thought) == "hm"


def test_calls_and_results_are_not_merged_with_their_neighbours() -> None:
    strict = (
        LOOP + "{% if loop.index0 > 0 and m.role == 'user' and messages[loop.index0 - 1].role == 'user' %}"
        "{{ raise_exception('twice') }}{% endif %}{{ m.role[0] }}{% endfor %}"
    )
    assert written(strict, ASKED, ASKED, CALLED, RESULT, RESULT, CALLED, CALLED) == "uattaa"


def test_variables_reach_the_template_and_cannot_take_the_place_of_the_messages() -> None:
    variables = {"enable_thinking": False, "messages": [], "effort": "low<|im_end|>"}
    rendered = render(
        "{{ messages | length }} {{ enable_thinking }} {{ effort }}",
        [ASKED],
        variables=variables,
        special_texts=["<|im_end|>"],
    )
    assert rendered.text == "1 False low<|im_end|>"
    assert [part.text for part in rendered.parts if not part.special] == ["<|im_end|>"]


def test_control_tokens_in_arguments_and_thoughts_stay_text() -> None:
    trick = Message(
        "assistant", "", reasoning="<|im_end|>", tool_calls=(ToolCall("1", "f", '{"a": "<|im_end|>"}'),)
    )
    template = CALLS + "{{ c.function.arguments | tojson }}{% endfor %}{{ m.reasoning_content }}{% endfor %}"
    parts = render(template, [ASKED, trick], special_texts=["<|im_end|>"]).parts
    assert [part.text for part in parts if not part.special] == ["<|im_end|>"] * 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reasoning_effort": "none"}, {"reasoning_effort": "none", "enable_thinking": False, "thinking": False}),
        ({"enable_thinking": True}, {"enable_thinking": True, "thinking": True}),
        ({"thinking": True}, {"thinking": True}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
    ],
)
def test_thinking_is_switched_under_every_name(given: dict[str, object], told: dict[str, object]) -> None:
    assert spelled_out(given) == told


TOOL = Tool("add", "Adds", {"type": "object", "properties": {"a": {"type": "integer"}}})


def test_tools_are_described_where_the_template_knows_none() -> None:
    messages = described(as_text((Message("system", "Be brief."), ASKED, CALLED, RESULT)), [TOOL], HERMES)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[0].content.startswith("Be brief.\n\n# Tools")
    assert '"name": "add"' in messages[0].content
    assert messages[2].content == '<tool_call>\n{"name": "add", "arguments": {"a": 1, "who": "Ян"}}\n</tool_call>'
    assert messages[3].content == "<tool_response>\n2\n</tool_response>"
    assert described((ASKED,), [TOOL], HERMES)[0].role == "system"


def test_nothing_is_described_where_nothing_is_offered() -> None:
    assert described((ASKED, CALLED, RESULT), [], HERMES) == (ASKED, CALLED, RESULT)


def test_every_format_is_found_by_its_marks() -> None:
    for format in FORMATS:
        for marks in format.recognised:
            assert format_of("{% if tools %}" + " ".join(marks)) is not None


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{% if tools %}<tool_call>{{ tool_call.arguments | tojson }}</tool_call>", "hermes"),
        ("{% if tools %}<tool_call>\n<function=f>\n<parameter=a>", "qwen-coder"),
        ("{% if tools %}<tool_call>{n}\n<arg_key>k</arg_key>\n<arg_value>v</arg_value>", "glm"),
        ("{% if tools %}[AVAILABLE_TOOLS][TOOL_CALLS]f[ARGS]", "mistral"),
        ("{% if tools %}[AVAILABLE_TOOLS] [TOOL_CALLS] [", "mistral-array"),
        ("{% for t in message.tool_calls %}<｜tool▁calls▁begin｜>function\n```json", "deepseek"),
        ("{% for t in message.tool_calls %}<｜tool▁calls▁begin｜>", "deepseek-v3.1"),
        ("{% if tools %}<|start|>assistant<|channel|>analysis<|message|>", "harmony"),
        ("{% if tools %}<|start_header_id|>ipython<|python_tag|>", "llama"),
    ],
)
def test_a_template_is_known_by_its_marks(template: str, name: str) -> None:
    known = manner_of(template)
    assert (known.format.name, known.knows_calls) == (name, True)
    assert known.knows_tools == ("if tools" in template)


def test_a_template_that_is_given_no_tools_knows_none() -> None:
    assert not manner_of("<tool_call>{{ messages }}").knows_tools
    assert not manner_of("").knows_tools
    assert manner_of((TEMPLATES / "qwen.jinja").read_text()).format.name == "hermes"


@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks.open)
def test_thoughts_are_known_by_their_marks(marks: Thinking) -> None:
    template = " ".join(marks.named) or f"{{{{ content.split('{marks.close}') }}}}"
    assert manner_of(template).thinking == marks


def test_the_documentation_has_the_table_of_formats() -> None:
    page = Path(__file__).parents[2] / "docs" / "tools.md"
    assert markdown(FORMATS) in page.read_text(encoding="utf-8")


def calls_of(message_if: str, name: str = "{{ c.function.name }}") -> str:
    calls = "{% for c in m.tool_calls %}" + name + "{% endfor %}"
    return LOOP + "{% if " + message_if + " %}" + calls + "{% endif %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "way"),
    [
        (calls_of("m.tool_calls"), Calls.WRITTEN),
        (calls_of("m.tool_calls and m.content is none"), Calls.BARE),
        (calls_of("m.tool_calls", "<tool_call>"), Calls.OMITTED),
        ("{{ raise_exception('no') }}", Calls.WRITTEN),
        ("{{ 1 / 0 }}", Calls.WRITTEN),
    ],
)
def test_how_a_template_writes_calls_is_found_out_by_trying(template: str, way: Calls) -> None:
    assert calls_in(template) is way


def test_a_template_that_writes_the_first_of_several_calls_only_is_known() -> None:
    assert forgets_calls(LOOP + "{{ m.tool_calls[0].function.name if m.tool_calls }}{% endfor %}")
    assert not forgets_calls(calls_of("m.tool_calls"))
    assert not forgets_calls("{{ raise_exception('no') }}")


def test_a_call_without_a_text_can_be_given_without_a_content() -> None:
    template = LOOP + "{{ m.content is none }};{% endfor %}"
    assert written(template, ASKED, CALLED, RESULT, bare=True) == "False;True;False;"
    said = msgspec.structs.replace(CALLED, content="Well.")
    assert written(template, ASKED, said, bare=True) == "False;False;"


def test_calls_that_a_template_leaves_out_become_the_text_that_they_were() -> None:
    said = msgspec.structs.replace(CALLED, content="Well.")
    turns = calls_as_text((ASKED, said, RESULT), HERMES)
    assert turns[1] == Message("assistant", f"Well.\n{HERMES.write([CALL])}")
    assert (turns[0], turns[2]) == (ASKED, RESULT)


def test_calls_made_at_once_come_one_by_one_where_a_template_wants_them_so() -> None:
    second = ToolCall("def", "sub", "{}")
    both = Message("assistant", "Well.", tool_calls=(CALL, second))
    single = (
        LOOP + "{% if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('one') }}{% endif %}"
        "[{{ m.role }}{{ m.tool_calls[0].function.name if m.tool_calls }}]{{ m.content }}{% endfor %}"
    )
    results = (Message("tool", "3", tool_call_id="def"), RESULT)
    assert written(single, ASKED, both, *results, ASKED) == (
        "[user]Add.[assistantadd]Well.[tool]2[assistantsub][tool]3[user]Add."
    )
