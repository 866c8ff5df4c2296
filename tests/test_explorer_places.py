"""The explorer with pictures of one's own, in frames, themes and sizes; and the guard itself."""

import io
import struct
import zlib

import numpy as np
import pytest

import anypool as ap
from explorer_browser import DESKTOP, PHONE, Watch, opened, screenshot, settle, show
from explorer_pages import (  # noqa: F401 (those that give are fixtures)
    PHOTO,
    START,
    TUTORIAL,
    address,
    cell,
    field,
    give_browser,
    give_files,
    give_page,
    give_shared,
    read,
    title,
)

# --- one's own pictures ---------------------------------------------------------------------------


def png(rows, cols, bits=1):
    """A black PNG of any size, small as a file; 1 bit grey."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(1)
    line = bytes(1 + -(-cols * bits // 8))
    data = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", cols, rows, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def give(page, name, data, kind="image/png"):
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})


def drop(page, name, data, kind="image/png"):
    """A file let go over the page, as a desktop does it."""
    page.evaluate(
        """([name, bytes, type]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type }));
            for (const kind of ["dragenter", "dragover", "drop"]) {
                const way = { dataTransfer: data, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new DragEvent(kind, way));
            }
        }""",
        [name, list(data), kind],
    )


def encoded(pixels, format="PNG"):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

    file = io.BytesIO()
    image.fromarray(pixels).save(file, format=format)
    return file.getvalue()


def test_a_dropped_photograph_is_pooled_and_stays_here(page):
    drop(page, "cup.png", encoded(PHOTO))
    page.locator('[data-panel="input"] .name', has_text="cup.png").wait_for()
    np.testing.assert_array_equal(
        np.array(read(page, "planes")).reshape(3, 36, 48), PHOTO.transpose(2, 0, 1)
    )
    assert address(page).startswith("#image=own&")
    assert page.locator("#notes").inner_text() == ""
    assert page.locator("#dropping").is_hidden()


def test_a_chosen_file_of_one_pixel_is_a_picture(page):
    give(page, "dot.png", encoded(np.full((1, 1), 200, np.uint8)))
    page.locator('[data-panel="input"] .name', has_text="dot.png").wait_for()
    np.testing.assert_array_equal(read(page, "input"), [[200]])
    assert "does not fit" in page.locator('[data-panel="a"] .blank').inner_text()


def test_a_large_photograph_is_made_smaller_with_a_note(page):
    give(page, "large.png", png(3000, 2000))
    page.locator("#notes", has_text="large.png").wait_for()
    assert page.locator("#notes").inner_text() == (
        "large.png has 3000 × 2000 pixels (rows × columns); it was made smaller, to 256 × 171."
    )
    assert read(page, "input").shape == (256, 171)


BAD = {
    "empty.png": (b"", "empty.png is empty: it has no bytes."),
    "notes.txt": (b"not an image\n", "notes.txt is not a photograph that can be read."),
    "cut.png": (encoded, "cut.png is "),
    "huge.png": (
        lambda: png(20000, 20000),
        "huge.png has 20000 × 20000 pixels, more than a page can hold",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_sentence_and_changes_nothing(page, name):
    data, words = BAD[name]
    if name == "cut.png":
        data = encoded(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8))[
            :30000
        ]
    give(page, name, data() if callable(data) else data)
    page.locator("#notes", has_text=name).wait_for()
    said = page.locator("#notes").inner_text()
    assert said.startswith(words)
    assert said.count(". ") == 0
    assert address(page) == START


def test_numbers_can_be_typed(page):
    page.click("#type")
    assert page.locator("#typed").input_value() == "6 9 9 2\n6 9 6 0\n8 3 4 5\n9 2 3 5"
    page.fill("#typed", "[[1, -2.5, 3],\n [4e1, nan, inf]]")
    page.click("#use")
    np.testing.assert_array_equal(read(page, "input"), [[1, -2.5, 3], [40, np.nan, np.inf]])
    assert "numbers=1,-2.5,3;40,nan,inf" in address(page)
    field(page, "a", "0-0").fill("1")
    shown = page.locator('[data-panel="input"] svg text').all_text_contents()
    assert shown == ["1", "−2.5", "3", "40", "NaN", "∞"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,2;3,4", [[1, 2], [3, 4]]),
        ("1 2; 3 4;\n", [[1, 2], [3, 4]]),
        ("1;2\n3;4", [[1, 2], [3, 4]]),
    ],
)
def test_semicolons_part_rows_in_a_single_line(page, text, numbers):
    if page.locator("#typing").is_hidden():
        page.click("#type")
    page.fill("#typed", text)
    page.click("#use")
    np.testing.assert_array_equal(read(page, "input"), numbers)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There are no numbers; write rows such as 1 2 3."),
        ("1 2\n3", "Row 2 has 1 numbers and row 1 has 2; all rows need as many."),
        ("1 two", "“two” in row 1, place 2 is not a number."),
        ("1 1e999", "1e999 in row 1, place 2 is too large."),
        ("1 " * 65, "There are 1 rows and 65 columns; at most 64 of each can be typed."),
    ],
)
def test_what_is_typed_wrongly_is_answered_in_words(page, text, words):
    if page.locator("#typing").is_hidden():
        page.click("#type")
    page.fill("#typed", text)
    page.click("#use")
    assert words in page.locator("#typed-fault").inner_text()
    assert address(page) == START


def test_a_grid_can_be_drawn_with_pointer_and_keyboard(page):
    page.click("#draw")
    page.click("#blank")
    assert read(page, "input").shape == (8, 8)
    assert read(page, "input").sum() == 0
    page.mouse.move(*cell(page, "input", 0))
    page.mouse.down()
    for number in (1, 2, 3):
        page.mouse.move(*cell(page, "input", number))
    page.mouse.up()
    page.fill("#brush", "5")
    page.locator('[data-panel="input"] .hit').focus()
    page.keyboard.press("Control+Home")
    for key in ("ArrowDown", " ", "ArrowRight", "7"):
        page.keyboard.press(key)
    drawn = read(page, "input")
    assert drawn[0].tolist() == [9, 9, 9, 9, 0, 0, 0, 0]
    assert drawn[1].tolist() == [5, 7, 0, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(read(page, "output", "a"), ap.max_pool(drawn, 2))
    page.click("#draw")
    page.mouse.click(*cell(page, "input", 60))
    np.testing.assert_array_equal(read(page, "input"), drawn)


def test_drawing_on_a_picture_makes_it_ones_own(page):
    page.click("#draw")
    page.mouse.click(*cell(page, "input", 5))
    changed = TUTORIAL.copy()
    changed[1, 1] = float(page.locator("#brush").input_value())
    np.testing.assert_array_equal(read(page, "input"), changed)
    assert address(page).startswith("#image=numbers&")
    page.click("#draw")


# --- frames, themes, sizes ------------------------------------------------------------------------


def test_it_works_in_the_closed_frame_of_a_notebook(browser, files):
    notebook = files["folder"] / "notebook.html"
    notebook.write_text(
        f"<!doctype html><title>cell</title><body>{files['page']._repr_html_()}", encoding="utf-8"
    )
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    page = context.new_page()
    watch = Watch(page, notebook.as_uri())
    page.goto(notebook.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(state="attached")
    frame.locator('form[data-side="a"] [data-field="0-0"]').fill("3")
    frame.locator("#lessons a").nth(1).click()
    assert frame.locator("#lessons a[aria-current]").inner_text() == "Stride and overlap"
    frame.locator('[data-panel="a"] .hit').hover(position={"x": 60, "y": 60})
    frame.locator("#theme").click()
    frame.locator("#link").click()
    page.wait_for_timeout(400)
    frame.locator("#file").set_input_files(
        {"name": "cup.png", "mimeType": "image/png", "buffer": encoded(PHOTO)}
    )
    frame.locator('[data-panel="input"] .size', has_text="36 × 48").wait_for()
    screenshot(page, "notebook")
    watch.check()
    context.close()


def test_the_theme_follows_the_system_until_it_is_chosen(browser, files):
    with opened(browser, files["plain"], theme="dark") as page:
        paper = "getComputedStyle(document.documentElement).backgroundColor"
        dark = page.evaluate(paper)
        frame = page.locator('[data-panel="d"] .frame')
        drawn = frame.screenshot()
        page.emulate_media(color_scheme="light")
        settle(page)
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
        assert frame.screenshot() != drawn
        page.click("#theme")
        assert page.locator("#theme").inner_text() == "Theme: light"
        page.click("#theme")
        assert page.locator("#theme").inner_text() == "Theme: dark"
        assert page.evaluate(paper) == dark


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_reads_well_and_is_open_to_all(browser, files, size, theme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    touch = {"has_touch": True, "device_scale_factor": 2} if size == PHONE else {}
    with opened(browser, files["photo"], START, size, theme, **touch) as page:
        screenshot(page, f"{'phone' if size == PHONE else 'desktop'}-{theme}", full_page=True)
        for hash in (
            START,
            "#image=ramp&a=mean,adaptive,n7&b=max,pyramid,b1.2&view=gradient&at=input.5",
            "#image=photo&a=max,sliding,k63&b=none",
        ):
            show(page, hash)
            wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], hash
            found = axe.Axe().run(page).response["violations"]
            assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in found] == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_in_no_lesson_a_card_is_wider_than_its_frame(browser, files, size):
    with opened(browser, files["plain"], "", size) as page:
        for lesson in page.locator("#lessons a").all():
            lesson.click()
            settle(page)
            over = "cards => cards.filter(c => c.scrollWidth > c.clientWidth).length"
            assert page.locator(".card").evaluate_all(over) == 0, lesson.inner_text()


def test_a_touch_chooses_a_cell(browser, files):
    with opened(browser, files["plain"], "", PHONE, has_touch=True, is_mobile=True) as page:
        page.touchscreen.tap(*cell(page, "a", 3))
        settle(page)
        assert title(page) == "Output (1, 1)"


def test_a_print_has_the_figure_and_not_the_controls(page):
    page.emulate_media(media="print")
    assert page.locator(".settings").is_hidden()
    assert page.locator("#lessons").is_hidden()
    assert page.locator('[data-panel="a"] .frame').is_visible()
    assert page.locator("#calls code").first.is_visible()
    page.emulate_media(media="screen")


def test_a_narrower_window_draws_anew(browser, files):
    with opened(browser, files["plain"]) as page:
        wide = page.locator('[data-panel="a"] .frame').bounding_box()["width"]
        page.set_viewport_size({"width": 700, "height": 800})
        settle(page)
        settle(page)
        frame = page.locator('[data-panel="a"] .frame').bounding_box()
        assert frame["width"] != wide
        canvas = page.evaluate("document.querySelector('[data-panel=a] canvas').width")
        assert abs(canvas - frame["width"]) <= 1


# --- the guard itself -----------------------------------------------------------------------------

PLANTED = {
    "console": "console.error('planted')",
    "warning": "console.warn('planted')",
    "thrown": "setTimeout(() => { throw new Error('planted'); })",
    "rejected": "void Promise.reject(new Error('planted'))",
    "picture from elsewhere": "new Image().src = 'https://example.org/planted.png'",
    "fetch": "fetch('https://example.org/planted').catch(() => {})",
    "inline style": "document.body.setAttribute('style', 'color: red')",
    "inline script": (
        "const s = document.createElement('script'); s.text = '1'; document.body.append(s)"
    ),
    "eval": "setTimeout(() => eval('1'))",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(browser, files, fault):
    with pytest.raises(AssertionError, match=r"console|page error|request"):
        visit(browser, files["plain"], f"() => {{ {PLANTED[fault]}; }}")


def visit(browser, path, script="() => {}"):
    """Open a page, run a script in it, and wait until the watch has seen a fault."""
    with opened(browser, path) as page:
        page.evaluate(script)
        for _ in range(100):
            page.wait_for_timeout(20)
            if page.watch.faults:
                return


def test_a_request_that_no_policy_stops_is_noticed(browser, tmp_path):
    (tmp_path / "open.html").write_text(
        "<!doctype html><html data-ready><img src='neighbour.png'>", encoding="utf-8"
    )
    (tmp_path / "neighbour.png").write_bytes(png(1, 1))
    with pytest.raises(AssertionError, match="request: GET file:"):
        visit(browser, tmp_path / "open.html")
