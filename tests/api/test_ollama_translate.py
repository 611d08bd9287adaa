"""Ollama's bodies become Completions, or errors of the tree; nothing else, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samovar.api.dialects.ollama import translate
from samovar.api.dialects.ollama.fields import FIELDS
from samovar.api.dialects.ollama.keep import read_keep_alive
from samovar.api.dialects.ollama.library import source_of
from samovar.api.dialects.ollama.names import resolved, tagged, untagged
from samovar.api.reading.body import Fields
from samovar.api.reading.thinking import thinking_variables
from samovar.core.errors import InvalidInput, InvalidParameter, OutOfRange
from samovar.core.requests import Completion, Constraint
from samovar.sampling import parameters
from samovar.sampling.registry import defaults
from tests.api.conftest import Served

PAYLOADS = Path(__file__).parents[3] / "shared" / "reference" / "clients-payloads.json"

NAMES = st.sampled_from(
    sorted({field.name for field in FIELDS} | set(parameters()) | {"role", "content", "function", "arguments"})
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-(2**63), 2**63, 2**64, 10**400, 0, -1, 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(NAMES, JSON, max_size=6)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": JSON | st.sampled_from(["user", "assistant", "tool"]),
            "content": JSON,
            "tool_calls": JSON | st.lists(st.fixed_dictionaries({"function": JSON})),
            "tool_name": JSON,
        },
    )
)


@given(BODIES)
def test_any_body_is_a_completion_or_a_sentence(body: dict[str, object]) -> None:
    for read in (translate.generate, translate.chat):
        try:
            translated = read(body)
        except InvalidInput as error:
            assert error.text("en")
            assert error.text("ru")
        else:
            msgspec.msgpack.encode(translated.completions)
            assert translated.choices == 1


@given(MESSAGES)
def test_any_messages_are_messages_or_a_sentence(messages: list[object]) -> None:
    try:
        translated = translate.chat({"messages": messages})
    except InvalidInput:
        return
    assert len(translated.completions[0].messages) == len(messages)
    assert translated.empty == (not messages)


def options(**values: object) -> Completion:
    return translate.generate({"prompt": "x", "options": values}).completions[0]


def test_options_mean_what_they_mean_at_ollama() -> None:
    values = options(top_k=-1, repeat_penalty=0, repeat_last_n=-1, typical_p=0, tfs_z=0, mirostat=2).sampling.values
    assert values == {
        "top_k": 0,
        "repetition_penalty": 1.0,
        "repetition_penalty_range": -1,
        "typical_p": 1.0,
        "tfs": 1.0,
        "mirostat_mode": 2,
    }
    assert options(repeat_last_n=0).sampling.values["repetition_penalty_range"] == 0
    assert [options(num_predict=n).max_tokens for n in (-2, -1, 0, 5, 6.0)] == [None, None, None, 5, 6]
    assert [options(seed=seed).sampling.seed for seed in (-1, 0, 7)] == [None, 0, 7]
    assert options(stop="a").stop == ("a",)
    assert options(stop=["a", "", "b"]).stop == ("a", "b")


def test_what_is_absent_has_ollama_s_default() -> None:
    asked = translate.generate({"prompt": "x"})
    assert asked.completions[0].sampling.values == {}
    assert {**defaults(), **asked.defaults}.items() >= {
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.9,
        "min_p": 0.0,
        "typical_p": 1.0,
        "tfs": 1.0,
        "repetition_penalty": 1.1,
        "repetition_penalty_range": 64,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "mirostat_mode": 0,
        "mirostat_tau": 5.0,
        "mirostat_eta": 0.1,
    }.items()


def test_our_own_samplers_are_options_as_well() -> None:
    completion = options(xtc_probability=0.5, dry_multiplier=0.8, banned_strings=["x"], grammar='root ::= "y"')
    assert completion.sampling.values["xtc_probability"] == 0.5
    assert completion.banned is not None
    assert completion.constraint == Constraint("gbnf", 'root ::= "y"')


@pytest.mark.parametrize(
    "body",
    [
        {"options": {"temperature": 99}},
        {"options": {"num_predict": -3}},
        {"options": {"top_k": -2}},
        {"options": {"mirostat": 3}},
        {"top_logprobs": 21, "logprobs": True},
    ],
)
def test_numbers_outside_their_range_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        translate.generate({"prompt": "x", **body})


@pytest.mark.parametrize(
    "body",
    [
        {"format": "yaml"},
        {"format": 5},
        {"think": "as hard as you can!"},
        {"think": 1},
        {"keep_alive": "soon"},
        {"context": ["a"]},
        {"raw": True, "system": "x"},
        {"images": ["aGk="]},
        {"template": "{{ .Prompt }}"},
        {"template": "{{- range .Messages }}{{ end }}"},
        {"options": []},
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(body: dict[str, object]) -> None:
    name = next(name for name in body if name != "system")
    with pytest.raises(InvalidParameter, match=name):
        translate.generate({"prompt": "x", **body})


def test_thinking_is_for_the_template_to_know() -> None:
    def variables(think: object) -> object:
        return translate.chat({"messages": [{"role": "user"}], "think": think}).completions[0].variables

    assert variables(None) == {}
    assert variables(False) == thinking_variables(False)
    assert variables("high") == thinking_variables(True, "high")


def test_a_stream_is_what_is_given_unless_it_is_not_wanted() -> None:
    assert translate.generate({"prompt": "x"}).stream
    assert translate.generate({"prompt": "x", "stream": None}).stream
    assert not translate.generate({"prompt": "x", "stream": False}).stream


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None), ("", None), (0, 0.0), ("0", 0.0), ("0s", 0.0), (90, 90.0), (1.5, 1.5), ("5m", 300.0),
        ("1h30m", 5400.0), ("1.5h", 5400.0), ("300ms", 0.3), (" 24h ", 86400.0), (-1, -1.0), ("-1", -1.0),
        ("-5m", -1.0), (1e300, -1.0), ("999999999h", -1.0),
    ],
)  # fmt: skip
def test_how_long_a_model_stays(said: object, seconds: float | None) -> None:
    assert read_keep_alive(Fields({"keep_alive": said})) == pytest.approx(seconds)


@given(st.text() | st.booleans() | st.lists(st.integers()))
def test_no_duration_breaks_its_reader(said: object) -> None:
    try:
        seconds = read_keep_alive(Fields({"keep_alive": said}))
    except InvalidParameter as error:
        assert error.text("ru")
    else:
        assert seconds is None or seconds >= 0 or seconds == -1


@given(st.text(min_size=1).filter(lambda name: not name.endswith(":latest")))
def test_a_name_comes_back_from_its_tagged_form(name: str) -> None:
    assert untagged(tagged(name)) == name
    assert resolved(tagged(name), [name, "other"], {}) == name


def test_names_are_found_by_tag_alias_and_whatever_their_case() -> None:
    aliases = {"tea": "Smol", "hf.co/a/b:Q4": "Smol"}
    wanted = ("Smol", "smol:latest", "tea:latest", "TEA", "hf.co/a/b:Q4", "hf.co/a/b:Q4:latest")
    assert {resolved(name, ["Smol"], aliases) for name in wanted} == {"Smol"}
    assert {resolved(name, ["Smol"], aliases) for name in ("nothing:latest", "../Smol", "Smol:other")} == {None}
    assert (tagged("a/b"), tagged("a/b:Q4"), tagged("host:1/b")) == ("a/b:latest", "a/b:Q4", "host:1/b:latest")


def test_sources_lose_what_only_ollama_writes() -> None:
    sources = ("hf.co/a/b:Q4_K_M", "huggingface.co/a/b", "a/b:latest", "https://example.org/x.gguf", "../x.gguf")
    assert [source_of(name) for name in sources] == [
        "a/b:Q4_K_M",
        "a/b",
        "a/b",
        "https://example.org/x.gguf",
        "../x.gguf",
    ]


@pytest.mark.shared
@pytest.mark.skipif(not PAYLOADS.is_file(), reason="real clients' requests are not here")
def test_sillytavern_s_request_is_taken_as_it_comes(served: Served) -> None:
    body = json.loads(PAYLOADS.read_text())["ollama"]
    with served.http(**{"user-agent": "node-fetch"}) as client:
        lines = client.post("/api/generate", json={**body, "model": "little-model:latest"}).text.splitlines()
    assert "".join(json.loads(line)["response"] for line in lines) == "Hello"
    assert "warnings" not in json.loads(lines[-1])
    (completion,) = served.answers.asked
    assert completion.prompt == "PROMPT"
    assert (completion.max_tokens, completion.keep_alive, completion.sampling.seed) == (200, -1.0, 42)
    assert completion.stop == ("\nUser:", "<|im_end|>")
    assert completion.sampling.values == {
        "temperature": 0.7,
        "top_p": 0.5,
        "typical_p": 1.0,
        "min_p": 0.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "top_k": 40,
        "repetition_penalty": 1.2,
        "repetition_penalty_range": 0,
    }
