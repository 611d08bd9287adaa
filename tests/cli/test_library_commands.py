"""pull, ls, show and rm as a person meets them: real processes, a real server, exit codes and sentences."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.formats.gguf_bytes import Tensor, small
from tests.hub.server import Site, serving
from tests.support.tiny_llama import TinyLlama

SAMOVAR = Path(sys.executable).with_name("samovar")


def model() -> bytes:
    """Half a megabyte, so that it arrives in pieces; one metadata text tries to steer the terminal."""
    file = small().put_text("general.name", "red \x1b[31m alert [bold]")
    file.tensors = [Tensor("token_embd.weight", (64, 2048), 0, 0, bytes(range(256)) * 2048)]
    return file.bytes()


MODEL = model()


class Shell:
    """Runs the command with its own home, against its own Hub."""

    def __init__(self, home: Path, site: Site) -> None:
        self.models = home / "models"
        self.site = site
        self.environment = {**os.environ, "SAMOVAR_HOME": str(home), "HF_ENDPOINT": site.url, "LC_ALL": "C.UTF-8"}

    def __call__(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SAMOVAR, *words], capture_output=True, text=True, env=self.environment, input=typed, check=False
        )

    def put(self, name: str, content: bytes = MODEL) -> Path:
        path = self.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def samovar(tmp_path: Path) -> Iterator[Shell]:
    with serving(Site({"m-Q4_K_M.gguf": MODEL, "m-Q8_0.gguf": MODEL})) as site:
        yield Shell(tmp_path / "home", site)


def test_a_model_is_pulled_listed_shown_and_removed(samovar: Shell) -> None:
    pulled = samovar("pull", "org/repo")
    assert pulled.returncode == 0 and pulled.stdout.startswith("m-Q4_K_M is here (526 kB).")
    assert (samovar.models / "org/repo/m-Q4_K_M.gguf").read_bytes() == MODEL
    assert "was here already" in samovar("pull", "org/repo").stdout
    assert "m-Q4_K_M" in samovar("ls").stdout
    shown = samovar("show", "m-q4")
    assert shown.returncode == 0
    assert all(word in shown.stdout for word in ("llama", "131K", "F32", "[70 × string]", "{{ messages }}"))
    assert "Removed" in samovar("rm", "m-q4", "--yes").stdout
    assert "No models yet" in samovar("ls").stdout


def test_scripts_get_json(samovar: Shell) -> None:
    assert json.loads(samovar("ls", "--json").stdout) == []
    path = samovar.put("m.gguf")
    samovar.put("broken.gguf", MODEL[:-1])
    broken, whole = json.loads(samovar("ls", "--json").stdout)
    assert "The file ends at byte" in broken["problem"]
    assert (whole["name"], whole["path"], whole["size"], whole["problem"]) == ("m", str(path), len(MODEL), None)
    shown = json.loads(samovar("show", "m", "--json").stdout)
    assert shown["parameters"] == 64 * 2048 and shown["types"][0]["type"] == "F32"
    assert shown["metadata"]["tokenizer.ggml.tokens"] == {"type": "string", "count": 70}


def test_nothing_in_a_file_steers_the_terminal(samovar: Shell) -> None:
    samovar.put("m.gguf")
    shown = samovar("show", "m").stdout
    assert "\x1b" not in shown and "red \N{REPLACEMENT CHARACTER}[31m alert [bold]" in shown


def test_rm_asks_first(samovar: Shell) -> None:
    path = samovar.put("m.gguf")
    assert samovar("rm", "m", typed="n\n").returncode == 0
    assert samovar("rm", "m", typed="").returncode == 1
    assert path.exists()
    assert samovar("rm", "m", typed="y\n").returncode == 0
    assert not path.exists()


def test_rm_removes_all_or_nothing_of_what_is_named(samovar: Shell) -> None:
    path = samovar.put("m.gguf")
    refused = samovar("rm", "--yes", "m", "other")
    assert refused.returncode == 2 and "other" in refused.stderr and path.exists()


def test_show_counts_the_cache_of_a_context_by_type(samovar: Shell) -> None:
    TinyLlama().write(samovar.put("m.gguf"))
    shown = samovar("show", "m", "--ctx", "1024").stdout
    assert "KV cache of 1024 tokens" in shown and all(word in shown for word in ("q8_0", "47%", "q4_0", "72%"))
    outlook = json.loads(samovar("show", "m", "--ctx", "2048", "--json").stdout)["outlook"]
    assert outlook["window"] == 2048
    each = 2048 * 2 * 64 * 2
    assert outlook["cache"][0] == {"type": "f16", "size": 2 * each, "keys": each, "values": each}


def test_rm_leaves_files_outside_the_library_alone(samovar: Shell, tmp_path: Path) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(MODEL)
    assert samovar("show", str(outside)).returncode == 0
    assert samovar("rm", "--yes", str(outside)).returncode == 2
    assert outside.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "the library is empty"),
        (("show", "./page.gguf"), "There is no model"),
        (("pull", "org/other"), "There is no repository org/other"),
        (("pull", "org/repo:Q5_0"), "It has Q4_K_M, Q8_0"),
        (("pull", "http://example.com/m.gguf"), "over https only"),
        (("pull", "word"), "is no source of a model"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(samovar: Shell, words: tuple[str, ...], said: str) -> None:
    done = samovar(*words)
    assert done.returncode == 2 and said in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


def test_a_damaged_file_is_listed_and_show_says_why(samovar: Shell) -> None:
    samovar.put("cut.gguf", MODEL[:-1])
    listed = samovar("ls")
    assert listed.returncode == 0 and "cut: The file ends at byte" in listed.stdout
    shown = samovar("show", "cut")
    assert shown.returncode == 2 and "download it again" in shown.stderr


def test_ctrl_c_keeps_what_has_come_and_the_next_pull_goes_on(samovar: Shell) -> None:
    site = samovar.site
    site.hold, site.break_after = threading.Event(), len(MODEL) // 2
    process = subprocess.Popen(
        [SAMOVAR, "pull", "org/repo"],
        env=samovar.environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    part = samovar.models / "org/repo/m-Q4_K_M.gguf.part"
    while process.poll() is None and not (part.exists() and part.stat().st_size > 100_000):
        threading.Event().wait(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    site.hold.set()
    site.hold = None
    assert process.returncode == 130 and "the same command goes on there" in said
    kept = part.stat().st_size
    assert kept > 100_000
    assert samovar("pull", "org/repo").returncode == 0
    assert site.ranges()[-1] == f"bytes={kept}-"
