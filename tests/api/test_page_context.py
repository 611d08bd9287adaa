"""The page's API: what a context comes to for a model of the library, and loading it with one."""

from __future__ import annotations

import pytest

from samovar.core.rope import CacheTypes, Context, RopeWish
from samovar.services.contracts import ContextChoice, ModelState

from .test_page import Page, page

__all__ = ["page"]


async def test_a_context_is_shown_before_it_is_loaded(page: Page) -> None:
    found = await page.call("GET", "/models/org%2Ftiny/context?ctx=16384", **{"Accept-Language": "ru"})
    assert (found["trained"], found["window"], found["base"], found["alpha"]) == (4096, 16_384, 10_000.0, 7.0)
    assert found["suggested"]["base"] == pytest.approx(72_196, abs=1)
    assert {"context": 8192, "alpha": 2.65} in found["curve"]
    assert [cost["type"] for cost in found["cache"]] == ["f16", "q8_0", "q5_1", "q4_0"]
    assert found["cache"][0]["size"] == 16_384 * 512 * 1024
    assert "растянуты" in found["notes"][0] and "4.0 раза" in found["notes"][1]
    assert (await page.call("GET", "/models/org/tiny/context"))["notes"] == []


async def test_a_context_that_is_no_number_is_refused(page: Page) -> None:
    await page.call("GET", "/models/org/tiny/context?ctx=many", status=400)


CHOSEN = Context(ctx=8192, rope=RopeWish(rope_alpha=2.65), cache=CacheTypes("q8_0", "q4_0"))
SHOWN = {"ctx": 8192, "alpha": 2.65, "cache": {"keys": "q8_0", "values": "q4_0"}}


async def test_what_is_kept_for_a_model_is_shown_beside_the_default(page: Page) -> None:
    page.models.kept = CHOSEN
    found = await page.call("GET", "/models/tiny/context?ctx=8192&alpha=3.5")
    assert (found["alpha"], found["suggested"]["alpha"]) == (3.5, 2.65)
    assert found["chosen"] == SHOWN
    assert found["default"] == {"ctx": 4096, "alpha": None, "cache": {"keys": "f16", "values": "f16"}}
    for cost in found["cache"]:
        assert cost["size"] == cost["keys"] + cost["values"]


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        ({}, None),
        ({"ctx": 8192, "alpha": 2.65, "cache": {"keys": "q8_0", "values": "q4_0"}}, ContextChoice(CHOSEN)),
        ({"ctx": 2048}, ContextChoice(Context(ctx=2048, cache=CacheTypes()))),
        ({"cache": "q5_1", "alpha": None}, ContextChoice(Context(cache=CacheTypes("q5_1", "q5_1")))),
        ({"cache": {"keys": "q8_0"}}, ContextChoice(Context(cache=CacheTypes("q8_0", "f16")))),
        ({"default": True}, ContextChoice(None)),
    ],
)
async def test_a_load_may_choose_the_context(
    page: Page, body: dict[str, object], choice: ContextChoice | None
) -> None:
    assert (await page.call("POST", "/models/load", {"name": "tiny", **body}, status=202))["state"] == "loading"
    assert page.models.asked == choice
    assert page.models.checked == (choice and choice.context)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"ctx": 0}, 422, "ctx is 0, outside its range 1 to 16777216"),
        ({"ctx": "many"}, 400, "ctx"),
        ({"alpha": 0.5}, 422, "alpha is 0.5, outside its range 1"),
        ({"cache": "q2_k"}, 400, "f16, q8_0, q5_1, q4_0"),
        ({"cache": {"keys": "f32"}}, 400, "f32"),
        ({"cache": 8}, 400, "cache"),
        ({"default": True, "ctx": 2048}, 400, "not both"),
    ],
)
async def test_a_context_that_cannot_be_is_refused_and_loads_nothing(
    page: Page, body: dict[str, object], status: int, said: str
) -> None:
    refused = await page.call("POST", "/models/load", {"name": "tiny", **body}, status=status)
    assert said in refused["error"]["message"]
    assert page.models.state.state == "none"


async def test_the_state_says_with_which_context_a_model_was_loaded(page: Page) -> None:
    page.models.watched.set(ModelState("tiny", "ready", 1.0, context=CHOSEN))
    assert (await page.call("GET", "/state"))["model"]["context"] == SHOWN
