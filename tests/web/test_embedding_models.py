"""Models that only embed: listed as what they are, and not offered for chats."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.support.tiny_bert import Bert
from tests.support.tiny_llama import TinyLlama
from tests.web.conftest import tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("stocked")
    (home / "models").mkdir()
    Bert.random().write(home / "models" / "tiny-bert.gguf")
    TinyLlama().write(home / "models" / "tiny-llama.gguf")
    served = start(home, "--model", "echo")
    yield served
    served.stop()


def test_it_is_listed_for_embeddings_and_not_offered_for_chats(context: BrowserContext, stocked: Served) -> None:
    with tab(context, stocked) as talk:
        talk.open().page.get_by_role("button", name=re.compile("^(echo|No model loaded): ")).click()
        panel = talk.page.get_by_role("dialog", name="Model")
        embeds, writes = (
            panel.get_by_role("listitem").filter(has_text=f"tiny-{kind}") for kind in ("bert", "llama")
        )
        expect(embeds).to_contain_text("bert · for embeddings only")
        expect(embeds.get_by_role("button")).to_have_text([""])
        expect(embeds.get_by_role("button", name="Settings of tiny-bert")).to_be_visible()
        expect(writes.get_by_role("button", name="Load")).to_be_visible()
        expect(writes).not_to_contain_text("embeddings")
        embeds.get_by_role("button", name="Settings of tiny-bert").click()
        settings = talk.page.get_by_role("dialog", name="Settings of this model")
        expect(settings.get_by_label("Threads")).to_be_visible()
        expect(settings.get_by_label("Preset")).to_have_count(0)


def test_it_fits_a_small_screen_in_russian(browser: Browser, stocked: Served) -> None:
    small = ViewportSize(width=360, height=740)
    with browser.new_context(viewport=small, locale="ru-RU") as context, tab(context, stocked) as talk:
        talk.open().page.get_by_role("button", name=re.compile("^(echo|Модель не загружена)")).click()
        expect(talk.page.get_by_text("только для эмбеддингов")).to_be_visible()
        assert talk.page.evaluate("document.documentElement.scrollWidth") <= small["width"]
