"""The library that `samovar build` compiled against the prebuilt one: prompts and decoding, on real models.

    python bench/compiled.py --home HOME [--rounds 5] [--threads N] MODEL...

Prints a table for docs/benchmarks.md. The two take turns, each in a process of its own; figures are medians, ratios
medians over the rounds. With one thread the processor's time is counted in place of the clock's: on a machine that
has other work as well, that is what can be compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.bare import Bare
from samovar.core.engine import LoadSpec
from samovar.engines.llama.builds import find_native
from samovar.engines.llama.cpu import physical_cores, read_cpu
from samovar.engines.llama.ladder import settings
from samovar.formats.gguf import read_header

PROMPT, STEPS, CELLS = 512, 64, 1024


def measure(build: str, native: str, model: str, threads: int) -> tuple[float, float]:
    """Tokens per second of a prompt and of decoding, in the way that the automatic choice would take."""
    tensors = read_header(Path(model)).tensor_kinds()
    (way, *_) = settings(builds=(build,), cpu=read_cpu(), parallel=1, tensors=tensors)  # type: ignore[arg-type]
    spec = LoadSpec(engine="llama", path=model, window=CELLS, cells=CELLS, parallel=1, native=native)
    bare = Bare(spec, way, threads)
    now = time.process_time if threads == 1 else time.perf_counter
    prompts = []
    for _ in range(2):
        began = now()
        bare.prefill(PROMPT)
        prompts.append(PROMPT / (now() - began))
    began = now()
    bare.decode(1, 1, STEPS)
    return max(prompts), STEPS / (now() - began)


def child(*arguments: str) -> tuple[float, float]:
    command = [sys.executable, __file__, "--child", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    prompt, decode = json.loads(told.splitlines()[-1])
    return prompt, decode


def compare(model: str, native: str, threads: int, rounds: int) -> list[str]:
    """The table's two lines for a model."""
    found: dict[str, list[tuple[float, float]]] = {"ik": [], "ik-native": []}
    for turn in range(rounds):
        for build in sorted(found, reverse=turn % 2 == 1):
            found[build].append(child(build, native, model, str(threads)))
    lines = []
    for row, what in enumerate((f"prompt, {PROMPT} tokens", "decode, 1 stream")):
        prebuilt, compiled = ([pair[row] for pair in found[build]] for build in found)
        ratio = statistics.median(c / p for p, c in zip(prebuilt, compiled, strict=True))
        figures = f"{statistics.median(prebuilt):.0f} t/s | {statistics.median(compiled):.0f} t/s | {ratio:.2f} ×"
        lines.append(f"| {Path(model).stem}: {what} | {figures} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("models", nargs="+")
    asked = parser.parse_args()
    native = find_native(asked.home / "builds")
    if native is None:
        sys.exit(f"There is no compiled library in {asked.home / 'builds'}: samovar build --home {asked.home}")
    print(f"| {asked.threads} thread(s) | prebuilt | compiled here | ratio |\n|---|---|---|---|")
    for model in asked.models:
        print("\n".join(compare(model, native.folder, asked.threads, asked.rounds)), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _, _, build, native, model, threads = sys.argv
        print(json.dumps(measure(build, native, model, int(threads))))
    else:
        main()
