"""Which request fields mean something here: the table behind the translators and docs/api.md.

Sampling parameters are not in it: they are whatever `samovar.sampling` declares, by name and alias.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from samovar.api.body import Fields
from samovar.core.errors import InvalidParameter

Endpoint = Literal["chat", "text"]
Treatment = Literal["honoured", "inert", "refused"]

BOTH: tuple[Endpoint, ...] = ("chat", "text")


class Field(msgspec.Struct, frozen=True):
    """One field. `harmless`: for a refused one, the values that ask for nothing and pass."""

    name: str
    treatment: Treatment
    note: str
    endpoints: tuple[Endpoint, ...] = BOTH
    harmless: tuple[object, ...] = ()


def _honoured(name: str, note: str, endpoints: tuple[Endpoint, ...] = BOTH) -> Field:
    return Field(name, "honoured", note, endpoints)


def _inert(name: str, note: str, endpoints: tuple[Endpoint, ...] = BOTH) -> Field:
    return Field(name, "inert", note, endpoints)


def _refused(name: str, note: str, endpoints: tuple[Endpoint, ...], *harmless: object) -> Field:
    return Field(name, "refused", note, endpoints, harmless)


FIELDS: tuple[Field, ...] = (
    _honoured("model", "an installed model's name; absent, empty or `default`: the loaded one; another name: 404"),
    _honoured(
        "messages",
        "roles system, developer (= system), user, assistant, tool, in any order; text, or text parts, which are "
        "joined by line breaks. An assistant message at the end is continued, not answered",
        ("chat",),
    ),
    _honoured("prompt", "a text, token ids, or a list of either: each gives `n` choices, in order", ("text",)),
    _honoured("stream", "one chunk a token"),
    _honoured("stream_options", "`include_usage`: a last chunk without choices, with `usage`"),
    _honoured("max_tokens", "−1 or absent: up to the end of the window, except that completions default to 16"),
    _honoured("max_completion_tokens", "wins over `max_tokens`", ("chat",)),
    _honoured("n", "1 to 128"),
    _honoured("stop", "a text or a list of any length; empty ones are left out"),
    _honoured("preset", "a preset's name: its sampling, with the request's own parameters over it; unknown: 404"),
    _honoured("seed", "−1: a fresh one each time. The same seed gives the same text"),
    _honoured("logprobs", "chat: a boolean; completions: how many alternatives, 0 to 20"),
    _honoured("top_logprobs", "0 to 20, with `logprobs`", ("chat",)),
    _honoured("samplers", "the order of the steps, by anyone's names; steps that are not named come first"),
    _honoured("sampler_priority", "= `samplers`, as text-generation-webui has it"),
    _honoured("sampler_order", "= `samplers`, in koboldcpp's numbers"),
    _honoured("temperature_last", "temperature behind all truncation"),
    _honoured("post_sampling_probs", "`logprobs` and alternatives after the samplers, not before them"),
    _honoured("best_of", "must not be more than `n`", ("text",)),
    _honoured(
        "response_format",
        "`text`, `json_object` (any object, or one of `schema`), `json_schema`. Schemas are always kept to, "
        "`strict` or not; one with a keyword that cannot be kept to is refused, and the keyword named",
    ),
    _honoured("json_schema", "a JSON schema. Of this field and those below to `guided_grammar` the first counts"),
    _honoured("guided_json", "= `json_schema`"),
    _honoured("regex", "the whole answer fits this regular expression (no look-around, no back-references)"),
    _honoured("guided_regex", "= `regex`"),
    _honoured("regex_pattern", "= `regex`"),
    _honoured("grammar", "GBNF; Lark, as llguidance reads it, where it begins with `%llguidance`"),
    _honoured("grammar_string", "= `grammar`"),
    _honoured("guided_grammar", "= `grammar`"),
    _honoured("banned_strings", "a text or a list: where one comes, its tokens are taken back and others drawn"),
    _honoured("banned_strings_ignore_case", "in any alphabet"),
    _honoured("guidance_scale", "0 to 20, 1 is none: how far the answer moves away from `negative_prompt`"),
    _honoured(
        "negative_prompt",
        "chat: stands in place of the system message; completions: the whole other prompt, empty: the last token",
    ),
    _refused("tools", "tool calls are not there yet", ("chat",), []),
    _refused("tool_choice", "passes as `none` or `auto`", ("chat",), "none", "auto"),
    _refused("functions", "tool calls are not there yet", ("chat",), []),
    _refused("function_call", "passes as `none` or `auto`", ("chat",), "none", "auto"),
    _refused("audio", "text models only", ("chat",)),
    _refused("modalities", "passes as `text`", ("chat",), ["text"], []),
    _refused("web_search_options", "the server fetches nothing", ("chat",)),
    _refused("echo", "prompt log-probabilities are not there yet", ("text",), False),
    _refused("suffix", "infilling is not there yet", ("text",), ""),
    _inert("parallel_tool_calls", "without tools it means nothing", ("chat",)),
    _inert("reasoning_effort", "no reasoning control yet", ("chat",)),
    _inert("verbosity", "no local model takes it", ("chat",)),
    _inert("prediction", "a hint about speed only", ("chat",)),
    _inert("moderation", "nothing is moderated", ("chat",)),
    _inert("prompt_cache_key", "prefixes are always reused", ("chat",)),
    _inert("prompt_cache_options", "prefixes are always reused", ("chat",)),
    _inert("prompt_cache_retention", "prefixes are always reused", ("chat",)),
    _inert("service_tier", "there is one", ("chat",)),
    _inert("store", "nothing is stored", ("chat",)),
    _inert("metadata", "nothing is stored", ("chat",)),
    _inert("safety_identifier", "not used", ("chat",)),
    _inert("user", "not used"),
)


def settle(fields: Fields, endpoint: Endpoint) -> None:
    """Takes the inert fields and the harmless refused ones. Raises InvalidParameter for another value."""
    for field in FIELDS:
        if endpoint not in field.endpoints or field.treatment == "honoured":
            continue
        value = fields.take(field.name)
        if field.treatment == "refused" and value is not None and value not in field.harmless:
            raise InvalidParameter("api.openai.not_yet", name=field.name)


def markdown(fields: Iterable[Field] = FIELDS) -> str:
    """The table of docs/api.md."""
    names: dict[Endpoint, str] = {"chat": "chat", "text": "completions"}
    rows = [
        f"| `{field.name}` | {', '.join(names[e] for e in field.endpoints)} | {field.treatment} | {field.note} |"
        for field in fields
    ]
    return "\n".join(["| field | on | treatment | |", "|---|---|---|---|", *rows])
