"""The fields of text-generation-webui's bodies that OpenAI's do not have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.fieldtable import Field, honoured, inert

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {"chat": "chat", "text": "completions", "load": "model/load", "logits": "logits"}
)

FIELDS: tuple[Field, ...] = (
    honoured("mode", "`instruct` (the default), `chat` or `chat-instruct`", "chat"),
    honoured("instruction_template", "a template's name: see `GET /v1/templates`", "chat"),
    honoured("instruction_template_str", "a template's own text, in Jinja", "chat"),
    honoured("chat_template_str", "how `chat` writes the dialogue, in Jinja, of `name1` and `name2`", "chat"),
    honoured("chat_instruct_command", "`<|character|>` and `<|prompt|>` are replaced in it", "chat"),
    honoured("user_name", "the person's name; also as `name1`", "chat"),
    honoured("name1", "= `user_name`", "chat"),
    honoured("bot_name", "the character's name; also as `name2`", "chat"),
    honoured("name2", "= `bot_name`", "chat"),
    honoured("context", "what is told before the first message; `{{user}}` and `{{char}}` are replaced", "chat"),
    honoured("greeting", "the character's first message", "chat"),
    honoured("user_bio", "joins `context`", "chat"),
    honoured("continue_", "goes on with the last message", "chat"),
    honoured("character", "a file in the folder `characters`, by name; what the request says goes over it", "chat"),
    honoured("model_name", "an installed model's name", "load"),
    honoured("args", "`ctx_size`, `cache_type`, `alpha_value`, `rope_freq_base`, `compress_pos_emb`", "load"),
    inert("settings", "settings of a model are kept by the server", "load"),
    honoured("use_samplers", "the distribution after the samplers, not before them", "logits"),
    honoured("top_logits", "how many tokens, 1 to 1000; 50", "logits"),
)  # fmt: skip
"""Sampling parameters, `preset`, `grammar_string` and the rest are OpenAI's table's."""
