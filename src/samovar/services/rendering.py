"""Messages to a prompt as the loaded model's own template writes it; a text with a hole as the model was taught."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from samovar.core.engine import EngineInfo, Note
from samovar.core.errors import InvalidInput
from samovar.core.requests import Completion, Message, Part
from samovar.prompts.infill import infill
from samovar.prompts.manner import manner_of
from samovar.prompts.reasoning import spelled_out
from samovar.prompts.template import Rendered, render
from samovar.prompts.tools.described import as_text, calls_as_text, definition, described
from samovar.prompts.trial import Calls, calls_in, forgets_calls
from samovar.prompts.turns import NOTHING, named, one_call_each


async def rendered(messages: Sequence[Message], info: EngineInfo, *, continue_last: bool = False) -> Rendered:
    """See prompts.template.render: a template may take a while, so it runs beside the event loop."""
    return await _rendered(info.chat_template, messages, info, continue_last=continue_last)


async def rendered_chat(completion: Completion, info: EngineInfo) -> Rendered:
    """The messages of `completion` with its tools, its template and its variables. Tools that the template knows
    nothing of are described in a system message, with a note."""
    template = template_of(completion, info)
    offered = completion.tools.offered if completion.tools and completion.tools.choice != "none" else ()
    turns, last = named(completion.messages), completion.continue_last
    manner, bare = manner_of(template or ""), False
    if not manner.knows_calls:
        turns = as_text(turns)
    elif template and any(turn.tool_calls for turn in turns):
        bare = calls_in(template) is Calls.BARE
        turns = calls_as_text(turns, manner.format) if calls_in(template) is Calls.OMITTED else turns
        turns = tuple(one_call_each(turns)) if forgets_calls(template, bare=bare) else turns
    tools = [definition(tool) for tool in offered] if manner.knows_tools else []
    chat = turns if manner.knows_tools else described(turns, offered, manner.format)
    prompt = await _rendered(
        template, chat, info, continue_last=last, tools=tools, variables=completion.variables, bare=bare
    )
    unknown = offered and not manner.knows_tools
    return replace(prompt, notes=(*prompt.notes, Note("tools.described"))) if unknown else prompt


def template_of(completion: Completion, info: EngineInfo) -> str | None:
    return info.chat_template if completion.template is None else completion.template


async def _rendered(
    template: str | None,
    messages: Sequence[Message],
    info: EngineInfo,
    *,
    continue_last: bool,
    tools: Sequence[Mapping[str, object]] = (),
    variables: Mapping[str, object] = NOTHING,
    bare: bool = False,
) -> Rendered:
    return await asyncio.to_thread(
        render,
        template,
        messages,
        special_texts=info.special_texts,
        bos_text=info.bos_text,
        eos_text=info.eos_text,
        continue_last=continue_last,
        opening=manner_of(template or "").opening if continue_last else "",
        tools=tools,
        variables=spelled_out(variables),
        bare=bare,
    )


def filled_in(completion: Completion, suffix: str, info: EngineInfo) -> tuple[Part, ...]:
    """Raises InvalidInput where the model has not learnt to fill in, or what is before the place is no text."""
    if info.infill is None:
        raise InvalidInput("infill.unable", architecture=info.architecture)
    if not isinstance(completion.prompt, str):
        raise InvalidInput("infill.no_text")
    return infill(info.infill, completion.prompt, suffix, completion.files)
