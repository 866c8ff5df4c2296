"""What the tests of the explorer's page share: the files, a browser, one open page, and eyes."""

from __future__ import annotations

import numpy as np
import pytest

from anypool.see.explorer import explorer
from explorer_browser import chromium, opened, settle, show

TUTORIAL = np.array([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]], float)
RNG = np.random.default_rng(3)
PHOTO = RNG.integers(0, 256, (36, 48, 3), dtype=np.uint8)
START = "#image=tutorial&a=max,sliding,k2&b=mean,sliding,k2"


@pytest.fixture(scope="module", name="files")
def give_files(tmp_path_factory):
    """The page as a file, without a photograph and with one."""
    pytest.importorskip("PIL", reason="pillow is not installed")
    folder = tmp_path_factory.mktemp("explorer")
    plain = explorer(out=folder / "plain.html")
    return {
        "folder": folder,
        "page": plain,
        "plain": folder / "plain.html",
        "photo": explorer(PHOTO).save(folder / "photo.html"),
    }


@pytest.fixture(scope="module", name="browser")
def give_browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module", name="shared")
def give_shared(browser, files):
    with opened(browser, files["plain"]) as page:
        yield page


@pytest.fixture(name="page")
def give_page(shared):
    """The one page that most tests share, as it opens."""
    show(shared, START)
    shared.locator("#reset").click()
    yield shared
    shared.mouse.move(1, 1)
    shared.watch.check()


def read(page, *call):
    """What window.explorer says; grids as arrays."""
    name, *arguments = call
    found = page.evaluate(
        "([name, args]) => window.explorer[name](...args)", [name, list(arguments)]
    )
    if isinstance(found, dict) and {"rows", "cols", "values"} <= found.keys():
        return np.array(found["values"], float).reshape(found["rows"], found["cols"])
    return found


def address(page):
    return read(page, "address")


def cell(page, panel, number):
    """Where a cell's number stands."""
    box = page.locator(f'[data-panel="{panel}"] svg text[data-cell="{number}"]').bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def hover(page, panel, number):
    page.mouse.move(*cell(page, panel, number))
    settle(page)


def title(page):
    return page.locator("#inspector > h2").inner_text()


def card(page, side):
    return page.locator(f'.card[data-side="{side}"]')


def field(page, side, name):
    return page.locator(f'form[data-side="{side}"] [data-field="{name}"]')
