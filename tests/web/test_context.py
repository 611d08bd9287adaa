"""What a context comes to, shown beside each model before it is loaded, and loading it with one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.support.tiny_llama import TinyLlama
from tests.web.conftest import Talk, tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Has a model that was trained on 2048 tokens."""
    home = tmp_path_factory.mktemp("stocked")
    (home / "models").mkdir()
    TinyLlama().write(home / "models" / "tiny.gguf")
    served = start(home, "--model", "echo")
    yield served
    served.stop()


def look(talk: Talk, window: str) -> None:
    talk.open()
    talk.page.get_by_role("button", name=re.compile("^(echo|tiny|No model loaded): ")).click()
    talk.page.get_by_role("button", name=re.compile("^(Context of|Контекст модели) tiny$")).click()
    talk.page.locator("#context-window").fill(window)


def test_the_curve_the_alpha_and_the_memory_follow_the_window(context: BrowserContext, stocked: Served) -> None:
    with tab(context, stocked) as talk:
        look(talk, "4096")
        dialog = talk.page.get_by_role("dialog", name="Context")
        expect(dialog).to_contain_text("trained on 2,048 tokens")
        expect(dialog.get_by_role("img", name=re.compile(r"at 4,096 tokens"))).to_be_visible()
        expect(dialog).to_contain_text(re.compile(r"Alpha \d\.\d+ reaches it"))
        expect(dialog).to_contain_text("--rope-alpha sets another value")
        expect(dialog.get_by_role("rowheader")).to_have_text(["f16", "q8_0", "q5_1", "q4_0"])
        talk.page.locator("#context-window").fill("1024")
        expect(dialog).to_contain_text("The model reads so much by itself.")
        talk.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_it_fits_a_small_screen_in_russian_and_warns(browser: Browser, stocked: Served) -> None:
    size = ViewportSize(width=360, height=640)
    with browser.new_context(locale="ru-RU", viewport=size) as context, tab(context, stocked) as talk:
        look(talk, "8000")
        dialog = talk.page.get_by_role("dialog", name="Контекст")
        expect(dialog).to_contain_text("После трёхкратного")
        assert dialog.evaluate(
            "one => [one.scrollWidth - one.clientWidth, document.documentElement.scrollWidth]"
        ) == [
            0,
            360,
        ]


def load(talk: Talk, button: str = "Load with this context") -> None:
    talk.page.get_by_role("dialog", name="Context").get_by_role("button", name=button).click()


def test_a_model_is_loaded_with_the_chosen_context_which_is_kept_until_it_is_taken_back(
    context: BrowserContext, stocked: Served
) -> None:
    with tab(context, stocked) as talk:
        look(talk, "4096")
        dialog = talk.page.get_by_role("dialog", name="Context")
        expect(dialog).to_contain_text("What you load it with here is kept for it.")
        dialog.get_by_role("spinbutton", name="Alpha").fill("2.5")
        dialog.get_by_label("keys: q8_0").check()
        load(talk)
        expect(dialog).to_have_count(0)
        pill = talk.page.get_by_role("button", name=re.compile("^tiny: Ready"))
        pill.click()
        chosen = "chosen for it on the page: 4,096 tokens, keys q8_0, values f16"
        expect(talk.page.get_by_role("dialog", name="Model")).to_contain_text(chosen)
        talk.page.get_by_role("button", name="Context of tiny").click()
        expect(dialog).to_contain_text("Kept for this model")
        expect(dialog).to_contain_text("alpha 2.5, keys q8_0, values f16")
        load(talk, "Back to the settings")
        expect(dialog).to_have_count(0)
        pill.click()
        expect(talk.page.get_by_role("dialog", name="Model")).not_to_contain_text("chosen for it")


def test_a_context_that_does_not_fit_is_refused_in_the_dialog_with_the_largest_that_does(
    context: BrowserContext, stocked: Served
) -> None:
    with tab(context, stocked) as talk:
        look(talk, "16777216")
        load(talk)
        alert = talk.page.get_by_role("dialog", name="Context").get_by_role("alert")
        expect(alert).to_contain_text(re.compile(r"does not fit.*At most [\d,]+ tokens fit"))
