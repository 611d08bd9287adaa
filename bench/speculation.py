"""What guessing ahead brings and costs: a server with prompt lookup against one without, request by request.

    python bench/speculation.py [--model FILE] [--rounds 7] [--build ik|mainline] [--draft FILE]

Two servers of one model take turns with the same request, so that a change of the machine's mood hits both; the
figure is the median over rounds of the ratio within a round. Prints a table for docs/benchmarks.md. "Repeat this
with changes" is what lookup is for; free chat is what it must not slow down. On a machine that does other things
meanwhile, `--processor` counts the processor time of the worker in place of the time on the clock; take one thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from samovar.hub.starter import starter_file
from tests.e2e.conftest import Served, start

TEXT = (
    "The old lighthouse keeper, Thomas Brandt, had lived on the island for thirty years. Every evening he "
    "climbed the one hundred and twelve steps to light the lamp, and every morning he climbed them again to "
    "put it out. The fishermen of the village trusted him more than they trusted their charts. In the winter "
    "of 1911 a storm broke three windows of the lantern room, and Thomas stood there all night holding a "
    "blanket against the wind so that the flame would not go out. When the rescue boat came in the morning "
    "they found him asleep on the floor, the lamp still burning above him. The village gave him a silver "
    "watch, which he never wore because, he said, the lamp told him the time."
)
CHANGES = (
    "Repeat the following text word for word, but write Peter instead of Thomas and 1922 instead of 1911. Write "
    f"only the text.\n\n{TEXT}"
)
CHATS = (
    "Tell me a story about a cat that learns to sail.",
    "What should I cook for six guests on a cold evening?",
    "Explain to a child why the sky is blue.",
)
GREEDY: dict[str, float] = {"temperature": 0.0}
TOKENS = 220


@dataclass(frozen=True)
class Run:
    """One answer: its tokens a second, and what became of the guesses."""

    rate: float
    tokens: int
    guessed: int
    came_true: int


Ask = Callable[[Served, str, dict[str, float]], Run]


def ask(served: Served, question: str, sampling: dict[str, float]) -> Run:
    message = {"role": "user", "content": question}
    body = {"messages": [message], "max_tokens": TOKENS, "seed": 7, **sampling}
    answer = served.post("/v1/chat/completions", body)
    answer.raise_for_status()
    timings = answer.json()["timings"]
    return Run(
        rate=(timings["predicted_n"] - 1) / timings["predicted_ms"] * 1000,
        tokens=timings["predicted_n"],
        guessed=timings.get("draft_n", 0),
        came_true=timings.get("draft_n_accepted", 0),
    )


def ask_in_processor_time(served: Served, question: str, sampling: dict[str, float]) -> Run:
    """As `ask`, a second being one that the worker had a processor for. Its prompt is in the cache."""
    worker = psutil.Process(served.worker_pid())
    before = sum(worker.cpu_times()[:2])
    run = ask(served, question, sampling)
    return replace(run, rate=run.tokens / (sum(worker.cpu_times()[:2]) - before))


def compare(ask: Ask, plain: Served, ahead: Served, question: str, sampling: dict[str, float], rounds: int) -> str:
    """Half a row: both rates, the ratio, the guesses."""
    for served in (plain, ahead):
        ask(served, question, sampling)
    runs: list[tuple[Run, Run]] = []
    for round in range(rounds):
        if round % 2:
            guessed = ask(ahead, question, sampling)
            runs.append((ask(plain, question, sampling), guessed))
        else:
            runs.append((ask(plain, question, sampling), ask(ahead, question, sampling)))
    without, with_guesses = (statistics.median(run.rate for run in side) for side in zip(*runs, strict=True))
    ratio = statistics.median(b.rate / a.rate for a, b in runs)
    last = runs[-1][1]
    guesses = f"{last.came_true} of {last.guessed} for {last.tokens} tokens"
    return f"{without:.1f} t/s | {with_guesses:.1f} t/s | {ratio:.3f} × | {guesses}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default=str(starter_file()))
    options.add_argument("--build", choices=("ik", "mainline"), default="ik")
    options.add_argument("--draft", help="a draft model, in place of lookup")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--chats", type=int, default=len(CHATS), help="how many chats to take")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--processor", action="store_true", help="count processor time")
    chosen = options.parse_args()
    print(
        f"{Path(chosen.model).name}, {chosen.build}, {chosen.threads} threads; medians of {chosen.rounds} rounds\n"
    )
    print("| request | off | guessing | ratio | guesses that came true |\n|---|---|---|---|---|")
    arguments = (
        "--model",
        chosen.model,
        "--library",
        chosen.build,
        "--threads",
        str(chosen.threads),
        "--ctx",
        "2048",
    )
    source = ("--draft", chosen.draft, "--speculate", "draft") if chosen.draft else ("--speculate", "lookup")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plain = start(Path(one), *arguments, "--speculate", "off")
        try:
            ahead = start(Path(other), *arguments, *source)
            try:
                report(
                    ask_in_processor_time if chosen.processor else ask,
                    plain,
                    ahead,
                    chosen.rounds,
                    CHATS[: chosen.chats],
                )
            finally:
                ahead.stop()
        finally:
            plain.stop()


def report(ask: Ask, plain: Served, ahead: Served, rounds: int, chats: tuple[str, ...]) -> None:
    rows = [("repeat with changes", CHANGES), *((f"chat {i}", chat) for i, chat in enumerate(chats, 1))]
    for name, question in rows:
        for how, sampling in (("greedy", GREEDY), ("default samplers", {})):
            print(f"| {name}, {how} | {compare(ask, plain, ahead, question, sampling, rounds)} |", flush=True)


if __name__ == "__main__":
    main()
