"""What SillyTavern 1.19's page sends for a text completion, by its types of servers, with neutral values; and what
becomes of that when its user sets one of the samplers that the page offers for the type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Body = dict[str, object]

STOPS = ["\nUser:", "\n### Instruction:", "\n### Response:"]

COMMON: Body = {
    "prompt": "Once upon a time", "max_new_tokens": 16, "max_tokens": 16, "logprobs": 10, "temperature": 1,
    "top_p": 1, "typical_p": 1, "typical": 1, "sampler_seed": 5, "seed": 5, "min_p": 0, "repetition_penalty": 1,
    "frequency_penalty": 0, "presence_penalty": 0, "top_k": 0, "skew": 0, "min_tokens": 0, "add_bos_token": True,
    "smoothing_factor": 0, "smoothing_curve": 1, "dry_allowed_length": 2, "dry_multiplier": 0, "dry_base": 1.75,
    "dry_penalty_last_n": 0, "max_tokens_second": 0, "stopping_strings": STOPS, "stop": STOPS,
    "truncation_length": 4096, "ban_eos_token": False, "ignore_eos": False, "skip_special_tokens": True,
    "include_reasoning": True, "top_a": 0, "tfs": 1, "mirostat_mode": 0, "mirostat_tau": 5, "mirostat_eta": 0.1,
    "banned_strings": [], "api_server": "http://127.0.0.1:7860", "xtc_threshold": 0.1, "xtc_probability": 0,
    "nsigma": 0, "top_n_sigma": 0, "min_keep": 0, "adaptive_target": -0.01, "adaptive_decay": 0.9, "stream": False,
}  # fmt: skip

OTHERS: Body = {
    "rep_pen": 1, "rep_pen_range": 0, "repetition_penalty_range": 0, "repeat_penalty": 1, "repeat_last_n": 0,
    "rep_pen_slope": 1, "guidance_scale": 1, "negative_prompt": "", "n_predict": 16, "num_predict": 16,
    "num_ctx": 4096, "mirostat": 0, "n_probs": 10, "custom_token_bans": "",
}  # fmt: skip
"""More that all but its type for Aphrodite have."""

LISTED, QUOTED = ["\n", ":", '"', "*"], '["\\n",":","\\"","*"]'

OOBA_ORDER = [
    "repetition_penalty", "presence_penalty", "frequency_penalty", "dry", "temperature", "dynamic_temperature",
    "quadratic_sampling", "top_n_sigma", "top_k", "top_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "tfs",
    "top_a", "min_p", "adaptive_p", "mirostat", "xtc", "encoder_repetition_penalty", "no_repeat_ngram",
]  # fmt: skip

LLAMA_ORDER = [
    "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "tfs_z", "typical_p", "xtc", "top_p", "adaptive_p",
    "min_p", "temperature",
]  # fmt: skip

APHRODITE_ORDER = [
    "dry", "penalties", "no_repeat_ngram", "temperature", "top_nsigma", "top_p_top_k", "top_a", "min_p", "tfs",
    "eta_cutoff", "epsilon_cutoff", "typical_p", "quadratic", "xtc",
]  # fmt: skip

NEUTRAL: Mapping[str, Body] = {
    "koboldcpp": COMMON | OTHERS | {
        "api_type": "koboldcpp", "dry_sequence_breakers": LISTED, "trim_stop": True,
        "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    },
    "ooba": COMMON | OTHERS | {
        "api_type": "ooba", "dry_sequence_breakers": QUOTED, "min_length": 0, "num_beams": 1, "length_penalty": 1,
        "early_stopping": False, "epsilon_cutoff": 0, "eta_cutoff": 0, "encoder_repetition_penalty": 1,
        "no_repeat_ngram_size": 0, "penalty_alpha": 0, "temperature_last": True, "do_sample": True,
        "sampler_priority": OOBA_ORDER,
    },
    "llamacpp": COMMON | OTHERS | {
        "api_type": "llamacpp", "dry_sequence_breakers": LISTED, "n": 1, "logit_bias": [], "grammar": "",
        "cache_prompt": True, "samplers": LLAMA_ORDER,
    },
    "tabby": COMMON | OTHERS | {
        "api_type": "tabby", "dry_sequence_breakers": QUOTED, "n": 1, "repetition_decay": 0,
        "temperature_last": True, "speculative_ngram": False,
    },
    "aphrodite": COMMON | {
        "api_type": "aphrodite", "dry_sequence_breakers": QUOTED, "model": "default", "early_stopping": False,
        "epsilon_cutoff": 0, "eta_cutoff": 0, "custom_token_bans": [], "n": 1, "temperature_last": True,
        "spaces_between_special_tokens": True, "include_stop_str_in_output": False, "no_repeat_ngram_size": 0,
    },
}  # fmt: skip

ALL = tuple(NEUTRAL)
FOUR = ("koboldcpp", "ooba", "llamacpp", "tabby")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}

SET: Sequence[tuple[Sequence[str], Body]] = (
    *((ALL, body) for body in (
        {"temperature": 0.6}, {"top_k": 30}, {"top_p": 0.8}, {"typical": 0.7, "typical_p": 0.7}, {"min_p": 0.15},
        {"frequency_penalty": 0.5}, {"presence_penalty": 0.4}, {"repetition_penalty": 1.2},
        {"xtc_probability": 0.5}, {"xtc_threshold": 0.2}, {"dry_multiplier": 0.8}, {"dry_base": 2},
        {"dry_allowed_length": 3}, {"dynamic_temperature": True, "dynatemp_low": 0, "dynatemp_high": 2,
                                    "dynatemp_range": 1, "dynatemp_exponent": 1},
        {"skip_special_tokens": False}, {"banned_strings": [" shivers down"]},
    )),
    *((FOUR, body) for body in (
        {"rep_pen_range": 64, "repeat_last_n": 64, "repetition_penalty_range": 64}, {"adaptive_target": 0.4},
        {"adaptive_decay": 0.8}, {"mirostat": 2, "mirostat_mode": 2}, {"mirostat_tau": 4}, {"mirostat_eta": 0.2},
        {"ban_eos_token": True, "ignore_eos": True},
    )),
    *((("koboldcpp", "ooba", "tabby", "aphrodite"), body) for body in (
        {"top_a": 0.2}, {"tfs": 0.9}, {"smoothing_factor": 0.3}, {"logit_bias": {"253": -7}},
    )),
    (("koboldcpp", "ooba", "llamacpp", "aphrodite"), {"nsigma": 1.5, "top_n_sigma": 1.5}),
    (("koboldcpp", "llamacpp", "tabby", "aphrodite"), {"dry_penalty_last_n": 100}),
    (("koboldcpp", "ooba", "aphrodite"), {"smoothing_curve": 1.5}),
    (("koboldcpp", "llamacpp"), {"dry_sequence_breakers": ["\n", "x"]}),
    (("ooba", "tabby", "aphrodite"), {"dry_sequence_breakers": '["\\n","x"]'}),
    (("ooba", "tabby", "aphrodite"), {"temperature_last": False}),
    (("koboldcpp", "ooba", "tabby"), {"custom_token_bans": "11,28120"}),
    (("koboldcpp",), {"rep_pen_slope": 3}),
    (("koboldcpp",), {"sampler_order": [6, 5, 4, 3, 2, 1, 0]}),
    (("llamacpp",), {"custom_token_bans": "11", "logit_bias": [[11, False]]}),
    (("llamacpp",), {"logit_bias": [[253, -7]]}),
    (("llamacpp",), {"samplers": LLAMA_ORDER[::-1]}),
    (("llamacpp",), {"min_keep": 3}),
    (("llamacpp", "tabby"), {"json_schema": SCHEMA}),
    (("llamacpp", "tabby", "aphrodite"), {"n": 2}),
    (("ooba", "aphrodite"), {"epsilon_cutoff": 3}),
    (("ooba", "aphrodite"), {"eta_cutoff": 4}),
    (("ooba", "aphrodite"), {"no_repeat_ngram_size": 4}),
    (("ooba", "tabby", "aphrodite"), {"min_tokens": 5}),
    (("ooba", "tabby"), {"add_bos_token": False}),
    (("ooba", "tabby"), {"guidance_scale": 1.5, "negative_prompt": "bad"}),
    (("ooba", "tabby"), {"grammar_string": 'root ::= "a"'}),
    *((("ooba",), body) for body in (
        {"encoder_repetition_penalty": 1.1}, {"max_tokens_second": 3}, {"num_beams": 3}, {"length_penalty": 1.5},
        {"early_stopping": True}, {"penalty_alpha": 0.6}, {"do_sample": False},
        {"sampler_priority": OOBA_ORDER[::-1]},
    )),
    (("tabby",), {"repetition_decay": 32}),
    (("tabby", "aphrodite"), {"skew": 0.5}),
    *((("aphrodite",), body) for body in (
        {"custom_token_bans": [11, 28120]}, {"ignore_eos": True}, {"guided_grammar": 'root ::= "a"'},
        {"guided_json": SCHEMA}, {"sampler_priority": APHRODITE_ORDER[::-1]},
    )),
)  # fmt: skip
"""(the types whose page offers it, what it changes)."""

WITHOUT_EFFECT: Sequence[tuple[str, Body]] = (
    ("tabby", {"speculative_ngram": True}),
    ("aphrodite", {"spaces_between_special_tokens": False}),
)
"""What the page offers for a type and no answer depends on here."""
