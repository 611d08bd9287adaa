"""What --reuse-shifted costs: predictions after text was inserted in the middle and what stood behind it was moved,
against a fresh computation of the whole.

    python bench/inserted.py [--model FILE]... [--text FILE] [--places 3]

A passage is head, inserted, rest and continuation, one after the other. Head and rest are read, as by an earlier
turn; then head, inserted and rest, through the scheduler. Printed, as means over several places of the text: the
share of the prompt that was computed; mean divergence (nats) and equal likeliest tokens of the logits at the
continuation's tokens; and, to have something to compare with, the divergence where the inserted text is left out
altogether, and that of a computation in other batches, which is exact.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from samovar.core.engine import Batch, Build, Engine, LoadSpec, Setting
from samovar.core.events import Done, Timings
from samovar.core.requests import GenerateRequest
from samovar.engines.llama.builds import installed
from samovar.engines.llama.cpu import read_cpu
from samovar.engines.llama.ladder import settings
from samovar.engines.llama.selfcheck import mean_divergence
from samovar.engines.registry import open_engine
from samovar.formats.gguf import read_header
from samovar.hub.starter import starter_file
from samovar.runtime.frames import FromWorker, Generate, Happened
from samovar.runtime.loop import GenerationLoop, limits_of

Rows = npt.NDArray[np.float32]
PASSAGE = Path(__file__).parent / "peers" / "passage.txt"
NEXT, OTHER_BATCHES = 64, 24
"""Tokens of the continuation, and of the batches of the exact computation that is compared."""


@dataclass(frozen=True)
class Case:
    """Lengths in tokens. `quoted`: what comes next is the beginning of the inserted text, word for word."""

    name: str
    head: int
    inserted: int
    rest: int
    quoted: bool = False

    @property
    def span(self) -> int:
        return self.head + self.inserted + self.rest + NEXT


CASES = (
    Case("an entry near the beginning", 64, 64, 384),
    Case("a long entry near the beginning", 64, 192, 256),
    Case("an entry near the beginning, quoted", 64, 64, 384, quoted=True),
    Case("a note at depth", 320, 48, 128),
)


@dataclass(frozen=True)
class Seen:
    computed: float
    reused: float
    same: float
    without: float
    batches: float


class Reader:
    """An engine with the scheduler over it, which reads prompts and tells the logits of what comes after them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._done: Timings | None = None

    def read(self, loop: GenerationLoop, tokens: Sequence[int]) -> Timings:
        loop.handle(Generate(GenerateRequest(id="0", tokens=tuple(tokens), max_tokens=1)))
        while not loop.idle:
            loop.step()
        assert self._done is not None
        return self._done

    def moved(self, head: list[int], inserted: list[int], rest: list[int], after: list[int]) -> tuple[Rows, float]:
        """The logits at `after`, and the share of the prompt that was computed."""
        self.empty()
        loop = GenerationLoop(self.engine, self._hear, limits_of(self.engine, reuse_shifted=True))
        self.read(loop, [*head, *rest])
        prompt = [*head, *inserted, *rest]
        timings = self.read(loop, prompt)
        # The last token of a prompt is always computed.
        assert timings.cache_n == len(head) + len(rest) - 1
        slot = next(slot for slot in loop.scheduler.slots if slot.tokens[: len(prompt)] == prompt)
        return self.rows(slot.sequence, after, len(prompt)), timings.prompt_n / len(prompt)

    def fresh(self, tokens: list[int], after: list[int], batch: int) -> Rows:
        self.empty()
        for start in range(0, len(tokens), batch):
            self.rows(0, tokens[start : start + batch], start)
        return self.rows(0, after, len(tokens))

    def rows(self, sequence: int, tokens: list[int], start: int) -> Rows:
        count = len(tokens)
        places = list(range(start, start + count))
        return self.engine.decode(Batch(tokens, places, [sequence] * count, [True] * count)).copy()

    def empty(self) -> None:
        for sequence in range(self.engine.info.parallel):
            self.engine.remove(sequence, 0)

    def _hear(self, frame: FromWorker) -> None:
        if isinstance(frame, Happened) and isinstance(frame.event, Done):
            self._done = frame.event.timings


def compare(reader: Reader, text: list[int], case: Case, start: int) -> Seen:
    borders = np.cumsum([start, case.head, case.inserted, case.rest, NEXT])
    head, inserted, rest, after = (text[a:b] for a, b in pairwise(borders.tolist()))
    after = inserted[:NEXT] if case.quoted else after
    whole = [*head, *inserted, *rest]
    right = reader.fresh(whole, after, len(whole))
    reused, computed = reader.moved(head, inserted, rest, after)
    return Seen(
        computed,
        mean_divergence(right, reused),
        float(np.mean(right.argmax(axis=1) == reused.argmax(axis=1))),
        mean_divergence(right, reader.fresh([*head, *rest], after, len(whole))),
        mean_divergence(right, reader.fresh(whole, after, OTHER_BATCHES)),
    )


@contextmanager
def opened(model: Path, way: Setting) -> Iterator[Engine]:
    """For two sequences, with as many cells as the longest case needs."""
    cells = 2048
    spec = LoadSpec(engine="llama", path=str(model), window=cells, cells=cells, parallel=2, settings=(way,))
    engine = open_engine(spec, lambda _: True)
    try:
        yield engine
    finally:
        engine.close()


def way_of(model: Path, build: Build) -> Setting:
    """The fastest way with all sequences in one cache."""
    ways = settings(builds=[build], cpu=read_cpu(), parallel=2, tensors=read_header(model).tensor_kinds())
    return next(way for way in ways if not way.apart)


def measure(model: Path, build: Build, passage: str, places: int) -> None:
    with opened(model, way_of(model, build)) as engine:
        label = f"{model.stem} | {build}"
        if not limits_of(engine, reuse_shifted=True).reuse_shifted:
            print(f"| {label} | does not move its cache rightly | | | | | |")
            return
        text, reader = engine.tokenize(passage, special=False, bos=True), Reader(engine)
        for case in CASES:
            assert case.span <= len(text), "the text is too short"
            starts = np.linspace(0, len(text) - case.span, places).astype(int)
            seen = [compare(reader, text, case, int(start)) for start in starts]
            means = [float(np.mean([getattr(one, name) for one in seen])) for name in Seen.__dataclass_fields__]
            print("| {} | {} | {:.0%} | {:.4f} | {:.0%} | {:.4f} | {:.4f} |".format(label, case.name, *means))
            sys.stdout.flush()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, action="append")
    options.add_argument("--text", type=Path, default=PASSAGE)
    options.add_argument("--places", type=int, default=3)
    chosen = options.parse_args()
    passage = chosen.text.read_text(encoding="utf-8")
    print("| model | build | inserted | computed | divergence | same token | without the text | other batches |")
    print("|---|---|---|---|---|---|---|---|")
    for model in chosen.model or [starter_file()]:
        for found in installed():
            measure(model, found.build, passage, chosen.places)


if __name__ == "__main__":
    main()
