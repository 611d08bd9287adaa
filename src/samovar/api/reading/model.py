"""Which model a body asks for, in a field that every dialect calls `model`."""

from __future__ import annotations

from samovar.api.reading.body import Fields

UNNAMED = frozenset({"", "default", "undefined"})
"""What clients write where nobody chose a model. The last one is SillyTavern's, where it counts tokens for its type
"llama.cpp": refused, it would count by a tokenizer of its own, and say nothing."""


def read_model(fields: Fields) -> str | None:
    """The name, or None for the loaded one."""
    return model_named(fields.text("model"))


def model_named(name: str | None) -> str | None:
    """None where `name` is no model's."""
    return None if name in UNNAMED else name
