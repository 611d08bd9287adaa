"""Which models can fill in, and by which marks: what their metadata and their vocabulary say, with both builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from samovar.core.engine import Build, EngineInfo, Infill, Setting
from tests.engines.test_llama import each, load
from tests.support.tiny_llama import TinyLlama

QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>")
DEEPSEEK = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
CODESTRAL = ("[PREFIX]", "[SUFFIX]", "[MIDDLE]")
OWN = ("<before>", "<after>", "<between>")


def info_of(path: Path, build: Build, marks: tuple[str, ...], metadata: dict[str, int] | None = None) -> EngineInfo:
    model = TinyLlama().write(path / "tiny.gguf", marks=marks, metadata=metadata)
    engine = load(model, Setting(build, 512, flash=False), trusted=0)
    for mark in marks:
        assert len(engine.tokenize(mark, special=True)) == 1
    engine.close()
    return engine.info


def ids(marks: tuple[str, ...], *keys: str) -> dict[str, int]:
    first = len(TinyLlama().tokens) - len(marks)
    return {f"tokenizer.ggml.{key}": first + i for i, key in enumerate(keys)}


@each
@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (QWEN, Infill(*QWEN[:3], repository="<|repo_name|>", file="<|file_sep|>")),
        (QWEN[:3], Infill(*QWEN[:3])),
        (DEEPSEEK, Infill(*DEEPSEEK)),
        (CODESTRAL, Infill("[PREFIX]", "[SUFFIX]", suffix_first=True)),
        (("<fim_prefix>", "<fim_suffix>"), None),
        ((), None),
    ],
    ids=["qwen", "without files", "deepseek", "codestral", "a mark is missing", "none"],
)
def test_known_marks_are_found_in_the_vocabulary(
    tmp_path: Path, build: Build, marks: tuple[str, ...], expected: Infill | None
) -> None:
    assert info_of(tmp_path, build, marks).infill == expected


@each
@pytest.mark.parametrize(
    "keys",
    [
        ("fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id"),
        ("prefix_token_id", "suffix_token_id", "middle_token_id"),
    ],
    ids=["today's names", "names of old"],
)
def test_marks_that_metadata_name_may_be_any(tmp_path: Path, build: Build, keys: tuple[str, ...]) -> None:
    assert info_of(tmp_path, build, OWN, ids(OWN, *keys)).infill == Infill(*OWN)


@each
def test_metadata_that_name_no_control_token_are_not_believed(tmp_path: Path, build: Build) -> None:
    wrong = {"tokenizer.ggml.fim_pre_token_id": 100, "tokenizer.ggml.fim_suf_token_id": 101}
    assert info_of(tmp_path, build, (), {**wrong, "tokenizer.ggml.fim_mid_token_id": 10**6}).infill is None


@each
def test_metadata_name_the_marks_of_files_too(tmp_path: Path, build: Build) -> None:
    marks = (*OWN, "<project>", "<file>")
    keys = ("fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id", "fim_rep_token_id", "fim_sep_token_id")
    found = info_of(tmp_path, build, marks, ids(marks, *keys)).infill
    assert found == Infill(*OWN, repository="<project>", file="<file>")
