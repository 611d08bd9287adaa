"""The engine without a model: what it says, and the faults that a test can order."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samovar.core.engine import Batch, Engine, LoadSpec, Setting
from samovar.core.errors import Cancelled, EngineFailed, InvalidInput, NotFound
from samovar.engines.registry import open_engine

CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"


def spec(path: str, *settings: Setting) -> LoadSpec:
    return LoadSpec(engine="echo", path=path, window=500, cells=1000, parallel=2, settings=settings)


def opened(path: str) -> Engine:
    return open_engine(spec(path), lambda _: True)


def greedy(engine: Engine, prompt: str) -> str:
    """What greedy decoding answers."""
    said: list[int] = []
    fresh, position = engine.tokenize(prompt, special=True), 0
    while True:
        count = len(fresh)
        wanted = [False] * (count - 1) + [True]
        logits = engine.decode(Batch(fresh, list(range(position, position + count)), [0] * count, wanted))
        position += count
        token = int(logits[0].argmax())
        if token in engine.info.end_tokens:
            engine.remove(0, 0)
            return b"".join(map(engine.piece, said)).decode()
        said.append(token)
        fresh = [token]


@pytest.mark.parametrize("text", ["Hello", "Привет, самовар ☕", "", "two\nlines"])
def test_it_says_back_the_last_user_message(text: str) -> None:
    assert greedy(opened("echo:"), CHAT.format("first") + "no<|im_end|>\n" + CHAT.format(text)) == text


def test_it_goes_on_with_an_unfinished_answer() -> None:
    assert greedy(opened("echo:"), CHAT.format("tea with honey") + "tea w") == "ith honey"


def test_raw_text_is_continued_by_the_alphabet() -> None:
    assert greedy(opened("echo:"), "Letters: v") == "wxyz"


def test_a_reply_can_be_ordered() -> None:
    assert greedy(opened("echo:reply=a%3Bb%20c"), CHAT.format("anything")) == "a;b c"


def test_a_fault_can_be_ordered_at_a_row() -> None:
    with pytest.raises(EngineFailed):
        greedy(opened("echo:fail_at=3"), CHAT.format("Hello"))


def test_a_fault_can_be_ordered_once(tmp_path: Path) -> None:
    path = f"echo:fail_load=1;once={tmp_path / 'happened'}"
    with pytest.raises(EngineFailed):
        opened(path)
    assert greedy(opened(path), CHAT.format("Hello")) == "Hello"


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("echo:crash_at=1", ()),
        ("echo:crash_on=boom", ()),
        ("echo:crash_load=1", ()),
        ("echo:crash_flash=1", (Setting("ik", 512, True),)),
        ("echo:crash_build=ik", (Setting("ik", 512, False),)),
    ],
)
def test_the_process_dies_as_ordered(path: str, settings: tuple[Setting, ...]) -> None:
    code = (
        "from tests.engines.test_echo import *;"
        f"greedy(open_engine(spec({path!r}, *{settings!r}), lambda _: True), CHAT.format('boom'))"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert child.returncode == -signal.SIGSEGV


def test_a_safer_setting_does_not_crash() -> None:
    safer = (Setting("ik", 512, True), Setting("mainline", 512, False))
    engine = open_engine(
        LoadSpec(
            engine="echo",
            path="echo:crash_flash=1;crash_build=ik",
            window=9,
            cells=9,
            parallel=1,
            settings=safer,
            trusted=1,
        ),
        lambda _: True,
    )
    assert engine.info.setting == safer[1] and engine.info.settled == 1


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(InvalidInput, match="crash_sometimes"):
        opened("echo:crash_sometimes=1")


def test_loading_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        open_engine(spec("echo:"), lambda share: share < 0.5)


def test_an_unknown_engine_is_not_found() -> None:
    with pytest.raises(NotFound, match="steam"):
        open_engine(LoadSpec(engine="steam", path="", window=1, cells=1, parallel=1), lambda _: True)
