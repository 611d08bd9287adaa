"""What keeping caches in memory and on disk costs while an answer is written.

    python bench/tiers.py [--model FILE] [--starts 6] [--rounds 7] [--null]

Two servers take turns with the same request, one with both tiers and one without; the one that is not measured
is paused, and each has finished what it does in idle time before its turn. Each question is a new one, so that
there is always something to put away. A process is a few percent faster or slower than its twin for as long as it
lives: both are started anew several times, and the figure is the median over starts of the median ratio within a
round. `--null` compares two servers without tiers: what the method itself is off by. Prints a table for
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.peers.sides import Samovar, Server, Setup
from bench.serving import GREEDY, stream
from samovar.hub.starter import starter_file

Sides = Mapping[str, tuple[str, ...]]

QUIET = ("--speculate", "off")
WITHOUT = (*QUIET, "--kv-ram", "0", "--kv-disk", "0")
SIDES: Sides = {"caches in memory and on disk": QUIET, "without": WITHOUT}
NULL: Sides = {"without": WITHOUT, "without, again": WITHOUT}
DEPTH, TOKENS, THREADS = 400, 256, 2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, default=starter_file())
    options.add_argument("--starts", type=int, default=6)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--null", action="store_true")
    chosen = options.parse_args()
    sides = NULL if chosen.null else SIDES
    found = [started(chosen.model.resolve(), sides, chosen.rounds, start) for start in range(chosen.starts)]
    first, second, ratio = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"| {' | '.join(sides)} | ratio | by start |\n|---|---|---|---|")
    by_start = ", ".join(f"{ratio:.3f}" for _, _, ratio in found)
    print(f"| {first:.1f} t/s | {second:.1f} t/s | {ratio:.3f} × | {by_start} |")


def started(model: Path, sides: Sides, rounds: int, start: int) -> tuple[float, float, float]:
    """Of both sides, started anew: medians of their tokens a second, and of the ratio within a round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {}
        for name in sorted(sides, reverse=bool(start % 2)):
            server = Server(Samovar(model, THREADS, sides[name]), Setup(window=2048), folder / name)
            server.start()
            stack.callback(server.stop)
            server.pause()
            servers[name] = server
        taken = [measured(servers, round) for round in range(rounds + 1)][1:]
    columns = [[one[name] for one in taken] for name in sides]
    ratios = [a / b for a, b in zip(*columns, strict=True)]
    return statistics.median(columns[0]), statistics.median(columns[1]), statistics.median(ratios)


def measured(servers: dict[str, Server], round: int) -> dict[str, float]:
    """Tokens a second of each side in one round."""
    rates = {}
    for name in sorted(servers, reverse=bool(round % 2)):
        server = servers[name]
        server.resume()
        rates[name] = 1 / asyncio.run(stream(server.port, round, DEPTH, TOKENS, GREEDY)).step
        server.settle()
        server.pause()
    return rates


if __name__ == "__main__":
    main()
