"""Which of the fields of bodies of /v1/responses mean something here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.extras import EXTRA_FIELDS
from samovar.api.reading.fieldtable import Field, honoured, inert, refused

ENDPOINTS: Mapping[str, str] = MappingProxyType({"create": "responses", "count": "input_tokens"})

FIELDS: tuple[Field, ...] = (
    honoured("model", "an installed model's name; absent, empty or `default`: the loaded one; another name: 404"),
    honoured(
        "input",
        "a text, or items `message` (roles user, assistant, system, developer; text parts), `reasoning`, "
        "`function_call`, `function_call_output`, `item_reference` (to a kept one). An "
        "assistant's message at the end is continued, not answered",
    ),
    honoured("instructions", "a system message before everything; that of an earlier response is not carried over"),
    honoured(
        "previous_response_id", "goes on from a kept response: what it was asked and said stands before `input`"
    ),
    honoured("store", "absent: true. With false nothing is kept", "create"),
    honoured("stream", "one event a token", "create"),
    honoured("max_output_tokens", "−1 or absent: up to the end of the window", "create"),
    honoured("tools", "functions, whose calls keep to `parameters`, `strict` or not; other types are refused"),
    honoured("tool_choice", "`auto`, `none`, `required`, a function, `allowed_tools`; kept to by a grammar"),
    honoured("parallel_tool_calls", "absent: true"),
    honoured(
        "text",
        "`format`: `text`, `json_object`, `json_schema`, always kept to; a schema with a keyword that cannot be "
        "kept to is refused, and the keyword named. `verbosity` is inert",
    ),
    honoured(
        "reasoning",
        "`effort` reaches templates that know one; `none` asks the model not to think. `summary` is inert: what "
        "was thought is given whole",
    ),
    honoured("include", "`message.output_text.logprobs`; the others are inert", "create"),
    honoured("top_logprobs", "0 to 20; more than 0 asks for log-probabilities as well", "create"),
    honoured("metadata", "an object, kept and given back", "create"),
    honoured("stop", "OpenAI has none here: a text or a list of any length", "create"),
    *(Field(field.name, field.treatment, field.note, ("create",)) for field in EXTRA_FIELDS),
    refused("background", "answers are written while their client listens", ("create",), (False,)),
    refused("conversation", "use `previous_response_id`"),
    refused("prompt", "there are no stored prompts", ("create",)),
    refused("image", "text models only", ("create",)),
    inert("truncation", "what does not fit is refused: nothing is ever left out of a prompt"),
    inert("stream_options", "nothing is padded", "create"),
    inert("max_tool_calls", "counts tools that the server carries out: none", "create"),
    inert("context_management", "nothing is left out of a prompt", "create"),
    inert("background_options", "without `background` they mean nothing", "create"),
    inert("access_programs", "not used", "create"),
    inert("moderation", "nothing is moderated", "create"),
    inert("personality", "no local model takes it", "count"),
    inert("prompt_cache_key", "prefixes are always reused", "create"),
    inert("prompt_cache_options", "prefixes are always reused", "create"),
    inert("prompt_cache_retention", "prefixes are always reused", "create"),
    inert("safety_identifier", "not used", "create"),
    inert("service_tier", "there is one", "create"),
    inert("user", "not used", "create"),
)
