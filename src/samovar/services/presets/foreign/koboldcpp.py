"""koboldcpp's settings in JSON: presets and requests (flat), a story saved by its page (under "savedsettings"), and
a launcher's configuration (under "gendefaults").

There a range of penalties is at least one token, DRY's 0 is the whole text, and a slope of 0 is none.
"""

from __future__ import annotations

import msgspec

from samovar.services.presets.values import Foreign

Json = dict[str, object]

PAGE_NAMES = {
    "typ_s": "typical",
    "tfs_s": "tfs",
    "miro_type": "mirostat",
    "miro_tau": "mirostat_tau",
    "miro_eta": "mirostat_eta",
}
"""What the page calls parameters in its own settings."""

MARKS = frozenset({"typical", "rep_pen", "rep_pen_range", "rep_pen_slope", "sampler_order", "dynatemp_range"})

ZEROS = {"rep_pen_range": 1, "dry_penalty_last_n": -1, "rep_pen_slope": 1}
USUAL: Json = {"rep_pen_range": 320, "dry_penalty_last_n": 320, "xtc_threshold": 0.2}
USUAL_ORDER = "koboldcpp"


def recognise(body: Json) -> bool:
    return "savedsettings" in body or "gendefaults" in body or bool(MARKS & body.keys())


def read(body: Json) -> Foreign:
    values = {PAGE_NAMES.get(name, name): value for name, value in _settings(body).items() if value is not None}
    order = values.pop("sampler_order", None)
    values.update({name: meaning for name, meaning in ZEROS.items() if values.get(name) == 0})
    words = tuple(word for word in order if isinstance(word, int)) if isinstance(order, list) else ()
    return Foreign(values, words or (USUAL_ORDER,), USUAL, mixed="savedsettings" in body)


def _settings(body: Json) -> Json:
    saved, defaults = body.get("savedsettings"), body.get("gendefaults")
    if isinstance(defaults, str):
        defaults = msgspec.json.decode(defaults.encode("utf-8", "replace")) if defaults else {}
    return next((inner for inner in (saved, defaults) if isinstance(inner, dict)), body)
