"""llama.cpp's API, as its clients use it: exact bytes, every spelling of a field, and what SillyTavern sends."""

import json
import math
from pathlib import Path

import httpx
import pytest

from samovar.api.dialects.llamacpp import translate
from samovar.api.dialects.llamacpp.fields import FIELDS
from samovar.api.reading.body import Json
from samovar.api.reading.fieldtable import Field
from samovar.core.errors import Busy, InvalidParameter, PromptTooLong
from samovar.core.events import Accepted, Alternative, Delta, Event, Finish, PromptProgress, TokenDetail
from samovar.core.requests import Completion, Constraint, SourceFile
from samovar.sampling.registry import neutral
from tests.api.conftest import MODEL, Served, done, says
from tests.api.dialect_cases import sse_objects

PAYLOADS = Path(__file__).parents[3] / "shared" / "reference" / "clients-payloads.json"
ANSWER = ("content", "tokens", "tokens_predicted", "stop", "stop_type", "stopping_word")


def post(served: Served, path: str, body: object) -> httpx.Response:
    with served.http() as client:
        return client.post(path, json=body)


def asked(served: Served, **body: object) -> Completion:
    """What the model is asked for a body of /completion."""
    reply = post(served, "/completion", {"prompt": "Hi", **body})
    assert reply.status_code == 200, reply.text
    return served.answers.asked[-1]


def completion(**body: object) -> Completion:
    return translate.completion({"prompt": "Hi", **body}).completions[0]


def test_an_answer_has_its_text_why_it_ended_and_what_it_took(served: Served) -> None:
    served.answers.script = says("Hel", "lo\n", cached=2)
    answer = post(served, "/completion", {"prompt": "Hi", "n_predict": 2, "return_tokens": True}).json()
    assert {name: answer[name] for name in ANSWER} == {
        "content": "Hello\n",
        "tokens": [3, 3],
        "tokens_predicted": 2,
        "stop": True,
        "stop_type": "eos",
        "stopping_word": "",
    }
    assert (answer["model"], answer["prompt"], answer["has_new_line"]) == (MODEL, "Hi", True)
    assert (answer["tokens_evaluated"], answer["tokens_cached"], answer["truncated"]) == (7, 9, False)
    assert answer["timings"] == {
        "cache_n": 2,
        "prompt_n": 5,
        "prompt_ms": 1.5,
        "prompt_per_token_ms": 0.3,
        "prompt_per_second": pytest.approx(5 / 0.0015),
        "predicted_n": 2,
        "predicted_ms": 2.5,
        "predicted_per_token_ms": 1.25,
        "predicted_per_second": 800.0,
    }
    assert answer["generation_settings"]["n_predict"] == 2
    assert answer["generation_settings"]["repeat_last_n"] == neutral()["repetition_penalty_range"]


def test_a_stream_is_these_bytes(served: Served) -> None:
    served.answers.script = says("Hel", "lo")
    body = {"prompt": "Hi", "stream": True, "response_fields": ["content", "stop", "timings/predicted_n"]}
    reply = post(served, "/completion", body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.content == (
        b'data: {"index":0,"content":"Hel","tokens":[3],"stop":false,"id_slot":-1,"tokens_predicted":1,'
        b'"tokens_evaluated":7}\n\n'
        b'data: {"index":0,"content":"lo","tokens":[2],"stop":false,"id_slot":-1,"tokens_predicted":2,'
        b'"tokens_evaluated":7}\n\n'
        b'data: {"content":"","stop":true,"timings/predicted_n":2}\n\n'
    )


def test_the_last_object_of_a_stream_has_everything_but_the_text(served: Served) -> None:
    served.answers.script = says("a\n", "b")
    whole = post(served, "/completion", {"prompt": "Hi"}).json()
    last = sse_objects(post(served, "/completion", {"prompt": "Hi", "stream": True}).content)[-1]
    assert last == {**whole, "content": ""}


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        (Finish(0, "stop"), ("eos", "")),
        (Finish(0, "length"), ("limit", "")),
        (Finish(0, "cancelled"), ("limit", "")),
        (Finish(0, "stop", "\nUser:"), ("word", "\nUser:")),
    ],
)
def test_why_an_answer_ended(served: Served, finish: Finish, told: tuple[str, str]) -> None:
    served.answers.script = lambda _: [Delta(0, "x", (TokenDetail(1, b"x"),)), finish, done()]
    answer = post(served, "/completion", {"prompt": "Hi"}).json()
    assert (answer["stop_type"], answer["stopping_word"]) == told


def test_several_prompts_and_answers_are_told_apart_by_their_index(served: Served) -> None:
    served.answers.script = says("Hel", "lo")
    body = {"prompt": ["one", [1, 2]], "n": 2}
    answers = post(served, "/completion", body).json()
    assert [(one["index"], one["content"], one["prompt"]) for one in answers] == [
        (0, "Hello", "one"),
        (1, "Hello", "one"),
        (2, "Hello", "\x01\x02"),
        (3, "Hello", "\x01\x02"),
    ]
    assert all(one["tokens_predicted"] == 2 for one in answers)
    streamed = sse_objects(post(served, "/completion", body | {"stream": True}).content)
    for index in range(4):
        assert "".join(str(one["content"]) for one in streamed if one["index"] == index) == "Hello"
    assert [one["index"] for one in streamed if one["stop"]] == [0, 1, 2, 3]


def test_the_prompt_s_progress_is_told_where_it_is_asked_for(served: Served) -> None:
    read: list[Event] = [PromptProgress(4, 7, 2), *says("x")(Completion())]
    served.answers.script = lambda _: list(read)
    silent = sse_objects(post(served, "/completion", {"prompt": "Hi", "stream": True}).content)
    told = sse_objects(
        post(served, "/completion", {"prompt": "Hi", "stream": True, "return_progress": True}).content
    )
    assert len(told) == len(silent) + 1
    progress = told[0]["prompt_progress"]
    assert isinstance(progress, dict)
    assert (progress["total"], progress["cache"], progress["processed"]) == (7, 2, 4)
    assert (told[0]["content"], told[0]["stop"]) == ("", False)


DRAWN = TokenDetail(5, b"ah", -0.5, (Alternative(5, b"ah", -0.5), Alternative(6, b"\xd0", -math.inf)))


def test_probabilities_are_logarithms_before_the_samplers_and_shares_after_them(served: Served) -> None:
    served.answers.script = lambda _: [Delta(0, "ah", (DRAWN,)), Finish(0, "length"), done()]
    before = post(served, "/completion", {"prompt": "Hi", "n_probs": 2}).json()["completion_probabilities"]
    assert before == [
        {
            "id": 5,
            "token": "ah",
            "bytes": [97, 104],
            "logprob": -0.5,
            "top_logprobs": [
                {"id": 5, "token": "ah", "bytes": [97, 104], "logprob": -0.5},
                {"id": 6, "token": "�", "bytes": [208], "logprob": -3.4028234663852886e38},
            ],
        }
    ]
    body = {"prompt": "Hi", "n_probs": 2, "post_sampling_probs": True, "stream": True}
    first = sse_objects(post(served, "/completion", body).content)[0]
    (after,) = first["completion_probabilities"]
    assert after["prob"] == pytest.approx(math.exp(-0.5))
    assert [one["prob"] for one in after["top_probs"]] == [pytest.approx(math.exp(-0.5)), 0.0]


def test_a_prompt_may_mix_texts_and_ids_and_begins_as_the_model_wants_it(served: Served) -> None:
    assert asked(served, prompt=["ab", 7, "c"]).prompt == (256, 97, 98, 7, 99)
    assert asked(served, prompt=[7, "c"]).prompt == (7, 99)
    assert asked(served, prompt={"prompt_string": "Hi", "multimodal_data": []}).prompt == "Hi"
    assert asked(served, prompt=[["ab", 7], "c"]).prompt == "c"
    assert served.answers.asked[-2].prompt == (256, 97, 98, 7)


@pytest.mark.parametrize("prompt", [None, [], {"a": 1}, 5, [[]], [True, "x"], [-1, 2]])
def test_what_is_no_prompt_is_refused(served: Served, prompt: object) -> None:
    reply = post(served, "/completion", {"prompt": prompt})
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "bias",
    [
        [[97, -5], [7, False], [8, True]],
        [["a", -5], [7, False]],
        {"97": -5, "7": False},
        {"a": -5, "7": False},
    ],
)
def test_every_spelling_of_a_bias_means_the_same(served: Served, bias: object) -> None:
    values = asked(served, logit_bias=bias).sampling.values
    assert values["logit_bias"] == {97: -5.0, 7: -math.inf}


def test_every_token_of_a_text_gets_the_bias(served: Served) -> None:
    assert asked(served, logit_bias=[["ab", 2]]).sampling.values["logit_bias"] == {97: 2.0, 98: 2.0}


@pytest.mark.parametrize("bias", ["x", [["a"]], [[1, "x"]], 7])
def test_what_is_no_bias_is_refused(served: Served, bias: object) -> None:
    assert post(served, "/completion", {"prompt": "Hi", "logit_bias": bias}).status_code == 400


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({}, None),
        ({"n_predict": -1}, None),
        ({"n_predict": -2}, None),
        ({"n_predict": 0}, 0),
        ({"n_predict": 9, "max_tokens": 3}, 9),
        ({"max_tokens": 3}, 3),
    ],
)
def test_how_long_an_answer_may_be(body: Json, limit: int | None) -> None:
    assert completion(**body).max_tokens == limit


def test_a_fresh_seed_has_two_spellings() -> None:
    assert [completion(seed=seed).sampling.seed for seed in (-1, 4294967295, 42)] == [None, None, 42]


def test_numbers_that_say_off_or_all_are_llama_cpp_s() -> None:
    values = completion(temperature=-1, top_k=-1, top_n_sigma=-1, repeat_last_n=-1, dry_penalty_last_n=0).sampling
    assert values.values == {
        "temperature": 0.0,
        "top_k": 0,
        "top_n_sigma": 0.0,
        "repetition_penalty_range": -1,
        "dry_range": 0,
    }


def test_a_step_that_is_not_listed_does_nothing() -> None:
    named = completion(samplers=["top_k", "temperature"], top_k=5, top_p=0.5, tfs=0.9).sampling
    assert named.values["top_k"] == 5
    assert named.values["top_p"] == neutral()["top_p"]
    assert named.values["min_p"] == neutral()["min_p"]
    assert named.values["tfs"] == 0.9
    assert "temperature" not in named.values
    assert [step for step in named.order if step in ("top_k", "temperature")] == ["top_k", "temperature"]
    assert completion(samplers="kt", top_k=5, top_p=0.5, tfs=0.9).sampling == named


def test_without_a_list_every_step_stands_where_llama_cpp_has_it() -> None:
    assert completion(top_p=0.5).sampling.values == {"top_p": 0.5}
    assert completion(top_p=0.5).sampling.order == ()


def test_mirostat_is_in_no_list() -> None:
    assert completion(samplers=["top_k"], mirostat=2, temperature=0.7).sampling.values["temperature"] == 0.7


def test_grammars_and_schemas() -> None:
    assert completion(grammar='root ::= "a"').constraint == Constraint("gbnf", 'root ::= "a"')
    assert completion(json_schema={"type": "object"}).constraint == Constraint("json_schema", '{"type":"object"}')
    assert completion(grammar="", json_schema=None).constraint is None


def test_infilling_has_what_stands_before_and_behind(served: Served) -> None:
    body = {
        "input_prefix": "def f(",
        "prompt": "a, ",
        "input_suffix": "):\n",
        "input_extra": [{"filename": "g.py", "text": "x = 1"}],
    }
    assert post(served, "/infill", body).status_code == 200
    wanted = served.answers.asked[-1]
    assert (wanted.prompt, wanted.suffix) == ("def f(a, ", "):\n")
    assert wanted.files == (SourceFile("g.py", "x = 1"),)


async def test_an_answer_in_a_hurry_ends_behind_a_line(served: Served) -> None:
    line, more = Delta(0, "x = 1\n", (TokenDetail(1, b"x"),)), Delta(0, "y", (TokenDetail(2, b"y"),))
    served.answers.script = lambda _: [line, more, None]
    answer = post(served, "/completion", {"prompt": "Hi", "t_max_predict_ms": 0.001}).json()
    assert answer["content"].startswith("x = 1\n")
    assert answer["stop_type"] == "limit"


def test_errors_have_the_shape_of_llama_cpp_s(served: Served) -> None:
    served.answers.refusal = PromptTooLong("runtime.prompt_too_long", prompt=3000, window=2048)
    error = post(served, "/completion", {"prompt": "Hi"}).json()["error"]
    assert (error["code"], error["type"]) == (400, "exceed_context_size_error")
    assert (error["n_prompt_tokens"], error["n_ctx"]) == (3000, 2048)
    served.answers.refusal = Busy("runtime.queue_full", queued=64)
    busy = post(served, "/completion", {"prompt": "Hi"})
    assert busy.json()["error"].keys() == {"code", "message", "type"}
    assert (busy.status_code, busy.json()["error"]["type"]) == (503, "unavailable_error")


def test_fields_that_nobody_knows_are_named(served: Served) -> None:
    answer = post(served, "/completion", {"prompt": "Hi", "sparkle": 3}).json()
    assert "sparkle" in str(answer["warnings"])
    assert "warnings" not in post(served, "/completion", {"prompt": "Hi", "cache_prompt": False}).json()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_of_the_table_is_treated_as_it_says(field: Field) -> None:
    translators = {"text": translate.completion, "infill": translate.infill}
    for endpoint in field.endpoints or translators:
        for value in ("other", *field.harmless):
            body = {"prompt": "x", field.name: value}
            try:
                told = field.treatment == "inert" and field.asks(value)
                assert (field.name in translators[endpoint](body).ignored) == told
                assert field.treatment != "refused" or value in field.harmless
            except InvalidParameter as error:
                assert str(error.facts["name"]).startswith(field.name)
                assert field.treatment == "honoured" or (field.treatment == "refused" and value == "other")


@pytest.mark.shared
@pytest.mark.skipif(not PAYLOADS.exists(), reason="needs the clients' recorded payloads")
def test_sillytavern_s_own_body_is_understood_to_its_last_field(served: Served) -> None:
    body = {**json.loads(PAYLOADS.read_text())["llamacpp"], "model": MODEL}
    chunks = sse_objects(post(served, "/completion", body).content)
    assert "".join(str(chunk["content"]) for chunk in chunks) == "Hello"
    assert chunks[0]["completion_probabilities"]
    assert "warnings" not in chunks[-1]
    wanted = served.answers.asked[-1]
    assert (wanted.prompt, wanted.max_tokens, wanted.logprobs) == ("PROMPT", 200, 10)
    assert wanted.stop == ("\nUser:", "<|im_end|>")
    assert wanted.constraint == Constraint("gbnf", 'root ::= "a"')
    assert wanted.banned is not None
    values = wanted.sampling.values
    assert values["logit_bias"] == {123: -5.0, 11: -math.inf, 12: -math.inf}
    assert (values["top_p"], values["repetition_penalty"], values["repetition_penalty_range"]) == (0.5, 1.2, 0)
    assert (values["dynatemp_range"], values["dry_range"], wanted.sampling.seed) == (1.0, 0, 42)


def test_what_is_accepted_is_told_from_the_first_object_on(served: Served) -> None:
    served.answers.script = says("x")
    first = sse_objects(post(served, "/completion", {"prompt": "Hi", "stream": True}).content)[0]
    assert first["tokens_evaluated"] == Accepted(7, 42).prompt_tokens
