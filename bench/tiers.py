"""What keeping caches in memory and on disk costs while an answer is written.

    python bench/tiers.py [--model FILE] [--rounds 15]

Two servers take turns with the same request, one with both tiers and one without; the one that is not measured
is paused, and each has finished what it does in idle time before its turn. Each question is a new one, so that
there is always something to put away. Prints a table for docs/benchmarks.md; figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.peers.sides import Samovar, Server, Setup
from bench.serving import GREEDY, stream
from samovar.hub.starter import starter_file

QUIET = ("--speculate", "off")
SIDES = {"with": QUIET, "without": (*QUIET, "--kv-ram", "0", "--kv-disk", "0")}
DEPTH, TOKENS, THREADS = 400, 256, 2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, default=starter_file())
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {}
        for name, extra in SIDES.items():
            server = Server(Samovar(chosen.model.resolve(), THREADS, extra), Setup(window=2048), folder / name)
            server.start()
            stack.callback(server.stop)
            server.pause()
            servers[name] = server
        rates = rounds(servers, chosen.rounds)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print("| caches in memory and on disk | without | ratio |\n|---|---|---|")
    ratio = medians["with"] / medians["without"]
    print(f"| {medians['with']:.1f} t/s | {medians['without']:.1f} t/s | {ratio:.3f} × |")


def rounds(servers: dict[str, Server], count: int) -> dict[str, list[float]]:
    """Tokens a second of each side, by round; one round before does not count."""
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for round in range(count + 1):
        for name in sorted(servers, reverse=bool(round % 2)):
            server = servers[name]
            server.resume()
            _, seconds = asyncio.run(stream(server.port, round, DEPTH, TOKENS, GREEDY))
            server.settle()
            server.pause()
            rates[name].append(1 / seconds)
    return {name: found[1:] for name, found in rates.items()}


if __name__ == "__main__":
    main()
