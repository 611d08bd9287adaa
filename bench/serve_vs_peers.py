"""Samovar against llama-server over HTTP, on this machine, with the same model, threads and requests.

    python bench/serve_vs_peers.py --peer PATH/TO/llama-server [--model FILE] [--only ROW]... [--rounds 5] [--quick]

Both servers take turns at each row, and which begins changes from round to round; the one that is not measured is
paused. Prints a table for docs/benchmarks.md; what each row does and which options each side gets stands in
bench/peers. Before the rows the logits of ours are compared with llama.cpp's: a ratio counts only where the text is
right. How to build the peer: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.peers import report
from bench.peers.divergence import ALLOWED, divergence
from bench.peers.rows import ROWS
from bench.peers.sides import LlamaServer, Samovar
from bench.peers.texts import Texts, words_of
from bench.peers.turns import Measured, take_turns, tokens_per_word
from bench.peers.workloads import QUICK, Scale
from samovar.engines.llama.builds import find_native, installed, names
from samovar.hub.starter import starter_file

PASSAGE = Path(__file__).parent / "peers" / "passage.txt"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="the llama-server to compare with")
    parser.add_argument("--model", type=Path, help="a GGUF file; the starter model if none is given")
    parser.add_argument(
        "--text", type=Path, default=PASSAGE, help="a real text, at least 500 tokens for the logits"
    )
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS] + ["logits"], metavar="ROW")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--turns", type=int, help="of the chats that outgrow their window, 50 if not said")
    parser.add_argument("--quick", action="store_true", help="one round of everything, small: does it run?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parallel", type=int, help="slots of both sides in the rows with one client")
    parser.add_argument(
        "--compiled",
        type=Path,
        metavar="HOME/builds",
        help="ours with the library that `samovar build` put there, held to its goals",
    )
    parser.add_argument("--ours", default="", help="more options for `samovar serve`, as one word")
    parser.add_argument("--theirs", default="", help="more options for llama-server, as one word")
    parser.add_argument("--json", type=Path, help="write every round's figures there")
    chosen = parser.parse_args()
    chosen.model = (chosen.model or starter_file()).resolve()
    for file in (chosen.peer, chosen.model, chosen.text):
        if not file.is_file():
            parser.error(f"there is no file {file}")
    if chosen.compiled and find_native(chosen.compiled) is None:
        parser.error(f"{chosen.compiled} has no library for this processor and the installed source")
    return chosen


def main() -> None:
    # Ended from outside it still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = options()
    model = chosen.model
    scale = QUICK if chosen.quick else Scale()
    scale = replace(scale, rounds=chosen.rounds or scale.rounds, turns=chosen.turns or scale.turns)
    ours = Samovar(model, chosen.threads, tuple(chosen.ours.split()), chosen.compiled)
    theirs = LlamaServer(chosen.peer.resolve(), model, chosen.threads, tuple(chosen.theirs.split()))
    wanted = chosen.only or ["logits", *(row.name for row in ROWS)]
    print(f"{_machine()}, {chosen.threads} threads; {names(installed())}; llama-server {_version(chosen.peer)}")
    print(f"{model.name}; {scale.rounds} rounds; load average at the start {os.getloadavg()[0]:.1f}\n", flush=True)
    if "logits" in wanted:
        far = divergence(model, chosen.text, chosen.threads, chosen.parallel, chosen.compiled)
        verdict = "right" if far <= ALLOWED else "**too far: no ratio counts**"
        print(f"mean KL of our logits to mainline's: {far:.4f} nat (≤ {ALLOWED}): {verdict}\n", flush=True)
    words = words_of(chosen.text)
    texts = Texts(words, tokens_per_word(ours, words))
    found: list[Measured] = []
    print(report.HEAD, flush=True)
    for row in ROWS:
        if row.name in wanted:
            setup = replace(row.setup, parallel=row.setup.parallel or chosen.parallel)
            found += take_turns(replace(row, setup=setup), (ours, theirs), texts, scale)
            for one in found[-len(row.figures) :]:
                print(report.line(one, model, compiled=bool(chosen.compiled)), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(report.as_json(found, model, compiled=bool(chosen.compiled)), indent=1))


def _machine() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(peer: Path) -> str:
    told = subprocess.run([str(peer), "--version"], capture_output=True, text=True, check=True)
    return next(line for line in (told.stderr + told.stdout).splitlines() if line.startswith("version"))


if __name__ == "__main__":
    main()
