"""From the file of a character to what is said of it. Pure; the fields are text-generation-webui's and Pygmalion's.

YAML is read without its types: every plain value is the text that stands there, so that a character may be called
`007` or `No`, and no tag makes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from samovar.core.errors import InvalidInput
from samovar.services.contracts import Character

NAME = ("name", "bot", "<|bot|>", "char_name")
USER = ("your_name", "user", "<|user|>")
GREETING = ("greeting", "char_greeting")
PERSONA = ("char_persona", "persona")
SCENARIO = ("world_scenario", "scenario")
EXAMPLES = ("example_dialogue",)
"""What a field may be called; the first that says something counts."""

Loader = Callable[[bytes], object]


def read(stem: str, ending: str, raw: bytes) -> Character:
    """The character in a file's bytes; one that does not say its name is called as its file is. `ending`: a key of
    `LOADERS`. Raises InvalidInput where the file is damaged."""
    file = stem + ending
    try:
        loaded = LOADERS[ending](raw)
    except (ValueError, RecursionError) as fault:
        raise InvalidInput("characters.damaged", file=file, reason=" ".join(str(fault).split())[:200]) from fault
    if not isinstance(loaded, dict):
        raise InvalidInput("characters.no_fields", file=file)
    texts = {field: _text(file, field, value) for field, value in loaded.items() if field in KNOWN}
    name = _first(texts, NAME) or stem
    return Character(name, _context(name, texts), _first(texts, GREETING), _first(texts, USER))


def _context(name: str, texts: Mapping[str, str]) -> str:
    """What is told before the first message: `context`, else what Pygmalion's fields say."""
    persona, scenario = _first(texts, PERSONA), _first(texts, SCENARIO)
    told = [f"{name}'s Persona: {persona}" if persona else "", f"Scenario: {scenario}" if scenario else ""]
    context = texts.get("context", "") or "\n".join(filter(None, told))
    return "\n".join(filter(None, (context, _first(texts, EXAMPLES))))


def _first(texts: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((texts[name] for name in names if texts.get(name)), "")


def _text(file: str, field: object, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("characters.no_text", file=file, field=str(field))
    return value.strip()


def _yaml(raw: bytes) -> object:
    # Imported with the first character: a start need not wait for it.
    import yaml

    try:
        loaded: object = yaml.load(raw.decode("utf-8-sig"), Loader=yaml.BaseLoader)
    except yaml.YAMLError as fault:
        raise ValueError(str(fault)) from fault
    return loaded


def _json(raw: bytes) -> object:
    loaded: object = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    return loaded


LOADERS: Mapping[str, Loader] = MappingProxyType({".yaml": _yaml, ".yml": _yaml, ".json": _json})
"""By the ending of a file; of several files of one name the first ending counts. They raise ValueError."""

KNOWN = frozenset({"context", *NAME, *USER, *GREETING, *PERSONA, *SCENARIO, *EXAMPLES})
