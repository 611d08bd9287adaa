"""The page's API: the library that is compiled for this processor."""

from __future__ import annotations

from .test_page import Page, Stream, page

__all__ = ["page"]


async def test_the_library_for_this_processor_is_built_and_stopped(page: Page) -> None:
    stream = Stream(page.app, "/samovar/events", language="ru")
    offered = {"state": "available", "step": None, "progress": 0.0, "obstacle": None, "error": None, "gain": None}
    assert await page.call("GET", "/build") == offered
    begun = await page.call("POST", "/build", status=202)
    assert (begun["state"], begun["step"]) == ("building", "Fetching the tools")
    *_, (_, told) = await stream.until("build", progress=0.25)
    assert isinstance(told, dict) and told["step"] == "Собираю"
    assert "already" in (await page.call("POST", "/build", status=409))["error"]["message"]
    assert await page.call("DELETE", "/build") == offered
    await stream.until("build", state="available")
    await stream.leave()
