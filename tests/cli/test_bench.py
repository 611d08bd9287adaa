"""`samovar bench`: what it says, for people and for programs. The echo engine stands in for a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samovar.cli.bench import _figure
from samovar.engines.llama.bandwidth import memory_bandwidth
from samovar.engines.llama.builds import installed
from tests.support.tiny_llama import TinyLlama

SAMOVAR = (sys.executable, "-m", "samovar", "bench")


def bench(home: Path, *arguments: str, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SAMOVAR_HOME": str(home), "LC_ALL": language}
    return subprocess.run([*SAMOVAR, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_a_program_gets_every_figure(tmp_path: Path) -> None:
    done = bench(tmp_path, "echo:", "--ctx", "1024", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["model"] == "echo"
    assert report["prompt_tokens"] == 512
    assert report["hardware"]["cores"] >= 1
    assert report["prompt"] > 0 and report["decode"] > 0
    first = report["first_token"]
    assert list(first) == ["cold", "cached", "switched", "restarted"]
    assert first["cold"]["cached"] == 0
    assert first["cached"]["cached"] >= 511
    assert all(first[stage]["seconds"] > first[stage]["load"] > 0 for stage in ("switched", "restarted"))


@pytest.mark.skipif(not installed(), reason="no build of libllama is installed")
def test_a_model_file_tells_its_setting_and_its_share_of_the_memory_bandwidth(tmp_path: Path) -> None:
    path = TinyLlama().write(tmp_path / "tiny.gguf")
    report = json.loads(bench(tmp_path, str(path), "--ctx", "1024", "--parallel", "1", "--json").stdout)
    assert report["setting"]["build"] in ("ik", "mainline") and report["version"]
    assert 0 < report["memory"]["per_token"] <= path.stat().st_size
    assert report["memory"]["share"] == pytest.approx(
        report["decode"] * report["memory"]["per_token"] / report["memory"]["bandwidth"]
    )


def test_a_person_gets_sentences_in_two_languages(tmp_path: Path) -> None:
    english = bench(tmp_path, "echo:", "--ctx", "256").stdout
    assert "tokens/s" in english and "a restart" in english
    russian = bench(tmp_path, "echo:", "--ctx", "256", language="ru_RU.UTF-8").stdout
    assert "токенов/с" in russian and "перезапуска" in russian
    assert len(english.splitlines()) == len(russian.splitlines())


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = bench(tmp_path, "nobody")
    assert done.returncode == 2
    assert "nobody" in done.stderr and not done.stdout


def test_figures_have_three_digits() -> None:
    assert [_figure(value) for value in (1234.5, 123.4, 12.34, 1.234)] == ["1234", "123", "12.3", "1.23"]


def test_memory_has_a_speed() -> None:
    assert memory_bandwidth(1) > 1e8
