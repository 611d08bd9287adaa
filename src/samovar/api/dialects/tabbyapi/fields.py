"""The fields of tabbyAPI's own bodies. Those of its completions are OpenAI's and the samplers'."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from samovar.api.reading.fieldtable import Field, honoured, inert, refused

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "load": "model/load",
        "template": "template/switch",
        "override": "sampling/override/switch",
        "encode": "token/encode",
        "decode": "token/decode",
        "download": "download",
    }
)

FIELDS: tuple[Field, ...] = (
    honoured("model_name", "an installed model's name", "load"),
    honoured("max_seq_len", "tokens of one request", "load"),
    honoured("cache_mode", "`FP16`, `Q8`, `Q6` (5 bits here), `Q4`, or bits of keys and values: `8,8`", "load"),
    honoured("rope_alpha", "0 and 1: as the model says", "load"),
    honoured("rope_scale", "linear; 0 and 1: as the model says", "load"),
    inert("backend", "there is one for each kind of file", "load"),
    inert("cache_size", "follows from the window and the memory", "load"),
    inert("chunk_size", "is measured", "load"),
    inert("output_chunking", "every step is sent", "load"),
    inert("tensor_parallel", "one machine, one processor", "load"),
    inert("tensor_parallel_backend", "one machine, one processor", "load"),
    inert("gpu_split_auto", "no graphics card is used yet", "load"),
    inert("gpu_split", "no graphics card is used yet", "load"),
    inert("autosplit_reserve", "no graphics card is used yet", "load"),
    inert("vision", "text models only", "load"),
    inert("draft_model", "is a setting of the server: `--draft`", "load"),
    honoured(
        "prompt_template", "as `prompt_template_name` in template/switch, for the model that is loaded", "load"
    ),
    inert("skip_queue", "a load waits for the answers in flight", "load"),
    honoured(
        "prompt_template_name", "a template of the list; `from_model`: the one in the model's file", "template"
    ),
    honoured("name", "= `prompt_template_name`", "template"),
    honoured("preset", "one of our presets", "override"),
    refused("overrides", "values for everybody are saved as a preset first", ("override",), ({},)),
    honoured("text", "a text, or messages, which go through the model's template", "encode"),
    honoured("add_bos_token", "true where it is absent", "encode"),
    honoured(
        "encode_special_tokens", "whether texts of control tokens become those; true where it is absent", "encode"
    ),
    honoured("tokens", "token ids", "decode"),
    inert("decode_special_tokens", "control tokens have no text", "decode"),
    honoured("repo_id", "a repository of the hub, from which one model file is taken", "download"),
    honoured("include", "the name of the file, where the repository has several", "download"),
    refused("token", "the server sends its own", ("download",), ("",)),
    inert("repo_type", "models only", "download"),
    inert("folder_name", "the library names its folders itself", "download"),
    inert("revision", "the newest", "download"),
    inert("exclude", "name the file that is wanted", "download"),
    inert("chunk_limit", "is chosen here", "download"),
    inert("timeout", "a download that stands still is given up", "download"),
)
