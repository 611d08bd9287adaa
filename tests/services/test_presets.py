"""Presets: sets of sampling values with a name, our own and those in a person's folder."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.core.catalogue import LANGUAGES
from samovar.core.errors import Conflict, InvalidInput, InvalidParameter, StorageFailed
from samovar.core.parameters import SamplingParams
from samovar.sampling.registry import defaults, resolve, steps
from samovar.services.contracts import NoSuchPreset
from samovar.services.presets import PresetService, builtin
from samovar.services.presets.builtin import ours
from samovar.services.presets.names import LONGEST, key, name_for, safe_name
from samovar.services.presets.params import params_of, plain
from samovar.store.values import Sampling

BANS = {"logit_bias": {"7": False, "8": -2.5}, "dry_sequence_breakers": ["\n", "«"], "token_bans": [3, 1]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "presets"


@pytest.fixture
def presets(folder: Path) -> PresetService:
    return PresetService(folder)


# Those that come with the product


@pytest.mark.parametrize("name", ours())
async def test_every_builtin_preset_sets_only_what_there_is(presets: PresetService, name: str) -> None:
    values, unknown = resolve(ours()[name].values)
    assert unknown == []
    found = await presets.get(name)
    assert (found.name, found.builtin, found.named.values) == (name, True, values)
    for language in LANGUAGES:
        assert len(builtin.title(name, language)) <= 30
        assert len(builtin.about(name, language)) > 20


async def test_there_are_a_dozen_and_no_two_are_the_same(presets: PresetService) -> None:
    params = [repr(sorted((await presets.params(name)).values.items())) for name in ours()]
    assert len(params) >= 12
    assert len(set(params)) == len(params)


async def test_neutral_switches_every_step_off(presets: PresetService) -> None:
    values = {**defaults(), **(await presets.params("neutral")).values}
    assert [step.name for step in steps().values() if not step.is_neutral(values)] == []


async def test_the_default_preset_is_what_is_used_without_any(presets: PresetService) -> None:
    assert {**defaults(), **(await presets.params("default")).values} == defaults()


async def test_what_a_preset_does_not_name_is_off(presets: PresetService) -> None:
    await presets.save("mine", {"rep_pen": 1.1}, (), "")
    values = (await presets.params("mine")).values
    assert values["repetition_penalty"] == 1.1
    assert (values["top_k"], values["min_p"], values["temperature"]) == (0, 0.0, 1.0)
    assert "repetition_penalty_range" not in values, "a range is no switch: it stays at its default"


async def test_builtin_ones_stay_as_they_are(presets: PresetService) -> None:
    for name in ("creative", "Creative"):
        with pytest.raises(Conflict):
            await presets.save(name, {}, (), "")
        with pytest.raises(Conflict):
            await presets.delete(name)
        with pytest.raises(Conflict):
            await presets.rename(name, "mine")
    await presets.save("mine", {}, (), "")
    with pytest.raises(Conflict):
        await presets.rename("mine", "NEUTRAL")


# A person's own


async def test_a_preset_is_a_file_that_people_can_read(presets: PresetService, folder: Path) -> None:
    saved = await presets.save("Вечерний чай", {"temp": 0.9, **BANS}, ("top_k", "temperature"), "Для сказок")
    written = json.loads((folder / "Вечерний чай.json").read_text(encoding="utf-8"))
    assert written == {
        "about": "Для сказок",
        "values": {"temperature": 0.9, **BANS},
        "order": ["top_k", "temperature"],
    }
    assert saved == await presets.get("Вечерний чай")
    assert saved.params.values["logit_bias"] == {7: -math.inf, 8: -2.5}
    assert [path.name for path in folder.iterdir()] == ["Вечерний чай.json"], "nothing is left beside it"
    if os.name == "posix":
        assert folder.stat().st_mode & 0o77 == 0


async def test_it_is_listed_after_our_own_renamed_changed_and_deleted(presets: PresetService) -> None:
    for name in ("zebra", "Apple", "ёж"):
        await presets.save(name, {}, (), f"about {name}")
    assert [one.name for one in await presets.list()] == [*ours(), "Apple", "zebra", "ёж"]
    await presets.save("APPLE", {"top_k": 3}, (), "")
    assert (await presets.get("apple")).named.values == {"top_k": 3}
    await presets.rename("apple", "Pear")
    await presets.rename("Pear", "pear")
    with pytest.raises(Conflict):
        await presets.rename("pear", "ZEBRA")
    await presets.delete("zebra")
    assert [one.name for one in await presets.list() if not one.builtin] == ["pear", "ёж"]


async def test_a_damaged_file_is_listed_with_its_problem_and_breaks_nothing(
    presets: PresetService, folder: Path
) -> None:
    await presets.save("good", {"top_k": 3}, (), "")
    damaged = {
        "cut": b'{"values": {"top_k": 4',
        "list": b"[1]",
        "unknown": b'{"values": {"top_q": 4}}',
        "range": b'{"values": {"top_p": 4}}',
        "order": b'{"order": ["nowhere"]}',
        "bytes": b'{"about": "\xff"}',
        "deep": b'{"values": {"top_k": ' + b"[" * 100_000,
        "large": b" " * (1 << 21),
        "more": b'{"value": {}}',
    }
    for name, content in damaged.items():
        (folder / f"{name}.json").write_bytes(content)
    (folder / "notes.txt").write_text("not a preset")
    (folder / ".hidden.json").write_text("{}")
    own = {one.name: one.problem for one in await presets.list() if not one.builtin}
    assert set(own) == {"good", *damaged}
    assert own.pop("good") is None
    for name, problem in own.items():
        assert problem is not None, name
        assert all(problem.text(language) for language in LANGUAGES)
        with pytest.raises(InvalidInput):
            await presets.get(name)
    await presets.delete("cut")
    await presets.save("list", {"top_k": 5}, (), "")
    assert (await presets.get("list")).named.values == {"top_k": 5}


async def test_an_unknown_name_is_answered_with_near_ones(presets: PresetService) -> None:
    await presets.save("Сказка", {}, (), "")
    for wrong, near in (("creativ", "creative"), ("сказки", "Сказка"), ("???", "neutral")):
        with pytest.raises(NoSuchPreset) as told:
            await presets.get(wrong)
        assert near in told.value.text()
    for act in (presets.delete("nope"), presets.rename("nope", "yes")):
        with pytest.raises(NoSuchPreset):
            await act


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a:b", "C:", "nul", "con.x", " a", "a.", "x" * 81, "\n", "\ud800"]
)
async def test_a_name_that_some_system_refuses_is_refused_everywhere(presets: PresetService, name: str) -> None:
    with pytest.raises(InvalidInput):
        await presets.save(name, {}, (), "")


@pytest.mark.parametrize(
    ("values", "order"),
    [({"top_q": 1}, ()), ({"top_p": 2}, ()), ({"top_k": "x"}, ()), ({}, ("nowhere",)), ({}, ("xtc", "xtc"))],
)
async def test_nothing_wrong_is_saved(
    presets: PresetService, folder: Path, values: dict[str, object], order: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidParameter):
        await presets.save("wrong", values, order, "")
    assert not folder.exists()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file in its place")
    presets = PresetService(tmp_path / "presets")
    with pytest.raises(StorageFailed):
        await presets.save("mine", {}, (), "")


@given(st.text(max_size=100))
def test_every_file_name_gives_a_safe_name(filename: str) -> None:
    name = name_for(filename)
    assert safe_name(name) == name
    assert 0 < len(name) <= LONGEST and len(name.encode()) < 250
    assert key(key(name)) == key(name)


# What a conversation keeps


async def test_choosing_a_preset_copies_it_with_what_is_set_over_it(presets: PresetService) -> None:
    await presets.save("Mine", {"top_k": 7, **BANS}, ("min_p", "top_k"), "")
    kept = await presets.choose("mine", {"temp": 0.4}, None)
    assert (kept.preset, kept.order) == ("Mine", ("min_p", "top_k"))
    assert kept.values == {**plain((await presets.params("mine")).values), "temperature": 0.4}
    assert (await presets.choose("mine", {}, ())).order == ()
    await presets.delete("mine")
    assert params_of(kept).values["top_k"] == 7, "the conversation does not need the file any more"


async def test_values_without_a_preset_stand_over_the_products_defaults(presets: PresetService) -> None:
    kept = await presets.choose(None, {"top_k": 7}, None)
    assert kept == Sampling({"top_k": 7})
    assert params_of(kept) == SamplingParams({"top_k": 7})
    with pytest.raises(InvalidParameter):
        await presets.choose(None, {"top_k": -7}, None)
    with pytest.raises(NoSuchPreset):
        await presets.choose("nope", {}, None)
