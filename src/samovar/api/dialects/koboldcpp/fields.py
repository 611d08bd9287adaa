"""What koboldcpp's fields mean here: the table of them, its own defaults, and numbers that mean something else
there."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.fieldtable import Field, honoured, inert, refused
from samovar.api.reading.sampling import Convention

ENDPOINTS: Mapping[str, str] = MappingProxyType({"generate": "generate, stream"})

DEFAULT_LENGTH = 512
"""Tokens of an answer whose length nobody gave: koboldcpp's `--defaultgenamt`."""

ORDER = (6, 0, 1, 3, 4, 2, 5)

DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "temperature": 0.75,
        "top_k": 100,
        "top_p": 0.92,
        "min_p": 0.0,
        "rep_pen": 1.0,
        "rep_pen_range": 320,
        "dry_penalty_last_n": 320,
        "dry_sequence_breakers": [],
        "xtc_threshold": 0.2,
        "sampler_order": list(ORDER),
    }
)
"""What koboldcpp takes for a parameter that a body does not set, where that is not our default."""

CONVENTIONS: tuple[Convention, ...] = (
    Convention("rep_pen_range", 0, 1, "the last token only: there a range is at least one token"),
    Convention("rep_pen_range", -1, 1, "the same"),
    Convention("rep_pen_slope", 0, 1, "no slope"),
    Convention("dry_penalty_last_n", 0, -1, "the whole text"),
)

FIELDS: tuple[Field, ...] = (
    honoured("prompt", "raw text; texts of control tokens in it become those"),
    honoured("memory", "stands before the prompt and is never cut; together they begin with the model's own BOS"),
    honoured(
        "max_context_length",
        "the window, if it is smaller than the model's. What does not fit with `max_length` is cut, by tokens, at "
        "the beginning of the prompt, behind the memory; half of the window at least is left to the two",
    ),
    honoured("max_length", f"absent: {DEFAULT_LENGTH}; −1: up to the end of the window"),
    honoured("genkey", "by this name `check`, `abort` and `last_logprobs` ask after the answer"),
    honoured("sampler_seed", "0 and below: a fresh one each time"),
    honoured("seed", "= `sampler_seed`"),
    honoured("sampler_order", "koboldcpp's numbers 0 to 6. DRY comes first, XTC behind them, as there"),
    honoured("rep_pen", "of this and `repetition_penalty`, `repeat_penalty` the largest counts"),
    honoured("stop_sequence", "a text or a list; `{{[INPUT]}}` and its like as in `replace_instruct_placeholders`"),
    honoured("stop", "more of them"),
    honoured("trim_stop", "absent: true. false: the stop sequence that ended the answer is part of it"),
    honoured("singleline", "the answer ends with its first line"),
    honoured("grammar", "GBNF; Lark, as llguidance reads it, where it begins with `%llguidance`"),
    honoured(
        "grammar_retain_state",
        "true: where the last answer of the `genkey` was cut off under the same grammar, that one goes on behind "
        "what was said. Behind one that came to its end it begins anew",
    ),
    honoured("banned_tokens", "texts, in any case: where one comes, its tokens are taken back and others drawn"),
    honoured("banned_strings", "= `banned_tokens`"),
    honoured("guidance_scale", "0 to 20, 1 is none"),
    honoured("negative_prompt", "with guidance: stands in the memory's place before the other prompt"),
    honoured("logprobs", "true: five alternatives a token, in the reply and in `last_logprobs`"),
    honoured(
        "replace_instruct_placeholders",
        "`{{[INPUT]}}`, `{{[OUTPUT]}}`, `{{[SYSTEM]}}` and their `_END` in prompt, memory and stop sequences "
        "become what the loaded model's template writes there",
    ),
    honoured("bypass_eos", "an end token may come and does not end the answer"),
    honoured("render_special", "the texts of control tokens that come are part of the answer's"),
    refused("images", "text models only", harmless=([],)),
    refused("audio", "text models only", harmless=([],)),
    inert("n", "koboldcpp, too, gives one answer"),
    inert("reasoning_effort", "a raw prompt says itself how much is thought"),
    inert("tools", "tools are for `/v1/chat/completions`"),
    inert("tool_choice", "tools are for `/v1/chat/completions`"),
    inert("quiet", "prompts are never logged"),
    inert("use_story", "there is no story on the server"),
    inert("use_memory", "there is no memory on the server beside the field"),
    inert("use_authors_note", "there is none on the server"),
    inert("use_world_info", "there is none on the server"),
    inert("use_userscripts", "there are none"),
    inert("soft_prompt", "there are none"),
    inert("frmttriminc", "the answer is sent as it is"),
    inert("frmtrmblln", "the answer is sent as it is"),
    inert("frmtrmspch", "the answer is sent as it is"),
    inert("frmtadsnsp", "the answer is sent as it is"),
    inert("disable_input_formatting", "there is none"),
    inert("disable_output_formatting", "there is none"),
)
