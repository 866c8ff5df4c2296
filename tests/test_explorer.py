"""The explorer in a browser: how it opens, every control, pointer and keyboard, links."""

import re

import numpy as np
import pytest

import anypool as ap
from anypool.see.explorer import explorer
from explorer_browser import eventually, opened, screenshot, settle, show
from explorer_pages import (  # noqa: F401 (those that give are fixtures)
    PHOTO,
    START,
    TUTORIAL,
    address,
    card,
    cell,
    field,
    give_browser,
    give_files,
    give_page,
    give_shared,
    hover,
    read,
    title,
)

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


def test_it_opens_on_numbers_from_python(browser, files):
    numbers = [[1, -2.5, np.nan], [1e300, np.inf, 0.1 + 0.2]]
    made = explorer(numbers=numbers, state="#a=max,whole&b=none")
    with opened(browser, made.save(files["folder"] / "numbers.html")) as page:
        np.testing.assert_array_equal(read(page, "input"), numbers)
        np.testing.assert_array_equal(read(page, "output", "a"), [[np.nan]])


# --- controls -------------------------------------------------------------------------------------

# field by its place among the rows of numbers, or by name: what is done -> what the address says
CONTROLS = {
    "fill 0-0 3": "max,sliding,k3",
    "fill 1-0 1": "max,sliding,k2,s1",
    "fill 1-0 1; fill 1-0 ": "max,sliding,k2",
    "fill 2-0 2": "max,sliding,k2,d2",
    "fill 3-0 1": "max,sliding,k2,p1",
    "choose padding-by same": "max,sliding,k2,same",
    "choose padding-by same_lower": "max,sliding,k2,same_lower",
    "fill 0-0 3; tick ceil ": "max,sliding,k3,ceil",
    "tick apart ; fill 0-1 3": "max,sliding,k2x3",
    "tick apart ; fill 1-1 1": "max,sliding,k2,s2x1",
    "tick apart ; fill 3-1 2; fill 4-0 1": "max,sliding,k2,p0:2x1:0",
    "choose kind adaptive": "max,adaptive,n3",
    "choose kind adaptive; fill 0-0 2": "max,adaptive,n2",
    "choose kind adaptive; fill 0-0 ": "max,adaptive,n-",
    "choose kind split": "max,split,n3",
    "choose kind copied": "max,copied,n3",
    "choose kind whole": "max,whole",
    "choose kind fractional; fill 1-0 2": "max,fractional,k2,n2",
    "choose kind pyramid": "max,pyramid,b1.2.4",
    "choose kind pyramid; fill bins 1,3": "max,pyramid,b1.3",
    "choose kind pyramid; choose rule split": "max,pyramid,b1.2.4,split",
    "choose reduce mean; choose count false": "mean,sliding,k2,nocount",
    "choose reduce gem; fill p 4.5": "gem:p4.5,sliding,k2",
    "choose reduce topk; fill k 3": "topk:k3,sliding,k2",
    "choose reduce median; choose method 1": "median:method1,sliding,k2",
}


def use(page, side, action, name, value):
    box = field(page, side, name)
    if action == "fill":
        box.fill(value)
    elif action == "choose":
        box.select_option(value)
    else:
        box.check()


@pytest.mark.parametrize("steps", CONTROLS)
def test_a_pooling_is_set_by_its_form(page, steps):
    for step in steps.split("; "):
        use(page, "a", *step.split(" ", 2))
    assert address(page).split("&")[1] == f"a={CONTROLS[steps]}"
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
    assert eventually(lambda: page.url.endswith(address(page)))
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
    settle(page)
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
    walk = {
        "ArrowRight ArrowDown": "(1, 1)",
        "End": "(1, 8)",
        "ArrowRight": "(1, 8)",
        "Control+End": "(8, 8)",
        "Home": "(8, 0)",
        "PageUp": "(7, 0)",
        "Control+Home": "(0, 0)",
        "ArrowUp": "(0, 0)",
        "PageDown": "(1, 0)",
    }
    for keys, expected in walk.items():
        for key in keys.split():
            page.keyboard.press(key)
        settle(page)
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
    settle(page)
    assert title(page) == "Output (0, 2)"
    assert "Output 2 reads rows 0–4 and columns 5–9" in card(page, "a").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    settle(page)
    assert title(page) == "Output (0, 4)"
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert title(page) == "Output (0, 0)"


def test_nothing_moves_while_the_pointer_does(page):
    places = """() => {
        const parts = "main > *, .panel, .card, footer";
        const boxes = [...document.querySelectorAll(parts)].map(p => p.getBoundingClientRect());
        return boxes.map(b => [b.x, b.y, b.width, b.height]);
    }"""
    for hash in (
        "#image=ramp&a=mean,sliding,k3,s2,p1&b=max,sliding,k3,s2,p1",
        "#image=ramp&a=max,adaptive,n7&b=none",
    ):
        show(page, hash)
        hover(page, "a", 0)
        still = page.evaluate(places)
        for panel, number in [*(("a", n) for n in (1, 2, 4, 6, 12, 18, 24)), ("input", 44)]:
            hover(page, panel, number)
            moved = np.abs(np.array(page.evaluate(places)) - still).max()
            assert moved < 0.5, (hash, number)  # a table of other numbers is a hair taller


# --- links ----------------------------------------------------------------------------------------


def test_every_lesson_is_a_link_that_opens_the_same_in_a_fresh_page(browser, files, page):
    with opened(browser, files["plain"]) as fresh:
        for lesson in page.locator("#lessons a").all():
            lesson.click()
            assert lesson.get_attribute("aria-current") == "true"
            assert address(page) == lesson.get_attribute("href")
            faults = page.locator(".blank p").filter(visible=True).all_inner_texts()
            assert all("no difference cell by cell" in words for words in faults)
            fresh.goto("about:blank")
            fresh.goto(files["plain"].as_uri() + address(page))
            fresh.locator("html[data-ready]").wait_for(state="attached")
            assert told(fresh) == told(page)


def told(page):
    """Everything that the page says and shows of its state."""
    words = [page.locator(name).inner_text() for name in ("#lesson-words", "#inspector", "#calls")]
    grids = [np.asarray(read(page, "output", side), object).tolist() for side in "ab"]
    return address(page), words, grids


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
        ("#image=nowhere", "The picture “nowhere” is not known; the first is shown."),
        ("#image=photo", "This link was made with a photograph that is not in this page."),
        ("#a=max,sliding,k2&at=a.99999", "the cell in the address is beyond the last of its panel"),
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
    assert eventually(lambda: address(page) == "#image=ramp&a=max,sliding,k2&b=none")
