"""What is asked of a model, before and after the prompt is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from samovar.core.parameters import SamplingParams


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the model made. `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a chat. `role` is system, user, assistant or tool. `reasoning`: what was thought before `content`
    was said; `tool_calls`: what an assistant called after it; `tool_call_id`: which call a tool answers."""

    role: str
    content: str
    name: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class Tool(msgspec.Struct, frozen=True):
    """A function that the model may call. `parameters`: the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = {}


class Tools(msgspec.Struct, frozen=True):
    """The functions of one request. `choice`: "auto", "none", "required" (one of them at least) or a function's
    name; anything but "auto" is enforced by a grammar. `parallel`: whether several calls may come in one answer."""

    offered: tuple[Tool, ...]
    choice: str = "auto"
    parallel: bool = True


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A piece of a rendered prompt. Only where `special` is true may text become control tokens."""

    text: str
    special: bool


def begins_with(parts: Sequence[Part], control: str) -> bool:
    """Whether the prompt's own markup, not somebody's text, starts with the control token `control`."""
    return bool(parts and control and parts[0].special and parts[0].text.startswith(control))


GrammarKind = Literal["json_schema", "regex", "lark", "gbnf"]


class Constraint(msgspec.Struct, frozen=True):
    """What an answer must look like: `text` is a JSON schema, a regular expression, or a grammar.

    `start_after`: the answer is free until one of these marks was written, if ever; from there on `text` holds. A
    control token's text is a mark as well. `marks`: texts that a grammar in Lark calls `mark_0`, `mark_1` …: the
    control token where the model has such a one, else the text; `until_0` … is anything up to it, and it. `begun`:
    what an earlier answer has said of `text`, with which this one goes on.
    """

    kind: GrammarKind
    text: str
    start_after: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    begun: str = ""


ANY_OBJECT = Constraint("json_schema", '{"type": "object"}')
"""Any JSON object."""


class Guidance(msgspec.Struct, frozen=True):
    """Classifier-free guidance: `scale` 1 is none, more moves away from `negative`. With messages `negative` stands
    in place of the system message; with a raw prompt it is the whole other prompt ("": the prompt's last token)."""

    scale: float
    negative: str = ""


class Banned(msgspec.Struct, frozen=True):
    """Texts that must not come: where one begins to, its tokens are taken back and others are drawn."""

    texts: tuple[str, ...]
    ignore_case: bool = False


class SourceFile(msgspec.Struct, frozen=True):
    """A file beside the one that is filled in."""

    name: str
    text: str


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """One request in no dialect's shape: messages for the model's template, or a raw prompt (text or token ids).

    `continue_last`: the last message is an unfinished answer that the model is to go on with.
    `max_tokens` None: up to the end of the window; 0: nothing is drawn. `logprobs` None: not wanted; k: with k
    alternatives, of the model's own distribution, or with `logprobs_after` of what the chain left of it.
    `prompt_logprobs`: the former for the tokens of the prompt, all of which are computed for it.
    `tools`: what the model may call. `reads`: reasoning and tool calls are told apart from the text of the answer
    (events Thought and Call); otherwise they stay in it as the model wrote them. `template`: in place of the
    model's own; `variables`: what a template is given besides (`enable_thinking`, `reasoning_effort` …). `suffix`:
    what stands behind the place that is to be filled in; `prompt`, a text, is then what stands before it, and
    `files` what else the model should know of the project.
    `keep_alive`: seconds that the model stays loaded when nobody has used it since, 0: not at all, negative: for
    ever, None: as the settings say.
    `controls`: the texts of control tokens that come are part of the answer's. `past_end`: an end token does not
    end the answer. `bos`: the prompt begins with the begin-of-sequence token, where the model wants one and the
    prompt has none.
    `tenant`: whose prompt it is; caches are shared within a tenant only. `session`: the conversation it belongs to,
    whose cache can be pinned. `warm`: read the prompt into the cache in idle time, and answer nothing; without a
    session what was read is not kept once its place is needed.
    """

    model: str | None = None
    messages: tuple[Message, ...] = ()
    prompt: str | tuple[int, ...] | None = None
    continue_last: bool = False
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    logprobs: int | None = None
    logprobs_after: bool = False
    constraint: Constraint | None = None
    guidance: Guidance | None = None
    banned: Banned | None = None
    prompt_logprobs: int | None = None
    tools: Tools | None = None
    reads: bool = False
    template: str | None = None
    variables: Mapping[str, object] = {}
    suffix: str | None = None
    files: tuple[SourceFile, ...] = ()
    keep_alive: float | None = None
    controls: bool = False
    past_end: bool = False
    bos: bool = True
    tenant: str = ""
    session: str = ""
    warm: bool = False


class GenerateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is asked: a rendered prompt (`parts`) or token ids (`tokens`), one of the two.

    `guidance_scale` other than 1: `negative` is the rendered negative prompt. `look`: no answer, but what each step
    of the chain does to the next token's distribution, with so many tokens a step. `shown`: control tokens whose
    text is to be part of the answer's, where they come. `past_end`, `bos`, `tenant`, `session`, `warm` and
    `prompt_logprobs`: as in `Completion`.
    """

    id: str
    parts: tuple[Part, ...] = ()
    tokens: tuple[int, ...] = ()
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    logprobs: int | None = None
    logprobs_after: bool = False
    constraint: Constraint | None = None
    banned: Banned | None = None
    prompt_logprobs: int | None = None
    shown: tuple[str, ...] = ()
    past_end: bool = False
    bos: bool = True
    look: int | None = None
    guidance_scale: float = 1.0
    negative: tuple[Part, ...] = ()
    tenant: str = ""
    session: str = ""
    warm: bool = False
