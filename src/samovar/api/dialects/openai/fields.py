"""Which of the fields of OpenAI's bodies mean something here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.fieldtable import Field, honoured, inert, refused

ENDPOINTS: Mapping[str, str] = MappingProxyType({"chat": "chat", "text": "completions"})

_TWICE = "SillyTavern sends the same under OpenAI's name too"
_ONE_PATH = "there is no beam search"

FIELDS: tuple[Field, ...] = (
    honoured("model", "an installed model's name; absent, empty or `default`: the loaded one; another name: 404"),
    honoured(
        "messages",
        "roles system, developer (= system), user, assistant, tool (= function), in any order; text, or text "
        "parts, which are joined by line breaks. An assistant message at the end is continued, not answered, "
        "unless it made calls; `reasoning_content` (= `reasoning`) of earlier answers goes to the template",
        "chat",
    ),
    honoured("prompt", "a text, token ids, or a list of either: each gives `n` choices, in order", "text"),
    honoured("stream", "one chunk a token"),
    honoured("stream_options", "`include_usage`: a last chunk without choices, with `usage`"),
    honoured("max_tokens", "−1 or absent: up to the end of the window, except that completions default to 16"),
    honoured("max_completion_tokens", "wins over `max_tokens`", "chat"),
    honoured("n", "1 to 128"),
    honoured("stop", "a text or a list of up to 512; empty ones are left out"),
    honoured("preset", "a preset's name: its sampling, with the request's own parameters over it; unknown: 404"),
    honoured(
        "seed",
        "−1: a fresh one each time. The same seed gives the same text; of a quantised model while nothing else is "
        "answered beside it, since its numbers depend on the batch a little",
    ),
    honoured("logprobs", "chat: a boolean; completions: how many alternatives, 0 to 20"),
    honoured("top_logprobs", "0 to 20, with `logprobs`", "chat"),
    honoured("samplers", "the order of the steps, by anyone's names; steps that are not named come first"),
    honoured("sampler_priority", "= `samplers`, as text-generation-webui has it"),
    honoured("sampler_order", "= `samplers`, in koboldcpp's numbers"),
    honoured("temperature_last", "temperature behind all truncation"),
    honoured("post_sampling_probs", "`logprobs` and alternatives after the samplers, not before them"),
    honoured("best_of", "must not be more than `n`", "text"),
    honoured(
        "response_format",
        "`text`, `json_object` (any object, or one of `schema`), `json_schema`. Schemas are always kept to, "
        "`strict` or not; one with a keyword that cannot be kept to is refused, and the keyword named",
    ),
    honoured("json_schema", "a JSON schema. Of this field and those below to `guided_grammar` the first counts"),
    honoured("guided_json", "= `json_schema`"),
    honoured("regex", "the whole answer fits this regular expression (no look-around, no back-references)"),
    honoured("guided_regex", "= `regex`"),
    honoured("regex_pattern", "= `regex`"),
    honoured("grammar", "GBNF; Lark, as llguidance reads it, where it begins with `%llguidance`"),
    honoured(
        "grammar_retain_state", "SillyTavern's, with `api_type` `koboldcpp`: as [koboldcpp](koboldcpp.md) has it"
    ),
    honoured("grammar_string", "= `grammar`"),
    honoured("guided_grammar", "= `grammar`"),
    honoured("banned_strings", "a text or a list: where one comes, its tokens are taken back and others drawn"),
    honoured("banned_strings_ignore_case", "in any alphabet"),
    honoured("guidance_scale", "0 to 20, 1 is none: how far the answer moves away from `negative_prompt`"),
    honoured(
        "negative_prompt",
        "chat: stands in place of the system message; completions: the whole other prompt, empty: the last token",
    ),
    honoured(
        "api_type",
        "what SillyTavern calls the type of the server: `koboldcpp`, `ooba`, `tabby` and `aphrodite` have "
        "meanings of their own for a range of 0",
    ),
    honoured("tools", "functions that the model may call; other kinds are left out. See below", "chat"),
    honoured(
        "tool_choice", "`auto`, `none`, `required` (= `any`) or a function; what is not `auto` is enforced", "chat"
    ),
    honoured("parallel_tool_calls", "false: one call an answer at most, where calls are held to a grammar", "chat"),
    honoured("functions", "= `tools`, as it was before; answers then have `function_call`", "chat"),
    honoured("function_call", "= `tool_choice`", "chat"),
    honoured(
        "reasoning_effort",
        "given to the chat template; `none` also tells it not to think, where it can be told",
        "chat",
    ),
    honoured("enable_thinking", "given to the chat template", "chat"),
    honoured("chat_template_kwargs", "variables for the chat template", "chat"),
    refused("audio", "text models only", ("chat",)),
    refused(
        "modalities",
        "passes as `text`",
        ("chat",),
        (
            ["text"],
            [],
        ),
    ),
    refused("web_search_options", "the server fetches nothing", ("chat",)),
    honoured(
        "echo",
        "the prompt before the answer, with `logprobs` those of its tokens, all of which are computed for them; "
        "`max_tokens` may then be 0, and the prompt as long as the window",
        "text",
    ),
    honoured(
        "suffix",
        "what stands behind the answer, for models that have learnt to fill in; others: 400. Not empty",
        "text",
    ),
    inert("verbosity", "no local model takes it", "chat"),
    inert("prediction", "a hint about speed only", "chat"),
    inert("moderation", "nothing is moderated", "chat"),
    inert("prompt_cache_key", "prefixes are always reused", "chat"),
    inert("prompt_cache_options", "prefixes are always reused", "chat"),
    inert("prompt_cache_retention", "prefixes are always reused", "chat"),
    inert("service_tier", "there is one", "chat"),
    inert("store", "nothing is stored", "chat"),
    inert("metadata", "nothing is stored", "chat"),
    inert("safety_identifier", "not used", "chat"),
    inert("user", "not used"),
    inert("api_server", "SillyTavern's own"),
    honoured("add_bos_token", "false: the prompt begins without the model's begin-of-sequence token", "text"),
    honoured(
        "skip_special_tokens", "false: the texts of control tokens that come are part of the answer's", "text"
    ),
    inert("add_bos_token", "the template says how a prompt begins", "chat"),
    inert("skip_special_tokens", "control tokens are never part of a message", "chat", harmless=(True,)),
    honoured("do_sample", "false: the best token each time"),
    *(inert(name, _TWICE) for name in ("max_new_tokens", "n_predict", "num_predict")),
    *(inert(name, _TWICE) for name in ("stopping_strings", "sampler_seed", "n_probs")),
    *(inert(name, "SillyTavern shortens the prompt itself", "text") for name in ("truncation_length", "num_ctx")),
    inert("include_reasoning", "what is thought is part of a raw answer, as the model wrote it", "text"),
    inert("trim_stop", "a stop string is never part of the answer", harmless=(True,)),
    inert("include_stop_str_in_output", "a stop string is never part of the answer", harmless=(False,)),
    inert("spaces_between_special_tokens", "control tokens are written as they are"),
    inert("speculative_ngram", "whether tokens are guessed ahead follows from what was measured"),
    inert("num_beams", _ONE_PATH, harmless=(1,)),
    inert("length_penalty", _ONE_PATH, harmless=(1,)),
    inert("early_stopping", _ONE_PATH, harmless=(False,)),
    inert("penalty_alpha", "there is no contrastive search", harmless=(0,)),
    inert("max_tokens_second", "answers are not slowed down", harmless=(0,)),
    inert("min_keep", "each step leaves one token at least", harmless=(0, 1)),
    inert("repetition_decay", "the penalty has one strength within its range", harmless=(0,)),
)
"""An inert field that has values which ask for nothing, and gets another one, is named in the answer's warnings."""
