"""How long a move of the pointer takes in the explorer, on a photograph of 256 x 256.

Run ``python -m bench.explorer``. A real pointer walks over the output and over the input in
Chromium; each frame's work is the page's own script and the layout it causes, without painting.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np

from anypool.see import explorer

FRAME = 16.0  # milliseconds
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
SETTINGS = {
    "3x3, stride 2, max beside mean": "a=max,sliding,k3,s2,p1&b=mean,sliding,k3,s2,p1",
    "9x9, stride 1, max beside mean": "a=max,sliding,k9,s1,p4&b=mean,sliding,k9,s1,p4",
    "adaptive 7, max beside mean": "a=max,adaptive,n7&b=mean,adaptive,n7",
    "2x2, stride 1, median": "a=median,sliding,k2,s1&b=none",
    "31x31, stride 8, median": "a=median,sliding,k31,s8&b=none",
    "global mean": "a=mean,whole&b=none",
}
# every callback of a frame is timed, with the layout that it makes necessary
WATCH = """() => {
    const ask = window.requestAnimationFrame.bind(window);
    window.spent = [];
    window.requestAnimationFrame = act => ask(now => {
        const began = performance.now();
        act(now);
        document.body.getBoundingClientRect();
        window.spent.push(performance.now() - began);
    });
}"""


def walk(page, panel: str, steps: int = 150) -> list[float]:
    """The milliseconds of each frame while the pointer goes over a panel."""
    box = page.locator(f'[data-panel="{panel}"] .hit').bounding_box()
    page.evaluate("() => { window.spent.length = 0; }")
    places = np.random.default_rng(0).random((steps, 2)) * 0.98 + 0.01
    for x, y in places:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.evaluate("() => new Promise(done => setTimeout(done))")
    return page.evaluate("window.spent")


def main() -> None:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    photo = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = explorer(photo).save(Path(folder) / "page.html")
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(f"({WATCH})()")
        print(f"{'ms a frame, 256 x 256':<34}{'over':>8}{'frames':>8}{'median':>8}{'worst':>8}")
        late = 0
        for name, setting in SETTINGS.items():
            page.goto("about:blank")
            page.goto(f"{file.as_uri()}#image=photo&{setting}")
            page.locator("html[data-ready]").wait_for(state="attached")
            for panel in ("a", "input"):
                spent = walk(page, panel)
                late += sum(ms > FRAME for ms in spent)
                middle, worst = statistics.median(spent), max(spent)
                print(f"{name:<34}{panel:>8}{len(spent):>8}{middle:>8.1f}{worst:>8.1f}")
        print(f"{late} frames took longer than {FRAME:g} ms")
        browser.close()


if __name__ == "__main__":
    main()
