"""An engine without a model: it says back the last user message. For tests, demos and the page's development.

Its vocabulary is the 256 bytes and ChatML's control tokens. Its cache is real bookkeeping: cells are counted,
shared by copies and refused when misused. The logits after a token depend on that sequence's own tokens only.

A path "echo:key=value;key=value" scripts it; the keys are the fields of `Script`, values are percent-encoded.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
import numpy as np
import numpy.typing as npt

from samovar.core.engine import Batch, Capabilities, EngineInfo, LoadSpec, Pace, Progress, wanted_rows
from samovar.core.errors import Cancelled, EngineFailed, InvalidInput
from samovar.engines.blob import fingerprint, seal, unseal
from samovar.engines.checks import check_batch, check_copy, check_sequence, check_tokens
from samovar.engines.echo_cache import EchoCache

if TYPE_CHECKING:
    from samovar.core.engine import Logits

IM_START, IM_END, END_OF_TEXT = 256, 257, 258
CONTROL = {"<|im_start|>": IM_START, "<|im_end|>": IM_END, "<|endoftext|>": END_OF_TEXT}
VOCAB_SIZE = 256 + len(CONTROL)
WIDTH = 16
"""Of its hidden states."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_CONTROL_TEXT = re.compile("(" + "|".join(map(re.escape, CONTROL)) + ")")
_USER, _ASSISTANT = list(b"user\n"), list(b"assistant\n")
_CERTAIN, _IMPOSSIBLE = 12.0, -12.0


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the engine does besides echoing. Counts are of rows of logits given since the load.

    `reply`: said instead of the user's message. `step_ms`, `load_ms`: how long a decode call and the load take.
    `crash_*` end the process by SIGSEGV: at row `crash_at`, when `crash_on` occurs in the last user message, while
    loading (`crash_load`), or while loading with flash attention or the named build as the first setting.
    `fail_*` raise EngineFailed. `once`: a file; faults happen only while it does not exist, and make it. `fast`: a
    build that is measured to be twice as fast as others.
    """

    reply: str = ""
    step_ms: float = 0
    load_ms: float = 0
    crash_at: int = 0
    crash_on: str = ""
    crash_load: bool = False
    crash_flash: bool = False
    crash_build: str = ""
    fail_at: int = 0
    fail_load: bool = False
    once: str = ""
    fast: str = ""


def read_script(path: str) -> Script:
    """The script in an "echo:…" path; other paths have none. Raises InvalidInput where `Script` has no such key."""
    if not path.startswith("echo:"):
        return Script()
    pairs = (entry.partition("=") for entry in path[len("echo:") :].split(";") if entry)
    try:
        return msgspec.convert({key: unquote(value) for key, _, value in pairs}, Script, strict=False)
    except msgspec.ValidationError as why:
        raise InvalidInput("engines.echo_script", why=str(why)) from None


def open_echo(spec: LoadSpec, progress: Progress) -> EchoEngine:
    """Opens the engine. Raises Cancelled, InvalidInput for a bad script, EngineFailed where the script says so."""
    script = read_script(spec.path)
    first = spec.settings[spec.trusted or 0] if spec.settings else None
    for step in range(11):
        if not progress(step / 10):
            raise Cancelled("engines.load_cancelled")
        time.sleep(script.load_ms / 11_000)
    flash, build = (first.flash, first.build) if first else (False, "")
    if script.crash_load or (script.crash_flash and flash) or (script.crash_build and script.crash_build == build):
        _crash(script)
    if script.fail_load and _armed(script):
        raise EngineFailed("engines.scripted")
    return EchoEngine(spec, script)


class EchoEngine:
    """See the module's first lines. Implements `core.engine.Engine`."""

    def __init__(self, spec: LoadSpec, script: Script) -> None:
        settled = (spec.trusted or 0) if spec.settings else 0
        self._script = script
        self._cache = EchoCache(spec.parallel, spec.cells)
        self._owner = fingerprint("echo", 1)
        self._rows = 0
        self._embedded = 0
        self._info = EngineInfo(
            architecture="echo",
            description="Echo: says back what it is told",
            vocab_size=VOCAB_SIZE,
            trained_context=spec.window,
            window=spec.window,
            cells=spec.cells,
            parallel=spec.parallel,
            threads=spec.threads or 1,
            chat_template=CHAT_TEMPLATE,
            bos_token=None,
            eos_token=IM_END,
            eos_text="<|im_end|>",
            end_tokens=(IM_END, END_OF_TEXT),
            special_texts=tuple(CONTROL),
            capabilities=Capabilities(
                can_copy_range=True, can_shift=True, can_export=True, can_set_threads=True, can_embed=True
            ),
            cache_id=self._owner.hex(),
            setting=spec.settings[settled] if spec.settings else None,
            settled=settled,
            pace=spec.pace or _pace(spec, settled, script.fast),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def tokenize(self, text: str, *, special: bool, bos: bool = False) -> list[int]:  # noqa: ARG002 - it has no BOS
        if not special:
            return list(text.encode())
        pieces = _CONTROL_TEXT.split(text)
        return [token for piece in pieces for token in ([CONTROL[piece]] if piece in CONTROL else piece.encode())]

    def cuts_at_words(self) -> bool:
        return True

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < 256 else b""

    def decode(self, batch: Batch) -> Logits:
        check_batch(self._info, batch, self._cache.end)
        self._cache.append(batch)
        time.sleep(self._script.step_ms / 1000)
        rows = wanted_rows(batch.wanted)
        logits = np.empty((len(rows), VOCAB_SIZE), dtype=np.float32)
        for row, i in enumerate(rows):
            history = self._cache.tokens(batch.sequences[i], batch.positions[i] + 1)
            logits[row] = _row(self._next(history), len(history))
            self._count_row()
        return logits

    def embed(self, tokens: Sequence[int], *, start: int = 0, length: int = 0) -> Logits:
        """A token's state is a one at its id, counted round the width."""
        check_tokens(self._info, tokens)
        if start not in (0, self._embedded):
            raise EngineFailed(
                "engines.embedded_apart", start=start, end=self._embedded, length=length, most=self._info.window
            )
        time.sleep(self._script.step_ms / 1000)
        self._embedded = start + len(tokens)
        return np.eye(WIDTH, dtype=np.float32)[[token % WIDTH for token in tokens]]

    def end_embedding(self) -> None:
        self._embedded = 0

    def copy(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        check_sequence(self._info, source)
        check_sequence(self._info, target)
        check_copy(target, start, self._cache.end(target))
        self._cache.copy(source, target, start, end)

    def remove(self, sequence: int, start: int, end: int | None = None) -> bool:
        check_sequence(self._info, sequence)
        self._cache.remove(sequence, start, end)
        return True

    def shift(self, sequence: int, start: int, end: int, by: int) -> None:
        check_sequence(self._info, sequence)
        self._cache.shift(sequence, start, end, by)

    def export(self, sequence: int) -> bytes:
        check_sequence(self._info, sequence)
        return seal(self._owner, msgspec.msgpack.encode(self._cache.dump(sequence)))

    def restore(self, sequence: int, blob: bytes) -> None:
        check_sequence(self._info, sequence)
        entries = msgspec.msgpack.decode(unseal(self._owner, blob), type=list[tuple[int, int]])
        self._cache.load(sequence, entries)

    def set_threads(self, count: int) -> None:
        """It computes nothing that threads could share."""

    def close(self) -> None:
        self._cache = EchoCache(self._info.parallel, self._info.cells)

    def _next(self, history: list[int]) -> int:
        """The token that greedy decoding gets after `history`."""
        said = _turn(history, _ASSISTANT)
        if said is None:
            return _alphabet(history)
        message = _turn(history, _USER) or []
        if self._script.crash_on and self._script.crash_on.encode() in bytes(t for t in message if t < 256):
            _crash(self._script)
        answer = list(self._script.reply.encode()) or message
        return answer[len(said)] if len(said) < len(answer) else IM_END

    def _count_row(self) -> None:
        self._rows += 1
        if self._rows == self._script.crash_at:
            _crash(self._script)
        if self._rows == self._script.fail_at and _armed(self._script):
            raise EngineFailed("engines.scripted")


def _pace(spec: LoadSpec, settled: int, fast: str) -> Pace | None:
    if not spec.calibrate or not spec.settings:
        return None
    setting = spec.settings[settled]
    speed = 200.0 if setting.build == fast else 100.0
    return Pace(setting, spec.threads or 1, spec.threads or 1, speed, speed)


def _turn(history: list[int], role: list[int]) -> list[int] | None:
    """Tokens of the last turn of `role`, up to its end token or the end of `history`; None where there is none."""
    for start in range(len(history) - len(role) - 1, -1, -1):
        if history[start] == IM_START and history[start + 1 : start + 1 + len(role)] == role:
            turn = history[start + 1 + len(role) :]
            return turn[: turn.index(IM_END)] if IM_END in turn else turn
    return None


def _alphabet(history: list[int]) -> int:
    """Raw text is continued by the letters after its last one, and ends after z."""
    last = history[-1]
    if last == ord("z"):
        return END_OF_TEXT
    return last + 1 if ord("a") <= last < ord("z") else ord("a")


def _row(token: int, length: int) -> npt.NDArray[np.float32]:
    """Logits with `token` far in front and a spread over the printable characters that changes with `length`."""
    ids = np.arange(VOCAB_SIZE)
    noise = ((ids * 40_503 + length * 30_011) % 1009) / 252
    row = np.where((ids >= 32) & (ids < 127), noise, _IMPOSSIBLE).astype(np.float32)
    row[token] = _CERTAIN
    return row


def _armed(script: Script) -> bool:
    """Whether a scripted fault is to happen now."""
    if script.once:
        try:
            Path(script.once).touch(exist_ok=False)
        except FileExistsError:
            return False
    return True


def _crash(script: Script) -> None:
    if _armed(script):
        signal.raise_signal(signal.SIGSEGV)
