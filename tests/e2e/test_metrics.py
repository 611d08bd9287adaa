"""/metrics of a real server: what its worker counted, with an engine that a test can slow down and with a model."""

from __future__ import annotations

import os
import signal

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import Serve, Served

STORY = "The kettle sang to the cup, and the cup answered it as well as a cup can. " * 4


def read(served: Served) -> dict[str, float]:
    """Samples of the one model, by name and the label beside the model's."""
    found = {}
    for family in text_string_to_metric_families(served.get("/metrics").text):
        for sample in family.samples:
            others = [value for label, value in sorted(sample.labels.items()) if label != "model"]
            found[":".join([sample.name, *others])] = sample.value
    return found


def gained(before: dict[str, float], after: dict[str, float], name: str) -> float:
    return after.get(name, 0.0) - before.get(name, 0.0)


def complete(served: Served, **body: object) -> dict[str, int]:
    body = {"prompt": STORY, "max_tokens": 5, "temperature": 0} | body
    reply = served.post("/v1/completions", body)
    assert reply.status_code == 200, reply.text
    return reply.json()["usage"]


def test_a_model_s_work_is_counted(starter: Served) -> None:
    before = read(starter)
    first, second = complete(starter), complete(starter)
    after = read(starter)
    assert gained(before, after, "samovar_requests_total") == 2
    computed = sum(
        usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"] for usage in (first, second)
    )
    assert gained(before, after, "samovar_prompt_tokens_total") == computed
    assert gained(before, after, "samovar_generated_tokens_total") == 10
    assert gained(before, after, "llamacpp:tokens_predicted_total") == 10
    assert gained(before, after, "samovar_first_token_seconds_count") == 2
    assert gained(before, after, "samovar_cache_hits_total:live") >= 1
    assert gained(before, after, "samovar_cached_tokens_total:live") >= second["prompt_tokens"] - 1
    assert gained(before, after, "samovar_http_requests_total:POST:/v1/completions:200") == 2
    assert 0 < after["samovar_kv_cells_used"] <= after["samovar_kv_cells"]
    assert after["samovar_worker_memory_bytes"] > 1_000_000
    assert after["samovar_requests_running"] == after["samovar_requests_waiting"] == 0


def test_answers_under_way_are_seen_and_counts_outlive_a_crash_and_an_unload(serve: Serve) -> None:
    served = serve("--model", "echo:step_ms=10", "--parallel", "1")
    complete(served, prompt="short")
    with served.client() as client:
        body = {"messages": [{"role": "user", "content": "x" * 400}], "stream": True}
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            while "xx" not in next(lines):
                pass
            assert read(served)["samovar_requests_running"] == 1
            os.kill(served.worker_pid(), signal.SIGKILL)
            assert "error" in "".join(lines)
    dead = read(served)
    assert dead["samovar_worker_crashes_total"] == 1
    assert dead["samovar_requests_total"] == 1
    assert "samovar_kv_cells" not in dead
    complete(served, prompt="again")
    assert read(served)["samovar_requests_total"] == 2
    served.post("/samovar/models/unload", {})
    unloaded = read(served)
    assert unloaded["samovar_requests_total"] == 2
    assert unloaded["samovar_worker_crashes_total"] == 1


def test_keys_guard_it(serve: Serve) -> None:
    served = serve("--model", "echo", "--api-key", "secret")
    with served.client() as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"authorization": "Bearer secret"}).status_code == 200
