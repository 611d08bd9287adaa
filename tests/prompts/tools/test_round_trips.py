"""What chat templates write for a call is read as that call. The templates here have only what matters of those
that models come with: their marks, and how they write the calls of a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samovar.core.requests import Message, ToolCall, Tools
from samovar.prompts.manner import manner_of
from samovar.prompts.template import render
from samovar.prompts.tools.described import definition
from samovar.prompts.tools.registry import FORMATS
from tests.prompts.tools.answers import TOOLS, cut, plan, told
from tests.prompts.tools.test_formats import follows

TEMPLATES = {path.stem: path for path in sorted((Path(__file__).parent / "templates").glob("*.jinja"))}
CHAT = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content }}"
    "{% if m.tool_calls %}CALLS{% endif %}{% endfor %}"
)
TO_CHANNELS = {"harmony", "functionary-v2", "functionary-v3.2"}
AS_ANOTHER = {"function-gemma", "pythonic"}
BY_NAME = {format.name: format for format in FORMATS}
CALLS = (
    ToolCall(
        "abcdef123",
        "get_weather",
        '{"city": "O\'Slo", "days": 3, "exact": true, "where": [1, 2.5], "more": {"note": "a, b"}}',
    ),
    ToolCall("abcdef124", "add", '{"a": 5}'),
)

each_template = pytest.mark.parametrize("name", TEMPLATES)


def template(name: str) -> str:
    return CHAT.replace("CALLS", TEMPLATES[name].read_text(encoding="utf-8").removesuffix("\n"))


def written(name: str) -> str:
    """What the template writes for the calls, as the model would."""
    messages = [Message("user", "?"), Message("assistant", "", tool_calls=CALLS)]
    rendered = render(template(name), messages, tools=[definition(tool) for tool in TOOLS.offered])
    assert not rendered.notes
    return rendered.text.rpartition("[assistant]")[2]


@each_template
def test_a_template_is_known_to_write_calls_in_its_format(name: str) -> None:
    known = manner_of(template(name))
    assert (known.format.name, known.knows_calls, known.knows_tools) == (name, True, True)


@each_template
def test_what_a_template_writes_is_the_call_that_it_was_given(name: str) -> None:
    text = written(name)
    for pieces in ([text], list(text), cut(text, range(3, len(text), 7))):
        read = told(plan(BY_NAME[name]), *pieces)
        assert read.asked == [(call.name, json.loads(call.arguments)) for call in CALLS]
        assert (read.text, read.warned) == ("", [])


@each_template
def test_a_call_that_must_be_made_looks_as_the_template_writes_it(name: str) -> None:
    assert follows(BY_NAME[name], Tools(TOOLS.offered, "required"), written(name))


def test_there_is_a_template_of_every_format_that_has_one_form_of_its_own() -> None:
    assert BY_NAME.keys() - TEMPLATES.keys() == TO_CHANNELS | AS_ANOTHER
