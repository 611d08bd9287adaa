"""Answers as models of each family have been seen to write them, with thoughts and mistakes."""

from __future__ import annotations

import pytest

from samovar.core.requests import Completion, Message, Tools
from samovar.prompts.manner import plan_of
from samovar.prompts.tools.registry import FORMATS
from tests.prompts.tools.answers import TOOLS, manner, plan, told

BY_NAME = {format.name: format for format in FORMATS}
OSLO = [("get_weather", {"city": "Oslo"})]
TWO = [*OSLO, ("add", {"a": 5})]


@pytest.mark.parametrize(
    ("name", "answer", "text", "calls"),
    [
        (
            "hermes",
            'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
            "Let me look.",
            OSLO,
        ),
        ("hermes", '<tool_call>{"arguments": {"a": 5}, "name": "add"}</tool_call>', "", TWO[1:]),
        ("hermes", '<tool_call>\n{"name": "add", "arguments": "{\\"a\\": 5}"}\n</tool_call>', "", TWO[1:]),
        ("hermes", '<tool_call>\n{"name": "add", "arguments": {"a": 5}}', "", TWO[1:]),
        (
            "qwen-coder",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n3\n"
            "</parameter>\n</function>\n</tool_call>",
            "",
            [("get_weather", {"city": "Oslo", "days": 3})],
        ),
        (
            "glm",
            "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>007</arg_value>\n"
            "<arg_key>where</arg_key>\n<arg_value>[1, 2]</arg_value>\n</tool_call>",
            "",
            [("get_weather", {"city": "007", "where": [1, 2]})],
        ),
        (
            "minimax",
            '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Oslo</parameter>\n</invoke>\n'
            '<invoke name="add">\n<parameter name="a">5</parameter>\n</invoke>\n</minimax:tool_call>',
            "",
            TWO,
        ),
        ("llama", '{"type": "function", "name": "add", "parameters": {"a": 5}}', "", TWO[1:]),
        ("llama", '<|python_tag|>{"name": "add", "parameters": {"a": 5}}', "", TWO[1:]),
        ("llama", "It is cold in Oslo.", "It is cold in Oslo.", []),
        ("llama", '{"city": "Oslo", "cold": true}', '{"city": "Oslo", "cold": true}', []),
        (
            "mistral-array",
            '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "aB3dE5gH7"}]',
            "",
            OSLO,
        ),
        ("mistral", '[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]add[ARGS]{"a": 5}', "", TWO),
        ("mistral", '[TOOL_CALLS]add[CALL_ID]aB3dE5gH7[ARGS]{"a": 5}', "", TWO[1:]),
        (
            "deepseek",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
            '{"city": "Oslo"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n'
            '{"a": 5}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
            "",
            TWO,
        ),
        (
            "kimi",
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>"
            '{"a": 5}<|tool_call_end|><|tool_calls_section_end|>',
            "",
            TWO[1:],
        ),
        (
            "command-r7b",
            '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "add", "parameters": {"a": 5}}\n'
            "]<|END_ACTION|>",
            "",
            TWO[1:],
        ),
        (
            "harmony",
            "<|channel|>analysis<|message|>They want to add.<|end|><|start|>assistant<|channel|>commentary "
            'to=functions.add <|constrain|>json<|message|>{"a": 5}<|call|>',
            "",
            TWO[1:],
        ),
        (
            "harmony",
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>",
            "Hello.",
            [],
        ),
        (
            "gemma",
            '<|tool_call>call:get_weather{city:<|"|>Oslo<|"|>,days:3,more:{note:<|"|>a,b<|"|>}}<tool_call|>',
            "",
            [("get_weather", {"city": "Oslo", "days": 3, "more": {"note": "a,b"}})],
        ),
        (
            "pythonic",
            "[get_weather(city='It\\'s', exact=True, more={'note': None}), add(a=5)]",
            "",
            [("get_weather", {"city": "It's", "exact": True, "more": {"note": None}}), ("add", {"a": 5})],
        ),
        ("pythonic", "[1] is a footnote.", "[1] is a footnote.", []),
        ("lfm", "<|tool_call_start|>[add(a=5)]<|tool_call_end|>Adding.", "Adding.", TWO[1:]),
        ("functionary-v3.1", '<function=add>{"a": 5}</function>', "", TWO[1:]),
        (
            "deepseek-v4",
            'Let me look.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n'
            '<｜DSML｜parameter name="city" string="true">007</｜DSML｜parameter>\n'
            '<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n'
            '<｜DSML｜parameter name="more" string="false">{"note": "</p>"}</｜DSML｜parameter>\n'
            "</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
            "Let me look.",
            [("get_weather", {"city": "007", "days": 3, "more": {"note": "</p>"}})],
        ),
        (
            "deepseek-v4.1",
            '<｜DSML｜ calls>\n<｜DSML｜ invoke name="now">\n\n</｜DSML｜ invoke>\n</｜DSML｜ calls>',
            "",
            [("now", {})],
        ),
        (
            "kimi-k3",
            "<|open|>response<|sep|>Let me look.<|close|>response<|sep|><|open|>tools<|sep|>"
            '<|open|>call tool="add" index="1"<|sep|><|open|>argument key="a" type="number"<|sep|>5'
            "<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>",
            "Let me look.",
            TWO[1:],
        ),
        ("kimi-k3", "Hello.<|close|>response<|sep|><|close|>message<|sep|>", "Hello.", []),
        (
            "glm-4.7",
            "<tool_call>get_weather<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value></tool_call>",
            "",
            OSLO,
        ),
        (
            "minicpm",
            '<function name="get_weather"><param name="city"><![CDATA[a </param> b]]></param>'
            '<param name="exact">True</param><param name="more">{\'note\': None}</param></function>',
            "",
            [("get_weather", {"city": "a </param> b", "exact": True, "more": {"note": None}})],
        ),
        (
            "minimax-m3",
            ']<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="get_weather">]<]minimax[>[<city>Oslo]<]minimax[>['
            "</city>]<]minimax[>[<where>]<]minimax[>[<item>1]<]minimax[>[</item>]<]minimax[>[</where>]<]minimax[>["
            "</invoke>\n]<]minimax[>[</tool_call>",
            "",
            [("get_weather", {"city": "Oslo", "where": [1]})],
        ),
        ("apertus", '<|tools_prefix|>[{"add": {"a": 5}}]<|tools_suffix|>', "", TWO[1:]),
        (
            "lfm",
            '<|tool_call_start|>[get_weather(city=\'O\'Slo\n\', more={"note": "a"}), add(a=5)]<|tool_call_end|>',
            "",
            [("get_weather", {"city": "O'Slo\n", "more": {"note": "a"}}), ("add", {"a": 5})],
        ),
        ("harmony", ' to=functions.add<|channel|>commentary json<|message|>{"a": 5}<|call|>', "", TWO[1:]),
        ("functionary-v3.2", 'all\nLet me add.>>>add\n{"a": 5}', "Let me add.", TWO[1:]),
        ("functionary-v2", "all\n<|content|>Hello.", "Hello.", []),
        (
            "functionary-v2",
            'add\n<|content|>{"a": 5}\n<|from|>assistant\n<|recipient|>add\n<|content|>{"a": 6}',
            "",
            [("add", {"a": 5}), ("add", {"a": 6})],
        ),
    ],
)
def test_an_answer(name: str, answer: str, text: str, calls: list[tuple[str, object]]) -> None:
    for pieces in ([answer], list(answer)):
        read = told(plan(BY_NAME[name]), *pieces)
        assert (read.asked, read.text, read.warned) == (calls, text, [])
        assert read.reason == ("tool_calls" if calls else "stop")


def test_ids_that_models_give_are_kept() -> None:
    kimi = (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.add:3<|tool_call_argument_begin|>"
        "{}<|tool_call_end|>"
    )
    mistral = "[TOOL_CALLS]add[CALL_ID]aB3dE5gH7[ARGS]{}"
    assert told(plan(BY_NAME["kimi"]), kimi).calls[0].id == "functions.add:3"
    assert told(plan(BY_NAME["mistral"]), mistral).calls[0].id == "aB3dE5gH7"


@pytest.mark.parametrize(
    "broken",
    [
        '<tool_call>\n{"name": "add", "arguments": {"a": five}}\n</tool_call>'.replace("five", "<5>"),
        "<tool_call>\nadd(5)\n</tool_call>",
        '<tool_call>\n{"arguments": {"a": 5}}\n</tool_call>',
        '<tool_call>\n{"name": "add", "arguments": [5]}\n</tool_call>',
        '<tool_call>\n{"name": "add", "arguments": {"a": 5}}\n</tool_calls>',
        '<tool_call>\n{"name": "add", "arguments": {"a": ',
    ],
)
def test_a_malformed_call_is_text_with_a_warning(broken: str) -> None:
    read = told(plan(BY_NAME["hermes"]), "Look: " + broken)
    assert read.text == "Look: " + broken
    assert (read.calls, read.warned, read.reason) == ([], ["tools.malformed"], "stop")


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("hermes", '<tool_call>\n{"name": "add", "arguments": {"a": 5}}\n</tool_'),
        ("hermes", '<tool_call>\n{"name": "add", "arguments": {"a": 5}'),
        ("mistral-array", '[TOOL_CALLS][{"name": "add", "arguments": {"a": 5}, "id": "aB3'),
        ("deepseek", '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{"a": 5}\n``'),
        (
            "deepseek-v3.1",
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 5}<｜tool▁call▁end｜><｜tool',
        ),
        ("qwen-coder", "<tool_call>\n<function=add>\n<parameter=a>\n5\n</parameter>\n</func"),
        ("qwen-coder", "<tool_call>\n<function=add>\n<parameter=a>\n5\n</parameter>\n</function>\n</tool"),
        ("glm", "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>5</arg_value>\n</to"),
        ("gemma", "<|tool_call>call:add{a:5}<tool_"),
        ("lfm", "<|tool_call_start|>[add(a=5)]<|tool_"),
        ("pythonic", "[add(a=5)"),
        ("functionary-v3.2", 'add\n{"a": 5}>'),
        ("functionary-v2", 'add\n<|content|>{"a": 5}\n<|from|>assis'),
        ("harmony", '<|channel|>commentary to=functions.add<|message|>{"a": 5}<|call|><|start|>assis'),
        (
            "deepseek-v3.1",
            '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 5}<｜tool\N{REPLACEMENT CHARACTER}',
        ),
    ],
)
def test_a_call_is_whole_once_its_arguments_are_whatever_is_cut_of_its_end(name: str, cut: str) -> None:
    for pieces in ([cut], list(cut)):
        read = told(plan(BY_NAME[name]), *pieces, reason="length")
        assert (read.asked, read.text, read.warned, read.reason) == (TWO[1:], "", [], "length")


def test_where_another_argument_could_come_a_call_is_not_whole() -> None:
    for end in ("", "<"):
        broken = f"<tool_call>\n<function=add>\n<parameter=a>\n5\n</parameter>\n{end}"
        read = told(plan(BY_NAME["qwen-coder"]), broken, reason="length")
        assert (read.asked, read.text, read.warned) == ([], broken, ["tools.malformed"])


def test_an_answer_in_json_is_no_call_unless_it_names_a_function_that_was_offered() -> None:
    person = '{"name": "Ada", "born": 1815}'
    assert told(plan(BY_NAME["llama"]), person).text == person


def test_what_follows_a_malformed_call_is_read_on() -> None:
    answer = '<tool_call>oops</tool_call> sorry <tool_call>{"name": "add", "arguments": {"a": 5}}</tool_call>'
    read = told(plan(BY_NAME["hermes"]), answer)
    assert read.asked == TWO[1:]
    assert read.text == "<tool_call>oops</tool_call> sorry"
    assert (read.warned, read.reason) == (["tools.malformed"], "tool_calls")


def test_under_a_grammar_arguments_come_as_they_are_written() -> None:
    pieces = ['<tool_call>\n{"name": "add", "arguments": ', '{"a"', ": 5", "}}\n</tool_call>"]
    read = told(plan(BY_NAME["hermes"]), *pieces, live=True)
    assert read.asked == TWO[1:]
    cut = told(plan(BY_NAME["hermes"]), *pieces[:3], live=True, reason="length")
    assert (cut.calls[0].arguments, cut.warned, cut.reason) == ('{"a": 5', ["tools.cut"], "length")


@pytest.mark.parametrize(
    ("prompt", "answer", "thought", "text"),
    [
        ("", "<think>\nHm, well.\n</think>\n\nHello.", "Hm, well.", "Hello."),
        ("<|im_start|>assistant\n<think>\n", "Hm, well.\n</think>\n\nHello.", "Hm, well.", "Hello."),
        ("<think>\n\n</think>\n\n", "Hello.", "", "Hello."),
        ("", "Hello, <think> is a tag.\n", "", "Hello, <think> is a tag.\n"),
        ("", " <b>Hello.</b>", "", " <b>Hello.</b>"),
        ("<think>", "never ends", "never ends", ""),
        ("", "</think>\n\nHello.", "", "Hello."),
        ("", "<think></think>Hello.", "", "Hello."),
    ],
)
@pytest.mark.parametrize("tools", [None, TOOLS], ids=["without tools", "with tools"])
def test_thoughts(prompt: str, answer: str, thought: str, text: str, tools: Tools | None) -> None:
    for pieces in ([answer], list(answer)):
        read = told(plan(BY_NAME["hermes"], tools, prompt=prompt), *pieces)
        assert (read.thought, read.text, read.reason) == (thought, text, "stop")
        assert len(read.tokens) == len(pieces)


@pytest.mark.parametrize(
    ("so_far", "thought", "text"),
    [("<think>\nHm,", "well.", "Hello."), ("<think>Hm.</think> So", "", "well.</think>Hello.")],
)
def test_thoughts_go_on_where_an_unfinished_answer_left_them(so_far: str, thought: str, text: str) -> None:
    begun = (Message("user", "?"), Message("assistant", so_far))
    completion = Completion(messages=begun, continue_last=True, reads=True)
    read = told(plan_of(completion, manner(BY_NAME["hermes"]), f"…{so_far}"), "well.</think>Hello.")
    assert (read.thought, read.text) == (thought, text)


@pytest.mark.parametrize(("name", "end"), [("hermes", "</think>"), ("harmony", "<|end|>")])
def test_thoughts_alone_go_on_with_their_white_space(name: str, end: str) -> None:
    format = BY_NAME[name]
    completion = Completion(
        messages=(Message("user", "?"), Message("assistant", "", reasoning="Hm,")), continue_last=True, reads=True
    )
    for pieces in ([f" well.{end}Hello."], [" ", "well", ".", end, "Hello."]):
        read = told(plan_of(completion, manner(format), f"…{manner(format).opening}Hm,"), *pieces)
        assert (read.thought, read.text) == (" well.", "Hello.")


def test_a_call_behind_thoughts() -> None:
    answer = '<think>add</think><tool_call>\n{"name": "add", "arguments": {"a": 5}}\n</tool_call>'
    read = told(plan(BY_NAME["hermes"]), *answer)
    assert (read.thought, read.asked, read.text) == ("add", TWO[1:], "")


def test_without_tools_a_call_is_just_text() -> None:
    answer = '<tool_call>\n{"name": "add", "arguments": {"a": 5}}\n</tool_call>'
    read = told(plan(BY_NAME["hermes"], None), answer)
    assert (read.text, read.calls, read.reason) == (answer, [], "stop")
