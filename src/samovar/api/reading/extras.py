"""What this server takes beside a dialect's own fields, under the same names everywhere: constraints, guidance,
banned texts, a preset, and every sampling parameter."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from samovar.api.reading.body import Fields, Json
from samovar.api.reading.constraint import read_constraint
from samovar.api.reading.fieldtable import Field, honoured
from samovar.api.reading.sampling import Convention, read_banned, read_guidance, read_sampling
from samovar.api.reading.tools import read_variables
from samovar.core.parameters import SamplingParams
from samovar.core.requests import Banned, Completion, Constraint, Guidance

EXTRA_FIELDS: tuple[Field, ...] = (
    honoured("preset", "a preset's name: its sampling, with the request's own parameters over it; unknown: 404"),
    honoured("seed", "−1: a fresh one each time. The same seed gives the same text"),
    honoured("samplers", "the order of the steps, by anyone's names; steps that are not named come first"),
    honoured("sampler_priority", "= `samplers`, as text-generation-webui has it"),
    honoured("sampler_order", "= `samplers`, in koboldcpp's numbers"),
    honoured("temperature_last", "temperature behind all truncation"),
    honoured("response_format", "as at OpenAI's chat completions. Of this field and those below to "
             "`guided_grammar` the first counts, and the API's own way before them all"),
    honoured("json_schema", "a JSON schema"),
    honoured("guided_json", "= `json_schema`"),
    honoured("regex", "the whole answer fits this regular expression (no look-around, no back-references)"),
    honoured("guided_regex", "= `regex`"),
    honoured("regex_pattern", "= `regex`"),
    honoured("grammar", "GBNF; Lark, as llguidance reads it, where it begins with `%llguidance`"),
    honoured("grammar_string", "= `grammar`"),
    honoured("guided_grammar", "= `grammar`"),
    honoured("banned_strings", "a text or a list: where one comes, its tokens are taken back and others drawn"),
    honoured("banned_strings_ignore_case", "in any alphabet"),
    honoured("guidance_scale", "0 to 20, 1 is none: how far the answer moves away from `negative_prompt`"),
    honoured("negative_prompt", "stands in place of the system message"),
    honoured("chat_template_kwargs", "variables for the template, as vLLM and llama.cpp have it"),
    honoured("reasoning_effort", "one of these variables"),
    honoured("enable_thinking", "one of these variables"),
)  # fmt: skip


class Extras(msgspec.Struct, frozen=True):
    """`ignored`: names of fields that nobody here knows."""

    constraint: Constraint | None
    guidance: Guidance | None
    banned: Banned | None
    sampling: SamplingParams
    preset: str | None
    variables: Json
    ignored: tuple[str, ...]

    def on(self, completion: Completion) -> Completion:
        """`completion` with them; a constraint that it has already stays."""
        return msgspec.structs.replace(
            completion,
            constraint=completion.constraint or self.constraint,
            guidance=self.guidance,
            banned=self.banned,
            sampling=self.sampling,
            variables={**completion.variables, **self.variables},
        )


def read_extras(fields: Fields, conventions: Iterable[Convention] = ()) -> Extras:
    """Reads all that is left, so that it comes last. Raises InvalidParameter, OutOfRange."""
    preset, constraint = fields.text("preset"), read_constraint(fields)
    guidance, banned = read_guidance(fields), read_banned(fields)
    variables = read_variables(fields)
    sampling, ignored = read_sampling(fields, conventions)
    return Extras(constraint, guidance, banned, sampling, preset or None, variables, ignored)
