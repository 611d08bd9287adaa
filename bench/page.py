"""How smoothly the page streams: 150 tokens a second into a conversation of 500 messages.

Serves the built page from the scripted server of web/tests/fake, drives it with a real Chromium, types into the
composer all the while, and prints the main thread's tasks over 50 ms as the page's own PerformanceObserver counts
them ("longtask", wall time), the longest task by processor time (what the page itself costs, whatever else the
machine does), the longest gap between two frames and the longest wait of a key press. Exits with 1 when a task
took more than 50 ms of processor time; wall time means something on a quiet machine only.

    python bench/page.py [--rate 150] [--messages 500]
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
LIMIT_MS = 50.0

OBSERVE = """() => {
  window.seen = {tasks: [], frame: 0, key: 0};
  const observe = (type, options, each) => new PerformanceObserver(list => list.getEntries().forEach(each))
    .observe({type, ...options});
  observe("longtask", {}, entry => seen.tasks.push(entry.duration));
  observe("event", {durationThreshold: 16}, entry => { seen.key = Math.max(seen.key, entry.duration); });
  let last = performance.now();
  const frame = now => { seen.frame = Math.max(seen.frame, now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  console.timeStamp("begin");
}"""


@contextmanager
def scripted_server(rate: int, messages: int) -> Iterator[str]:
    """Address of a scripted server that lives as long as the block."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None:
        raise SystemExit("There is no node: install the development extras.")
    options = ["--port", "0", "--rate", str(rate), "--messages", str(messages), "--tied"]
    command = [node, "tests/fake/main.ts", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT / "web", stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


class Trace:
    """Chromium's own record of what its threads did."""

    def __init__(self, browser: Browser) -> None:
        self.events: list[dict[str, Any]] = []
        self.complete = False
        self._session = browser.new_browser_cdp_session()
        self._session.on("Tracing.dataCollected", lambda data: self.events.extend(data["value"]))
        self._session.on("Tracing.tracingComplete", lambda _: setattr(self, "complete", True))
        config = {"includedCategories": ["devtools.timeline", "toplevel"]}
        self._session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})

    def end(self, page: Page) -> None:
        self._session.send("Tracing.end")
        while not self.complete:
            page.wait_for_timeout(50)

    def longest_task_ms(self) -> float:
        """Processor time of the longest task of the page's main thread after the mark "begin"."""
        [mark] = [e for e in self.events if e["name"] == "TimeStamp" and e["args"]["data"]["message"] == "begin"]
        return max(
            float(event.get("tdur", 0)) / 1000
            for event in self.events
            if event["name"] == "ThreadControllerImpl::RunTask"
            and (event["pid"], event["tid"]) == (mark["pid"], mark["tid"])
            and event["ts"] > mark["ts"]
        )


def converse(page: Page) -> None:
    """Asks twice, and types on while each answer is written."""
    for _ in range(2):
        page.fill("#composer", "Tell me about tea.")
        page.keyboard.press("Enter")
        page.wait_for_selector("article:last-child[aria-busy=true]")
        page.locator("#composer").press_sequentially("typing goes on while the answer is written", delay=60)
        page.wait_for_selector("article:last-child[aria-busy=false]", timeout=120_000)
        page.wait_for_timeout(500)


def measure(browser: Browser, address: str, messages: int) -> dict[str, float]:
    """What the observers saw while the long conversation went on; times in milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.locator("nav li a").first.click()
    expect(page.locator("article")).to_have_count(messages, timeout=60_000)
    trace = Trace(browser)
    page.wait_for_timeout(1000)
    page.evaluate(OBSERVE)
    page.wait_for_timeout(100)
    converse(page)
    seen = page.evaluate("() => seen")
    trace.end(page)
    return {
        "longest task, processor time, ms": trace.longest_task_ms(),
        "tasks over 50 ms, wall time": len(seen["tasks"]),
        "longest of them, ms": max(seen["tasks"], default=0),
        "longest gap between frames, ms": seen["frame"],
        "longest key press to paint, ms": seen["key"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=150, help="tokens per second")
    parser.add_argument("--messages", type=int, default=500, help="messages in the conversation")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    chosen = parser.parse_args()
    with scripted_server(chosen.rate, chosen.messages) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=FLAGS)
        result = measure(browser, address, chosen.messages)
        version = browser.version
        browser.close()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores{load}, Chromium {version}")
    print(f"{chosen.messages} messages, {chosen.rate} tokens/s")
    for name, value in result.items():
        print(f"{name:36}{value:8.1f}")
    return int(result["longest task, processor time, ms"] > LIMIT_MS)


if __name__ == "__main__":
    raise SystemExit(main())
