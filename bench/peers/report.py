"""What a run found, as a table for docs/benchmarks.md and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.peers.turns import Measured

HEAD = "| workload | Samovar | llama-server | ratio | wanted | | processor |\n|---|---|---|---|---|---|---|"


def line(measured: Measured, model: Path, *, compiled: bool) -> str:
    """One row of the table."""
    figure, ratio = measured.figure, measured.ratio
    goal = figure.goals.of(model, compiled=compiled)
    wanted = "" if goal is None else f"{'≥' if figure.more else '≤'} {goal:g} ×"
    verdict = "" if goal is None else "met" if figure.met(ratio, goal) else "**missed**"
    ours, theirs = (_written(value, figure.unit) for value in measured.pair)
    work = " / ".join(f"{seconds:.2f} s" for seconds in measured.processor)
    return f"| {figure.title} | {ours} | {theirs} | {ratio:.2f} × | {wanted} | {verdict} | {work} |"


def as_json(found: Sequence[Measured], model: Path, *, compiled: bool) -> list[dict[str, object]]:
    """Seconds and tokens a second, every round."""
    return [
        {
            "row": one.row,
            "title": one.figure.title,
            "unit": "t/s" if one.figure.more else "s",
            "samovar": one.ours,
            "llama-server": one.theirs,
            "summary": one.pair,
            "processor": one.processor,
            "ratio": one.ratio,
            "goal": one.figure.goals.of(model, compiled=compiled),
        }
        for one in found
    ]


def _written(value: float, unit: str) -> str:
    return f"{value:.1f} t/s" if unit == "t/s" else f"{value * 1000:.0f} ms"
