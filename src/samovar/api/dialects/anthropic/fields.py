"""Which of the fields of Anthropic's bodies mean something here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.extras import EXTRA_FIELDS
from samovar.api.reading.fieldtable import Field, honoured, inert, refused

ENDPOINTS: Mapping[str, str] = MappingProxyType({"messages": "messages", "count": "count_tokens"})

FIELDS: tuple[Field, ...] = (
    honoured("model", "an installed model's name; absent, empty or `default`: the loaded one; another name: 404"),
    honoured(
        "messages",
        "roles user, assistant and system, in any order; a text, or blocks `text`, `thinking`, `tool_use`, "
        "`tool_result`, `search_result` and `document` with a text as its source. An assistant message at the end "
        "is continued, not answered",
    ),
    honoured("system", "a text or blocks of text, joined by line breaks, without Claude Code's billing line"),
    honoured("max_tokens", "−1 or absent: up to the end of the window", "messages"),
    honoured("stop_sequences", "a text or a list of any length; empty ones are left out", "messages"),
    honoured("stream", "one event a token", "messages"),
    honoured(
        "tools",
        "`name`, `description`, `input_schema`, which calls keep to. Tools that Anthropic's servers carry out are "
        "refused",
    ),
    honoured("tool_choice", "`auto`, `any`, `tool`, `none`, kept to by a grammar; `disable_parallel_tool_use`"),
    honoured(
        "thinking",
        "`enabled`, `disabled`, `adaptive` (the model's own habit, as where it is absent) for models that can do "
        "both; `budget_tokens` reaches templates that know a budget; `display: omitted` leaves the text out",
    ),
    honoured(
        "output_config",
        "`format`: a JSON schema, always kept to; one with a keyword that cannot be kept to is refused, and the "
        "keyword named. `effort` reaches templates that know one",
    ),
    honoured("output_format", "an older name of `output_config.format`", "messages"),
    *(Field(field.name, field.treatment, field.note, ("messages",)) for field in EXTRA_FIELDS),
    refused("container", "nothing is carried out on the server"),
    refused("mcp_servers", "the server calls nobody", harmless=([],)),
    inert("cache_control", "prefixes are always reused"),
    inert("context_management", "nothing is left out of a prompt"),
    inert("diagnostics", "`timings` tells what was cached"),
    inert("inference_geo", "here"),
    inert("metadata", "nothing is stored"),
    inert("service_tier", "there is one"),
    inert("speed", "there is one"),
    inert("user_profile_id", "not used"),
    inert("workspace_id", "there is one"),
)
