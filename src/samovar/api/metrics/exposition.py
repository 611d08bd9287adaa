"""Readings as Prometheus' text. Everything is made anew for each scrape: nothing is registered anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from samovar.api.metrics.measures import (
    FIRST_TOKEN,
    FIRST_TOKEN_HELP,
    MEASURES,
    REQUESTS,
    REQUESTS_HELP,
    Measure,
)
from samovar.api.metrics.traffic import Key
from samovar.runtime.counts import FIRST_TOKEN_SECONDS, Counts
from samovar.services.contracts import Reading

if TYPE_CHECKING:
    from prometheus_client.metrics_core import HistogramMetricFamily, Metric


def exposed(readings: Iterable[Reading], requests: Mapping[Key, int]) -> tuple[bytes, str]:
    """(the text, its media type)."""
    # Imported at the first scrape: most servers are never asked.
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.registry import Collector

    told = tuple(readings)

    class Once(Collector):
        def collect(self) -> Iterator[Metric]:
            return _families(told, requests)

    registry = CollectorRegistry()
    registry.register(Once())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _families(readings: tuple[Reading, ...], requests: Mapping[Key, int]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    for measure in MEASURES:
        yield from _measured(measure, readings)
    yield _first_tokens(readings)
    asked = CounterMetricFamily(REQUESTS, REQUESTS_HELP, labels=["method", "route", "status"])
    for (method, route, status), count in requests.items():
        asked.add_metric([method, route, str(status)], count)
    yield asked


def _measured(measure: Measure, readings: tuple[Reading, ...]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
    labels = ["model", measure.label] if measure.label else ["model"]
    for name in measure.names:
        family = kind(name, measure.help, labels=labels)
        for reading in readings:
            for value, number in measure.of(reading).items():
                family.add_metric([reading.model, value] if measure.label else [reading.model], number)
        yield family


def _first_tokens(readings: tuple[Reading, ...]) -> HistogramMetricFamily:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(FIRST_TOKEN, FIRST_TOKEN_HELP, labels=["model"])
    for reading in readings:
        family.add_metric([reading.model], buckets(reading.counts), reading.counts.first_token_seconds)
    return family


def buckets(counts: Counts) -> list[tuple[str, float]]:
    """(upper bound in seconds, how many took no longer)."""
    bounds = [*map(str, FIRST_TOKEN_SECONDS), "+Inf"]
    found = accumulate(counts.first_token.get(i, 0) for i in range(len(bounds)))
    return list(zip(bounds, found, strict=True))
