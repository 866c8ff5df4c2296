"""Figures of any poolings of any pictures: what is drawn is what the title says, dot for dot."""

import os
import re

import numpy as np
import pytest

import anypool as ap
from anypool import PoolError, see

pytest.importorskip("PIL", reason="pillow is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import matplotlib
from matplotlib import _pylab_helpers
from matplotlib.patches import Rectangle
from PIL import Image

from anypool.cli import main
from anypool.see import figure as layout
from anypool.see import gallery, images

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (24, 36, 3), dtype=np.uint8)
X = (RGB / np.float32(255)).astype(np.float32)
GREY = np.ascontiguousarray(X[..., 0])


def panels_of(figure):
    """Every picture of a figure with its title in pieces: the call, and the words on its size."""
    found = []
    for ax in figure.axes:
        title = ax.get_title(loc="left")
        if title:
            *call, size = title.split("\n")
            while not re.match(r"\d+ × \d+", size):
                size = f"{call.pop()} {size}"
            found.append((" ".join(call), size, ax))
    return found


def shown(ax):
    return np.asarray(np.ma.filled(ax.images[0].get_array(), np.nan))


def says_the_truth(figure, x):
    """Every call, evaluated, gives what its panel shows."""
    for call, size, ax in panels_of(figure):
        value = x if call == "original" else eval(call, {"x": x, "np": np, **vars(ap)})
        value = np.asarray(value, dtype=np.float32)
        assert size.startswith(f"{value.shape[0]} × {value.shape[1]}")
        np.testing.assert_allclose(shown(ax), value, rtol=0, atol=1e-6)


PAIRS = [
    (ap.windows.split((3, 5)), "mean"),
    (ap.windows.adaptive(7), ap.reductions.gem(p=4)),
    (see.copied((5, 7)), "mean"),
    (ap.windows.sliding(3, 2, padding=1), "max"),
    (ap.windows.whole(), ap.reductions.quantile(q=0.25)),
]


@pytest.mark.parametrize("x", [X, GREY], ids=["colour", "grey"])
def test_the_titles_are_the_calls(x):
    ways = ["max", "avg", "adaptive-max", "global", "median", *PAIRS]
    differences = [("max", "avg"), ("original", "avg"), (PAIRS[1], "adaptive-max")]
    figure = images(x, ways, kernel=4, differences=differences[:1] + differences[2:])
    says_the_truth(figure, x)
    assert len(panels_of(figure)) == 1 + len(ways) + 2


def test_a_wrong_title_is_noticed():
    figure = images(GREY, ["max"])
    figure.axes[1].set_title("min_pool(x, 2, axes=(0, 1))\n12 × 18", loc="left")
    with pytest.raises(AssertionError, match="Not equal"):
        says_the_truth(figure, GREY)


def test_joined_and_dropped_axes_are_drawn_all_the_same():
    ways = [(ap.windows.pyramid((1, 2)), "max"), (ap.windows.whole(keepdims=False), "mean")]
    for x in (X, GREY):
        _, joined, dropped = (size for _, size, _ in panels_of(images(x, ways)))
        assert (joined, dropped) == ("1 × 5", "1 × 1")


def test_several_pictures_of_several_sizes(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "cat.png")
    figure = images([tmp_path / "cat.png", RGB[:10, :8, 0], GREY * 5 - 2], ["max"])
    names = [text.get_text() for text in figure.texts]
    assert names[:2] == ["cat.png", "image 1"]
    assert names[2] == "image 2"
    assert names[3].startswith("image 2: −1.") or names[3].startswith("image 2: −2")
    sizes = [size for _, size, _ in panels_of(figure)]
    assert sizes == ["24 × 36", "12 × 18", "10 × 8", "5 × 4", "24 × 36", "12 × 18"]
    lefts = {round(ax.get_position().x0, 6) for *_, ax in panels_of(figure)}
    assert len(lefts) == 2


def test_a_batch_is_its_pictures():
    batch = np.stack([X, X[::-1]])
    first = images(np.moveaxis(batch, -1, 1), ["max"])
    second = images([X, X[::-1]], ["max"])
    for (a, b, ax), (c, d, other) in zip(panels_of(first), panels_of(second), strict=True):
        assert (a, b) == (c, d)
        np.testing.assert_array_equal(shown(ax), shown(other))


def test_the_tutorials_photographs_keep_their_sizes():
    """T7 and T8: two photographs of 321 x 481, 2x2 max and average, and |average - max|."""
    photos = RNG.integers(0, 256, (2, 3, 321, 481), dtype=np.uint8)
    figure = images(photos, ["max", "avg"], differences=[("avg", "max")])
    told = [(call, size) for call, size, _ in panels_of(figure)]
    assert [size for _, size in told] == 2 * ["321 × 481", *["160 × 240"] * 3]
    assert told[3][0] == ("abs(avg_pool(x, 2, axes=(0, 1)) - max_pool(x, 2, axes=(0, 1))).mean(-1)")


# --- differences ----------------------------------------------------------------------------------


def scales(figure):
    """The ends of every heat map's colours, and what its own scale says."""
    heat = [ax for _, _, ax in panels_of(figure) if ax.images[0].get_cmap().name != "gray"]
    heat = [ax for ax in heat if shown(ax).ndim == 2]
    bars = [ax for ax in figure.axes if ax.get_label() == "scale"]
    return [ax.images[0].get_clim() for ax in heat], [
        [t.get_text() for t in bar.get_xticklabels()] + [t.get_text() for t in bar.texts]
        for bar in bars
    ]


def test_differences_share_one_scale_and_say_their_unit():
    figure = images([X, X / 4], ["max"], differences=[("max", "avg"), ("original", "min")])
    ends, bars = scales(figure)
    top = max(float(shown(ax).max()) for call, _, ax in panels_of(figure) if call.startswith("abs"))
    assert len(ends) == len(bars) == 4
    assert all(pair == pytest.approx((0, top)) for pair in ends)
    assert all(bar == ["0", f"{top:.3g}", "in pixel values: black 0, white 1"] for bar in bars)


def test_the_smaller_one_is_stretched_and_that_is_said():
    figure = images(GREY, [], differences=[("original", "avg")], kernel=5)
    [_, (call, size, ax)] = panels_of(figure)
    assert call == "abs(x - avg_pool(x, 5, axes=(0, 1)))"
    assert size == "24 × 36, the smaller one stretched"
    small = ap.avg_pool(GREY, 5)
    rows, columns = ((np.arange(n) + 0.5) * m / n for n, m in ((24, 4), (36, 7)))
    near = small[np.ix_(rows.astype(int), columns.astype(int))]
    np.testing.assert_allclose(shown(ax), abs(GREY - near), atol=1e-6)


def test_signed_differences_have_white_in_the_middle():
    figure = images(X, ["max"], differences=[("avg", "max")], signed=True)
    [call, _, ax] = panels_of(figure)[-1]
    assert call == "(avg_pool(x, 2, axes=(0, 1)) - max_pool(x, 2, axes=(0, 1))).mean(-1)"
    assert shown(ax).max() <= 0
    low, high = ax.images[0].get_clim()
    assert low == -high == pytest.approx(shown(ax).min())
    assert min(ax.images[0].get_cmap()(0.5)[:3]) > 0.95
    says_the_truth(figure, X)


def test_equal_pictures_have_a_scale_too():
    ends, _ = scales(images(GREY, [], differences=[("max", "max")]))
    assert ends == [(0, 1)]


def test_a_pooling_that_two_panels_need_is_done_once(monkeypatch):
    done = []
    pool = see.Pooling.__call__
    monkeypatch.setattr(see.Pooling, "__call__", lambda s, x: done.append(s.call) or pool(s, x))
    images(GREY, ["max", "avg"], differences=[("max", "avg"), ("avg", "min"), ("min", "max")])
    assert len(done) == 3


# --- boxes ----------------------------------------------------------------------------------------

BOXES = [(2, 3, 18, 20), (0, 10, 9, 36)]


def test_boxes_are_drawn_and_pooled():
    figure = images(X, boxes=BOXES, box_size=3, box_reduce="mean")
    (_, _, photo), *results = panels_of(figure)
    frames = [p for p in photo.patches if isinstance(p, Rectangle)]
    assert [
        (p.get_y() + 0.5, p.get_x() + 0.5, p.get_y() + p.get_height() + 0.5,
         p.get_x() + p.get_width() + 0.5) for p in frames
    ] == BOXES  # fmt: skip
    assert [t.get_text() for t in photo.texts] == ["1", "2"]
    says_the_truth(figure, X)
    assert [size for _, size, _ in results] == [
        "3 × 3, of box 1, 16 × 17", "3 × 3, of box 2, 9 × 26",
    ]  # fmt: skip
    for (_, _, ax), (top, left, bottom, right) in zip(results, BOXES, strict=True):
        place, shape = ax.get_window_extent(), (bottom - top) / (right - left)
        assert place.height / place.width == pytest.approx(shape, rel=0.02)


def test_boxes_may_name_their_image():
    figure = images([X, GREY], boxes=[(1, *BOXES[0])], box_size=2)
    assert [size for _, size, _ in panels_of(figure)] == [
        "24 × 36", "24 × 36", "2 × 2, of box 1, 16 × 17",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([(1, 2, 3)], r"boxes have shape \(1, 3\)"),
        ([(0.5, 1, 2, 3)], "dtype float64; give rows of whole numbers"),
        ([(0, 0, 99, 9)], "box 0"),
        ([(5, 5, 2, 9)], "box 0"),
    ],
)
def test_boxes_that_are_none(boxes, words):
    with pytest.raises(PoolError, match=words):
        images(X, boxes=boxes)


def test_boxes_of_a_photograph_that_was_read_smaller(monkeypatch):
    from anypool.see import numbers

    monkeypatch.setattr(numbers, "MOST", 300)
    call = panels_of(images(RGB, boxes=[(4, 3, 17, 20)], box_size=2))[1][0]
    assert "[(0, 2, 1, 9, 10)]" in call


# --- volumes --------------------------------------------------------------------------------------

VOLUME = RNG.random((9, 12, 16)).astype(np.float32)


def test_a_volume_is_pooled_over_three_axes_and_drawn_in_slices():
    figure = images(VOLUME, ["max", "global"], kernel=2, differences=[("max", "avg")])
    told = panels_of(figure)
    assert len(told) == 3 * 4
    assert [text.get_text() for text in figure.texts if "slice" in text.get_text()] == [
        f"x, slice {i} (of 0–8)" for i in (1, 4, 7)
    ]
    pooled = ap.max_pool(VOLUME, 2, axes=(0, 1, 2))
    seen = [(call, size, ax) for call, size, ax in told if call.startswith("max")]
    for (call, size, ax), own in zip(seen, (0, 2, 3), strict=True):
        assert call == "max_pool(x, 2, axes=(0, 1, 2))"
        assert size == f"6 × 8, slice {own} (of 0–3)"
        np.testing.assert_array_equal(shown(ax), pooled[own])


@pytest.mark.parametrize(("slices", "count"), [(1, 1), (20, 9), ([0, -1], 2), ([3, 3], 1)])
def test_slices_may_be_chosen(slices, count):
    assert len(panels_of(images(VOLUME, ["max"], slices=slices))) == 2 * count


@pytest.mark.parametrize(
    ("slices", "words"),
    [(0, "slices is 0; draw at least one"), ([9], "slice 9 does not exist; .* has 0 to 8"),
     ([], "slices is empty")],
)  # fmt: skip
def test_slices_that_are_none(slices, words):
    with pytest.raises(PoolError, match=words):
        images(VOLUME, ["max"], slices=slices)


def test_a_volume_in_colour_and_from_pages(tmp_path):
    stack = [Image.fromarray(np.roll(RGB, i, axis=0)) for i in range(4)]
    stack[0].save(tmp_path / "stack.tif", save_all=True, append_images=stack[1:])
    figure = images(tmp_path / "stack.tif", ["max"], slices=2)
    assert [size for _, size, _ in panels_of(figure)] == [
        "24 × 36, slice 1 (of 0–3)", "12 × 18, slice 0 (of 0–1)",
        "24 × 36, slice 3 (of 0–3)", "12 × 18, slice 1 (of 0–1)",
    ]  # fmt: skip


def test_boxes_on_a_volume():
    with pytest.raises(PoolError, match="boxes are for photographs; this is a volume"):
        images(VOLUME, boxes=BOXES)


# --- ranges ---------------------------------------------------------------------------------------


def test_numbers_of_any_range_are_drawn_as_they_are():
    x = (GREY * 60 - 20).astype(np.float32)
    figure = images(x, ["max", "sum"], kernel=4)
    says_the_truth(figure, x)
    (_, _, first), (_, _, second), (_, size, third) = panels_of(figure)
    assert first.images[0].get_clim() == second.images[0].get_clim() == (x.min(), x.max())
    assert third.images[0].get_clim()[1] > x.max()
    assert re.search(r"shown −\d.* \(black\) to \d.* \(white\)", size.replace("\n", " "))
    assert any("is drawn black and" in text.get_text() for text in figure.texts)


def test_limits_of_the_caller():
    figure = images(GREY, ["avg", "sum"], limits=(0.25, 0.5))
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(0.25, 0.5)] * 3
    says_the_truth(figure, GREY)
    colour = images(X, [], limits=(0.25, 0.5)).axes[0]
    np.testing.assert_allclose(shown(colour), np.clip(4 * X - 1, 0, 1), atol=1e-5)


def test_what_is_no_number_is_marked():
    x = GREY.copy()
    x[0, 0] = np.nan
    told = panels_of(images([x, np.dstack([x] * 3)], ["max"]))
    assert all("orange: NaN or infinite" in size for _, size, _ in told)
    assert shown(told[2][2])[0, 0].tolist() == pytest.approx([213 / 255, 94 / 255, 0], abs=0.01)


def test_the_difference_of_infinities_is_no_number_and_no_warning():
    x = GREY.copy()
    x[:2, :2] = np.inf
    told = panels_of(images(x, ["max", "avg"], differences=[("max", "avg")]))
    assert "orange: NaN or infinite" in told[-1][1]


# --- the figure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 3])
def test_a_pixel_is_a_whole_number_of_dots(tmp_path, scale):
    """Originals at their own size, pooled ones at theirs: no dot is mixed."""
    figure = images(RGB, [(ap.windows.split((4, 6)), "max")], scale=scale, dpi=100)
    with Image.open(see.save(figure, tmp_path / "a.png")) as image:
        dots = np.asarray(image.convert("RGB")).astype(int)
    high = dots.shape[0]
    pooled = np.rint(ap.pool(X, ap.windows.split((4, 6)), "max", axes=(0, 1)) * 255)
    for (_, _, ax), pixels in zip(panels_of(figure), (RGB, pooled), strict=True):
        box = ax.get_window_extent()
        left, top = round(box.x0), round(high - box.y1)
        drawn = dots[top : top + len(pixels) * scale, left : left + pixels.shape[1] * scale]
        expected = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
        assert np.abs(drawn - expected)[1:-1, 1:-1].max() <= 1  # the frame lies on the edge


def test_every_panel_fills_its_frame_where_no_scale_is_given():
    figure = images(RGB, ["max", "global"])
    sizes = {tuple(np.round(ax.get_window_extent().size)) for _, _, ax in panels_of(figure)}
    assert len(sizes) == 1


def test_large_pictures_are_not_kept_whole():
    big = RNG.random((2000, 3000)).astype(np.float32)
    [(_, size, ax), _] = panels_of(images(big, ["max"]))
    assert size == "2000 × 3000"
    assert shown(ax).shape == (500, 750)
    np.testing.assert_allclose(shown(ax), ap.avg_pool(big, 4), atol=1e-6)


def test_the_peaks_of_a_large_difference_stay_visible():
    big = np.zeros((2000, 3000), np.float32)
    big[700, 900] = 1
    [_, (_, size, ax)] = panels_of(images(big, [], differences=[("original", "min")], kernel=1000))
    assert size == "2000 × 3000, the smaller one stretched, drawn: the largest of each 4 × 4"
    assert shown(ax).max() == 1
    assert shown(ax).sum() == 1


def test_long_calls_are_wrapped_and_lose_nothing():
    call = "pool(x, windows.sliding((2, 3), 1, padding=((1, 0), (0, 1))), 'quantile', axes=(0, 1))"
    lines = layout._wrapped(call, 40)
    assert " ".join(lines) == call
    assert max(map(len, lines)) <= 48
    assert not any(re.search(r"\([^)]*\d,$", line) and "(0," in line for line in lines)


@pytest.mark.parametrize(("columns", "rows"), [(1, 4), (2, 2), (4, 1)])
def test_columns_may_be_chosen(columns, rows):
    figure = images(GREY, ["max", "avg", "min"], columns=columns)
    assert len({round(ax.get_position().y0, 6) for *_, ax in panels_of(figure)}) == rows


def test_titles_do_not_run_into_each_other():
    figure = images([X, GREY], [*PAIRS[:2], "quantile"], differences=[PAIRS[:2]])
    figure.canvas.draw()
    boxes = [ax.get_tightbbox() for *_, ax in panels_of(figure)]
    boxes += [text.get_window_extent() for text in figure.texts]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            wide = min(one.x1, other.x1) - max(one.x0, other.x0)
            high = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert wide < 1 or high < 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dpi": 19}, "dpi is 19; it must lie between 20 and 1200"),
        ({"scale": 0}, "scale is 0; it must be a whole number between 1 and 64"),
        ({"scale": 1.5}, r"scale is 1\.5; it must be a whole number"),
        ({"columns": 0}, "columns is 0; it must be"),
        ({"differences": ["max"]}, "a difference is 'max'; give two ways"),
        ({"differences": [("max",)]}, "a difference is .*; give two ways"),
        ({"differences": [("max", "maxx")]}, "no pooling is called 'maxx'"),
        ({"ways": [3]}, "a way to pool is 3; give a name such as 'max'"),
        ({"ways": [("max", "avg")]}, "a way to pool is"),
        ({"ways": [(ap.windows.boxes([[0, 0, 0, 2, 2]], 1), "max")]}, "give them as boxes="),
        ({"ways": ["max"], "kernel": 99}, "window 99 does not fit"),
        ({"images": []}, "there are no images; give at least one"),
        ({"images": [RGB] * 40, "dpi": 1200}, "the figure would have .* dots; at most 30000"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(options, words):
    with pytest.raises(PoolError, match=words):
        images(**{"images": GREY, **options})


def test_nothing_is_left_behind_and_nothing_taken_over(tmp_path):
    def made():
        return images(X, ["max"], differences=[("max", "avg")], dpi=50)

    plain = see.save(made(), tmp_path / "plain.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "image.cmap": "jet", "image.origin": "lower"}):
        before = dict(matplotlib.rcParams)
        assert see.save(made(), tmp_path / "other.svg").read_bytes() == plain
        assert dict(matplotlib.rcParams) == before
    assert _pylab_helpers.Gcf.figs == {}
    assert ">original</text>" in plain.decode()


# --- galleries and the command --------------------------------------------------------------------


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_gallery_in_every_format(photo, tmp_path):
    files = gallery([photo], ["max"], out=tmp_path / "out", formats=["pdf", "svg", "png"], dpi=40)
    assert [f.name for f in files] == ["photo.pdf", "photo.svg", "photo.png", "index.html"]
    starts = [f.read_bytes()[:4] for f in files]
    assert starts == [b"%PDF", b"<?xm", b"\x89PNG", b"<!do"]
    page = files[-1].read_text("utf-8")
    assert '<img src="photo.svg"' in page
    assert '<a href="photo.pdf">photo.pdf</a>' in page
    [alone, page] = gallery([photo], ["max"], out=tmp_path / "pdf", formats=["pdf"], dpi=40)
    assert "<img" not in page.read_text("utf-8")
    assert alone.name in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ["gif"]}, "no figure is written as 'gif'; use png, svg, pdf"),
        ({"formats": []}, "name at least one, and each once"),
        ({"formats": ["png", "png"]}, "name at least one, and each once"),
        ({"sha256": ["0" * 64, "1" * 64]}, "2 checksums for 1 photographs"),
    ],
)
def test_a_gallery_refuses(photo, tmp_path, options, words):
    with pytest.raises(PoolError, match=words):
        gallery([photo], out=tmp_path / "out", **options)
    assert os.listdir(tmp_path) == ["photo.png"]


def test_notes_reach_who_asked_and_the_page(tmp_path):
    np.save(tmp_path / "x.npy", GREY * 3 - 1)
    heard = []
    *_, page = gallery([tmp_path / "x.npy"], ["max"], out=tmp_path / "o", dpi=40, note=heard.append)
    assert "is drawn black and" in heard[0]
    assert heard[0] in page.read_text("utf-8")


def test_figures_of_addresses_have_names_that_files_can_have():
    from anypool.see.image import _targets

    addresses = ["https://e.org/a%2Fb%3F.png?x", "https://e.org/", "https://e.org/", "c/d.jpg"]
    assert _targets(addresses) == ["a_b_", "e", "e-2", "d"]


def test_the_command_takes_it_all(photo, tmp_path, capsys):
    out = tmp_path / "out"
    code = main(
        ["image", str(photo), "--pool", "max", "--difference", "max,original", "--signed",
         "--box", "2,3,18,20", "--box-size", "3", "--box-reduce", "mean", "--format", "svg",
         "--columns", "2", "--dpi", "40", "--out", str(out)]
    )  # fmt: skip
    assert code == 0
    assert capsys.readouterr().out.splitlines()[0] == f"wrote {out / 'photo.svg'}"
    page = (out / "index.html").read_text("utf-8")
    assert "roi_pool(x[None], [(0, 2, 3, 18, 20)], 3, &#x27;mean&#x27;, axes=(1, 2))[0]" in page
    assert "(max_pool(x, 2, axes=(0, 1)) - x).mean(-1)" in page


def test_the_command_tells_notes_at_the_end(tmp_path, capsys):
    np.save(tmp_path / "x.npy", VOLUME * 9)
    code = main(
        ["image", str(tmp_path / "x.npy"), "--pool", "max", "--slices", "2", "--scale", "4",
         "--out", str(tmp_path / "out")]
    )  # fmt: skip
    assert code == 0
    assert "note: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--difference", "max"], "--difference is 'max'; write two names"),
        (["--box", "1,2,3"], "--box is '1,2,3'; write four numbers"),
        (["--limits", "5"], "--limits is '5'; write two numbers"),
        (["--limits", "a,b"], "--limits is 'a,b'; write numbers"),
        (["--format", "gif"], "no figure is written as 'gif'"),
        (["--sha256", "0" * 64], "has the SHA-256"),
        (["--slices", "2"], "has one page; slices are for volumes"),
        (["--scale", "0"], "scale is 0"),
    ],
)
def test_the_command_refuses_in_one_sentence(photo, tmp_path, capsys, arguments, words):
    assert main(["image", str(photo), "--out", str(tmp_path / "out"), *arguments]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("anypool")]
    assert len(said) == 1
    assert words in said[0]
    assert os.listdir(tmp_path) == ["photo.png"]
