"""SillyTavern's text completion presets: flat JSON of every setting it has for every program it talks to.

Its own default of 0 for a range comes from text-generation-webui and tabbyAPI, where it is the whole text. Of the
four orders, one for each kind of program, text-generation-webui's is read: it is the only one that names all steps.
"""

from __future__ import annotations

import msgspec

from samovar.services.presets.values import Foreign

Json = dict[str, object]

RANGES = ("rep_pen_range", "dry_penalty_last_n")
BANS = ("banned_tokens", "global_banned_tokens")
ORDERS = ("sampler_priority", "samplers", "sampler_order", "samplers_priorities")
USUAL_ORDER = "text-generation-webui"


def recognise(body: Json) -> bool:
    return "temp" in body and "typical" not in body


def read(body: Json) -> Foreign:
    values, left = dict(body), dict[str, object]()
    if values.pop("do_sample", True) is False:
        values["temp"] = 0
    values.update({name: -1 for name in RANGES if values.get(name) == 0})
    orders = [values.pop(name, None) for name in ORDERS]
    order = next((words for words in orders if isinstance(words, list) and words), [USUAL_ORDER])
    _take_bans(values, left)
    _take_bias(values, left)
    words = tuple(word for word in order if isinstance(word, str | int))
    return Foreign(values, words, dict.fromkeys(RANGES, -1), left)


def _take_bans(values: Json, left: Json) -> None:
    """A box of lines: `[1, 2]` are token ids, `"…"` is a banned text; the rest needs the model's tokenizer."""
    ids: list[object] = []
    texts: list[object] = []
    for name in BANS:
        lines = str(values.pop(name, None) or "").splitlines()
        for line in filter(None, map(str.strip, lines)):
            read = _json(line)
            if isinstance(read, list):
                ids += read
            elif isinstance(read, str):
                texts.append(read)
            else:
                left[name] = line
    values.update({name: found for name, found in (("token_bans", ids), ("banned_strings", texts)) if found})


def _take_bias(values: Json, left: Json) -> None:
    """A list of {text, value}; only a text that is a list of token ids can be read without the model."""
    entries = values.pop("logit_bias", None)
    pairs: list[tuple[object, object]] = []
    for entry in entries if isinstance(entries, list) else ():
        ids = _json(str(entry.get("text", ""))) if isinstance(entry, dict) else None
        if isinstance(ids, list):
            pairs += [(token, entry.get("value")) for token in ids]
        else:
            left["logit_bias"] = entries
    if pairs:
        values["logit_bias"] = pairs


def _json(text: str) -> object:
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError):
        return None
