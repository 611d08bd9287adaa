"""What is measured of each model's workers, as a table: the exposition and the docs are made from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from samovar.runtime.counts import WorkerState
from samovar.services.contracts import Reading

Values = Mapping[str, float]
"""By the value of the measure's own label, "" where it has none; empty where there is nothing to tell."""


@dataclass(frozen=True)
class Measure:
    """`name`: without the "_total" that counters get. `label`: beside the model's name. `llama`: the name of
    llama.cpp's server for the same."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    of: Callable[[Reading], Values]
    label: str = ""
    llama: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, self.llama) if self.llama else (self.name,)

    @property
    def samples(self) -> tuple[str, ...]:
        """The names as they are exposed."""
        return tuple(f"{name}_total" if self.kind == "counter" else name for name in self.names)


FIRST_TOKEN = "samovar_first_token_seconds"
FIRST_TOKEN_HELP = "From a request's arrival at the worker to the first token of its answer, a histogram"
REQUESTS = "samovar_http_requests"
REQUESTS_HELP = "HTTP requests that have ended, by method, address and status"


def _one(value: float) -> Values:
    return {"": value}


def _of_state(read: Callable[[WorkerState], float]) -> Callable[[Reading], Values]:
    return lambda reading: _one(read(reading.state)) if reading.state else {}


def _rate(count: float, seconds: float) -> Values:
    return _one(count / seconds) if seconds else {}


def _tiers(ram: str, disk: str) -> Callable[[Reading], Values]:
    """Two attributes of the tiers' sizes."""

    def read(reading: Reading) -> Values:
        tiers = reading.state.tiers if reading.state else None
        return {"ram": getattr(tiers, ram), "disk": getattr(tiers, disk)} if tiers else {}

    return read


MEASURES: tuple[Measure, ...] = (
    Measure("samovar_requests", "counter", "Requests that were answered", lambda r: _one(r.counts.requests)),
    Measure("samovar_requests_failed", "counter", "Requests that broke off", lambda r: _one(r.counts.failed)),
    Measure(
        "samovar_requests_running",
        "gauge",
        "Answers being written, prompts being read",
        _of_state(lambda state: state.running),
        llama="llamacpp:requests_processing",
    ),
    Measure(
        "samovar_requests_waiting",
        "gauge",
        "Answers that wait for a sequence",
        _of_state(lambda state: state.waiting),
        llama="llamacpp:requests_deferred",
    ),
    Measure(
        "samovar_prompt_tokens",
        "counter",
        "Tokens of prompts that were computed",
        lambda r: _one(r.counts.prompt_tokens),
        llama="llamacpp:prompt_tokens",
    ),
    Measure(
        "samovar_prompt_seconds",
        "counter",
        "Seconds spent on reading prompts",
        lambda r: _one(r.counts.prompt_seconds),
        llama="llamacpp:prompt_seconds",
    ),
    Measure(
        "samovar_prompt_tokens_per_second",
        "gauge",
        "Tokens of prompts in a second, on average",
        lambda r: _rate(r.counts.prompt_tokens, r.counts.prompt_seconds),
        llama="llamacpp:prompt_tokens_seconds",
    ),
    Measure(
        "samovar_generated_tokens",
        "counter",
        "Tokens of answers",
        lambda r: _one(r.counts.drawn_tokens),
        llama="llamacpp:tokens_predicted",
    ),
    Measure(
        "samovar_generation_seconds",
        "counter",
        "Seconds spent on writing answers",
        lambda r: _one(r.counts.drawn_seconds),
        llama="llamacpp:tokens_predicted_seconds",
    ),
    Measure(
        "samovar_generated_tokens_per_second",
        "gauge",
        "Tokens of one answer in a second, on average",
        lambda r: _rate(r.counts.drawn_tokens, r.counts.drawn_seconds),
        llama="llamacpp:predicted_tokens_seconds",
    ),
    Measure(
        "samovar_cached_tokens",
        "counter",
        "Tokens of prompts that were not computed again",
        lambda r: dict(r.counts.cached.items()),
        label="tier",
    ),
    Measure(
        "samovar_cache_hits",
        "counter",
        "Prompts of which a beginning was cached",
        lambda r: dict(r.counts.hits.items()),
        label="tier",
    ),
    Measure("samovar_cache_misses", "counter", "Prompts of which nothing was", lambda r: _one(r.counts.misses)),
    Measure("samovar_guessed_tokens", "counter", "Tokens guessed ahead", lambda r: _one(r.counts.guessed)),
    Measure("samovar_guessed_right", "counter", "Those that were right", lambda r: _one(r.counts.came_true)),
    Measure(
        "samovar_kv_cells", "gauge", "Cells of the KV cache, a token each", _of_state(lambda state: state.cells)
    ),
    Measure(
        "samovar_kv_cells_used",
        "gauge",
        "Cells that hold something",
        _of_state(lambda state: state.used),
        llama="llamacpp:kv_cache_tokens",
    ),
    Measure(
        "samovar_kv_usage_ratio",
        "gauge",
        "The share of them",
        _of_state(lambda state: state.used / state.cells if state.cells else 0.0),
        llama="llamacpp:kv_cache_usage_ratio",
    ),
    Measure(
        "samovar_kv_evictions",
        "counter",
        "Caches that made room for other requests, and answers that had to",
        lambda r: {"cache": r.counts.given_up, "answer": r.counts.put_back},
        label="what",
    ),
    Measure(
        "samovar_kv_shelf_entries",
        "gauge",
        "Exported caches of this model",
        _tiers("ram_entries", "disk_entries"),
        label="tier",
    ),
    Measure(
        "samovar_kv_shelf_bytes",
        "gauge",
        "What exported caches take; on disk those of all models",
        _tiers("ram_bytes", "disk_bytes"),
        label="tier",
    ),
    Measure(
        "samovar_kv_shelf_budget_bytes",
        "gauge",
        "What they may take",
        _tiers("ram_budget", "disk_budget"),
        label="tier",
    ),
    Measure(
        "samovar_kv_shelf_evictions",
        "counter",
        "Exported caches that a tier gave up to make room for others; on disk those of all models",
        lambda r: dict(r.counts.dropped.items()),
        label="tier",
    ),
    Measure(
        "samovar_kv_shelf_evicted_bytes",
        "counter",
        "Bytes of those",
        lambda r: dict(r.counts.dropped_bytes.items()),
        label="tier",
    ),
    Measure(
        "samovar_model_evictions",
        "counter",
        "Times that the model was unloaded because another one needed its room",
        lambda r: _one(r.evicted),
    ),
    Measure(
        "samovar_worker_memory_bytes",
        "gauge",
        "Memory of the process that runs the model, its mapped file included",
        lambda r: _one(r.memory),
    ),
    Measure("samovar_worker_crashes", "counter", "Workers that ended by themselves", lambda r: _one(r.crashes)),
)


def markdown(measures: Iterable[Measure] = MEASURES) -> str:
    """The table for the docs."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in measure.samples)} | {measure.kind} "
        f"| {', '.join(['`model`'] + [f'`{measure.label}`'] * bool(measure.label))} | {measure.help} |"
        for measure in measures
    ]
    rows += [
        f"| `{FIRST_TOKEN}` | histogram | `model` | {FIRST_TOKEN_HELP} |",
        f"| `{REQUESTS}_total` | counter | `method`, `route`, `status` | {REQUESTS_HELP} |",
    ]
    return "\n".join(["| name | kind | labels | |", "|---|---|---|---|", *rows])
