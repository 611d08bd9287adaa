"""The koboldcpp dialect: what its clients send, byte by byte what they get, and what they ask besides."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samovar.api.dialects.koboldcpp.fields import DEFAULTS, FIELDS
from samovar.api.guard.attempts import MOST
from samovar.api.security import DoorRules
from samovar.core.errors import Busy
from samovar.core.events import Delta, Finish, FinishReason, TokenDetail
from samovar.core.requests import Guidance
from samovar.services.contracts import ModelState
from tests.api.conftest import MODEL, Serve, Served, done, says
from tests.api.kobold_bodies import CLASSIC, LITE, Body
from tests.api.strategies import bodies

GENERATE, STREAM = "/api/v1/generate", "/api/extra/generate/stream"
ASKING = (
    GENERATE, STREAM, "/api/extra/generate/check", "/api/extra/abort", "/api/extra/last_logprobs",
    "/api/extra/tokencount", "/api/extra/detokenize", "/api/extra/json_to_grammar", "/api/extra/embeddings",
    "/api/admin/reload_config",
)  # fmt: skip
NAMES = (*DEFAULTS, *(field.name for field in FIELDS), "ids", "schema", "input", "filename", "special", "truncate")


def post(served: Served, path: str, body: object = None, **headers: str) -> httpx.Response:
    with served.http(**headers) as client:
        return client.post(path, json=body) if body is not None else client.post(path)


def get(served: Served, path: str) -> httpx.Response:
    with served.http() as client:
        return client.get(path)


def test_a_whole_answer_is_koboldcpps_byte_by_byte(served: Served) -> None:
    reply = post(served, GENERATE, {"prompt": "Hi"})
    assert reply.content == (
        b'{"results":[{"text":"Hello","finish_reason":"stop","logprobs":null,"prompt_tokens":7,'
        b'"completion_tokens":2,"tool_calls":[]}]}'
    )


def test_a_stream_is_koboldcpps_byte_by_byte_with_lf_only(served: Served) -> None:
    served.answers.script = says("Hel", "lo", finish="length")
    reply = post(served, STREAM, {"prompt": "Hi"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.content == (
        b'event: message\ndata: {"token":"Hel","finish_reason":null}\n\n'
        b'event: message\ndata: {"token":"lo","finish_reason":null}\n\n'
        b'event: message\ndata: {"token":"","finish_reason":"length"}\n\n'
    )


def test_a_stop_sequence_is_part_of_the_answer_where_it_is_not_to_be_trimmed(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Yes."), Finish(0, "stop", "\nUser:"), done()]
    body: Body = {"prompt": "Hi", "stop_sequence": ["\nUser:"]}
    for trimmed, text in ((True, "Yes."), (False, "Yes.\nUser:")):
        whole = post(served, GENERATE, body | {"trim_stop": trimmed}).json()
        assert whole["results"][0]["text"] == text
        assert (
            text.encode().replace(b"\n", b"\\n")[-6:] in post(served, STREAM, body | {"trim_stop": trimmed}).content
        )


def test_what_lite_asks_when_it_connects_is_answered_in_its_order(served: Served) -> None:
    assert get(served, "/api/v1/model").json() == {"result": f"koboldcpp/{MODEL}"}
    assert get(served, "/api/v1/info/version").json() == {"result": "1.2.5"}
    assert get(served, "/api/v1/config/max_context_length").json() == {"value": 2048}
    features = get(served, "/api/extra/version").json()
    assert features["result"] == "KoboldCpp"
    assert float(features["version"]) >= 1.1
    assert not any(features[absent] for absent in ("protected", "vision", "txt2img", "multiplayer", "websearch"))
    assert get(served, "/api/extra/true_max_context_length").json() == {"value": 2048}
    assert get(served, "/api/extra/preloadstory").json() == {}
    assert get(served, "/sdapi/v1/sd-models").json() == []


def test_a_locked_server_tells_lite_before_it_has_a_key_that_one_is_asked_for_and_no_names(serve: Serve) -> None:
    served = serve(key="secret")
    assert get(served, "/api/v1/model").json() == {"result": "koboldcpp/protected"}
    assert get(served, "/api/v1/info/version").json() == {"result": "1.2.5"}
    assert get(served, "/api/v1/config/max_context_length").json() == {"value": 2048}
    assert get(served, "/api/extra/version").json()["protected"] is True
    assert get(served, "/api/extra/true_max_context_length").json() == {"value": 2048}
    assert get(served, "/api/extra/preloadstory").json() == {}
    assert get(served, "/sdapi/v1/sd-models").json() == []
    assert get(served, "/api/extra/perf").json()["detail"]["error"] == "Unauthorized"


def test_a_stranger_is_not_told_whether_there_is_a_model_and_waits_for_none(serve: Serve) -> None:
    served = serve(key="secret")
    for state in (ModelState(), ModelState(MODEL, "loading", 0.5)):
        served.models.state = state
        assert get(served, "/api/v1/model").json() == {"result": "koboldcpp/protected"}
        assert get(served, "/api/extra/true_max_context_length").json()["value"] > 0
    assert served.models.loads == []


def test_who_shows_the_key_is_told_the_name_and_who_shows_another_one_is_a_stranger(serve: Serve) -> None:
    served = serve(key="secret")
    for shown, name in (("secret", MODEL), ("guess", "protected")):
        with served.http(authorization=f"Bearer {shown}") as client:
            assert client.get("/api/v1/model").json() == {"result": f"koboldcpp/{name}"}
            assert client.get("/api/extra/version").json()["protected"] is True


def test_guesses_at_what_is_open_are_counted_like_all_others(serve: Serve) -> None:
    served = serve(key="secret")
    for number in range(MOST):
        with served.http(authorization=f"Bearer guess {number}") as client:
            assert client.get("/api/v1/model").json() == {"result": "koboldcpp/protected"}
    with served.http(authorization="Bearer secret") as client:
        assert client.get("/api/v1/model").json() == {"result": "koboldcpp/protected"}
        assert client.get("/api/extra/perf").status_code == 429


def test_what_sillytavern_asks_when_it_connects_is_answered(served: Served) -> None:
    assert get(served, "/api/v1/info/version").json()["result"] >= "1.2.2"
    assert get(served, "/api/extra/version").json()["result"] == "KoboldCpp"
    assert get(served, "/api/v1/model").json()["result"] not in ("ReadOnly", "inactive")
    assert get(served, "/v1/models").json()["data"][0]["id"] == MODEL


def test_without_a_model_the_server_is_there_all_the_same(served: Served) -> None:
    served.models.state = ModelState()
    assert get(served, "/api/v1/model").json() == {"result": "inactive"}
    assert get(served, "/api/extra/true_max_context_length").json()["value"] > 0


@pytest.mark.parametrize("body", [LITE, CLASSIC], ids=["lite", "sillytavern"])
def test_everything_that_a_front_end_sends_is_known(served: Served, body: Body) -> None:
    reply = post(served, GENERATE, body)
    assert reply.status_code == 200
    assert "warnings" not in reply.json()
    assert post(served, STREAM, body).status_code == 200


@pytest.mark.parametrize("path", ["model", "info/version", "config/max_length", "config/soft_prompts_list"])
def test_latest_is_v1(served: Served, path: str) -> None:
    assert get(served, f"/api/latest/{path}").json() == get(served, f"/api/v1/{path}").json()


def test_memory_comes_first_and_the_prompt_is_cut_at_its_beginning(served: Served) -> None:
    body: Body = {"memory": "MEMO", "prompt": "x" * 100 + "end", "max_context_length": 40, "max_length": 8}
    post(served, GENERATE, body)
    (asked,) = served.answers.asked
    # A byte is a token here, and 256 begins a text: 40 - 8 tokens are left for the two.
    assert asked.prompt == (256, *b"MEMO", *b"x" * 24, *b"end")
    assert asked.max_tokens == 8


def test_a_prompt_that_fits_is_sent_as_it_is(served: Served) -> None:
    post(served, GENERATE, {"memory": "MEMO", "prompt": "Hi", "max_context_length": 40, "max_length": 8})
    assert served.answers.asked[0].prompt == "MEMOHi"
    assert served.answers.spelled == []


def test_a_memory_that_does_not_fit_is_refused_with_the_numbers(served: Served) -> None:
    reply = post(served, GENERATE, {"memory": "M" * 50, "prompt": "Hi", "max_context_length": 40, "max_length": 8})
    assert reply.status_code == 400
    assert "51" in reply.json()["detail"]["msg"]
    assert "32" in reply.json()["detail"]["msg"]


def test_an_answer_that_is_longer_than_the_window_leaves_half_of_it_to_the_prompt(served: Served) -> None:
    post(served, GENERATE, {"prompt": "y" * 100, "max_context_length": 40, "max_length": 4000})
    assert len(served.answers.asked[0].prompt or "") == 20


def test_a_negative_prompt_stands_where_the_memory_stood(served: Served) -> None:
    post(served, GENERATE, {"memory": "Good. ", "prompt": "Hi", "negative_prompt": "Bad. ", "guidance_scale": 1.5})
    assert served.answers.asked[0].guidance == Guidance(1.5, "Bad. Hi")


def test_of_a_cut_prompt_the_negative_one_has_what_is_left(served: Served) -> None:
    body: Body = {"prompt": "x" * 100 + "end", "max_context_length": 16, "max_length": 8, "guidance_scale": 2}
    post(served, GENERATE, body | {"negative_prompt": "Bad. "})
    assert served.answers.asked[0].guidance == Guidance(2, "Bad. xxxxend")


def test_an_answer_can_be_followed_and_stopped_by_its_name_alone(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Once", (TokenDetail(1, b"Once"),)), None]
    with served.http() as client, client.stream("POST", STREAM, json={"prompt": "Hi", "genkey": "K1"}) as answer:
        lines = answer.iter_lines()
        assert any("Once" in line for line in lines)
        assert post(served, "/api/extra/generate/check", {"genkey": "K1"}).json() == {"results": [{"text": "Once"}]}
        assert get(served, "/api/extra/generate/check").json() == {"results": [{"text": ""}]}
        assert post(served, "/api/extra/abort").json() == {"success": "true", "done": "true"}
        assert not served.answers.generations[0].cancelled.is_set()
        post(served, "/api/extra/abort", {"genkey": "K1"})
        assert served.answers.generations[0].cancelled.wait(20)
        assert any('"finish_reason":"stop"' in line for line in lines)
    assert post(served, "/api/extra/generate/check", {"genkey": "K1"}).json() == {"results": [{"text": "Once"}]}


def test_an_empty_abort_ends_the_nameless_answer_and_leaves_other_apis_alone(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Once", (TokenDetail(1, b"Once"),)), None]
    other_body = {"prompt": "Hi", "stream": True}
    with (
        served.http() as client,
        client.stream("POST", STREAM, json={"prompt": "Hi"}) as own,
        client.stream("POST", "/v1/completions", json=other_body) as other,
    ):
        lines = [answer.iter_lines() for answer in (own, other)]
        assert all(any("Once" in line for line in each) for each in lines)
        post(served, "/api/extra/abort")
        mine, theirs = served.answers.generations
        assert mine.cancelled.wait(20)
        assert not theirs.cancelled.is_set()


def test_sillytaverns_koboldcpp_type_is_stopped_by_an_empty_abort_too(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "Once", (TokenDetail(1, b"Once"),)), None]
    body = {"prompt": "Hi", "stream": True, "api_type": "koboldcpp"}
    with served.http() as client, client.stream("POST", "/v1/completions", json=body) as answer:
        lines = answer.iter_lines()
        assert any("Once" in line for line in lines)
        post(served, "/api/extra/abort")
        assert served.answers.generations[0].cancelled.wait(20)
        assert any("[DONE]" in line for line in lines)


RETAINED: Body = {"prompt": "Hi", "grammar": "root ::= [a-z]*", "genkey": "K1", "grammar_retain_state": True}


def begun(served: Served, path: str = GENERATE, **body: object) -> str:
    """What the request's grammar is to go on behind."""
    assert post(served, path, RETAINED | body).status_code == 200
    constraint = served.answers.asked[-1].constraint
    return constraint.begun if constraint else "-"


def test_a_grammar_goes_on_where_the_last_answer_was_cut_off(served: Served) -> None:
    served.answers.script = says("ab", "c", finish="length")
    assert begun(served) == ""
    assert begun(served, STREAM) == "abc"
    assert begun(served, grammar_retain_state=1) == "abcabc"
    assert begun(served, grammar_retain_state=False) == ""
    assert begun(served) == "abc"
    assert begun(served, genkey="K2") == ""
    assert begun(served, grammar="root ::= [a-c]*") == ""
    assert begun(served) == ""
    assert begun(served, grammar="") == "-"


def test_a_grammar_begins_anew_behind_an_answer_that_came_to_its_end(served: Served) -> None:
    begun(served)
    assert begun(served) == ""
    served.answers.script = lambda _: [Delta(0, "abc"), Finish(0, "stop", "\nUser:"), done()]
    begun(served)
    assert begun(served) == "abc"


def test_sillytavern_continues_under_a_grammar_through_completions(served: Served) -> None:
    served.answers.script = says("ab", finish="length")
    for _ in range(2):
        post(served, "/v1/completions", RETAINED | {"api_type": "koboldcpp"})
    post(served, "/v1/completions", RETAINED)
    assert [one.constraint.begun for one in served.answers.asked if one.constraint] == ["", "ab", ""]


def test_log_probabilities_come_with_the_answer_and_afterwards(served: Served) -> None:
    reply = post(served, GENERATE, {"prompt": "Hi", "logprobs": True, "genkey": "K1"}).json()
    logprobs = reply["results"][0]["logprobs"]
    assert served.answers.asked[0].logprobs == 5
    assert [token["token"] for token in logprobs["content"]] == logprobs["tokens"] == ["Hel", "lo"]
    assert logprobs["token_logprobs"] == [-0.5, -0.5]
    assert logprobs["text_offset"] == [0, 3]
    assert post(served, "/api/extra/last_logprobs", {"genkey": "K1"}).json() == {"logprobs": logprobs}
    assert get(served, "/api/extra/last_logprobs").json() == {"logprobs": None}


def test_performance_is_that_of_the_last_answer(served: Served) -> None:
    before = get(served, "/api/extra/perf").json()
    assert (before["stop_reason"], before["total_gens"], before["idle"]) == (-1, 0, 1)
    served.answers.script = says("Hel", "lo", finish="length")
    post(served, GENERATE, {"prompt": "Hi"})
    after = get(served, "/api/extra/perf").json()
    assert (after["stop_reason"], after["total_gens"], after["last_seed"]) == (0, 1, 42)
    assert (after["last_token_count"], after["last_input_count"]) == (2, 7)
    assert after["last_eval_speed"] == pytest.approx(2 / 0.0025)


@pytest.mark.parametrize(
    ("reason", "stop", "number"), [("length", None, 0), ("stop", None, 1), ("stop", "User:", 2)]
)
def test_why_the_last_answer_ended_is_a_number(
    served: Served, reason: FinishReason, stop: str | None, number: int
) -> None:
    served.answers.script = lambda _: [Finish(0, reason, stop), done()]
    post(served, STREAM, {"prompt": "Hi"})
    assert get(served, "/api/extra/perf").json()["stop_reason"] == number


@pytest.mark.parametrize("path", ["/api/extra/tokencount", "/api/extra/tokenize"])
def test_tokens_are_counted_with_and_without_what_is_special(served: Served, path: str) -> None:
    assert post(served, path, {"prompt": "Hi"}).json() == {"value": 3, "ids": [256, 72, 105]}
    assert post(served, path, {"prompt": "Hi", "special": False}).json() == {"value": 2, "ids": [72, 105]}
    assert [special for _, special, _, _ in served.answers.spelled] == [True, False]


def test_bodies_come_under_any_content_type(served: Served) -> None:
    with served.http() as client:
        plain = {"content-type": "text/plain;charset=UTF-8"}
        vectors = client.post("/api/extra/embeddings", content='{"input":["a","b"]}', headers=plain).json()
    assert [item["index"] for item in vectors["data"]] == [0, 1]
    assert vectors["data"][0]["embedding"] == [0.6, 0.8]
    assert vectors["model"] == MODEL


def test_who_sends_no_text_gets_no_vector_and_the_models_name(served: Served) -> None:
    """SillyTavern's Vector Storage asks so before it looks for what it has kept, and gives up on an error."""
    reply = post(served, "/api/extra/embeddings", {"input": []}).json()
    assert (reply["data"], reply["model"]) == ([], MODEL)


def test_tokens_are_texts_again(served: Served) -> None:
    assert post(served, "/api/extra/detokenize", {"ids": [72, 105]}).json() == {"result": "Hi", "success": True}
    assert post(served, "/api/extra/detokenize", {"ids": "72"}).status_code == 400


def test_a_schema_becomes_a_grammar_that_can_be_sent_back(served: Served) -> None:
    grammar = post(served, "/api/extra/json_to_grammar", {"schema": {"type": "boolean"}}).json()
    assert grammar == {"result": 'root ::= boolean\nboolean ::= "true" | "false"\n', "success": True}
    refused = post(served, "/api/extra/json_to_grammar", {"schema": {"pattern": "a"}})
    assert refused.status_code == 400
    assert "pattern" in refused.json()["detail"]["msg"]


def test_models_are_switched_as_configurations_are(served: Served) -> None:
    assert get(served, "/api/admin/list_options").json() == [MODEL, "another/model", "unload_model"]
    assert post(served, "/api/admin/reload_config", {"filename": "another/model"}).json() == {"success": True}
    assert served.models.asked_for == ["another/model"]
    assert post(served, "/api/admin/reload_config", {"filename": "../secret.gguf"}).status_code == 404
    post(served, "/api/admin/reload_config", {"filename": "unload_model"})
    assert served.models.unloaded == [None]


def test_what_is_not_there_says_so(served: Served) -> None:
    assert post(served, "/api/extra/websearch", {"q": "tea"}).json() == []
    refused = post(served, "/api/extra/transcribe", {"audio_data": ""})
    assert (refused.status_code, refused.json()["detail"]["type"]) == (501, "not_implemented")


def test_errors_have_koboldcpps_shape(serve: Serve) -> None:
    locked = serve(key="secret")
    missing = post(locked, GENERATE, {"prompt": "Hi"})
    assert missing.status_code == 401
    assert missing.json()["detail"]["error"] == "Unauthorized"
    locked.answers.refusal = Busy("api.broken_off")
    busy = post(locked, GENERATE, {"prompt": "Hi"}, authorization="Bearer secret")
    assert (busy.status_code, busy.json()["detail"]["type"]) == (503, "service_unavailable")


def test_it_is_protected_where_a_key_is_asked_for(serve: Serve) -> None:
    with serve(key="secret").http(authorization="Bearer secret") as client:
        assert client.get("/api/extra/version").json()["protected"] is True


def test_a_page_that_is_allowed_by_its_origin_is_asked_for_no_key(serve: Serve) -> None:
    lite = "https://lite.koboldai.net"
    with serve(rules=DoorRules(origins=frozenset({lite}))).http(origin=lite) as client:
        assert client.get("/api/extra/version").json()["protected"] is False
        assert client.post(STREAM, json=LITE).status_code == 200


@given(path=st.sampled_from(ASKING), body=bodies(NAMES))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_a_fault_of_the_server(served: Served, path: str, body: dict[str, object]) -> None:
    assert post(served, path, body).status_code in (200, 400, 404, 422)


def test_what_was_ignored_is_told_at_the_end(served: Served) -> None:
    assert "sparkle" in post(served, GENERATE, {"prompt": "Hi", "sparkle": 1}).json()["warnings"][0]
    last = post(served, STREAM, {"prompt": "Hi", "sparkle": 1}).content.split(b"\n\n")[-2]
    assert b'"finish_reason":"stop","warnings":[' in last
