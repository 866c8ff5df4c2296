"""Chromium for the tests of pages: one browser a module, and a watch that no fault goes unseen.

A page that logs an error, throws, breaks its own policy or asks for anything beyond its own file
fails the test that opened it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = (1440, 900), (360, 740)
# ways to reach a page that never leave it
OWN = ("data:", "blob:", "about:")


def find_chromium() -> str:
    """The path of the system's Chromium, or a skip that says it is not there."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("chromium is not installed")
    return found


@contextmanager
def chromium():
    """A browser."""
    path = find_chromium()
    reason = "playwright is not installed"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Watch:
    """What went wrong in a page: everything that it should not say, throw or ask for."""

    def __init__(self, page, own: str) -> None:
        self.faults: list[str] = []
        self.own = own.split("#")[0]
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("request", self._asked)
        page.on("crash", lambda _: self.faults.append("the page crashed"))

    def _heard(self, message) -> None:
        if message.type in ("error", "warning", "assert"):
            self.faults.append(f"console {message.type}: {message.text}")

    def _asked(self, request) -> None:
        url = request.url.split("#")[0]
        if url != self.own and not url.startswith(OWN):
            self.faults.append(f"request: {request.method} {request.url}")

    def check(self) -> None:
        if self.faults:
            raise AssertionError("the page misbehaved: " + "; ".join(self.faults))


@contextmanager
def opened(browser, path: Path, hash="", size=DESKTOP, theme="light", **options):
    """A page opened from disk in a context of its own, watched until it is closed."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, **options
    )
    page = context.new_page()
    watch = Watch(page, path.as_uri())
    page.watch = watch
    page.goto(path.as_uri() + hash)
    page.locator("html[data-ready]").wait_for(state="attached")
    try:
        yield page
        watch.check()
    finally:
        context.close()


def show(page, hash: str) -> None:
    """Lead a page that is open to another address, and wait until it shows it."""
    page.evaluate(
        """hash => new Promise(done => {
            if (location.hash === hash) return done();
            addEventListener("hashchange", () => done(), { once: true });
            location.hash = hash;
        })""",
        hash,
    )


def settle(page) -> None:
    """Wait until what was asked for is drawn: two frames."""
    page.evaluate(
        "() => new Promise(d => requestAnimationFrame(() => requestAnimationFrame(() => d())))"
    )


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes to hold in time."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def screenshot(page, name: str, **options) -> Path:
    """A picture for the eye, under demo/screens/ or where ANYPOOL_SCREENS says."""
    folder = Path(os.environ.get("ANYPOOL_SCREENS", "demo/screens"))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", **options)
    return folder / f"{name}.png"
