"""What llama.cpp's server leaves to its tokenizer: texts between token ids in a prompt, texts that get a bias.

The front has no tokenizer: a body first comes through here, and then has ids where ids are needed. A body without
such texts passes as it is.
"""

from __future__ import annotations

from samovar.api.reading.body import Fields, Json
from samovar.api.reading.model import model_named
from samovar.api.reading.prompts import are_tokens
from samovar.services.contracts import Answers

MOST_TEXTS = 256
"""Texts of one body that are looked up."""


async def spelled(body: Json, answers: Answers) -> Json:
    """`body` with token ids in place of those texts. Raises InvalidParameter, and as `Answers.tokenize` does."""
    model = body.get("model")
    speller = Speller(answers, model_named(model) if isinstance(model, str) else None)
    changed = dict(body)
    if body.get("prompt") is not None:
        changed["prompt"] = await _prompts(body["prompt"], speller)
    if body.get("logit_bias"):
        changed["logit_bias"] = await _biases(body["logit_bias"], speller)
    return changed


class Speller:
    """Texts as token ids, of one model; of one request so many at most."""

    def __init__(self, answers: Answers, model: str | None) -> None:
        self._answers = answers
        self._model = model
        self._left = MOST_TEXTS

    async def ids(self, text: str, name: str, *, special: bool, bos: bool = False) -> list[int]:
        """Raises InvalidParameter with the field's `name` after too many."""
        self._left -= 1
        if self._left < 0:
            raise Fields({}).wrong(name, f"array of at most {MOST_TEXTS} texts", text)
        return list(await self._answers.tokenize(text, special=special, bos=bos, model=self._model))


async def _prompts(value: object, speller: Speller) -> object:
    """A text or ids stay; a list that mixes them is one prompt, another list several."""
    if isinstance(value, list) and not are_tokens(value) and not _is_mixed(value):
        return [await _prompt(item, speller) for item in value]
    return await _prompt(value, speller)


async def _prompt(value: object, speller: Speller) -> object:
    if isinstance(value, dict):
        fields = Fields(value, "prompt.")
        text, data = fields.text("prompt_string"), fields.take("multimodal_data")
        if data:
            raise fields.wrong("multimodal_data", "empty array", data)
        return text
    if not (isinstance(value, list) and _is_mixed(value)):
        return value
    ids: list[object] = []
    for i, piece in enumerate(value):
        if isinstance(piece, str):
            ids += await speller.ids(piece, "prompt", special=True, bos=i == 0)
        else:
            ids.append(piece)
    return ids


def _is_mixed(value: list[object]) -> bool:
    """Whether there are texts and numbers in it."""
    return {str, int} <= set(map(type, value))


async def _biases(value: object, speller: Speller) -> object:
    """Pairs of an id and a bias, whatever stood for the ids; what is no such thing is left for the reader to
    refuse. `true` asks for nothing."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list):
        return value
    biased: list[object] = []
    for pair in pairs:
        if not (isinstance(pair, list | tuple) and len(pair) == 2):
            return value
        token, bias = pair
        if bias is True:
            continue
        if isinstance(token, str) and not token.isdecimal():
            biased += [[id, bias] for id in await speller.ids(token, "logit_bias", special=False)]
        else:
            biased.append([token, bias])
    return biased
