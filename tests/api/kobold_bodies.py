"""Bodies as KoboldAI Lite and SillyTavern send them: every field of each, with neutral values."""

from __future__ import annotations

Body = dict[str, object]

LITE: Body = {
    "n": 1, "max_context_length": 4096, "max_length": 24, "rep_pen": 1.07, "temperature": 0.75, "top_p": 0.92,
    "top_k": 100, "top_a": 0, "typical": 1, "tfs": 1, "rep_pen_range": 360, "rep_pen_slope": 0.7,
    "sampler_order": [6, 0, 1, 3, 4, 2, 5], "memory": "", "trim_stop": True, "genkey": "KCPP9485", "min_p": 0,
    "dynatemp_range": 0, "dynatemp_exponent": 1, "smoothing_factor": 0, "smoothing_curve": 1, "nsigma": 0,
    "banned_tokens": [], "render_special": False, "logprobs": False, "replace_instruct_placeholders": True,
    "presence_penalty": 0, "logit_bias": {}, "adaptive_target": -1, "adaptive_decay": 0.9, "quiet": True,
    "stop_sequence": ["{{[INPUT]}}", "{{[OUTPUT]}}"], "use_default_badwordsids": False, "bypass_eos": False,
    "guidance_scale": 1, "negative_prompt": "", "images": [], "audio": [], "grammar": "",
    "grammar_retain_state": False, "mirostat": 0, "mirostat_tau": 5, "mirostat_eta": 0.1, "dry_multiplier": 0,
    "dry_base": 1.75, "dry_allowed_length": 2, "dry_penalty_last_n": 360, "dry_sequence_breakers": [],
    "xtc_threshold": 0.2, "xtc_probability": 0, "sampler_seed": -1, "reasoning_effort": None,
    "prompt": "Niko the kobold stalked carefully down the alley,",
}  # fmt: skip

CLASSIC: Body = {
    "prompt": "Niko the kobold stalked carefully down the alley,", "use_story": False,
    "use_memory": False, "use_authors_note": False, "use_world_info": False, "max_context_length": 2048,
    "max_length": 24, "rep_pen": 1.1, "rep_pen_range": 600, "rep_pen_slope": 0, "temperature": 1, "tfs": 0.9,
    "top_a": 0, "top_k": 0, "top_p": 0.95, "min_p": 0, "typical": 1, "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    "singleline": False, "use_default_badwordsids": False, "mirostat": 0, "mirostat_tau": 5, "mirostat_eta": 0.1,
    "grammar": "", "sampler_seed": 42, "stop_sequence": ["\nUser:"],
}  # fmt: skip
"""SillyTavern's type "KoboldAI"."""

SILLYTAVERN: Body = {
    "prompt": "Niko the kobold stalked carefully down the alley,", "max_new_tokens": 24, "max_tokens": 24,
    "temperature": 1, "top_p": 0.5, "typical_p": 1, "typical": 1, "sampler_seed": 42, "min_p": 0,
    "repetition_penalty": 1.2, "frequency_penalty": 0, "presence_penalty": 0, "top_k": 40, "skew": 0,
    "min_tokens": 0, "add_bos_token": True, "dynamic_temperature": True, "dynatemp_low": 0, "dynatemp_high": 2,
    "dynatemp_range": 1, "dynatemp_exponent": 1, "smoothing_factor": 0, "smoothing_curve": 1,
    "dry_allowed_length": 2, "dry_multiplier": 0, "dry_base": 1.75, "dry_sequence_breakers": ["\n", ":"],
    "dry_penalty_last_n": 0, "max_tokens_second": 0, "stopping_strings": ["\nUser:", "<|im_end|>"],
    "stop": ["\nUser:", "<|im_end|>"], "truncation_length": 8192, "ban_eos_token": False,
    "skip_special_tokens": True, "include_reasoning": True, "top_a": 0, "tfs": 1, "mirostat_mode": 0,
    "mirostat_tau": 5, "mirostat_eta": 0.1, "custom_token_bans": "11,12", "banned_strings": ["Shivers down"],
    "api_type": "koboldcpp", "api_server": "http://127.0.0.1:7860", "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    "xtc_threshold": 0.1, "xtc_probability": 0, "nsigma": 0, "top_n_sigma": 0, "min_keep": 0,
    "adaptive_target": -0.01, "adaptive_decay": 0.9, "grammar": "", "trim_stop": True, "rep_pen": 1.2,
    "rep_pen_range": 0, "repetition_penalty_range": 0, "seed": 42, "guidance_scale": 1, "negative_prompt": "",
    "grammar_string": "", "repeat_penalty": 1.2, "repeat_last_n": 0, "n_predict": 24, "num_predict": 24,
    "num_ctx": 8192, "mirostat": 0, "ignore_eos": False, "rep_pen_slope": 1, "logit_bias": {"123": -5},
}  # fmt: skip
"""SillyTavern's text completion, of the type "KoboldCpp": to /v1/completions."""
