"""The page's API: what a context comes to for a model of the library, before it is loaded."""

from __future__ import annotations

import pytest

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
