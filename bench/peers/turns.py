"""The two sides taking turns at a row: both servers stay up, the one that is not measured is paused, and the side
that begins changes from round to round."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.peers.client import complete
from bench.peers.rows import Figure, Row
from bench.peers.sides import Server, Setup, Side
from bench.peers.texts import Texts
from bench.peers.workloads import Scale, Visit

PROBE_WORDS = 300


@dataclass(frozen=True)
class Measured:
    """One figure: what every round gave on each side, in seconds or tokens a second, and the two summaries.

    `processor`: seconds of processor that the median round took of each side's processes: what is left to judge by
    where other work keeps the cores busy.
    """

    row: str
    figure: Figure
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    pair: tuple[float, float]
    processor: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.pair[0] / self.pair[1]


def take_turns(row: Row, sides: Sequence[Side], texts: Texts, scale: Scale) -> list[Measured]:
    """Measures `row` on both sides, ours first. Raises what a side raises; no server outlives the call."""
    with tempfile.TemporaryDirectory(prefix="samovar-peers-") as folder, ExitStack() as running:
        works = []
        for side in sides:
            server = Server(side, row.setup, Path(folder) / side.name)
            running.callback(server.stop)
            server.start()
            work = row.workload(Visit(server, texts, scale))
            work.prepare()
            _say(f"{row.name}: {side.name} ready, {server.memory():.0f} MB")
            server.pause()
            works.append((server, work))
        taken: list[list[tuple[float, ...]]] = [[] for _ in works]
        spent: list[list[float]] = [[] for _ in works]
        for round in range(scale.rounds):
            for index in (0, 1) if round % 2 == 0 else (1, 0):
                server, work = works[index]
                server.resume()
                before = server.processor_seconds()
                taken[index].append(work.measure(round))
                spent[index].append(server.processor_seconds() - before)
                server.settle()
                server.pause()
                _say(f"{row.name}, round {round + 1}: {server.side.name} {_brief(taken[index][-1])}")
    summary = statistics.median if row.summary == "median" else statistics.mean
    columns = [list(zip(*rounds, strict=True)) for rounds in taken]
    ours_spent, theirs_spent = (statistics.median(rounds) for rounds in spent)
    return [
        Measured(row.name, figure, ours, theirs, (summary(ours), summary(theirs)), (ours_spent, theirs_spent))
        for figure, ours, theirs in zip(row.figures, *columns, strict=True)
    ]


def tokens_per_word(side: Side, words: tuple[str, ...]) -> float:
    """What the model's tokenizer makes of a word, as `side` counts it."""
    with tempfile.TemporaryDirectory(prefix="samovar-peers-") as folder:
        server = Server(side, Setup(window=2048), Path(folder))
        try:
            server.start()
            heard = asyncio.run(complete(server.port, Texts(words, 1).of_words(PROBE_WORDS, "probe"), 1))
        finally:
            server.stop()
    return heard.prompt_tokens / PROBE_WORDS


def _brief(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
