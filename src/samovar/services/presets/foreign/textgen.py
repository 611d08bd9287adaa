"""text-generation-webui's presets: YAML, with only the names whose values differ from neutral.

There 0 is "the whole text" for a range of penalties, DRY looks at that same range, temperature comes before
truncation, and the order is a list or a text of one step a line.
"""

from __future__ import annotations

from samovar.services.presets.foreign import flat_yaml
from samovar.services.presets.values import Foreign

RANGE = "repetition_penalty_range"
USUAL_RANGE = 1024
ORDER = "text-generation-webui"


def read(raw: bytes) -> Foreign:
    """Raises InvalidInput for what is no flat YAML."""
    values = flat_yaml.read(raw.decode("utf-8", "replace"))
    if values.pop("do_sample", True) is False:
        values["temperature"] = 0
    if values.get(RANGE) == 0:
        values[RANGE] = -1
    usual = {RANGE: USUAL_RANGE, "dry_range": values.get(RANGE, USUAL_RANGE)}
    order = values.pop("sampler_priority", None)
    if isinstance(order, str):
        order = [line.strip() for line in order.replace(",", "\n").splitlines() if line.strip()]
    words = tuple(word for word in order if isinstance(word, str)) if isinstance(order, list) else ()
    return Foreign(values, words or (ORDER,), usual)
