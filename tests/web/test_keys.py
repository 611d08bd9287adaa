"""Signing in on the page, and managing keys there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.e2e.conftest import Served, start
from tests.web.conftest import Talk, tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for a key."""
    served = start(tmp_path_factory.mktemp("guarded"), "--model", "echo", "--api-key", "open sesame")
    yield served
    served.stop()


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Sign in").click()


def open_keys(page: Page) -> None:
    page.get_by_role("button", name="Keys", exact=True).click()


def test_the_page_asks_for_a_key_by_itself_and_remembers_who_has_signed_in(
    context: BrowserContext, guarded: Served
) -> None:
    with tab(context, guarded) as talk:
        talk.open("/c/nowhere")
        expect(talk.composer).to_have_count(0)
        expect(talk.page.get_by_label("Key", exact=True)).to_be_focused()
        sign_in(talk.page, "wrong")
        expect(talk.page.get_by_role("alert")).to_contain_text("does not know the key")
        sign_in(talk.page, "open sesame")
        expect(talk.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
        talk.open()
        talk.ask("How is tea made?")
        talk.page.reload()
        expect(talk.answer).to_be_visible()
        assert talk.page.evaluate("() => document.cookie") == ""
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        open_keys(talk.page)
        talk.page.get_by_role("button", name="Sign out").click()
        expect(talk.page.get_by_label("Key", exact=True)).to_be_visible()
    assert guarded.get("/samovar/state").status_code == 401


def test_another_tab_is_signed_out_as_well(context: BrowserContext, guarded: Served) -> None:
    with tab(context, guarded) as one, tab(context, guarded) as two:
        one.open()
        sign_in(one.page, "open sesame")
        expect(one.composer).to_be_visible()
        two.open()
        expect(two.composer).to_be_visible()
        open_keys(one.page)
        one.page.get_by_role("button", name="Sign out").click()
        two.say("Hello?")
        expect(two.page.get_by_label("Key", exact=True)).to_be_visible()


def test_keys_are_made_told_once_and_revoked(context: BrowserContext, tmp_path: Path) -> None:
    """From a server without keys: the first one locks it, and its maker stays inside."""
    served = start(tmp_path, "--model", "echo")
    try:
        with tab(context, served) as talk:
            talk.open()
            _manage(talk, served)
    finally:
        served.stop()


def _manage(talk: Talk, served: Served) -> None:
    dialog = talk.page.get_by_role("dialog")
    open_keys(talk.page)
    expect(dialog.get_by_role("radio", name=re.compile("^infer"))).to_be_disabled()
    dialog.get_by_label("New key").fill("owner")
    dialog.get_by_role("button", name="Make").click()
    expect(dialog.locator("li")).to_have_count(1)
    assert served.get("/samovar/state").status_code == 401
    dialog.get_by_label("New key").fill("laptop")
    dialog.get_by_label("New key").press("Enter")
    expect(dialog.get_by_role("region")).to_contain_text("laptop")
    secret = dialog.locator(".secret code").inner_text()
    assert served.get("/v1/models").status_code == 401
    with served.client() as client:
        client.headers["authorization"] = f"Bearer {secret}"
        assert client.get("/v1/models").status_code == 200
        talk.page.keyboard.press("Escape")
        open_keys(talk.page)
        expect(dialog.locator("li")).to_have_count(2)
        assert secret not in talk.page.content()
        dialog.get_by_role("button", name="Revoke “laptop”").click()
        expect(dialog.locator("li")).to_have_count(1)
        assert client.get("/v1/models").status_code == 401
    dialog.get_by_role("button", name="Revoke “owner”").click()
    expect(talk.page.locator(".page")).to_be_visible()
    assert served.get("/samovar/state").status_code == 200


def test_a_small_screen_has_room_for_keys_and_for_signing_in(browser: Browser, guarded: Served) -> None:
    size = ViewportSize(width=360, height=640)
    with (
        browser.new_context(locale="en-US", viewport=size, has_touch=True, is_mobile=True) as context,
        tab(context, guarded) as talk,
    ):
        talk.open()
        assert talk.page.evaluate("() => document.documentElement.scrollWidth") == 360
        sign_in(talk.page, "open sesame")
        talk.page.get_by_role("button", name="Show conversations").click()
        open_keys(talk.page)
        dialog = talk.page.get_by_role("dialog")
        dialog.get_by_label("New key").fill("a" * 60)
        dialog.get_by_label("New key").press("Enter")
        expect(dialog.locator("li")).to_have_count(1)
        assert dialog.evaluate("(box) => box.scrollWidth <= box.clientWidth")
