"""Every sentence is there in both languages, is used, and gets the facts that it names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import samovar
from samovar.core import errors
from samovar.core.catalogue import LANGUAGES

SOURCE = Path(samovar.__file__).parent
ROOT = SOURCE.parents[1]
ROOMS = sorted((SOURCE / "core" / "words").glob("*.json"))
FILES = sorted([*SOURCE.rglob("*.py"), *(ROOT / "scripts").glob("*.py")])
KEY = re.compile(r"[a-z]+(?:\.[a-z0-9_]+)+")

Words = dict[str, dict[str, str]]


def words_of(room: Path) -> Words:
    words: Words = json.loads(room.read_text(encoding="utf-8"))
    return words


def all_words() -> Words:
    return {key: sentence for room in ROOMS for key, sentence in words_of(room).items()}


def facts_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in FILES:
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def speakers() -> set[str]:
    """Names of what takes a key as its first argument."""
    tree = {name for name, thing in vars(errors).items() if isinstance(thing, type)}
    own = {
        node.name
        for _, module in trees()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in tree for b in node.bases)
    }
    return (tree - {"ErrorValue"}) | own | {"say", "Note"}


def spoken() -> Iterator[tuple[str, str, ast.Call]]:
    """(place, key, call) of every call that says a key outright."""
    takers = speakers()
    for file, module in trees():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                key = node.args[0].value
                if name in takers and isinstance(key, str) and KEY.fullmatch(key):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", key, node


def mentioned() -> list[re.Pattern[str]]:
    """Every string in the code that may be a key, as a pattern: what an f-string fills in may be anything."""
    found = set()
    for _, module in trees():
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                found.add(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z0-9_.]+" for p in node.values
                ]
                if re.match(r"[a-z]+\\\.", "".join(parts)):
                    found.add("".join(parts))
    return [re.compile(pattern) for pattern in found]


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.stem)
def test_every_sentence_has_both_languages_with_the_same_facts(room: Path) -> None:
    for key, sentence in words_of(room).items():
        assert key.startswith(f"{room.stem}."), key
        assert set(sentence) == set(LANGUAGES), key
        assert all(text.strip() for text in sentence.values()), key
        assert facts_in(sentence["en"]) == facts_in(sentence["ru"]), key


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.stem)
def test_russian_sentences_are_russian(room: Path) -> None:
    for key, sentence in words_of(room).items():
        bare = re.sub(r"\{\w+\}", "", sentence["ru"])
        assert not re.search(r"[A-Za-z]{3}", bare) or re.search(r"[а-яё]", bare, re.IGNORECASE), key


def test_every_key_that_code_says_is_in_the_catalogue_with_its_facts() -> None:
    words = all_words()
    calls = list(spoken())
    assert calls
    for place, key, call in calls:
        assert key in words, f"{place}: {key}"
        keywords = [keyword.arg for keyword in call.keywords]
        if None in keywords or _is_note(call):
            continue
        assert facts_in(words[key]["en"]) <= set(keywords), f"{place}: {key}"


def _is_note(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Note"


def test_every_sentence_is_used() -> None:
    patterns = mentioned()
    unused = [key for key in all_words() if not any(pattern.fullmatch(key) for pattern in patterns)]
    assert unused == []
