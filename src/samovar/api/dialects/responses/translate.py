"""From bodies of /v1/responses to `core.requests.Completion`. Pure: no server, no model, no store, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from samovar.api.dialects.responses.fields import FIELDS
from samovar.api.dialects.responses.items import items_of, messages_of
from samovar.api.dialects.responses.wire import Repeated
from samovar.api.reading.asked import Asked
from samovar.api.reading.body import Fields, Json
from samovar.api.reading.constraint import read_format
from samovar.api.reading.extras import read_extras
from samovar.api.reading.fieldtable import settle
from samovar.api.reading.model import read_model
from samovar.api.reading.sampling import MOST_LOGPROBS, read_limit
from samovar.api.reading.thinking import thinking_variables
from samovar.api.reading.tools import choose, read_function
from samovar.core.errors import InvalidParameter
from samovar.core.requests import Completion, Message, Tool, Tools

LOGPROBS = "message.output_text.logprobs"


class ResponsesAsked(Asked, frozen=True, kw_only=True):
    """`keeps`: whether the answer is kept; `input`: the items that were sent, to be kept with it; `repeated`: what
    of the request is repeated in the response."""

    keeps: bool
    input: list[Json]
    repeated: Repeated


def create(body: Json, history: Sequence[Json] = ()) -> ResponsesAsked:
    """A body of /v1/responses; `history`: the items of the responses that it goes on from. Raises InvalidInput."""
    return _asked(body, history, "create")


def count(body: Json, history: Sequence[Json] = ()) -> ResponsesAsked:
    """A body of /v1/responses/input_tokens. Raises InvalidInput."""
    return _asked(body, history, "count")


def _asked(body: Json, history: Sequence[Json], endpoint: str) -> ResponsesAsked:
    fields = Fields(body)
    settle(fields, FIELDS, endpoint)
    fields.take("input")
    items, instructions = items_of(body), fields.text("instructions")
    messages = _messages([*history, *items], instructions)
    previous, model = fields.text("previous_response_id"), read_model(fields)
    limit, stop = read_limit(fields, "max_output_tokens"), fields.strings("stop")
    metadata, text = fields.nested("metadata").rest, fields.nested("text")
    reasoning = fields.nested("reasoning")
    effort = reasoning.text("effort")
    completion = Completion(
        model=model,
        messages=messages,
        continue_last=messages[-1].role == "assistant" and not messages[-1].tool_calls,
        max_tokens=limit,
        stop=stop,
        constraint=read_format(text, "format"),
        tools=_tools(fields),
        reads=True,
        variables=thinking_variables(False if effort == "none" else None, effort),
        logprobs=_logprobs(fields),
    )
    keeps = fields.take("store") is not False
    stream = fields.flag("stream")
    extras = read_extras(fields)
    repeated = Repeated(
        instructions=instructions,
        max_output_tokens=limit,
        metadata=metadata,
        parallel_tool_calls=completion.tools is None or completion.tools.parallel,
        previous_response_id=previous or None,
        reasoning={"effort": effort, "summary": None},
        store=keeps,
        temperature=extras.sampling.values.get("temperature"),
        text=body.get("text") or {"format": {"type": "text"}},
        tool_choice=body.get("tool_choice") or "auto",
        tools=body.get("tools") or [],
        top_logprobs=completion.logprobs or 0,
        top_p=extras.sampling.values.get("top_p"),
    )
    return ResponsesAsked(
        completions=(extras.on(completion),),
        stream=stream,
        preset=extras.preset,
        ignored=extras.ignored,
        keeps=keeps,
        input=items,
        repeated=repeated,
    )


def _messages(items: Sequence[Json], instructions: str | None) -> tuple[Message, ...]:
    messages = messages_of(items)
    if not messages:
        raise Fields({}).missing("input")
    return (Message("system", instructions), *messages) if instructions else tuple(messages)


def _logprobs(fields: Fields) -> int | None:
    top, wanted = fields.whole("top_logprobs", 0, MOST_LOGPROBS), LOGPROBS in fields.strings("include")
    return top or 0 if top or wanted else None


def _tools(fields: Fields) -> Tools | None:
    offered = [_tool(tool) for tool in fields.objects("tools")]
    parallel = fields.take("parallel_tool_calls") is not False
    if isinstance(fields.rest.get("tool_choice"), dict):
        choice = fields.nested("tool_choice")
        kind = choice.text("type") or "function"
        if kind not in CHOICES:
            types = ", ".join(("auto", "none", "required", *CHOICES))
            raise InvalidParameter("tools.choice", name=choice.place("type"), type=kind[:60], types=types)
        return CHOICES[kind](choice, offered, parallel)
    return choose(offered, fields.text("tool_choice") or "auto", fields.place("tool_choice"), parallel=parallel)


def _function(choice: Fields, offered: Sequence[Tool], parallel: bool) -> Tools | None:
    name = choice.text("name")
    if not name:
        raise choice.missing("name")
    return choose(offered, name, choice.place("name"), parallel=parallel)


def _allowed(choice: Fields, offered: Sequence[Tool], parallel: bool) -> Tools | None:
    """Some of the tools only."""
    mode, place = choice.text("mode") or "auto", choice.place("tools")
    names = {tool.text("name") for tool in choice.objects("tools")}
    return choose([tool for tool in offered if tool.name in names], mode, place, parallel=parallel)


CHOICES = MappingProxyType({"function": _function, "allowed_tools": _allowed})


def _tool(fields: Fields) -> Tool:
    kind = fields.text("type") or "function"
    if kind != "function":
        raise InvalidParameter("tools.type", name=fields.place(""), type=kind[:60], known="function")
    return read_function(fields)
