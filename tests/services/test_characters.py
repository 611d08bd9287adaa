"""Characters of a folder: found by name, read as text-generation-webui reads them, refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.errors import InvalidInput, NotFound, StorageFailed
from samovar.services.characters import CharacterService
from samovar.services.characters.parsing import read
from samovar.services.characters.service import LARGEST
from samovar.services.contracts import Character

CHIHARU = """\
name: Chiharu Yamada
greeting: |-
  *Chiharu strides into the room with a smile.*
  "Hi, {{user}}!"
context: |
  Chiharu Yamada's Persona: a young computer engineer.
  {{user}}: So how did you get into computers?
"""
PYGMALION = (
    '{"char_name": "Bob", "char_persona": "calm", "world_scenario": "a tea house", '
    '"example_dialogue": "You: Hi\\nBob: Tea?", "char_greeting": "Tea?"}'
)

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\x85\u2028\u2029"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "characters").mkdir()
    return tmp_path / "characters"


def test_what_text_generation_webui_writes_is_read() -> None:
    assert read("Chiharu", ".yaml", CHIHARU.encode()) == Character(
        "Chiharu Yamada",
        "Chiharu Yamada's Persona: a young computer engineer.\n{{user}}: So how did you get into computers?",
        '*Chiharu strides into the room with a smile.*\n"Hi, {{user}}!"',
    )


def test_a_file_of_pygmalion_is_told_in_one_text() -> None:
    assert read("bob", ".json", PYGMALION.encode()) == Character(
        "Bob", "Bob's Persona: calm\nScenario: a tea house\nYou: Hi\nBob: Tea?", "Tea?"
    )


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("greeting: Hi", Character("stem", greeting="Hi")),
        ("bot: Bob\nyour_name: Ann\ncontext: c\npersona: p", Character("Bob", "c", user="Ann")),
        ("name: 007\nuser: No\ngreeting: 2026-11-23", Character("007", greeting="2026-11-23", user="No")),
        ("name:\ncontext: ''\nexample_dialogue: e\nother: [1, 2]", Character("stem", "e")),
        ("\ufeffname: Алиса\n", Character("Алиса")),
        ("name: &a Bob\nuser: *a", Character("Bob", user="Bob")),
    ],
)
def test_fields_have_several_names_and_are_texts_whatever_they_look_like(text: str, character: Character) -> None:
    assert read("stem", ".yml", text.encode()) == character


@pytest.mark.parametrize(
    ("ending", "raw", "word"),
    [
        (".yaml", b"name: [", "broken.yaml"),
        (".yaml", b"- a\n- b", "context"),
        (".yaml", b"", "context"),
        (".yaml", b"name: \xff\xfe", "broken.yaml"),
        (".yaml", b"a: !!python/object/apply:os.system [x]\nname: [x]", "name"),
        (".yaml", b"{" * 5000, "broken.yaml"),
        (".json", b'{"name": "Bob"', "broken.json"),
        (".json", b'{"name": 7}', "name"),
        (".json", b"[" * 5000, "broken.json"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(ending: str, raw: bytes, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read("broken", ending, raw)
    for language in ("en", "ru"):
        assert word in refused.value.text(language)


@given(st.binary(max_size=200), st.sampled_from([".yaml", ".json"]))
def test_no_bytes_break_the_reader(raw: bytes, ending: str) -> None:
    try:
        assert read("stem", ending, raw).name
    except InvalidInput as error:
        assert error.text("ru")


@given(NAMES, NAMES, NAMES)
def test_what_a_yaml_library_writes_comes_back(name: str, context: str, greeting: str) -> None:
    said = {"name": name, "context": context, "greeting": greeting}
    found = read("stem", ".yaml", yaml.safe_dump(said, allow_unicode=True).encode())
    assert found == Character(name.strip() or "stem", context.strip(), greeting.strip())


async def test_they_are_found_by_name_whatever_its_case_and_ending(folder: Path) -> None:
    (folder / "Chiharu.YAML").write_text(CHIHARU, encoding="utf-8")
    (folder / "bob.json").write_text(PYGMALION, encoding="utf-8")
    (folder / "bob.yml").write_text("name: Bob the second", encoding="utf-8")
    for other in (".hidden.yaml", "notes.txt", "bob.png"):
        (folder / other).write_text("name: x", encoding="utf-8")
    service = CharacterService(folder)
    assert await service.names() == ("bob", "Chiharu")
    assert (await service.get("chiharu")).name == "Chiharu Yamada"
    assert (await service.get("BOB")).name == "Bob the second"


async def test_one_that_is_not_there_is_missed_with_those_that_are_called_nearly_so(folder: Path) -> None:
    service = CharacterService(folder)
    with pytest.raises(NotFound, match="characters"):
        await service.get("Bob")
    (folder / "Chiharu.yaml").write_text(CHIHARU, encoding="utf-8")
    with pytest.raises(NotFound, match="Chiharu"):
        await service.get("Chihiro")
    with pytest.raises(NotFound):
        await CharacterService(folder / "nowhere").get("Chiharu")


@pytest.mark.parametrize("name", ["../secret", "..\\secret", "/etc/passwd", "secret.yaml", "", ".", "\0", "a/b"])
async def test_a_name_is_no_path(folder: Path, name: str) -> None:
    (folder.parent / "secret.yaml").write_text("name: secret", encoding="utf-8")
    (folder / "secret.yaml").mkdir()
    with pytest.raises(NotFound):
        await CharacterService(folder).get(name)


async def test_a_file_that_cannot_be_read_says_why(folder: Path) -> None:
    (folder / "large.yaml").write_bytes(b"#" * (LARGEST + 1))
    (folder / "dir.yaml").mkdir()
    service = CharacterService(folder)
    with pytest.raises(InvalidInput, match=str(LARGEST // 1024)):
        await service.get("large")
    with pytest.raises(StorageFailed):
        await service.get("dir")
