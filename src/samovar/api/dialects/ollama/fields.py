"""Which of the fields of Ollama's bodies mean something here, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from samovar.api.reading.extras import EXTRA_FIELDS
from samovar.api.reading.fieldtable import Field, honoured, inert, refused
from samovar.api.reading.sampling import Convention
from samovar.core.parameters import Value

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {"generate": "generate", "chat": "chat", "embed": "embed", "old-embed": "embeddings", "options": "`options`"}
)

ANSWERS = ("generate", "chat")
EMBEDS = ("embed", "old-embed")
MODELS = (*ANSWERS, *EMBEDS)

DEFAULTS: Mapping[str, Value] = MappingProxyType({"top_p": 0.9, "min_p": 0.0, "repetition_penalty": 1.1})
"""Where Ollama's own defaults are not ours; the others (temperature 0.8, top_k 40, repeat_last_n 64 …) are."""

CONVENTIONS: tuple[Convention, ...] = (
    Convention("repeat_penalty", 0, 1.0, "no penalty"),
    Convention("typical_p", 0, 1.0, "off"),
    Convention("tfs_z", 0, 1.0, "off"),
)

FIELDS: tuple[Field, ...] = (
    honoured(
        "model",
        "an installed model's name or an alias, with or without `:latest`; absent or empty: the loaded one; "
        "another name: 404",
        *MODELS,
    ),
    honoured("name", "= `model`, as older clients have it", *MODELS),
    honoured("prompt", "empty or absent: the model is loaded, or unloaded with `keep_alive` 0", "generate"),
    honoured("suffix", "what stands behind the answer, for models that fill in", "generate"),
    honoured("system", "a system message before the prompt", "generate"),
    honoured(
        "template",
        "in place of the model's own, in Jinja as the model files have it. One in Go's syntax is refused",
        "generate",
    ),
    honoured("context", "the tokens of an earlier answer, which come before the prompt", "generate"),
    honoured("raw", "the prompt is sent as it is: no template, and no `context` in the answer", "generate"),
    honoured(
        "messages",
        "roles system, user, assistant, tool, in any order, with `content`, `thinking`, `tool_calls` (`arguments` "
        "an object), `tool_name` and `tool_call_id`. An assistant message at the end is continued, not answered. "
        "Empty: the model is loaded, or unloaded with `keep_alive` 0",
        "chat",
    ),
    honoured("tools", "functions that the model may call; a call comes in one piece, in `tool_calls`", "chat"),
    honoured("tool_choice", "not Ollama's: as at OpenAI's chat completions, kept to by a grammar", "chat"),
    honoured("parallel_tool_calls", "not Ollama's: false: one call at most", "chat"),
    honoured("stream", "absent: true. A line for each piece, each in a write of its own", *ANSWERS),
    honoured(
        "format", "`json` (any object) or a JSON schema, which the answer is made to keep to; empty: none", *ANSWERS
    ),
    honoured(
        "think",
        "true, false or a level (`low`, `medium`, `high` …), given to the template. What a model thinks comes in "
        "`thinking` in any case",
        *ANSWERS,
    ),
    honoured("logprobs", "true: each piece with its tokens' log-probabilities", *ANSWERS),
    honoured("top_logprobs", "0 to 20 alternatives to each, with `logprobs`", *ANSWERS),
    honoured("preset", "a preset's name: its sampling, with `options` over it; unknown: 404", *ANSWERS),
    honoured(
        "keep_alive",
        "seconds, or a duration (`5m`), that the model stays loaded when nobody uses it; 0: not at all, negative: "
        "for ever, absent: as the settings say",
        *MODELS,
    ),
    honoured("options", "see the fields of `options` below, and all sampling parameters", *ANSWERS),
    honoured("input", "a text or a list of texts", "embed"),
    honoured("truncate", "absent: true. Texts that are too long are cut; with false they are refused", "embed"),
    honoured("dimensions", "only so many, the vector brought to length 1 again", "embed"),
    honoured("prompt", "the text; empty: an empty vector", "old-embed"),
    refused("images", "text models only", ANSWERS, ([],)),
    inert("truncate", "prompts are never shortened: one that does not fit is refused, with both numbers", *ANSWERS),
    inert("options", "nothing of it changes a vector", *EMBEDS),
    inert("shift", "an answer ends with the window", *ANSWERS),
    inert("width", "no images are made", "generate"),
    inert("height", "no images are made", "generate"),
    inert("steps", "no images are made", "generate"),
    honoured("num_predict", "most tokens of the answer; 0 and less: up to the end of the window", "options"),
    honoured("stop", "a text or a list of any length; empty ones are left out", "options"),
    honoured("seed", "−1 or absent: a fresh one each time. The same seed gives the same text", "options"),
    honoured("temperature", "absent: 0.8; 0: the likeliest token", "options"),
    honoured("top_k", "absent: 40; 0 and −1: no limit", "options"),
    honoured("top_p", "absent: 0.9", "options"),
    honoured("min_p", "absent: 0", "options"),
    honoured("typical_p", "absent: 1; 0 is off as well", "options"),
    honoured("tfs_z", "absent: 1; 0 is off as well", "options"),
    honoured("repeat_penalty", "absent: 1.1; 0 and 1: none", "options"),
    honoured("repeat_last_n", "absent: 64; 0: no tokens, −1: all", "options"),
    honoured("presence_penalty", "absent: 0", "options"),
    honoured("frequency_penalty", "absent: 0", "options"),
    honoured("mirostat", "absent: 0, off; 1 or 2", "options"),
    honoured("mirostat_tau", "absent: 5", "options"),
    honoured("mirostat_eta", "absent: 0.1", "options"),
    *(replace(field, endpoints=("options",)) for field in EXTRA_FIELDS if field.name != "seed"),
    inert(
        "num_ctx",
        "the window is that of the loaded model, `context_length` in `/api/ps`; it is chosen where that is loaded",
        "options",
    ),
    inert("num_keep", "nothing is shifted out of the window", "options"),
    inert("penalize_newline", "line breaks count as any token", "options"),
    inert("draft_num_predict", "how much is guessed ahead is measured", "options"),
    inert("num_batch", "a setting of the server", "options"),
    inert("num_thread", "a setting of the server, measured by itself", "options"),
    inert("num_gpu", "a setting of the server", "options"),
    inert("main_gpu", "a setting of the server", "options"),
    inert("numa", "a setting of the server", "options"),
    inert("use_mmap", "a setting of the server", "options"),
    inert("use_mlock", "a setting of the server", "options"),
    inert("low_vram", "a setting of the server", "options"),
    inert("f16_kv", "a setting of the server", "options"),
    inert("logits_all", "a setting of the server", "options"),
    inert("vocab_only", "a setting of the server", "options"),
    inert("embedding_only", "a setting of the server", "options"),
)
