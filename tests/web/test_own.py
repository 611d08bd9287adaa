"""What one model has of its own, said on the page; and its preset under the page's chats."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.support.tiny_llama import CHAT_TEMPLATE, TinyLlama
from tests.web.conftest import Talk, tab

pytestmark = pytest.mark.browser

NOTHING = {"threads": None, "library": None, "template": None, "preset": None}


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("stocked")
    (home / "models").mkdir()
    TinyLlama().write(home / "models" / "tiny.gguf")
    served = start(home, "--model", "echo")
    yield served
    served.stop()


@pytest.fixture
def talk(context: BrowserContext, stocked: Served) -> Iterator[Talk]:
    for model in ("tiny", "echo"):
        keep(stocked, model, NOTHING)
    with tab(context, stocked) as talk:
        yield talk.open()


def keep(server: Served, model: str, own: dict[str, object]) -> None:
    httpx.put(f"{server.url}/samovar/models/{model}/settings", json=own, trust_env=False).raise_for_status()


def kept(server: Served, model: str = "tiny") -> dict[str, object]:
    told: dict[str, object] = httpx.get(f"{server.url}/samovar/models/{model}/settings", trust_env=False).json()
    return told


def look(talk: Talk, model: str = "tiny") -> Locator:
    talk.page.get_by_role("button", name=re.compile("^(echo|tiny|No model loaded): ")).click()
    talk.page.get_by_role("button", name=re.compile(f"^(Settings of|Настройки модели) {model}$")).click()
    return talk.page.get_by_role("dialog", name=re.compile("Settings of this model|Настройки этой модели"))


def test_what_is_said_of_a_model_is_kept_and_told_when_it_holds(talk: Talk) -> None:
    dialog = look(talk)
    expect(dialog.get_by_role("group", name="From the next load on")).to_be_visible()
    expect(dialog.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    dialog.get_by_label("Threads").fill("1")
    dialog.get_by_label("Library").select_option("mainline")
    dialog.get_by_label("Preset").select_option("creative")
    dialog.get_by_label("Take over a template").select_option("ChatML")
    expect(dialog.get_by_label("Chat template", exact=True)).to_have_value(re.compile("im_start"))
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(
        talk.page.get_by_text("The settings of tiny are saved; threads and library hold from its next load on.")
    ).to_be_visible()
    told = kept(talk.server)
    assert (told["threads"], told["library"], told["preset"]) == (1, "mainline", "creative")
    dialog = look(talk)
    expect(dialog.get_by_label("Threads")).to_have_value("1")
    dialog.get_by_label("Threads").fill("")
    dialog.get_by_label("Chat template", exact=True).fill("")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    assert kept(talk.server) == NOTHING | {"library": "mainline", "preset": "creative"}


def test_the_template_in_the_file_can_be_seen_and_a_broken_one_is_refused_where_it_stands(talk: Talk) -> None:
    dialog = look(talk)
    dialog.get_by_role("button", name="See the one in the file").click()
    expect(dialog.locator("pre")).to_have_text(CHAT_TEMPLATE)
    dialog.get_by_label("Chat template", exact=True).fill("{% if %}")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("This chat template does not work")
    expect(dialog.get_by_label("Chat template", exact=True)).to_have_value("{% if %}")
    assert kept(talk.server) == NOTHING


def test_a_loaded_model_can_be_loaded_again_with_what_was_said(talk: Talk) -> None:
    dialog = look(talk, "echo")
    again = dialog.get_by_role("button", name="Save and load again")
    expect(again).to_have_count(0)
    dialog.get_by_label("Threads").fill("3")
    again.click()
    expect(dialog).to_have_count(0)
    expect(talk.page.get_by_role("button", name="echo: Ready")).to_be_visible()
    assert kept(talk.server, "echo")["threads"] == 3


def test_the_preset_of_the_model_stands_under_the_chats_and_the_panel_says_so(talk: Talk) -> None:
    keep(talk.server, "echo", NOTHING | {"preset": "creative"})
    temperature = httpx.get(f"{talk.server.url}/samovar/presets/creative", trust_env=False).json()["values"][
        "temperature"
    ]
    talk.page.get_by_role("button", name="Sampling").click()
    panel = talk.page.get_by_role("region", name="Sampling")
    expect(panel.get_by_text("from the settings of this model")).to_be_visible()
    field = panel.get_by_role("spinbutton", name="temperature", exact=True)
    expect(field).to_have_value(str(temperature))
    field.fill("0.5")
    field.blur()
    expect(panel.get_by_text("from the settings of this model")).to_have_count(0)
    panel.get_by_role("button", name=re.compile("^Preset: ")).click()
    panel.get_by_role("button", name="As the settings of this model say").click()
    expect(field).to_have_value(str(temperature))


@pytest.mark.parametrize("language", ["en-US", "ru-RU"])
def test_it_fits_a_small_screen(browser: Browser, stocked: Served, language: str) -> None:
    size = ViewportSize(width=360, height=640)
    with browser.new_context(locale=language, viewport=size) as context, tab(context, stocked) as talk:
        talk.open()
        talk.page.locator(".pill").click()
        talk.page.get_by_role("button", name=re.compile("(Settings of|Настройки модели) tiny$")).click()
        dialog = talk.page.get_by_role("dialog", name=re.compile("Settings of|Настройки этой"))
        expect(dialog.locator("#own-threads")).to_be_visible()
        widths = "one => [one.scrollWidth - one.clientWidth, document.documentElement.scrollWidth]"
        assert dialog.evaluate(widths) == [0, 360]
