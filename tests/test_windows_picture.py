"""Pictures of windows: what is drawn is what explain and vjp say, for windows of every kind."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
from anypool import PoolError, see
from anypool.see.laid import lay
from strategies import windows_on

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

import matplotlib
from matplotlib import _pylab_helpers
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle

from anypool.see.tint import AGAIN, ONCE, short

W = ap.windows


# --- numbers --------------------------------------------------------------------------------------


def same_numbers(laid, shape, where):
    """The picture's numbers are explain's and vjp's."""
    told = ap.explain(shape, where)
    found = {(g, axis, o): line for g, grid in enumerate(laid.grids)
             for axis, lines in enumerate(grid) for o, line in enumerate(lines)}  # fmt: skip
    assert set(found) == {(r.grid, r.axis, r.output) for r in told.table}
    for r in told.table:
        line = found[r.grid, r.axis, r.output]
        assert list(line.reads) == list(range(r.start, r.stop, r.step))
        assert line.divisor == r.divisor
        assert not laid.counted or len(line.reads) + len(line.padding) == r.divisor
    assert laid.output == told.output
    y, pullback = ap.vjp(np.zeros(shape), where, "mean", axes=tuple(range(len(shape))))
    assert laid.output == y.shape
    np.testing.assert_allclose(laid.weight, pullback(np.ones(y.shape)), rtol=1e-12, atol=1e-12)
    y, pullback = ap.vjp(np.zeros(shape), where, "sum", axes=tuple(range(len(shape))))
    np.testing.assert_array_equal(laid.coverage, pullback(np.ones(y.shape)))


@given(st.data())
def test_the_numbers_are_those_of_explain_and_vjp(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=2)))
    where = data.draw(windows_on(list(shape))).build()
    same_numbers(lay(shape, where), shape, where)


@pytest.mark.parametrize("shape", [(10,), (13, 9)])
def test_the_copied_formula_too(shape):
    same_numbers(lay(shape, see.copied(4)), shape, see.copied(4))


def test_a_wrong_number_is_noticed():
    with pytest.raises(AssertionError, match="assert"):
        same_numbers(lay((10,), W.split(7)), (10,), W.adaptive(7))


def test_padding_that_a_mean_does_not_count():
    laid = lay((6,), W.sliding(3, 2, 1), count_include_pad=False)
    assert [line.divisor for line in laid.grids[0][0]] == [2, 3, 3]
    assert laid.grids[0][0][0].padding == (-1,)
    _, pullback = ap.vjp(np.zeros(6), W.sliding(3, 2, 1), "mean", count_include_pad=False)
    np.testing.assert_allclose(laid.weight, pullback(np.ones(3)))


def test_what_hangs_over_is_neither_input_nor_padding():
    laid = lay((5,), W.sliding(2, 2, 0, 1, True))
    assert [line.beyond for line in laid.grids[0][0]] == [(), (), (5,)]
    assert laid.pads == ((0, 1),)


@given(st.data())
def test_shares_are_the_derivative_of_each_output(data):
    n = data.draw(st.integers(1, 10))
    where = data.draw(windows_on([n])).build()
    x = np.random.default_rng(n).normal(size=n)
    name = data.draw(st.sampled_from(["max", "mean", "soft", "sum"]))
    laid = lay((n,), where, name, x)
    np.testing.assert_allclose(laid.shares().sum(axis=0), laid.weight, atol=1e-12)
    y = ap.pool(x, where, name, axes=(0,))
    np.testing.assert_array_equal(laid.values, y)
    if name in ("mean", "sum"):
        np.testing.assert_allclose(laid.shares(), lay((n,), where, name).shares(), atol=1e-12)


def test_windows_drawn_at_random_stay_where_they_are():
    where = W.fractional(2, 5, rng=np.random.default_rng(3))
    laid = lay((12,), where)
    seed = re.search(r"rng=(\d+)", laid.call)
    again = lay((12,), W.fractional(2, 5, rng=int(seed[1])))
    assert laid.grids == again.grids
    x = np.arange(12.0)
    y = ap.pool(x, W.fractional(2, 5, rng=int(seed[1])), "max")
    assert [line.reads[-1] for line in laid.grids[0][0]] == y.tolist()


# --- drawings -------------------------------------------------------------------------------------


def cells_of(ax):
    """The filled cells of a strip: for each row, from above, the inputs that are read."""
    rows = {}
    for patch in ax.patches:
        if isinstance(patch, PathPatch) and to_hex(patch.get_facecolor()) in (ONCE, AGAIN):
            for corners in patch.get_path().vertices.reshape(-1, 5, 2):
                left, right = corners[:, 0].min(), corners[:, 0].max()
                row = rows.setdefault(round(float(corners[:, 1].min()), 3), set())
                row |= set(range(round(left), round(right)))
    return rows


def words_beside(ax, label):
    """The numbers in the row of this label, from left to right."""
    [mark] = [t for t in ax.texts if t.get_text() == label]
    y, edge = mark.get_position()[1], mark.get_position()[0]
    row = [t for t in ax.texts if abs(t.get_position()[1] - y) < 1e-9]
    inside = sorted((t.get_position()[0], t.get_text()) for t in row if t.get_position()[0] > edge)
    return [text for _, text in inside]


def same_drawing(ax, n, where):
    """The cells and the numbers of a strip are explain's."""
    told = ap.explain(n, where)
    read = [set(range(r.start, r.stop, r.step)) for r in told.table]
    drawn = [cells for _, cells in sorted(cells_of(ax).items())]
    assert drawn == [inputs for inputs in read if inputs]
    assert words_beside(ax, "times read") == [str(c) for c in told.coverage[0]]
    shown = words_beside(ax, "gradient")
    assert [float(w) for w in shown] == pytest.approx(told.weight[0].tolist(), abs=0.0051)
    divisors = [t.get_text() for t in ax.texts if t.get_text().startswith(("÷", "empty"))]
    assert divisors == [f"÷ {r.divisor}" if r.divisor else "empty" for r in told.table]


@given(st.data())
def test_one_axis_is_drawn_as_it_is(data):
    n = data.draw(st.integers(1, 12))
    where = data.draw(windows_on([n])).build()
    [ax] = see.windows(n, where).axes
    same_drawing(ax, n, where)


def test_a_wrong_drawing_is_noticed():
    [ax] = see.windows(10, W.split(7)).axes
    with pytest.raises(AssertionError, match="assert"):
        same_drawing(ax, 10, W.adaptive(7))


def test_long_axes_are_drawn_in_runs():
    [ax] = see.windows(200, W.adaptive(49)).axes
    told = ap.explain(200, W.adaptive(49))
    read = [set(range(r.start, r.stop)) for r in told.table]
    assert [cells for _, cells in sorted(cells_of(ax).items())] == read


def test_the_true_windows_beside_the_copied_ones_beside_split():
    ways = [W.adaptive(7), see.copied(7), W.split(7)]
    figure = see.windows(10, *ways)
    for ax, where in zip(figure.axes, ways, strict=True):
        same_drawing(ax, 10, where)
    said = [text.get_text() for text in figure.texts]
    assert {"windows.adaptive(7)", "see.copied(7)", "windows.split(7)"} <= set(said)
    assert any("kernel 4, stride 1" in text.replace("\n", " ") for text in said)
    lefts = [ax.get_position().x0 for ax in figure.axes]
    assert lefts == sorted(lefts)
    assert len({ax.get_position().y1 for ax in figure.axes}) == 1


def same_maps(axes, shape, where):
    """The frames and the maps of two axes are explain's and vjp's."""
    frames = {}
    for patch in axes["windows"].patches:
        if isinstance(patch, Rectangle) and re.fullmatch(r"\d+ \d+ \d+", patch.get_label()):
            x, y, wide, high = *patch.get_xy(), patch.get_width(), patch.get_height()
            ends = (round(y), round(y + high) + 1, round(x), round(x + wide) + 1)
            frames[tuple(map(int, patch.get_label().split()))] = ends
    told = {(r.grid, r.axis, r.output): (r.start, r.stop) for r in ap.explain(shape, where).table}
    for (g, r, c), (top, bottom, left, right) in frames.items():
        rows, columns = told[g, 0, r], told[g, 1, c]
        assert (top, left) == (rows[0], columns[0])
        assert (bottom, right) == (rows[1], columns[1])
    sizes = [sum(1 for g, axis, _ in told if axis == a and g == 0) for a in (0, 1)]
    assert len([1 for g, _, _ in frames if g == 0]) == sizes[0] * sizes[1]
    _, pullback = ap.vjp(np.zeros(shape), where, "sum", axes=(0, 1))
    ones = np.ones(ap.explain(shape, where).output)
    np.testing.assert_array_equal(drawn(axes["times read"]), pullback(ones))
    _, pullback = ap.vjp(np.zeros(shape), where, "mean", axes=(0, 1))
    np.testing.assert_allclose(drawn(axes["gradient"]), pullback(ones), atol=1e-12)


def drawn(ax):
    return np.ma.filled(ax.images[0].get_array(), 0.0)


PLAIN = [W.adaptive((3, 4)), W.split(2), W.sliding(3, 1), W.whole(), W.pyramid((1, 2)),
         W.fractional(2, 3), see.copied(3)]  # fmt: skip


@pytest.mark.parametrize("where", PLAIN, ids=str)
def test_two_axes_are_drawn_as_they_are(where):
    figure = see.windows((6, 7), where)
    same_maps({ax.get_label(): ax for ax in figure.axes}, (6, 7), where)


def test_a_wrong_map_is_noticed():
    axes = {ax.get_label(): ax for ax in see.windows((6, 7), W.split(3)).axes}
    with pytest.raises(AssertionError, match=r"assert|Not equal"):
        same_maps(axes, (6, 7), W.adaptive(3))


def test_maps_of_several_windows_share_their_colours():
    figure = see.windows((9, 9), W.sliding(3, 1), W.split(3))
    tops = [ax.images[0].get_clim()[1] for ax in figure.axes if ax.get_label() == "times read"]
    assert tops == [9, 9]


def test_many_windows_are_thinned_out_and_said():
    figure = see.windows((40, 40), W.sliding(2, 1))
    [name] = [ax.get_label() for ax in figure.axes if ax.get_label().startswith("windows")]
    assert name == "windows, 1 in 3 along each axis"


def test_numbers_are_drawn_with_what_becomes_of_them():
    x = [1, 9, 2, 2, 9, 9, 0, 1, 9, 9, 9, 9]
    figure = see.windows(12, (W.sliding(4), "max"), (W.sliding(4), "mean"), x=x)
    best, mean = figure.axes
    assert words_beside(best, "x") == [str(v) for v in x]
    assert [t.get_text() for t in best.texts if t.get_text().startswith("=")] == ["= 9"] * 3
    assert [t.get_text() for t in mean.texts if t.get_text().startswith("=")] == [
        "= 3.5", "= 4.75", "= 9",
    ]  # fmt: skip
    assert words_beside(best, "gradient") == list("010010001000")
    assert words_beside(mean, "gradient") == ["0.25"] * 12


def test_numbers_of_two_axes():
    x = np.array([[6, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]])
    figure = see.windows((4, 4), W.sliding(2), reduce="max", x=x)
    axes = {ax.get_label(): ax for ax in figure.axes}
    np.testing.assert_array_equal(drawn(axes["pooled"]), [[9, 9], [9, 5]])
    assert [t.get_text() for t in axes["pooled"].texts] == list("9995")


def test_the_legend_names_what_is_drawn_and_nothing_else():
    words = [t.get_text() for t in see.windows(6, W.sliding(3, 3, 1, 1, True)).texts]
    assert "padding, counted by the divisor" in words
    assert "read by no output" not in words
    words = [t.get_text() for t in see.windows(6, W.sliding(1, 2)).texts]
    assert "read by no output" in words


@pytest.mark.parametrize("letters", range(2, 7))
def test_short_numbers_fit_and_are_honest(letters):
    for value in (0.0, 1.0, 5 / 6, 1 / 3, 1 / 12, 2.5, 12.0, 144.0, 1e-9, -0.25, 1234567.0):
        words = short(value, letters)
        assert len(words) <= letters
        if words and words != "≈0":
            read = float(words.replace("−", "-"))
            assert read == pytest.approx(value, rel=0.5, abs=0.06)


# --- errors and the rest --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "windows", "words"),
    [
        (300, [W.sliding(2)], "300 inputs are too many to draw; at most 256 of an axis"),
        ((70, 9), [W.sliding(2)], "at most 64 of each of two axes, so 64 × 9 would fit"),
        ((4, 4, 4), [W.sliding(2)], "the shape has 3 axes; one or two can be drawn"),
        (10, [], "say which windows to draw"),
        (10, [W.sliding(11)], "window 11 does not fit"),
        (10, ["adaptive"], "a way to pool is"),
        (10, [(W.sliding(2), "max")], "who gets the gradient of max depends on the numbers"),
        (5, [W.adaptive(300)], "has 300 outputs and reaches over 5 places; at most 256"),
        (5, [W.sliding(600, padding=300)], "reaches over 600 places"),
        (5, [see.copied(7)], "the copied formula fails for 5 elements and 7 outputs"),
        (5, [W.boxes([[0, 0, 3]], 2)], "boxes are no way to pool a whole picture"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(shape, windows, words):
    with pytest.raises(PoolError, match=re.escape(words)):
        see.windows(shape, *windows)


def test_numbers_of_another_shape():
    with pytest.raises(PoolError, match=r"x has shape \(3,\), the windows are laid on \(4,\)"):
        see.windows(4, W.sliding(2), reduce="max", x=[1, 2, 3])


@pytest.mark.parametrize("dpi", [19, 1201])
def test_dpi_is_bounded(dpi):
    with pytest.raises(PoolError, match=f"dpi is {dpi}"):
        see.windows(4, W.sliding(2), dpi=dpi)


def test_nothing_is_left_behind_and_nothing_taken_over(tmp_path):
    plain = see.save(see.windows(9, W.adaptive(4)), tmp_path / "plain.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "text.color": "red"}):
        before = dict(matplotlib.rcParams)
        see.save(see.windows(9, W.adaptive(4)), tmp_path / "other.svg")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "other.svg").read_bytes() == plain
    assert _pylab_helpers.Gcf.figs == {}


def test_titles_can_be_run():
    ways = [W.adaptive((2, 3)), W.split(3), see.copied(2), W.whole(), W.pyramid((1, 3), "split"),
            W.sliding((2, 3), 1, "same", 2), W.fractional(2, output_ratio=0.5)]  # fmt: skip
    figure = see.windows((9, 9), *ways)
    calls = [t.get_text().replace("\n", " ") for t in figure.texts]
    made = [eval(c, dict(vars(ap))) for c in calls if re.match(r"(windows|see)\.", c)]
    assert made == ways


# --- the copied formula ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 12, 15])
def test_the_copied_windows_are_those_of_the_snippet(n):
    x = np.random.default_rng(n).normal(size=(2, n))
    for m in range(1, n + 1):
        stride = n // m
        kernel = n - (m - 1) * stride
        found = ap.pool(x, see.copied(m), "mean", axes=(1,))
        np.testing.assert_allclose(found, ap.avg_pool(x, kernel, stride, axes=(1,)), rtol=1e-12)
        if n % m == 0:
            true = ap.adaptive_avg_pool(x, m, axes=(1,))
            np.testing.assert_allclose(found, true, rtol=1e-12)
    with pytest.raises(PoolError, match="the copied formula fails"):
        ap.pool(x, see.copied(n + 1), "mean", axes=(1,))


def test_the_copied_windows_take_every_reduction_and_gradients():
    x = np.arange(10.0)
    assert ap.pool(x, see.copied(7), "max").tolist() == [3, 4, 5, 6, 7, 8, 9]
    _, pullback = ap.vjp(x, see.copied(7), "mean")
    assert pullback(np.ones(7)).tolist() == [0.25, 0.5, 0.75, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    assert see.copied([2, 3]) == see.copied((2, 3))
    with pytest.raises(PoolError, match="output_size"):
        ap.pool(x, see.copied("7"), "mean")


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def figure():
    return see.windows(5, W.adaptive(3), dpi=50)


@pytest.mark.parametrize(("suffix", "start"), [
    ("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG"),
])  # fmt: skip
def test_files_of_every_kind(figure, tmp_path, suffix, start):
    path = see.save(figure, tmp_path / "deep" / f"w.{suffix}")
    first = path.read_bytes()
    assert first.startswith(start)
    assert see.save(figure, path).read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_letters_stay_text(figure, tmp_path):
    text = see.save(figure, tmp_path / "w.svg").read_text("utf-8")
    assert re.search(r"<text[^>]*>windows\.adaptive\(3\)</text>", text)
    assert "times read</text>" in text


def test_pixels_follow_dpi(figure, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    sizes = []
    for dpi in (50, 100):
        with image.open(see.save(figure, tmp_path / "w.png", dpi=dpi)) as picture:
            sizes.append(np.array(picture.size))
    assert np.abs(sizes[1] - 2 * sizes[0]).max() <= 2


@pytest.mark.parametrize(("name", "words"), [
    ("w.txt", r"w\.txt ends in \.txt; use \.png, \.svg or \.pdf"),
    ("w", "w ends in nothing; use"),
    ("file.png/w.png", "cannot write to"),
    ("there.png", r"cannot write to .*there\.png: it is a folder"),
])  # fmt: skip
def test_what_cannot_be_written(figure, tmp_path, name, words):
    (tmp_path / "file.png").write_text("mine")
    (tmp_path / "there.png").mkdir()
    with pytest.raises(PoolError, match=words):
        see.save(figure, tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.png", "there.png"]
    assert (tmp_path / "file.png").read_text() == "mine"
