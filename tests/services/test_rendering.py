"""A chat with tools, a template of its own and variables, as the model gets it."""

from __future__ import annotations

import msgspec
import pytest

from samovar.core.engine import EngineInfo
from samovar.core.requests import Completion, Message, Tool, ToolCall, Tools
from samovar.services.rendering import rendered_chat

EACH = "{% for m in messages %}"
KNOWS = "{{ tools | length if tools else 0 }} {{ thinking }} <tool_call>" + EACH + "{{ m.content }}{% endfor %}"
CALLS = (
    EACH + "{% for c in m.tool_calls or [] %}<｜tool▁calls▁begin｜>{{ c.function.name }}{% endfor %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}"
)
PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
TOOLS = Tools((Tool("add"), Tool("sub")))


def info(template: str | None) -> EngineInfo:
    return EngineInfo(
        architecture="echo",
        description="",
        vocab_size=256,
        trained_context=64,
        window=64,
        cells=64,
        parallel=1,
        threads=1,
        chat_template=template,
        bos_token=None,
        eos_token=None,
    )


def chat(**fields: object) -> Completion:
    return Completion(messages=(Message("user", "Hi"),), **fields)


async def test_a_template_that_knows_tools_is_given_them() -> None:
    prompt = await rendered_chat(chat(tools=TOOLS, variables={"enable_thinking": True}), info(KNOWS))
    assert prompt.text == "2 True <tool_call>Hi"
    assert prompt.notes == ()


async def test_tools_that_must_not_be_called_are_not_told_of() -> None:
    forbidden = Tools(TOOLS.offered, "none")
    assert (await rendered_chat(chat(tools=forbidden), info(KNOWS))).text.startswith("0 ")
    assert (await rendered_chat(chat(tools=forbidden), info(PLAIN))).text == "[user]Hi"


@pytest.mark.parametrize("template", [PLAIN, None])
async def test_tools_are_described_to_other_models_with_a_note(template: str | None) -> None:
    prompt = await rendered_chat(chat(tools=TOOLS), info(template))
    assert '"name": "sub"' in prompt.text
    assert [note.key for note in prompt.notes][-1] == "tools.described"


async def test_tools_are_described_in_its_own_form_to_a_model_whose_template_only_writes_calls() -> None:
    called = Message("assistant", "", tool_calls=(ToolCall("1", "add", "{}"),))
    asked = msgspec.structs.replace(
        chat(tools=TOOLS), messages=(Message("user", "Hi"), called, Message("tool", "2"))
    )
    prompt = await rendered_chat(asked, info(CALLS))
    assert "<｜tool▁call▁begin｜>function_name<｜tool▁sep｜>" in prompt.text
    assert prompt.text.endswith("[user]Hi<｜tool▁calls▁begin｜>add[assistant][tool]2")
    assert [note.key for note in prompt.notes] == ["tools.described"]


async def test_a_request_may_bring_its_own_template() -> None:
    assert (await rendered_chat(chat(template=PLAIN), info(KNOWS))).text == "[user]Hi"
    assert (await rendered_chat(chat(template=KNOWS, tools=TOOLS), info(PLAIN))).notes == ()


@pytest.mark.parametrize(
    ("call", "prompt"),
    [
        ("{{ m.tool_calls[0].function.name }}", "[user]Hi[assistant]add[tool]1[assistant]sub[tool]2"),
        (
            "{% for c in m.tool_calls %}{{ c.function.name }};{% endfor %}",
            "[user]Hi[assistant]add;sub;[tool]1[tool]2",
        ),
        (
            "{% if m.content is none %}{{ m.tool_calls[0].function.name }}{% endif %}",
            "[user]Hi[assistant]add[tool]1[assistant]sub[tool]2",
        ),
    ],
)
async def test_no_call_is_lost_on_its_way_to_the_model(call: str, prompt: str) -> None:
    said = f"{{% if m.tool_calls %}}{call}{{% else %}}{{{{ m.content }}}}{{% endif %}}"
    template = "{# tools <tool_call> #}" + EACH + "[{{ m.role }}]" + said + "{% endfor %}"
    both = Message("assistant", "", tool_calls=(ToolCall("1", "add", "{}"), ToolCall("2", "sub", "{}")))
    turns = (
        Message("user", "Hi"),
        both,
        Message("tool", "1", tool_call_id="1"),
        Message("tool", "2", tool_call_id="2"),
    )
    asked = msgspec.structs.replace(chat(tools=TOOLS), messages=turns)
    assert (await rendered_chat(asked, info(template))).text == prompt
