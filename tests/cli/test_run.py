"""`samovar run`: one answer for programs, a chat for people. The echo engine stands in for a model."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from samovar.cli.conversation import CONTROL

SAMOVAR = (sys.executable, "-m", "samovar", "run")
SLOW = "echo:step_ms=100;reply=" + "word%20" * 25


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "SAMOVAR_HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def run(home: Path, *arguments: str, piped: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SAMOVAR, *arguments], input=piped, capture_output=True, text=True, env=environment(home), check=False
    )


class Chat:
    """A chat in a real terminal."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._seen = b""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def expect(self, text: str) -> str:
        """Reads until `text` is on the screen, and returns what came up to it."""
        while text.encode() not in self._seen:
            self._seen += os.read(self._terminal, 4096)
        before, _, self._seen = self._seen.partition(text.encode())
        return before.decode(errors="replace")

    def interrupt_until_gone(self) -> int:
        """Ctrl-C, again and again: a line editor that is just being set up may miss the first."""
        for _ in range(100):
            self.type("\x03")
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(0.3)
        raise AssertionError("the chat did not end")


@contextmanager
def chat(home: Path, *arguments: str) -> Iterator[Chat]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*SAMOVAR, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(home),
        start_new_session=True,
        # Opening it in a new session makes it the terminal whose Ctrl-C reaches the process.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    try:
        yield Chat(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


def test_the_preset_of_the_model_stands_under_what_the_command_line_says(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.json").write_text('{"values": {"logit_bias": {"98": false}}}', encoding="utf-8")
    words = ("--model", "echo", "--max-tokens", "4", "abba")
    assert run(tmp_path, *words).stdout == "abba\n"
    (tmp_path / "models.json").write_text('{"models": {"echo": {"preset": "mine"}}}', encoding="utf-8")
    assert "b" not in run(tmp_path, *words).stdout
    assert run(tmp_path, *words, "--logit-bias", '{"98": 0}').stdout == "abba\n"


def test_an_answer_is_all_that_standard_output_gets(tmp_path: Path) -> None:
    done = run(tmp_path, "--model", "echo", "hello", "there")
    assert (done.returncode, done.stdout) == (0, "hello there\n")


def test_what_was_thought_is_told_apart_from_the_answer(tmp_path: Path) -> None:
    done = run(tmp_path, "--model", "echo:reply=<think>A greeting.</think>Hello!", "hi")
    assert done.stdout == "Hello!\n"
    assert "A greeting.\n" in done.stderr


def test_piped_text_stands_under_the_prompt(tmp_path: Path) -> None:
    assert run(tmp_path, "--model", "echo", "Summarise:", piped="a letter\n").stdout == "Summarise:\n\na letter\n"


def test_piped_text_alone_is_the_prompt(tmp_path: Path) -> None:
    assert run(tmp_path, "--model", "echo", piped="только это\n").stdout == "только это\n"


def test_max_tokens_ends_the_answer(tmp_path: Path) -> None:
    assert run(tmp_path, "--model", "echo", "--max-tokens", "5", "hello there").stdout == "hello\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Nothing was asked"),
        (("--model", "echo", "--temperature", "99", "hi"), "temperature is 99"),
        (("--model", "no-such-model", "hi"), "no-such-model"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_ctrl_c_ends_a_single_answer_with_130_and_no_stack(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*SAMOVAR, "--model", SLOW, "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
    )
    assert process.stdout is not None
    assert process.stdout.read(4) == b"word"
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    assert (process.returncode, complaint) == (130, b"")


def test_a_chat_answers_stops_an_answer_on_ctrl_c_and_leaves_on_ctrl_d(tmp_path: Path) -> None:
    with chat(tmp_path, "--model", SLOW) as person:
        person.expect("> ")
        person.type("hello\n")
        person.expect("word word")
        person.type("\x03")
        person.expect("> ")
        person.type("\x04")
        assert person.process.wait(30) == 0


def test_a_chat_that_outgrows_the_window_goes_on_and_says_so_once(tmp_path: Path) -> None:
    with chat(tmp_path, "--model", "echo", "--ctx", "200") as person:
        person.expect("> ")
        screen = ""
        for turn in range(12):
            person.type(f"question {turn:02} of a long evening\n")
            screen += person.expect("evening\r\n") + person.expect("evening\r\n") + person.expect("> ")
        person.type("\x04")
        assert person.process.wait(30) == 0
    assert screen.count("outgrown the model's window of 200 tokens") == 1


def test_a_question_larger_than_the_window_is_refused_with_the_numbers(tmp_path: Path) -> None:
    done = run(tmp_path, "--model", "echo", "--ctx", "100", piped="tea " * 60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the window holds 100" in done.stderr


def test_a_second_ctrl_c_leaves_a_chat(tmp_path: Path) -> None:
    with chat(tmp_path, "--model", "echo") as person:
        person.expect("> ")
        person.type("hello\n")
        person.expect("hello")
        person.expect("> ")
        assert person.interrupt_until_gone() == 130


def test_a_terminal_gets_no_control_characters_from_a_model() -> None:
    assert CONTROL.sub("", "a\x1b[2Jb\x9bc\r\td\n") == "a[2Jbc\td\n"
