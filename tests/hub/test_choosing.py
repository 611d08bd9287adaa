"""What a person types names one model of a repository, or is told what there is."""

from __future__ import annotations

import pytest

from samovar.core.errors import InvalidInput, NotFound, SamovarError
from samovar.hub.huggingface import HubEntry, choose, quant_of
from samovar.hub.sources import Endpoint, HubRepo, WebFile, parse_source

MANY = ("m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-UD-IQ2_M.gguf", "mmproj-m-f16.gguf", "README.md", "m.imatrix.gguf")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("org/repo", HubRepo("org/repo")),
        ("org/repo:Q4_K_M", HubRepo("org/repo", quant="Q4_K_M")),
        ("org/repo/sub/file.gguf", HubRepo("org/repo", file="sub/file.gguf")),
        ("hf.co/org/repo:q8_0", HubRepo("org/repo", quant="q8_0")),
        ("hf://org/repo", HubRepo("org/repo")),
        ("https://huggingface.co/org/repo", HubRepo("org/repo")),
        ("https://huggingface.co/org/repo/", HubRepo("org/repo")),
        ("https://huggingface.co/org/repo/tree/main", HubRepo("org/repo")),
        ("https://huggingface.co/org/repo/blob/v2/a.gguf", HubRepo("org/repo", "v2", "a.gguf")),
        ("https://hf.co/org/repo/resolve/main/a%20b.gguf?download=true", HubRepo("org/repo", "main", "a b.gguf")),
        ("https://mirror.example/org/repo:Q4_0", HubRepo("org/repo", quant="Q4_0")),
        ("https://example.com/a.gguf", WebFile("https://example.com/a.gguf")),
        ("http://127.0.0.1:8000/a.gguf", WebFile("http://127.0.0.1:8000/a.gguf")),
    ],
)
def test_sources(typed: str, meant: object) -> None:
    assert parse_source(typed, Endpoint("https://mirror.example")) == meant


@pytest.mark.parametrize(
    "typed", ["org", "org/..", "../repo/x", "a/b:", "a b/c", "https://huggingface.co/org", "//"]
)
def test_sources_that_mean_nothing(typed: str) -> None:
    try:
        source = parse_source(typed, Endpoint())
    except InvalidInput:
        return
    assert not isinstance(source, HubRepo)


def test_the_endpoint_is_read_as_huggingface_hub_reads_it() -> None:
    assert Endpoint.of({}) == Endpoint("https://huggingface.co", None)
    assert Endpoint.of({"HF_ENDPOINT": "https://m.example/", "HF_TOKEN": " t\n"}) == Endpoint(
        "https://m.example", "t"
    )
    assert "t0k3n" not in repr(Endpoint(token="t0k3n"))


def chosen(paths: tuple[str, ...], file: str | None = None, quant: str | None = None) -> list[str]:
    entries = [HubEntry("file", path) for path in paths]
    return [entry.path for entry in choose(entries, HubRepo("org/repo", file=file, quant=quant))]


def test_the_preferred_quant_is_taken_without_asking() -> None:
    assert chosen(MANY) == ["m-Q4_K_M.gguf"]


def test_the_only_model_is_taken_whatever_it_is() -> None:
    assert chosen(("model.gguf", "mmproj-F16.gguf")) == ["model.gguf"]


def test_a_quant_is_found_in_any_case_and_with_its_maker_s_prefix() -> None:
    assert chosen(MANY, quant="q8_0") == ["m-Q8_0.gguf"]
    assert chosen(MANY, quant="IQ2_M") == ["m-UD-IQ2_M.gguf"]


def test_a_file_is_found_by_path_or_name() -> None:
    assert chosen(("sub/m-Q8_0.gguf", "m.gguf"), file="sub/m-Q8_0.gguf") == ["sub/m-Q8_0.gguf"]
    assert chosen(("sub/m-Q8_0.gguf", "m.gguf"), file="m-q8_0.gguf") == ["sub/m-Q8_0.gguf"]
    assert chosen(MANY, file="mmproj-m-f16.gguf") == ["mmproj-m-f16.gguf"]


def test_all_parts_belong_to_the_choice() -> None:
    parts = tuple(f"Q8_0/m-Q8_0-{n:05d}-of-00003.gguf" for n in (1, 2, 3))
    assert chosen((*parts, "m-Q2_K.gguf"), quant="Q8_0") == list(parts)
    assert chosen(parts, file=parts[1]) == list(parts)


@pytest.mark.parametrize(
    ("paths", "quant", "key"),
    [
        (("README.md", "model.safetensors"), None, "repo_no_gguf"),
        (MANY, "Q5_K_M", "repo_no_quant"),
        (("m-Q8_0.gguf", "m-Q2_K.gguf"), None, "repo_choose"),
        (("a-Q8_0.gguf", "b-Q8_0.gguf"), "Q8_0", "repo_ambiguous"),
        (("m-Q8_0-00001-of-00002.gguf",), None, "repo_lacks_part"),
    ],
)
def test_an_open_choice_is_given_back_with_what_there_is(
    paths: tuple[str, ...], quant: str | None, key: str
) -> None:
    with pytest.raises((InvalidInput, NotFound)) as caught:
        chosen(paths, quant=quant)
    error: SamovarError = caught.value
    assert error.key == f"hub.{key}"
    assert "{" not in error.text("ru") + error.text("en")


@pytest.mark.parametrize(
    ("name", "quant"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("ggml-model-q4_0.gguf", "q4_0"),
        ("gemma.IQ3_XXS.gguf", "IQ3_XXS"),
        ("m-UD-Q2_K_XL.gguf", "UD-Q2_K_XL"),
        ("m-BF16-00001-of-00002.gguf", "BF16"),
        ("m-MXFP4_MOE.gguf", "MXFP4_MOE"),
        ("model.gguf", ""),
        ("Q3-chat.gguf", ""),
    ],
)
def test_quants_in_file_names(name: str, quant: str) -> None:
    assert quant_of(name) == quant
