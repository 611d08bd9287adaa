"""/metrics, as Prometheus reads it: its own parser has the last word here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from samovar.api.metrics.exposition import buckets, exposed
from samovar.api.metrics.measures import FIRST_TOKEN, MEASURES, markdown
from samovar.core.events import Timings
from samovar.runtime.counts import FIRST_TOKEN_SECONDS, NO_COUNTS, Counts, WorkerState, answered
from samovar.runtime.kv import TierSizes
from samovar.services.contracts import Reading
from tests.api.conftest import Serve, Served

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
COUNTS = Counts(
    requests=3,
    prompt_tokens=100,
    prompt_seconds=2.0,
    drawn_tokens=30,
    drawn_seconds=1.5,
    cached={"live": 40, "disk": 7},
    hits={"live": 2, "disk": 1},
    first_token={1: 2, 4: 1},
    first_token_seconds=1.2,
    given_up=5,
    put_back=1,
    dropped={"ram": 6, "disk": 2},
    dropped_bytes={"ram": 600, "disk": 210},
)
STATE = WorkerState((), 2, 1, 1000, 250, TierSizes(1, 10, 100, 2, 20, 200))
READING = Reading("tea", COUNTS, 4, STATE, 12345, evicted=7)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(*readings: Reading) -> Samples:
    text, media_type = exposed(readings, {})
    assert media_type.startswith("text/plain")
    return samples(text.decode())


def of(name: str, found: Samples, **labels: str) -> float:
    return found[name, tuple(sorted({"model": "tea", **labels}.items()))]


def test_every_count_has_its_name() -> None:
    found = read(READING)
    assert of("samovar_requests_total", found) == 3
    assert of("samovar_prompt_tokens_total", found) == 100
    assert of("samovar_generated_tokens_per_second", found) == 20
    assert of("samovar_cached_tokens_total", found, tier="live") == 40
    assert of("samovar_cache_hits_total", found, tier="disk") == 1
    assert of("samovar_kv_cells_used", found) == 250
    assert of("samovar_kv_evictions_total", found, what="cache") == 5
    assert of("samovar_kv_shelf_bytes", found, tier="disk") == 20
    assert of("samovar_kv_shelf_evictions_total", found, tier="ram") == 6
    assert of("samovar_kv_shelf_evicted_bytes_total", found, tier="disk") == 210
    assert of("samovar_model_evictions_total", found) == 7
    assert of("samovar_worker_memory_bytes", found) == 12345
    assert of("samovar_worker_crashes_total", found) == 4


@pytest.mark.parametrize("measure", [measure for measure in MEASURES if measure.llama], ids=lambda m: m.llama)
def test_llama_cpp_s_names_are_there_for_the_same_numbers(measure: object) -> None:
    found = read(READING)
    ours, theirs = measure.samples
    assert of(theirs, found) == of(ours, found)


def test_a_model_that_has_no_worker_keeps_its_counts_and_has_no_state() -> None:
    found = read(Reading("tea", COUNTS, 0, None, 0))
    assert of("samovar_requests_total", found) == 3
    assert not any("kv_cells" in name or "running" in name for name, _ in found)


def test_models_are_told_apart() -> None:
    found = read(READING, Reading("coffee", NO_COUNTS, 0, None, 0))
    assert of("samovar_requests_total", found) == 3
    assert found["samovar_requests_total", (("model", "coffee"),)] == 0


def test_first_tokens_are_a_histogram() -> None:
    found = read(READING)
    assert of(f"{FIRST_TOKEN}_bucket", found, le="0.05") == 0
    assert of(f"{FIRST_TOKEN}_bucket", found, le="0.1") == 2
    assert of(f"{FIRST_TOKEN}_bucket", found, le="+Inf") == 3
    assert of(f"{FIRST_TOKEN}_count", found) == 3
    assert of(f"{FIRST_TOKEN}_sum", found) == 1.2


@given(st.lists(st.floats(0, 1000)))
def test_a_bucket_counts_all_that_took_no_longer(seconds: list[float]) -> None:
    counts = NO_COUNTS
    for one in seconds:
        counts += answered(Timings(1, 1.0, 1, 1.0, 0), None, one, warm=False)
    found = dict(buckets(counts))
    for bound in FIRST_TOKEN_SECONDS:
        assert found[str(bound)] == sum(one <= bound for one in seconds)
    assert found["+Inf"] == len(seconds) == counts.requests


KINDS = st.builds(
    Counts,
    requests=st.integers(0, 9),
    cached=st.dictionaries(st.sampled_from(["live", "ram", "disk"]), st.integers(0, 9)),
    first_token=st.dictionaries(st.integers(0, 3), st.integers(0, 9)),
    put_back=st.integers(0, 9),
)


@given(KINDS, KINDS, KINDS)
def test_counts_add_up_in_any_order(one: Counts, two: Counts, three: Counts) -> None:
    assert one + NO_COUNTS == one == NO_COUNTS + one
    assert (one + two) + three == three + (two + one)
    for tier in ("live", "ram", "disk"):
        assert (one + two).cached.get(tier, 0) == one.cached.get(tier, 0) + two.cached.get(tier, 0)


def test_what_is_read_ahead_is_no_request() -> None:
    counts = answered(Timings(9, 1.0, 0, 0.0, 0), None, 1.0, warm=True)
    assert (counts.requests, counts.prompt_tokens, counts.first_token) == (0, 9, {})


def asked(served: Served, method: str, path: str) -> int:
    with served.http() as client:
        return client.request(method, path, json={}).status_code


def scraped(served: Served) -> Samples:
    with served.http() as client:
        reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    return samples(reply.text)


def ended(found: Samples, method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return found.get(("samovar_http_requests_total", tuple(sorted(labels.items()))), 0)


def test_requests_are_counted_by_route_never_by_what_stands_in_an_address(served: Served) -> None:
    asked(served, "GET", "/v1/models")
    asked(served, "POST", "/v1/completions")
    asked(served, "GET", "/v1/models/secret-name")
    asked(served, "GET", "/no/such/secret-name")
    asked(served, "PROPFIND", "/v1/models")
    found = scraped(served)
    assert ended(found, "GET", "/v1/models", 200) == 1
    assert ended(found, "POST", "/v1/completions", 400) == 1
    assert ended(found, "GET", "/v1/models/{name:path}", 404) == 1
    assert ended(found, "GET", "-", 404) == 1
    assert ended(found, "-", "/v1/models", 405) == 1
    assert not any("secret" in value for _, labels in found for _, value in labels)
    assert ended(scraped(served), "GET", "/metrics", 200) == 1


def test_the_readings_are_what_the_gauges_say(serve: Serve) -> None:
    served = serve()
    served.gauges.readings = (READING,)
    assert of("samovar_requests_total", scraped(served)) == 3


def test_the_page_of_the_documentation_has_the_table() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")
