"""The rows: which servers a workload is measured on, what its figures are called, and what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.peers import workloads
from bench.peers.sides import Setup
from bench.peers.workloads import Visit, Workload

Summary = Literal["median", "mean"]


@dataclass(frozen=True)
class Goals:
    """Wanted ratios of Samovar to llama-server by model, with the installed library and with one compiled here."""

    smollm2: tuple[float, float]
    gemma: tuple[float, float]

    def of(self, model: Path, *, compiled: bool) -> float | None:
        """None for a model that nothing was asked of."""
        known = {"smollm2": self.smollm2, "gemma": self.gemma}
        pair = next((pair for name, pair in known.items() if name in model.name.lower()), None)
        return pair and pair[compiled]


@dataclass(frozen=True)
class Figure:
    """`more`: more is better, and a goal is the least ratio; else the largest. `unit` "ms": measured in seconds."""

    title: str
    unit: Literal["t/s", "ms"]
    goals: Goals

    @property
    def more(self) -> bool:
        return self.unit == "t/s"

    def met(self, ratio: float, goal: float) -> bool:
        return ratio >= goal if self.more else ratio <= goal


@dataclass(frozen=True)
class Row:
    """`summary`: over the rounds; "mean" where a round is a stretch of one long course."""

    name: str
    setup: Setup
    workload: Callable[[Visit], Workload]
    figures: tuple[Figure, ...]
    summary: Summary = "median"


def same(value: float) -> Goals:
    return Goals((value, value), (value, value))


ONE = Setup(window=4096)
MANY = Setup(window=1024, parallel=8)
REMEMBERING = Setup(window=4096, ram=950)
REUSING = Setup(window=4096, reuse=True)

PAST = "mean time to first token over 50 turns past a 4,096 window"

ROWS: tuple[Row, ...] = (
    Row(
        "decode",
        ONE,
        workloads.Decode,
        (Figure("decode, one stream", "t/s", Goals((1.25, 1.3), (1.35, 1.4))),),
    ),
    Row(
        "prompt",
        ONE,
        workloads.Prompt,
        (Figure("prompt speed, 2,000 tokens cold", "t/s", Goals((1.8, 2.2), (1.3, 1.9))),),
    ),
    Row(
        "clients",
        MANY,
        workloads.Clients,
        (
            Figure("8 clients, 300-word prompts, 64 tokens each: total", "t/s", Goals((1.4, 1.7), (1.3, 1.6))),
            Figure("the same: mean time to first token", "ms", Goals((0.6, 0.45), (0.75, 0.55))),
        ),
    ),
    Row(
        "return",
        REMEMBERING,
        workloads.Return,
        (Figure("back to one of 20 conversations of 3,000 tokens", "ms", same(1.0)),),
    ),
    Row(
        "restart",
        ONE,
        workloads.Restart,
        (Figure("first answer after a restart, 3,000-token chat", "ms", same(0.1)),),
    ),
    Row("window", ONE, workloads.Window, (Figure(PAST, "ms", same(0.2)),), "mean"),
    Row(
        "window-reuse",
        REUSING,
        workloads.Window,
        (Figure(f"{PAST}, the peer with --cache-reuse", "ms", same(0.2)),),
        "mean",
    ),
    Row("regenerate", ONE, workloads.Regenerate, (Figure("regenerate", "ms", same(1.0)),)),
)
