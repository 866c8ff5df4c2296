"""Photographs: read right whatever their kind, pooled right, drawn, and written whole or not."""

import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import anypool as ap
from anypool import PoolError

pytest.importorskip("PIL", reason="pillow is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from PIL import Image

from anypool.see import draw, gallery, panels, poolings, read
from anypool.see.folder import whole

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    """Write an array or an image as a file; give its path."""

    def write(picture, name="photo.png", **options):
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


# --- reading --------------------------------------------------------------------------------------


def check(path, expected):
    photo = read(path)
    assert photo.dtype == np.float32
    np.testing.assert_allclose(photo, expected, rtol=0, atol=1e-6)


def test_rgb(save):
    check(save(RGB), RGB / 255)


def test_grey(save):
    check(save(RGB[..., 0]), RGB[..., 0] / 255)


def test_grey_of_16_bits_keeps_them_all(save):
    grey = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
    check(save(grey), grey / 65535)


def test_one_bit(save):
    check(save(Image.fromarray(RGB[..., 0]).point(lambda v: v > 99, mode="1")), RGB[..., 0] > 99)


def test_palette(save):
    picture = Image.fromarray(RGB).quantize(16)
    assert picture.mode == "P"
    check(save(picture), np.asarray(picture.convert("RGB")) / 255)


def test_alpha_is_laid_on_white(save):
    alpha = RNG.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    path = save(np.concatenate([RGB, alpha], axis=2))
    seen = RGB / 255 * (alpha / 255) + (1 - alpha / 255)
    np.testing.assert_allclose(read(path), seen, rtol=0, atol=1 / 255)


def test_grey_with_alpha_stays_grey(save):
    both = np.stack([RGB[..., 0], np.zeros_like(RGB[..., 0])], axis=2)
    check(save(Image.fromarray(both, mode=None).convert("LA")), np.ones((20, 30)))


def test_a_transparent_palette_is_laid_on_white(save):
    picture = Image.fromarray(np.zeros((4, 4), np.uint8), mode=None).convert("P")
    check(save(picture, transparency=0), np.ones((4, 4, 3)))


def test_cmyk_jpeg(save):
    path = save(Image.fromarray(RGB).convert("CMYK"), "photo.jpg")
    assert read(path).shape == (20, 30, 3)


def test_a_photograph_is_read_upright(save):
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera stood on its side
    assert read(save(RGB, "photo.jpg", exif=turned)).shape == (30, 20, 3)


@pytest.mark.parametrize("cut", [0, 1, 10, 100, 400, 700])
@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.gif", "photo.tif"])
def test_a_file_cut_short_is_one_sentence(save, name, cut):
    path = save(RGB, name)
    whole_file = path.read_bytes()
    path.write_bytes(whole_file[: min(cut, len(whole_file) * 2 // 3)])
    words = r"photo\.\w+ is (empty|damaged or cut short|not a photograph)"
    with pytest.raises(PoolError, match=words):
        read(path)


def test_text_is_not_a_photograph(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(PoolError, match=r"notes\.txt is not a photograph"):
        read(tmp_path / "notes.txt")


def test_a_missing_file(tmp_path):
    with pytest.raises(PoolError, match=r"there is no file .*nowhere\.png"):
        read(tmp_path / "nowhere.png")


def test_a_folder_is_not_a_photograph(tmp_path):
    with pytest.raises(PoolError, match=r"cannot read .*: is a directory"):
        read(tmp_path)


def test_floating_point_pixels_are_refused(save):
    with pytest.raises(PoolError, match="floating-point pixels without a known range"):
        read(save(np.ones((4, 4), np.float32), "photo.tif"))


def test_more_than_16_bits_are_refused(save):
    with pytest.raises(PoolError, match="or more than 16 bits a pixel"):
        read(save(np.full((4, 4), 1 << 20, np.int32), "photo.tif"))


# --- pooling --------------------------------------------------------------------------------------

PHOTO = (RGB / 255).astype(np.float32)
EVERY = ["max", "avg", "min", "sum", "lp", "gem", "lse", "soft", "std", "var", "median", "quantile"]
EVERY += ["mode", "topk", "stochastic", "adaptive", "global", "adaptive-max", "global-gem"]
EVERY += ["global-max", "adaptive-median"]


@pytest.mark.parametrize("stride", [None, 1])
@pytest.mark.parametrize("name", EVERY)
def test_the_call_in_the_title_is_what_was_done(name, stride):
    [way] = poolings([name], kernel=3, stride=stride, adaptive=5)
    said = eval(way.call, {"x": PHOTO, **vars(ap)})
    np.testing.assert_array_equal(way(PHOTO), said)


def test_kernels_may_differ_by_axis():
    [way] = poolings(["max"], kernel=(2, 3))
    assert way.call == "max_pool(x, (2, 3), axes=(0, 1))"
    assert way(PHOTO).shape == (10, 10, 3)


def test_an_unknown_pooling_is_named():
    with pytest.raises(PoolError, match=r"no pooling is called 'maxx'; use one of all, any, avg"):
        poolings(["maxx"])


def test_panels_show_the_original_first_and_the_difference_last():
    shown = panels(PHOTO, poolings())
    assert [p.size for p in shown[:2]] == ["20 × 30", "10 × 15"]
    assert [p.size for p in shown[-3:]] == ["7 × 7", "1 × 1", "10 × 15"]
    blocks = PHOTO.reshape(10, 2, 15, 2, 3)
    apart = np.abs(blocks.max((1, 3)) - blocks.mean((1, 3))).mean(2)
    np.testing.assert_allclose(shown[-1].values, apart, atol=1e-6)


def test_the_photographs_of_the_tutorial_keep_their_sizes():
    photo = np.zeros((321, 481, 3), np.float32)
    [largest] = poolings(["max"])
    assert largest(photo).shape == (160, 240, 3)


# --- drawing --------------------------------------------------------------------------------------


def test_every_panel_is_drawn_with_its_call_and_size():
    shown = panels(PHOTO, poolings())
    figure = draw(shown)
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert [t.replace("\n", " ") for t in titles] == [f"{p.title} {p.size}" for p in shown]


def test_a_sum_is_dimmed_and_says_so():
    figure = draw(panels(PHOTO, poolings(["sum"], kernel=4)))
    title = figure.axes[1].get_title(loc="left")
    assert re.search(r"5 × 7, shown 0 \(black\) to \d+\.\d \(white\)", title)


@pytest.mark.parametrize("count", range(1, 12))
def test_any_number_of_panels_fits_its_grid(count):
    figure = draw(panels(PHOTO, poolings(["max"] * count))[: count + 1])
    assert sum(bool(ax.get_title(loc="left")) for ax in figure.axes) == count + 1


def test_drawing_leaves_no_state_behind():
    import matplotlib
    from matplotlib import _pylab_helpers

    backend, fonts = matplotlib.get_backend(auto_select=False), matplotlib.rcParams["font.size"]
    draw(panels(PHOTO, poolings()))
    assert matplotlib.get_backend(auto_select=False) == backend
    assert matplotlib.rcParams["font.size"] == fonts
    assert _pylab_helpers.Gcf.figs == {}


# --- writing --------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The images and the words of a page."""

    def __init__(self, text):
        super().__init__()
        self.images, self.words = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs)["src"])

    def handle_data(self, data):
        self.words += data


def test_a_gallery_is_figures_and_a_page(save, tmp_path):
    photos = [save(RGB, "cat & dog.png"), save(RGB[..., 0], "grey.png")]
    heard = []
    files = gallery(photos, out=tmp_path / "a" / "b", dpi=40, tell=heard.append)
    assert [f.name for f in files] == ["cat & dog.png", "grey.png", "index.html"]
    assert sorted(os.listdir(tmp_path / "a" / "b")) == sorted(f.name for f in files)
    assert len(heard) == 2 * (7 + 2)
    assert heard[:2] == [f"reading {photos[0]}", "max_pool(x, 2, axes=(0, 1))"]
    page = Page(files[-1].read_text(encoding="utf-8"))
    assert page.images == ["cat%20%26%20dog.png", "grey.png"]
    assert "cat & dog.png" in page.words
    assert "max_pool(x, 2, axes=(0, 1))" in page.words


def test_figures_have_the_asked_size(save, tmp_path):
    sizes = []
    for dpi in (40, 80):
        [figure, _] = gallery([save(RGB)], ["max"], out=tmp_path / str(dpi), dpi=dpi)
        with Image.open(figure) as image:
            sizes.append(image.size)
    assert sizes[1] == pytest.approx(np.multiply(sizes[0], 2), abs=2)


def test_photographs_of_one_name_get_two_figures(save, tmp_path):
    (tmp_path / "other").mkdir()
    photos = [save(RGB), save(RGB[::-1], "other/photo.png"), save(RGB, "photo.jpg")]
    files = gallery(photos, ["max"], out=tmp_path / "out", dpi=40)
    assert [f.name for f in files[:3]] == ["photo.png", "photo-2.png", "photo-3.png"]


@pytest.mark.parametrize("dpi", [0, 19, 1201])
def test_dpi_is_bounded(save, tmp_path, dpi):
    with pytest.raises(PoolError, match=f"dpi is {dpi}; it must lie between 20 and 1200"):
        gallery([save(RGB)], out=tmp_path / "out", dpi=dpi)


def test_a_bad_photograph_leaves_nothing_behind(save, tmp_path):
    with pytest.raises(PoolError, match="there is no file"):
        gallery([save(RGB), tmp_path / "gone.png"], out=tmp_path / "a" / "out", dpi=40)
    assert os.listdir(tmp_path) == ["photo.png"]


def test_a_failed_run_leaves_an_older_result_alone(save, tmp_path):
    files = gallery([save(RGB)], ["max"], out=tmp_path / "out", dpi=40)
    before = [f.read_bytes() for f in files]
    with pytest.raises(PoolError, match="window 50 does not fit"):
        gallery([save(RGB)], ["min"], kernel=50, out=tmp_path / "out", dpi=40)
    assert [f.read_bytes() for f in files] == before
    assert len(os.listdir(tmp_path / "out")) == 2


def test_an_existing_folder_keeps_its_other_files(save, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    gallery([save(RGB, "photo.jpg")], ["max"], out=tmp_path, dpi=40)
    assert sorted(os.listdir(tmp_path)) == ["index.html", "mine.txt", "photo.jpg", "photo.png"]


def test_a_file_is_not_a_folder(save, tmp_path):
    for out in (save(RGB), save(RGB) / "deeper"):
        with pytest.raises(PoolError, match=r"cannot write to .*photo\.png"):
            gallery([save(RGB)], out=out, dpi=40)
    assert os.listdir(tmp_path) == ["photo.png"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a system with /proc")
def test_an_unwritable_folder(save):
    with pytest.raises(PoolError, match="cannot write to /proc/anypool"):
        gallery([save(RGB)], out="/proc/anypool", dpi=40)


def test_a_folder_in_the_way_of_a_figure(save, tmp_path):
    (tmp_path / "out" / "photo.png").mkdir(parents=True)
    with pytest.raises(PoolError, match=r"cannot write to .*: photo\.png is a folder there"):
        gallery([save(RGB)], ["max"], out=tmp_path / "out", dpi=40)
    assert os.listdir(tmp_path / "out") == ["photo.png"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError, PoolError])
def test_whatever_happens_the_folder_is_whole_or_absent(tmp_path, fault):
    def fail():
        with whole(tmp_path / "out") as stage:
            (stage / "half").write_text("half")
            raise fault("now")

    with pytest.raises(fault, match="now"):
        fail()
    assert os.listdir(tmp_path) == []


def test_without_matplotlib_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        PoolError, match=r"pictures need matplotlib: pip install 'anypool\[image\]'"
    ):
        draw(panels(PHOTO, poolings()))
