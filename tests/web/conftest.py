"""The built page in a real Chromium, against the real server with the echo engine or the starter model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.e2e.conftest import Served, start

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "web"
BUILT = ROOT / "src" / "samovar" / "web"
CHROMIUM = os.environ.get("SAMOVAR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# What the echo engine says back is what it was told.
TEA = """Tea is **hot** water.

```python
print("tea")
```

The heat is $Q = m c$.

| cup | water |
|-----|------:|
| one | 200 |

<img src=x onerror="document.title='owned'"> ![pixel](https://pictures.example/pixel.png)
"""


CIRCLE = "The tea is hot and the evening is long. "


class Talk:
    """A conversation on a page, in the words of its reader."""

    def __init__(self, page: Page, server: Served) -> None:
        self.page = page
        self.server = server

    def open(self, path: str = "/") -> Talk:
        self.page.goto(self.server.url + path)
        return self

    @property
    def composer(self) -> Locator:
        return self.page.locator("#composer")

    @property
    def messages(self) -> Locator:
        return self.page.locator("article")

    @property
    def questions(self) -> Locator:
        return self.page.locator("article.user")

    @property
    def answer(self) -> Locator:
        """The last answer."""
        return self.page.locator("article.assistant").last

    @property
    def list(self) -> Locator:
        return self.page.get_by_role("navigation").locator("li")

    @property
    def open_entry(self) -> Locator:
        """The entry of the conversation that is open."""
        return self.list.filter(has=self.page.locator("[aria-current=page]"))

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def ask(self, text: str) -> None:
        """Says it and waits for the whole answer."""
        before = self.messages.count()
        self.say(text)
        expect(self.messages).to_have_count(before + 2)
        self.written()

    def written(self) -> None:
        expect(self.answer).to_have_attribute("aria-busy", "false", timeout=30_000)

    def act(self, message: Locator, label: str) -> None:
        """Presses one of the buttons that a message shows when it is looked at."""
        message.hover()
        message.get_by_role("button", name=label, exact=True).click()


def _is_stale() -> bool:
    index = BUILT / "index.html"
    if not index.is_file():
        return True
    sources = [WEB / name for name in ("index.html", "package-lock.json", "vite.config.ts")]
    sources += [path for folder in ("src", "public") for path in (WEB / folder).rglob("*") if path.is_file()]
    return any(path.stat().st_mtime > index.stat().st_mtime for path in sources)


@pytest.fixture(scope="session", autouse=True)
def built_page() -> None:
    """Builds the page where that was not done since it was last changed."""
    if not _is_stale():
        return
    beside = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": beside + os.pathsep + os.environ["PATH"]}
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        pytest.skip("there is no npm to build the page with")
    if not (WEB / "node_modules").is_dir():
        subprocess.run([npm, "ci"], cwd=WEB, env=environment, check=True, capture_output=True)
    subprocess.run([npm, "run", "build"], cwd=WEB, env=environment, check=True, capture_output=True)


# Not for the whole session: while Playwright's own loop runs in this thread, no other test could have one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Says back what it is told."""
    served = start(tmp_path_factory.mktemp("page"), "--model", "echo")
    yield served
    served.stop()


@pytest.fixture(scope="package")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Says back what it is told, a character each 20 ms: slow enough to be interrupted."""
    served = start(tmp_path_factory.mktemp("slow"), "--model", "echo:step_ms=20")
    yield served
    served.stop()


@pytest.fixture(scope="package")
def looping_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Answers everything with the same sentence, over and over, a character each 4 ms."""
    reply = quote("Well then. " + CIRCLE * 60, safe="")
    served = start(tmp_path_factory.mktemp("looping"), "--model", f"echo:step_ms=4;reply={reply}")
    yield served
    served.stop()


@contextmanager
def tab(context: BrowserContext, server: Served) -> Iterator[Talk]:
    """A tab in which nothing may go wrong unnoticed."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.extend([said.text] if "Security Policy" in said.text else []))
    page.on("request", lambda request: faults.extend([] if request.url.startswith(server.url) else [request.url]))
    yield Talk(page, server)
    page.close()
    assert faults == []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(locale="en-US", permissions=["clipboard-read", "clipboard-write"]) as context:
        context.set_default_timeout(15_000)
        yield context


@pytest.fixture
def talk(context: BrowserContext, server: Served) -> Iterator[Talk]:
    """An open page."""
    with tab(context, server) as talk:
        yield talk.open()


@pytest.fixture
def slow(context: BrowserContext, slow_server: Served) -> Iterator[Talk]:
    """An open page of the server that speaks slowly."""
    with tab(context, slow_server) as talk:
        yield talk.open()


@pytest.fixture
def looping(context: BrowserContext, looping_server: Served) -> Iterator[Talk]:
    """An open page of the server whose answers go round in a circle."""
    with tab(context, looping_server) as talk:
        yield talk.open()
