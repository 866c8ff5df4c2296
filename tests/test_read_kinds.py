"""Pictures from arrays, .npy files, several pages and files of any size: read right, or refused."""

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import anypool as ap
from anypool import PoolError
from anypool.see import picture as limits_of
from anypool.see import pixels, read
from anypool.see.read import label, load

pytest.importorskip("PIL", reason="pillow is not installed")

from PIL import Image, ImageOps

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY = RGB[..., 0]


@pytest.fixture
def save(tmp_path):
    def write(picture, name="photo.png", **options):
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return write


def check(picture, values, low=0.0, high=1.0, volume=False):
    assert picture.values.dtype == np.float32
    assert picture.volume == volume
    assert (picture.low, picture.high) == pytest.approx((low, high))
    np.testing.assert_allclose(picture.values, values, rtol=1e-6, atol=1e-6)


# --- arrays ---------------------------------------------------------------------------------------


def test_bytes_and_bools_and_16_bits_lie_between_0_and_1():
    check(load(RGB), RGB / 255)
    check(load(GREY), GREY / 255)
    check(load(GREY > 99), GREY > 99)
    deep = RNG.integers(0, 65536, (4, 5), dtype=np.uint16)
    check(load(deep), deep / 65535)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64])
def test_other_numbers_stay_as_they_are(dtype):
    x = RNG.integers(-9, 90, (4, 5)).astype(dtype)
    picture = load(x)
    check(picture, x, x.min(), x.max())
    assert not picture.known
    assert "is drawn black and" in picture.notes[0]


def test_numbers_between_0_and_1_are_drawn_from_0_to_1():
    check(load(np.full((3, 4), 0.25)), np.full((3, 4), 0.25))


def test_limits_of_the_caller():
    picture = load(GREY, limits=(0, 100))
    check(picture, GREY, 0, 100)
    assert picture.known
    assert picture.notes == ()


def test_numbers_that_are_none_do_not_set_the_range():
    picture = load(np.array([[np.nan, -1.0], [3.0, np.inf]]))
    assert (picture.low, picture.high) == (-1, 3)
    picture = load(np.full((2, 2), np.nan))
    assert (picture.low, picture.high) == (0, 1)
    picture = load(np.full((2, 2), 7.0))
    assert (picture.low, picture.high) == (7, 8)


def test_the_array_is_never_changed():
    x = RNG.random((5, 6)).astype(np.float32)
    before = x.copy()
    load(x)
    load(x[None].repeat(3, axis=0))
    np.testing.assert_array_equal(x, before)


def test_channels_first_channels_last_one_and_four():
    check(load(np.moveaxis(RGB, -1, 0)), RGB / 255)
    check(load(GREY[None]), GREY / 255)
    check(load(GREY[..., None]), GREY / 255)
    clear = np.dstack([RGB, np.full((20, 30), 51, np.uint8)])
    check(load(clear), RGB / 255 * 0.2 + 0.8)
    check(load(clear / 255), RGB / 255 * 0.2 + 0.8)


def test_three_other_axes_are_a_volume():
    x = RNG.random((5, 6, 7))
    check(load(x), x, volume=True)
    check(load(RGB, pages=True), RGB / 255, volume=True)
    colour = RNG.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
    check(load(colour, pages=True), colour / 255, volume=True)


def test_a_tensor():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    check(load(torch.from_numpy(GREY / 255).requires_grad_()), GREY / 255)


def test_a_pillow_image_stays_as_it_is(save):
    image = Image.fromarray(RGB).quantize(16)
    check(load(image), np.asarray(image.convert("RGB")) / 255)
    assert image.mode == "P"
    with Image.open(save(RGB, "photo.jpg")) as image:
        assert load(image).values.shape == (20, 30, 3)
        assert image.size == (30, 20)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros(5), r"x has shape \(5,\); a picture has 2 axes, or 3 in colour"),
        (np.float64(1), r"x has shape \(\)"),
        (np.zeros((2, 3, 4, 5)), r"x has shape \(2, 3, 4, 5\)"),
        (np.zeros((0, 5)), r"x has shape \(0, 5\): there is nothing to draw"),
        (np.zeros((2, 2), complex), "x has dtype complex128; a picture holds bool, integers or"),
        (np.array([["a", "b"]]), "x has dtype <U1"),
        ([[1, 2], [3]], "x is no array: its rows differ in length"),
        (object(), r"x has dtype object"),
    ],
)
def test_what_is_no_picture(x, words):
    with pytest.raises(PoolError, match=words):
        load(x)


@pytest.mark.parametrize("limits", [(1, 0), (0, 0), (0, np.inf), (0,), "ab", 3, (0, "b")])
def test_limits_that_are_none(limits):
    with pytest.raises(PoolError, match="limits are"):
        load(GREY, limits=limits)


def test_a_checksum_is_for_files():
    with pytest.raises(PoolError, match="sha256 is for files and addresses"):
        load(GREY, sha256="0" * 64)


# --- files of arrays ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files(tmp_path, order):
    x = np.asarray(RNG.normal(size=(12, 9)), order=order)
    np.save(tmp_path / "x.npy", x)
    check(load(tmp_path / "x.npy"), x, x.min(), x.max())
    np.save(tmp_path / "y.npy", GREY)
    np.testing.assert_allclose(read(tmp_path / "y.npy"), GREY / 255, atol=1e-6)


def test_npy_files_need_a_known_range_to_be_read(tmp_path):
    x = RNG.normal(size=(4, 4))
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(PoolError, match=r"without a known range, .*; say limits=\(black, white\)"):
        read(tmp_path / "x.npy")
    found = read(tmp_path / "x.npy", limits=(-1, 1))
    np.testing.assert_allclose(found, np.clip((x + 1) / 2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("cut", [7, 9, 60, 150])
def test_npy_files_cut_short(tmp_path, cut):
    np.save(tmp_path / "x.npy", RNG.normal(size=(9, 9)))
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[:cut])
    with pytest.raises(PoolError, match=r"x\.npy is (damaged or )?cut short"):
        load(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array([{"a": 1}]), "x.npy holds Python objects"),
        (np.zeros((0, 4)), "there is nothing to draw"),
        (np.zeros(3, [("a", "f4")]), "x.npy has dtype"),
    ],
)
def test_npy_files_without_a_picture(tmp_path, x, words):
    np.save(tmp_path / "x.npy", x, allow_pickle=True)
    with pytest.raises(PoolError, match=words):
        load(tmp_path / "x.npy")


def test_npy_files_from_memory():
    from anypool.see.numbers import stored

    file = io.BytesIO()
    np.save(file, GREY)
    file.seek(0)
    np.testing.assert_array_equal(stored(file, "x"), GREY)


# --- pages ----------------------------------------------------------------------------------------


def pages(save, name, count=4):
    images = [Image.fromarray(np.roll(GREY, i)) for i in range(count)]
    return save(images[0], name, save_all=True, append_images=images[1:])


@pytest.mark.parametrize("name", ["photo.tif", "photo.gif"])
def test_the_first_page_and_a_note(save, name):
    picture = load(pages(save, name))
    assert picture.values.shape[:2] == GREY.shape
    assert "has 4 pages and the first is shown" in picture.notes[0]


def test_all_pages_are_a_volume(save):
    picture = load(pages(save, "photo.tif"), pages=True)
    check(picture, np.stack([np.roll(GREY, i) for i in range(4)]) / 255, volume=True)


def test_pages_that_differ(save):
    images = [Image.fromarray(GREY), Image.fromarray(GREY[:5])]
    path = save(images[0], "photo.tif", save_all=True, append_images=images[1:])
    with pytest.raises(PoolError, match=r"page 1 of .* is not like the first"):
        load(path, pages=True)


def test_one_page_is_no_volume(save):
    with pytest.raises(PoolError, match="has one page; slices are for volumes"):
        load(save(GREY), pages=True)


def test_too_many_pages(save, monkeypatch):
    monkeypatch.setattr(pixels, "MOST", 1500)
    with pytest.raises(PoolError, match=r"4 pages of 20 × 30, .* at most .* fit: 2 such pages"):
        load(pages(save, "photo.tif"), pages=True)


def test_too_large_a_volume(monkeypatch):
    from anypool.see import numbers

    monkeypatch.setattr(numbers, "MOST", 100)
    with pytest.raises(PoolError, match=r"x has 0\.00012 million voxels; .*: 5 slices of it would"):
        load(np.zeros((6, 4, 5)))


def test_floating_point_files_keep_their_numbers(save):
    x = RNG.normal(size=(6, 7)).astype(np.float32)
    path = save(x, "photo.tif")
    check(load(path), x, x.min(), x.max())
    np.testing.assert_allclose(
        read(path, limits=(-4, 4)), np.clip((x + 4) / 8, 0, 1), rtol=0, atol=1e-6
    )


def test_12_bits_in_16(save):
    x = RNG.integers(0, 4096, (6, 7), dtype=np.uint16)
    np.testing.assert_allclose(read(save(x), limits=(0, 4095)), x / 4095, atol=1e-6)


# --- sizes ----------------------------------------------------------------------------------------


def test_one_pixel(save):
    check(load(save(RGB[:1, :1])), RGB[:1, :1] / 255)
    check(load(np.array([[0.5]])), [[0.5]])


@pytest.fixture
def small_room(monkeypatch):
    """As if 100 pixels were many, and 40 a band."""
    for module in (pixels, limits_of):
        monkeypatch.setattr(module, "MOST", 100)
    monkeypatch.setattr(limits_of, "_BAND", 40)
    from anypool.see import numbers

    monkeypatch.setattr(numbers, "MOST", 100)


CLEAR = np.dstack([RGB, np.arange(600).reshape(20, 30).astype(np.uint8)])


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (RGB, "photo.png"),
        (GREY, "photo.png"),
        (GREY.astype(np.uint16) * 200, "photo.png"),
        (RGB, "photo.tif"),
        (CLEAR, "photo.png"),
        (Image.fromarray(RGB).quantize(16), "photo.png"),
        (Image.fromarray(GREY > 99), "photo.tif"),
        (Image.fromarray(RGB).convert("CMYK"), "photo.tif"),
    ],
    ids=["rgb", "grey", "16 bit", "tiff", "clear", "palette", "bits", "cmyk"],
)
def test_a_large_photograph_is_read_smaller(save, small_room, monkeypatch, picture, name):
    path = save(picture, name)
    small = load(path)
    assert small.factor == 3
    assert small.notes == (f"{path} is read at 1/3 of its 20 × 30 pixels",)
    monkeypatch.undo()
    whole = load(path).values
    np.testing.assert_allclose(
        small.values, ap.avg_pool(whole, 3, ceil_mode=True, axes=(0, 1)), atol=1e-5
    )


def test_a_large_array_is_drawn_smaller(small_room):
    small = load(RGB)
    expected = ap.avg_pool((RGB / 255).astype(np.float32), 3, ceil_mode=True, axes=(0, 1))
    np.testing.assert_allclose(small.values, expected, atol=1e-6)
    assert small.notes == ("x is drawn at 1/3 of its 20 × 30 pixels",)


def test_a_large_jpeg_is_decoded_smaller(save, small_room, monkeypatch):
    picture = Image.fromarray(np.add.outer(np.arange(160), np.arange(96)).astype(np.uint8))
    small = load(save(picture, "photo.jpg", quality=95))
    assert small.values.shape == (10, 6)
    assert small.factor == 16
    monkeypatch.undo()
    expected = ap.avg_pool(np.asarray(picture) / 255, 16, axes=(0, 1))
    np.testing.assert_allclose(small.values, expected, atol=0.02)


def test_who_reads_is_told(save, small_room):
    heard = []
    assert read(save(RGB), tell=heard.append).shape == (7, 10, 3)
    assert "is read at 1/3" in heard[0]


def test_what_would_fill_the_memory_is_refused_before_it_is_decoded(save, monkeypatch):
    path = save(RGB)
    monkeypatch.setattr(pixels, "MOST_DECODED", 1000)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(PoolError, match=r"20 × 30 pixels, 0\.0 GB decoded; .*: 15 × 15 would fit"):
        load(path)


def test_a_bomb_is_refused(tmp_path):
    """A file of some hundred bytes that would be 16 GB."""
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(PoolError, match=r"65000 × 65000 pixels, 15\.7 GB decoded; at most 2 GB"):
        read(tmp_path / "bomb.png")


def test_pillows_own_limit_stays_as_it_is(save, monkeypatch):
    path = save(RGB, "photo.tif")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(path).shape == (20, 30, 3)
    assert Image.MAX_IMAGE_PIXELS == 50


@pytest.mark.parametrize("name", ["photo.jpg", "photo.tif", "photo.png"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_way_to_hold_a_camera(save, turn, name):
    held = Image.Exif()
    held[0x0112] = turn
    path = save(RGB, name, exif=held)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    check(load(path), upright / 255)


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a system with /proc")
def test_twenty_thousand_by_twenty_thousand_in_bounded_memory(tmp_path):
    grey = (np.add.outer(np.arange(20_000), np.arange(20_000)) // 160).astype(np.uint8)
    image = Image.fromarray(grey)
    code = (
        "import sys; from anypool.see import read; x = read(sys.argv[1]); "
        "print(*x.shape, *[w.split()[1] for w in open('/proc/self/status') if 'VmHWM' in w])"
    )
    for name, most in (("photo.jpg", 400), ("photo.png", 1000)):
        image.save(tmp_path / name)
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / name],
            capture_output=True,
            text=True,
            check=True,
        )
        rows, columns, kilobytes = map(int, done.stdout.split())
        assert (rows, columns) == (5000, 5000)
        assert kilobytes < most * 1000


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/cat.png", "cat.png"),
        ("https://example.org/a/my%20cat.png?x=1", "my cat.png"),
        ("https://example.org/", "example.org"),
        ("file:///a/cat.png", "cat.png"),
    ],
)
def test_what_a_photograph_is_called(source, name):
    assert label(source) == name
