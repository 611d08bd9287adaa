"""Which of the fields of llama.cpp's bodies mean something here, and the numbers that mean something else than in
our own words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.fieldtable import Field, honoured, inert, refused
from samovar.api.reading.sampling import Convention

ENDPOINTS: Mapping[str, str] = MappingProxyType({"text": "completion", "infill": "infill"})

CONVENTIONS: tuple[Convention, ...] = (Convention("temperature", -1, 0, "below 0 is greedy, as 0 is"),)

_SEVERAL = "several prompts give an array of answers, in a stream objects with their `index`"
_CHOSEN_BY_TEXT = "whatever was computed for a prompt's beginning is found by its tokens"

FIELDS: tuple[Field, ...] = (
    honoured(
        "prompt",
        "a text, token ids, a list with both (one prompt), `{prompt_string}`, or a list of those: " + _SEVERAL,
        "text",
    ),
    honoured("prompt", "goes on after `input_prefix`", "infill"),
    honoured("input_prefix", "what stands before the place that is filled in", "infill"),
    honoured("input_suffix", "what stands behind it", "infill"),
    honoured("input_extra", "`[{filename, text}]`: other files, as the model was taught to take them", "infill"),
    honoured("model", "an installed model's name; absent, empty or `undefined`: the loaded one; another name: 404"),
    honoured("stream", "an object a token as server-sent events, without `[DONE]`"),
    honoured("n_predict", "−1 or absent: up to the end of the window; 0: the prompt is read, nothing is said"),
    honoured("max_tokens", "= `n_predict` where that is absent"),
    honoured("n", "1 to 128: so many answers to the prompt"),
    honoured("n_cmpl", "= `n`"),
    honoured("stop", "a text or a list of any length; empty ones are left out"),
    honoured("seed", "−1 or 4294967295: a fresh one each time. The same seed gives the same text"),
    honoured(
        "samplers", "the order of the steps, by name or as letters; a step of llama.cpp's that it leaves out is off"
    ),
    honoured(
        "logit_bias", "`[[id or text, bias or false]]` or `{id or text: bias}`; every token of a text gets the bias"
    ),
    honoured("n_probs", "`completion_probabilities` with so many alternatives, 0 to 1000"),
    honoured("logprobs", "= `n_probs` where that is absent"),
    honoured("post_sampling_probs", "`prob` and `top_probs` after the samplers, not `logprob` before them"),
    honoured("return_tokens", "the ids of an answer that is not streamed; a stream has them anyway"),
    honoured("return_progress", "`prompt_progress` objects in a stream while the prompt is read"),
    honoured("response_fields", "which fields the answer has; `a/b` is the field `b` within `a`"),
    honoured(
        "t_max_predict_ms", "the answer ends behind a line break once so long has passed since its first token"
    ),
    honoured("grammar", "GBNF; Lark, as llguidance reads it, where it begins with `%llguidance`"),
    honoured("json_schema", "a JSON schema; wins over `grammar`"),
    honoured("banned_strings", "a text or a list: where one comes, its tokens are taken back and others drawn"),
    honoured("guidance_scale", "0 to 20, 1 is none; as ik_llama.cpp has it, with `negative_prompt`"),
    honoured("negative_prompt", "the whole other prompt; empty: the last token"),
    honoured("preset", "a preset's name: its sampling, with the request's own parameters over it; unknown: 404"),
    refused("image_data", "text models only", (), ([],)),
    refused("lora", "adapters are not there yet", (), ([],)),
    refused("grammar_lazy", "grammars hold from the first token", (), (False,)),
    refused("grammar_triggers", "grammars hold from the first token", (), ([],)),
    inert("cache_prompt", "beginnings are always reused, and the text is the same as without"),
    inert("n_cache_reuse", "beginnings are always reused, and the text is the same as without"),
    inert("id_slot", _CHOSEN_BY_TEXT),
    inert("n_keep", "prompts are never shortened: one that does not fit is refused"),
    inert("n_discard", "prompts are never shortened: one that does not fit is refused"),
    inert("n_indent", "the answer does not end at a smaller indentation"),
    inert("min_keep", "each step leaves one token at least", harmless=(0, 1)),
    inert("t_max_prompt_ms", "prompts are read in steps, others are answered between them"),
    inert("timings_per_token", "`timings` come with the last object"),
    inert("preserved_tokens", "control tokens are never part of the text"),
    inert("backend_sampling", "samplers run on the processor"),
    inert("speculative.n_max", "whether and how much is guessed ahead follows from what was measured"),
    inert("speculative.n_min", "whether and how much is guessed ahead follows from what was measured"),
    inert("speculative.p_min", "whether and how much is guessed ahead follows from what was measured"),
    inert("max_new_tokens", "of other servers; SillyTavern sends `n_predict` too"),
    inert("num_predict", "of other servers; SillyTavern sends `n_predict` too"),
    inert("max_tokens_second", "of other servers"),
    inert("stopping_strings", "of other servers; SillyTavern sends `stop` too"),
    inert("sampler_seed", "of other servers; SillyTavern sends `seed` too"),
    inert("grammar_string", "of other servers; SillyTavern sends `grammar` too"),
    inert("truncation_length", "of other servers; SillyTavern shortens the prompt itself"),
    inert("num_ctx", "of other servers; the window is that of the loaded model"),
    inert("add_bos_token", "a prompt begins as the model wants it"),
    honoured(
        "skip_special_tokens",
        "false: the texts of control tokens that come are part of the answer's, as other servers have it",
    ),
    inert("include_reasoning", "what the model thinks is part of the text, as it wrote it"),
    inert("api_type", "what SillyTavern takes this server for"),
    inert("api_server", "how SillyTavern calls this server"),
)
