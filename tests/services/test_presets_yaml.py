"""Flat YAML: what text-generation-webui's presets are written in."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput
from samovar.services.presets.foreign import flat_yaml

SCALARS = st.booleans() | st.integers(-(10**6), 10**6) | st.none() | st.floats(-1e6, 1e6)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_0-9]{0,12}", fullmatch=True), SCALARS | st.text(max_size=30)))
def test_yaml_reads_back_what_was_written_as_json_scalars(settings: dict[str, object]) -> None:
    lines = [f"{name}: {json.dumps(value)}" for name, value in settings.items()]
    assert flat_yaml.read("\n".join(lines)) == settings


def test_yaml_reads_double_quotes_as_they_are_wrapped() -> None:
    text = 'key: "one \\\n  \\ two\n  three\\U0001FAD6"\nnext: 1\n'
    assert flat_yaml.read(text) == {"key": "one  two three🫖", "next": 1}


@given(st.text(st.sampled_from("ab '\"\n:#-é"), max_size=40))
def test_yaml_reads_single_quotes_over_several_lines(text: str) -> None:
    lines = text.split("\n")
    wanted = "\n".join(line.strip(" ") if 0 < i < len(lines) - 1 else line for i, line in enumerate(lines))
    if any(line != line.strip(" ") for line in lines):
        return
    written = re.sub("\n+", lambda breaks: breaks[0] + "\n", text).replace("'", "''").replace("\n", "\n  ")
    assert flat_yaml.read(f"key: '{written}'\nnext: 1\n") == {"key": wanted, "next": 1}


def test_what_is_not_flat_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidInput) as told:
        flat_yaml.read("# mine\na: 1\n\nb: {c: 1}\n")
    assert told.value.facts["line"] == 4
    for text in ("b:\n  c: 1\n", "b: &x 1\n", "b: >\n  c\n", "b: 'open\nc: 1\n", "b:1\n"):
        with pytest.raises(InvalidInput):
            flat_yaml.read(text)


def test_comments_words_and_numbers() -> None:
    text = "---\na: yes # a comment\nb: ~\nc: -1.5e-4\nd: one # two\ne: 'it''s'\nf: 1_000\n"
    assert flat_yaml.read(text) == {"a": True, "b": None, "c": -1.5e-4, "d": "one", "e": "it's", "f": "1_000"}
