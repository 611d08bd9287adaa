"""How a model was taught to fill in what is missing: by its metadata, else by the names of its control tokens."""

from __future__ import annotations

from collections.abc import Callable

from samovar.core.engine import Infill
from samovar.engines.llama.vocabulary import Vocabulary

KNOWN: tuple[Infill, ...] = (
    Infill("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", repository="<|repo_name|>", file="<|file_sep|>"),
    Infill("<fim_prefix>", "<fim_suffix>", "<fim_middle>", repository="<repo_name>", file="<file_sep>"),
    Infill("<fim_prefix>", "<fim_suffix>", "<fim_middle>", repository="<reponame>", file="<filename>"),
    Infill("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    Infill("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    Infill("▁<PRE>", "▁<SUF>", "▁<MID>"),
    Infill("<PRE>", "<SUF>", "<MID>"),
    Infill("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    Infill("[PREFIX]", "[SUFFIX]", suffix_first=True),
)
"""Qwen and CodeGemma, StarCoder 2, Granite and the first StarCoder, DeepSeek, CodeLlama, GLM; Codestral has the end
first and no mark for the middle."""

KEYS = (
    ("fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id"),
    ("prefix_token_id", "suffix_token_id", "middle_token_id"),
)
"""In metadata, under `tokenizer.ggml`: today's names, and CodeLlama's of old."""


def find_infill(metadata: Callable[[str], str], words: Vocabulary) -> Infill | None:
    """`metadata`: the value of a key as text, "" for none. None where the model has no such tokens."""
    named = [_named(metadata, words, keys) for keys in KEYS]
    there = [_there(known, words) for known in KNOWN]
    found = next(filter(None, (*named, *there)), None)
    if found is None or found.file:
        return found
    repository, file = (_text(metadata, words, f"fim_{mark}_token_id") for mark in ("rep", "sep"))
    return Infill(found.prefix, found.suffix, found.middle, found.suffix_first, repository, file)


def _named(metadata: Callable[[str], str], words: Vocabulary, keys: tuple[str, str, str]) -> Infill | None:
    prefix, suffix, middle = (_text(metadata, words, key) for key in keys)
    if not (prefix and suffix and middle):
        return None
    found = Infill(prefix, suffix, middle)
    alike = (one for known in KNOWN if (one := _there(known, words)) and one.prefix == prefix)
    return next(alike, found)


def _there(known: Infill, words: Vocabulary) -> Infill | None:
    """What the vocabulary has of `known`; None where it lacks a mark that is needed."""
    needed = [text for text in (known.prefix, known.suffix, known.middle) if text]
    if not all(text in words.special_texts for text in needed):
        return None
    repository, file = (text if text in words.special_texts else "" for text in (known.repository, known.file))
    return Infill(known.prefix, known.suffix, known.middle, known.suffix_first, repository, file)


def _text(metadata: Callable[[str], str], words: Vocabulary, key: str) -> str:
    """The text of the control token that metadata name by its id; "" where there is none."""
    id = metadata(f"tokenizer.ggml.{key}")
    text = words.written(int(id)) if id.isdecimal() else ""
    return text if text in words.special_texts else ""
