"""The explorer in a browser: every control, pointer and keyboard, links, files, frames, themes."""

import re
import struct
import zlib

import numpy as np
import pytest
from explorer_browser import DESKTOP, PHONE, Watch, chromium, opened, screenshot, show

import anypool as ap
from anypool.see.explorer import explorer

TUTORIAL = np.array([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]], float)
RNG = np.random.default_rng(3)
PHOTO = RNG.integers(0, 256, (36, 48, 3), dtype=np.uint8)
START = "#image=tutorial&a=max,sliding,k2&b=mean,sliding,k2"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The page as a file, without a photograph and with one."""
    folder = tmp_path_factory.mktemp("explorer")
    plain = explorer(out=folder / "plain.html")
    return {
        "folder": folder,
        "page": plain,
        "plain": folder / "plain.html",
        "photo": explorer(PHOTO).save(folder / "photo.html"),
    }


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shared(browser, files):
    with opened(browser, files["plain"]) as page:
        yield page


@pytest.fixture
def page(shared):
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
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def title(page):
    return page.locator("#inspector > h2").inner_text()


def card(page, side):
    return page.locator(f'.card[data-side="{side}"]')


def field(page, side, name):
    return page.locator(f'form[data-side="{side}"] [data-field="{name}"]')


# --- how it opens ---------------------------------------------------------------------------------


def test_it_opens_on_an_example_that_teaches(page):
    assert page.title() == "anypool explorer: what each output sees"
    np.testing.assert_array_equal(read(page, "input"), TUTORIAL)
    np.testing.assert_array_equal(read(page, "output", "a"), ap.max_pool(TUTORIAL, 2))
    np.testing.assert_array_equal(read(page, "output", "b"), ap.avg_pool(TUTORIAL, 2))
    assert title(page) == "Output (0, 0)"
    assert page.locator("#lessons a[aria-current]").inner_text() == "Max or average"
    assert page.locator("#calls code").all_inner_texts() == [
        "ap.max_pool(x, 2)", "F.max_pool2d(x, 2)", "ap.avg_pool(x, 2)", "F.avg_pool2d(x, 2)",
    ]  # fmt: skip
    screenshot(page, "opens")


def test_a_photograph_inside_is_shown_first_and_its_pixels_are_pythons(browser, files):
    with opened(browser, files["photo"]) as page:
        assert address(page).startswith("#image=photo&")
        planes = np.array(read(page, "planes")).reshape(3, 36, 48)
        np.testing.assert_array_equal(planes, PHOTO.transpose(2, 0, 1))
        grey = read(page, "input")
        image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
        np.testing.assert_array_equal(grey, np.asarray(image.fromarray(PHOTO).convert("L")))
        for number, channel in enumerate(("red", "green", "blue")):
            page.select_option("#channel", channel)
            np.testing.assert_array_equal(read(page, "input"), PHOTO[..., number])
        screenshot(page, "photograph")


def test_it_opens_as_python_says(browser, files):
    made = explorer(PHOTO, state="#image=photo&a=gem:p4,sliding,k4&b=none")
    with opened(browser, made.save(files["folder"] / "state.html")) as page:
        assert address(page) == "#image=photo&a=gem:p4,sliding,k4&b=none"
        page.locator("#lessons a").first.click()
        page.locator("#reset").click()
        assert address(page) == "#image=photo&a=gem:p4,sliding,k4&b=none"


# --- controls -------------------------------------------------------------------------------------

CONTROLS = [
    ("kernel", [("fill", "0-0", "3")], "a=max,sliding,k3"),
    ("stride", [("fill", "1-0", "1")], "a=max,sliding,k2,s1"),
    ("no stride", [("fill", "1-0", "1"), ("fill", "1-0", "")], "a=max,sliding,k2"),
    ("dilation", [("fill", "2-0", "2")], "a=max,sliding,k2,d2"),
    ("padding", [("fill", "3-0", "1")], "a=max,sliding,k2,p1"),
    ("same", [("choose", "padding-by", "same")], "a=max,sliding,k2,same"),
    ("same lower", [("choose", "padding-by", "same_lower")], "a=max,sliding,k2,same_lower"),
    ("ceil", [("fill", "0-0", "3"), ("tick", "ceil", "")], "a=max,sliding,k3,ceil"),
    ("apart", [("tick", "apart", ""), ("fill", "0-1", "3")], "a=max,sliding,k2x3"),
    (
        "strides apart",
        [("tick", "apart", ""), ("fill", "1-1", "1")],
        "a=max,sliding,k2,s2x1",
    ),
    (
        "paddings apart",
        [("tick", "apart", ""), ("fill", "3-1", "2"), ("fill", "4-0", "1")],
        "a=max,sliding,k2,p0:2x1:0",
    ),
    ("adaptive", [("choose", "kind", "adaptive")], "a=max,adaptive,n3"),
    ("size", [("choose", "kind", "adaptive"), ("fill", "0-0", "2")], "a=max,adaptive,n2"),
    ("size kept", [("choose", "kind", "adaptive"), ("fill", "0-0", "")], "a=max,adaptive,n-"),
    ("split", [("choose", "kind", "split")], "a=max,split,n3"),
    ("copied", [("choose", "kind", "copied")], "a=max,copied,n3"),
    ("whole", [("choose", "kind", "whole")], "a=max,whole"),
    ("fractional", [("choose", "kind", "fractional"), ("fill", "1-0", "2")], "a=max,fractional,k2,n2"),
    ("pyramid", [("choose", "kind", "pyramid")], "a=max,pyramid,b1.2.4"),
    ("bins", [("choose", "kind", "pyramid"), ("fill", "bins", "1, 3")], "a=max,pyramid,b1.3"),
    ("rule", [("choose", "kind", "pyramid"), ("choose", "rule", "split")], "a=max,pyramid,b1.2.4,split"),
    ("count", [("choose", "reduce", "mean"), ("choose", "count", "false")], "a=mean,sliding,k2,nocount"),
    ("power", [("choose", "reduce", "gem"), ("fill", "p", "4.5")], "a=gem:p4.5,sliding,k2"),
    ("k", [("choose", "reduce", "topk"), ("fill", "k", "3")], "a=topk:k3,sliding,k2"),
    ("method", [("choose", "reduce", "median"), ("choose", "method", "1")], "a=median:method1,sliding,k2"),
]  # fmt: skip


def use(page, side, action, name, value):
    box = field(page, side, name)
    if action == "fill":
        box.fill(value)
    elif action == "choose":
        box.select_option(value)
    else:
        box.check()


@pytest.mark.parametrize(
    ("steps", "expected"), [c[1:] for c in CONTROLS], ids=[c[0] for c in CONTROLS]
)
def test_a_pooling_is_set_by_its_form(page, steps, expected):
    for step in steps:
        use(page, "a", *step)
    assert address(page).split("&")[1] == expected
    assert page.locator('form[data-side="a"] .fault').inner_text() == ""


@pytest.mark.parametrize("name", ["max", "mean", "min", "sum", "lp", "gem", "lse", "soft", "std",
    "var", "median", "quantile", "mode", "topk", "stochastic", "any", "all"])  # fmt: skip
def test_every_operation_can_be_chosen(page, name):
    field(page, "b", "reduce").select_option(name)
    expected = ap.pool(TUTORIAL, ap.windows.sliding(2), name)
    np.testing.assert_allclose(read(page, "output", "b"), expected, rtol=1e-12)
    assert page.locator('[data-panel="b"] .name').inner_text() == name


def test_the_second_form_sets_the_second_pooling(page):
    use(page, "b", "fill", "0-0", "3")
    assert address(page) == "#image=tutorial&a=max,sliding,k2&b=mean,sliding,k3"


def test_a_field_keeps_the_keyboard_while_one_types(page):
    box = field(page, "a", "0-0")
    box.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert address(page).split("&")[1] == "a=max,sliding,k4"
    assert page.evaluate("document.activeElement.dataset.field") == "0-0"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("0-0", "0", "Kernel: a whole number from 1 to 63."),
        ("0-0", "", "Kernel: a whole number from 1 to 63."),
        ("0-0", "2.5", "Kernel: a whole number from 1 to 63."),
        ("1-0", "99", "Stride: a whole number from 1 to 63 (empty: kernel)."),
        ("3-0", "-1", "Padding: a whole number from 0 to 63."),
    ],
)
def test_a_number_that_makes_no_sense_is_answered_in_words(page, name, value, words):
    field(page, "a", name).fill(value)
    assert words in page.locator('form[data-side="a"] .fault').inner_text()
    assert field(page, "a", name).get_attribute("aria-invalid") == "true"
    assert address(page) == START
    field(page, "a", name).fill("1")
    assert page.locator('form[data-side="a"] .fault').inner_text() == ""


def test_bins_that_make_no_sense_are_answered_in_words(page):
    field(page, "a", "kind").select_option("pyramid")
    field(page, "a", "bins").fill("1 2 x")
    assert "Bins: write one to eight whole numbers" in page.locator("#form-a .fault").inner_text()


def test_windows_that_do_not_fit_are_told_in_the_panel(page):
    field(page, "a", "0-0").fill("9")
    blank = page.locator('[data-panel="a"] .blank')
    assert "does not fit the rows: 4 with padding 0 and 0 make 4" in blank.inner_text()
    assert read(page, "output", "a") is None
    assert page.locator('[data-panel="d"] .blank').is_visible()
    assert card(page, "a").inner_text() == read(page, "fault", "a")


CHOICES = [
    ("palette", lambda page: page.select_option("#palette", "dusk"), "&palette=dusk"),
    ("scale", lambda page: page.select_option("#scale", "own"), "&scale=own"),
    ("view", lambda page: page.check("[name=view][value=coverage]"), "&view=coverage"),
    ("picture", lambda page: page.check("[name=picture][value=ramp]"), "#image=ramp&"),
    ("no comparison", lambda page: page.uncheck("#compare"), "&b=none"),
    ("swap", lambda page: page.click("#swap"), "a=mean,sliding,k2&b=max,sliding,k2"),
    ("theme", lambda page: page.click("#theme"), "&theme=light"),
]


@pytest.mark.parametrize(("act", "expected"), [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES])
def test_choices_are_kept_in_the_address(page, act, expected):
    before = page.locator("#panels").screenshot()
    act(page)
    assert expected in address(page)
    page.wait_for_timeout(250)
    assert page.url.endswith(address(page))
    if expected not in ("&theme=light",):
        assert page.locator("#panels").screenshot() != before


def test_comparing_begins_with_the_windows_of_a(page):
    page.uncheck("#compare")
    assert not page.locator('[data-panel="b"]').is_visible()
    assert not page.locator('form[data-side="b"]').is_visible()
    field(page, "a", "0-0").fill("3")
    page.check("#compare")
    assert address(page) == "#image=tutorial&a=max,sliding,k3&b=mean,sliding,k3"


def test_b_can_take_the_windows_of_a(page):
    field(page, "a", "kind").select_option("whole")
    page.click("#same-windows")
    assert address(page) == "#image=tutorial&a=max,whole&b=mean,whole"


def test_colour_pictures_have_channels(page):
    assert not page.locator("#channel-field").is_visible()
    page.check("[name=picture][value=hills]")
    assert page.locator("#channel-field").is_visible()
    page.select_option("#channel", "blue")
    assert "channel=blue" in address(page)
    bright = page.locator('[data-panel="a"] .frame').screenshot()
    page.uncheck("#colour")
    assert "colour=no" in address(page)
    assert page.locator('[data-panel="a"] .frame').screenshot() != bright


def test_what_takes_long_waits_to_be_asked_for(page):
    page.check("[name=picture][value=hills]")
    show(page, "#image=hills&a=median,sliding,k63,s1,p31&b=none&at=none")
    blank = page.locator('[data-panel="a"] .blank')
    assert re.search(r"takes about \d+ seconds or more", blank.inner_text())
    show(page, "#image=ramp&a=mean,sliding,k2&b=none&at=none")
    assert not blank.is_visible()


# --- pointer and keyboard -------------------------------------------------------------------------


def test_an_output_under_the_pointer_lights_its_window(page):
    still = page.locator('[data-panel="input"] .frame').screenshot()
    hover(page, "a", 1)
    assert title(page) == "Output (0, 1)"
    assert page.locator('[data-panel="input"] .frame').screenshot() != still
    a = card(page, "a")
    assert a.locator("output").get_attribute("data-value") == "9"
    assert a.locator("td[data-value]").evaluate_all(
        "cells => cells.map(c => +c.dataset.value)"
    ) == [9, 2, 6, 0]
    assert a.locator("td.won").inner_text().split() == ["9", "×1"]
    assert "wins" in a.locator(".sentence").inner_text()
    assert card(page, "b").locator("small").all_inner_texts() == ["×1/4"] * 4
    assert card(page, "b").locator('[data-fact="divides by"]').inner_text() == "4"
    screenshot(page, "output-under-the-pointer")


def test_a_click_keeps_a_cell_and_leaving_comes_back_to_it(page):
    page.mouse.click(*cell(page, "a", 3))
    assert "at=a.3" in address(page)
    hover(page, "a", 0)
    assert title(page) == "Output (0, 0)"
    page.mouse.move(700, 5)
    page.wait_for_timeout(50)
    assert title(page) == "Output (1, 1)"


def test_an_input_under_the_pointer_lights_the_outputs_it_feeds(page):
    show(page, "#image=ramp&a=mean,sliding,k3,s2&b=max,sliding,k3,s1")
    hover(page, "input", 22)
    assert title(page) == "Input (2, 2): 22"
    weights = (
        card(page, "a").locator("small").evaluate_all("all => all.map(s => +s.dataset.weight)")
    )
    np.testing.assert_allclose(weights, [1 / 9] * 4)
    assert card(page, "a").locator("li").first.text_content() == "(0, 0)×1/9"
    assert "Read by 9 outputs" in card(page, "b").locator(".sentence").inner_text()
    screenshot(page, "input-under-the-pointer")


def test_the_difference_leads_to_both_windows(page):
    hover(page, "d", 1)
    assert title(page) == "Difference (0, 1): 4.75"
    assert card(page, "a").locator("output").inner_text() == "9"
    assert card(page, "b").locator("output").inner_text() == "4.25"


def test_arrow_keys_walk_over_the_outputs_and_say_where(page):
    show(page, "#image=ramp&a=max,sliding,k2,s1&b=none")
    page.locator("[name=of]").first.evaluate("box => box.blur()")
    page.locator('[data-panel="a"] .hit').focus()
    for keys, expected in [("ArrowRight ArrowDown", "(1, 1)"), ("End", "(1, 8)"), ("ArrowRight", "(1, 8)"),
                           ("Control+End", "(8, 8)"), ("Home", "(8, 0)"), ("PageUp", "(7, 0)"),
                           ("Control+Home", "(0, 0)"), ("ArrowUp", "(0, 0)"), ("PageDown", "(1, 0)")]:  # fmt: skip
        for key in keys.split():
            page.keyboard.press(key)
        page.wait_for_timeout(30)
        assert title(page) == f"Output {expected}"
        assert page.locator("#spoken").inner_text().startswith(f"Output {expected} reads")
    assert "at=a.9" in address(page)


def test_tab_goes_from_grid_to_grid_and_the_focus_is_seen(page):
    page.locator('[data-panel="input"] .hit').focus()
    page.keyboard.press("ArrowRight")
    assert (
        page.locator("#spoken").inner_text()
        == "Input (0, 1) is 9; it feeds 1 outputs of A and 1 outputs of B."
    )
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[data-panel]').dataset.panel") == "a"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.locator("#spoken").inner_text().startswith("Output (0, 0) reads")


def test_a_pyramid_is_walked_grid_by_grid(page):
    show(page, "#image=ramp&a=max,pyramid,b1.2&b=none")
    page.locator('[data-panel="a"] .hit').focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(30)
    assert title(page) == "Output (0, 2)"
    assert "Output 2 reads rows 0–4 and columns 5–9" in card(page, "a").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(30)
    assert title(page) == "Output (0, 4)"
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(30)
    assert title(page) == "Output (0, 0)"


def test_nothing_moves_while_the_pointer_does(page):
    places = """() => [...document.querySelectorAll("main > *, .panel, .card, .card header, .seen dl, footer")]
        .map(part => { const b = part.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })"""
    for hash in (
        "#image=ramp&a=mean,sliding,k3,s2,p1&b=max,sliding,k3,s2,p1",
        "#image=ramp&a=max,adaptive,n7&b=none",
    ):
        show(page, hash)
        hover(page, "a", 0)
        still = page.evaluate(places)
        for number in (1, 2, 4, 6, 12, 18, 24):
            hover(page, "a", number)
            moved = np.abs(np.array(page.evaluate(places)) - still).max()
            assert moved < 0.5, (hash, number)  # a table of other numbers is a hair taller


# --- links ----------------------------------------------------------------------------------------


def test_every_lesson_is_a_link_that_opens_the_same_in_a_fresh_page(browser, files, page):
    for number in range(page.locator("#lessons a").count()):
        lesson = page.locator("#lessons a").nth(number)
        lesson.click()
        assert lesson.get_attribute("aria-current") == "true"
        assert address(page) == lesson.get_attribute("href")
        words = page.locator("#lesson-words").inner_text()
        outputs = [read(page, "output", side) for side in "ab"]
        seen = page.locator("#inspector").inner_text()
        assert (
            not page.locator(".blank p").filter(visible=True).all_inner_texts()
            or "cell by cell" in page.locator(".blank p").filter(visible=True).first.inner_text()
        )
        with opened(browser, files["plain"], address(page)) as fresh:
            assert address(fresh) == address(page)
            assert fresh.locator("#lesson-words").inner_text() == words
            assert fresh.locator("#inspector").inner_text() == seen
            for side, output in zip("ab", outputs, strict=True):
                np.testing.assert_array_equal(read(fresh, "output", side), output)


def test_copy_link_gives_an_address_that_opens_the_same(browser, files):
    with opened(browser, files["plain"], permissions=["clipboard-read", "clipboard-write"]) as page:
        show(page, "#image=edge&a=gem:p4,adaptive,n7x5&b=none&at=a.7&view=gradient")
        page.locator("#link").click()
        page.locator("#link", has_text="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == files["plain"].as_uri() + address(page)
        page.locator('[aria-label="Copy the anypool call"]').first.click()
        page.locator("button", has_text="Copied").last.wait_for()
        assert (
            page.evaluate("navigator.clipboard.readText()")
            == page.locator("#calls code").first.inner_text()
        )


@pytest.mark.parametrize(
    ("hash", "words"),
    [
        ("#image=nowhere", "This link was made with a photograph that is not in this page."),
        ("#image=own&a=max,sliding,k3", "a photograph that is not in this page"),
        ("#a=maxx,sliding,k2", "the reduction “maxx” is not known; max is used"),
        ("#nonsense", "“nonsense” in the address is not known"),
        ("#image=numbers", "the address has no numbers to show"),
        ("#image=ramp&a=max,sliding,k999", "kernel “999” is no whole number from 1 to 63"),
        ("#%E0%A4%A=1&<script>alert(1)</script>", "is not known, and is left out"),
    ],
)
def test_a_link_that_is_not_understood_says_so_and_opens(page, hash, words):
    show(page, hash)
    assert words.lower() in page.locator("#notes").inner_text().lower()
    assert read(page, "output", "a") is not None


def test_a_cell_that_is_not_there_is_no_trouble(page):
    show(page, "#image=tutorial&a=max,sliding,k2&b=none&at=a.99999")
    assert title(page) == "The chosen cell"
    page.locator('[data-panel="a"] .hit').focus()
    page.keyboard.press("ArrowRight")
    assert read(page, "output", "a").shape == (2, 2)


def test_the_way_back_is_kept(page):
    show(page, "#image=ramp&a=max,sliding,k2&b=none")
    show(page, "#image=edge&a=max,sliding,k2&b=none")
    page.go_back()
    page.wait_for_timeout(100)
    assert address(page) == "#image=ramp&a=max,sliding,k2&b=none"


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
                const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
                document.body.dispatchEvent(event);
            }
        }""",
        [name, list(data), kind],
    )


def encoded(pixels, format="PNG"):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    import io

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
        data = encoded(RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8))[:30000]
    give(page, name, data() if callable(data) else data)
    page.locator("#notes", has_text=name).wait_for()
    said = page.locator("#notes").inner_text()
    assert said.startswith(words)
    assert said.count(". ") == 0
    assert address(page) == START


def test_numbers_can_be_typed(page):
    page.click("#type")
    assert page.locator("#typed").input_value().split() == "6 9 9 2 6 9 6 0 8 3 4 5 9 2 3 5".split()
    page.fill("#typed", "[[1, -2.5, 3],\n [4e1, nan, inf]]")
    page.click("#use")
    np.testing.assert_array_equal(read(page, "input"), [[1, -2.5, 3], [40, np.nan, np.inf]])
    assert "numbers=1,-2.5,3;40,nan,inf" in address(page)
    field(page, "a", "0-0").fill("1")
    shown = page.locator('[data-panel="input"] svg text').all_text_contents()
    assert shown == ["1", "−2.5", "3", "40", "NaN", "∞"]


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
        page.wait_for_timeout(100)
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


def test_a_touch_chooses_a_cell(browser, files):
    with opened(browser, files["plain"], "", PHONE, has_touch=True, is_mobile=True) as page:
        page.touchscreen.tap(*cell(page, "a", 3))
        page.wait_for_timeout(50)
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
        page.wait_for_timeout(150)
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
    "inline script": "document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))",
    "eval": "try { eval('1'); } catch {}",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(browser, files, fault):
    with (
        pytest.raises(AssertionError, match="console|page error|request"),
        opened(browser, files["plain"]) as page,
    ):
        page.evaluate(f"() => {{ {PLANTED[fault]}; }}")
        page.wait_for_timeout(100)


def test_a_request_that_no_policy_stops_is_noticed(browser, tmp_path):
    (tmp_path / "open.html").write_text(
        "<!doctype html><html data-ready><img src='neighbour.png'>", encoding="utf-8"
    )
    (tmp_path / "neighbour.png").write_bytes(png(1, 1))
    with (
        pytest.raises(AssertionError, match="request: GET file:"),
        opened(browser, tmp_path / "open.html") as page,
    ):
        page.wait_for_timeout(100)
