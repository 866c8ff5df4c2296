"""Files of other people: IDX, CIFAR-10, NPZ, and folders of pictures, whole and broken."""

import gzip
import io
import os
import struct
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pooch", reason="pooch is not installed")
pytest.importorskip("PIL", reason="pillow is not installed")

from PIL import Image

from anypool import PoolError
from anypool.study.data import cifar, idx, load

RNG = np.random.default_rng(5)
KINDS = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx_bytes(array, kind=8) -> bytes:
    """An IDX file, written from its description."""
    head = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return head + array.astype(KINDS[kind]).tobytes()


# --- IDX ------------------------------------------------------------------------------------------
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.sampled_from(list(KINDS)),
    st.integers(0, 99),
)
def test_idx_gives_back_what_was_written(shape, kind, seed):
    array = np.random.default_rng(seed).integers(0, 100, shape).astype(KINDS[kind])
    found = idx.parse(idx_bytes(array, kind), "it")
    assert np.array_equal(found, array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.dtype.isnative


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_files_are_plain_or_packed(pack, tmp_path):
    array = RNG.integers(0, 256, (7, 3, 2))
    (tmp_path / "it").write_bytes(pack(idx_bytes(array)))
    assert np.array_equal(idx.read(tmp_path / "it"), array)


GOOD = idx_bytes(np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x08", "no IDX file"),
        (b"PK\x03\x04abc", "does not begin with two zero bytes"),
        (b"\0\0\x07\x01\0\0\0\0", "unknown kind 0x07; IDX has 0x08, 0x09"),
        (b"\0\0\x08\x00", "ends within its header, which tells of 0 axes"),
        (GOOD[:9], "ends within its header, which tells of 2 axes"),
        (GOOD[:-1], "cut short: 2x3 values take 6 bytes, 5 are there"),
        (GOOD + b"!", "bytes after its end: 2x3 values take 6 bytes, 7 are there"),
        (b"\0\0\x0e\x04" + b"\xff" * 16, "cut short: 4294967295x"),
    ],
)
def test_a_broken_idx_file_is_one_sentence(raw, words, tmp_path):
    (tmp_path / "it").write_bytes(raw)
    with pytest.raises(PoolError, match=words):
        idx.read(tmp_path / "it")


@pytest.mark.parametrize("cut", [5, 20, -1])
def test_a_broken_gzip_file_is_one_sentence(cut, tmp_path):
    (tmp_path / "it").write_bytes(gzip.compress(GOOD)[:cut])
    with pytest.raises(PoolError, match="it is damaged or cut short"):
        idx.read(tmp_path / "it")


def test_gzip_with_wrong_bytes_is_one_sentence(tmp_path):
    raw = bytearray(gzip.compress(RNG.bytes(500)))
    raw[40:60] = b"\xff" * 20
    (tmp_path / "it").write_bytes(raw)
    with pytest.raises(PoolError, match="it is damaged or cut short"):
        idx.read(tmp_path / "it")


def test_a_missing_idx_file_is_one_sentence(tmp_path):
    with pytest.raises(PoolError, match=r"cannot read .*none: no such file"):
        idx.read(tmp_path / "none")


# --- CIFAR-10 -------------------------------------------------------------------------------------
def records(n: int) -> bytes:
    rows = RNG.integers(0, 256, (n, cifar.RECORD), dtype=np.uint8)
    rows[:, 0] = np.arange(n) % 10
    return rows.tobytes()


def archive(path, files: dict[str, bytes]):
    with tarfile.open(path, "w:gz") as tar:
        for name, raw in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return path


def whole_cifar() -> dict[str, bytes]:
    return {name: records(4) for name in (*cifar.TRAIN, *cifar.TEST)}


def test_cifar_records_are_read(tmp_path):
    files = whole_cifar()
    (images, labels), (test, _) = cifar.read(archive(tmp_path / "c.tar.gz", files))
    assert images.shape == (20, 3, 32, 32)
    assert test.shape == (4, 3, 32, 32)
    assert labels.tolist() == [0, 1, 2, 3] * 5
    raw = files[cifar.TEST[0]]
    assert test[1, 2, 31, 31] == raw[2 * cifar.RECORD - 1]  # the last blue byte of the record
    assert test[0, 0, 0, 1] == raw[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({cifar.TEST[0]: b"12345"}, "test_batch.bin has 5 bytes; CIFAR-10 is made of records"),
        ({cifar.TEST[0]: b""}, "has 0 bytes"),
        ({cifar.TEST[0]: None}, "not CIFAR-10's binary version: .*test_batch.bin"),
    ],
)
def test_strange_cifar_is_one_sentence(change, words, tmp_path):
    files = {n: raw for n, raw in (whole_cifar() | change).items() if raw is not None}
    with pytest.raises(PoolError, match=words):
        cifar.read(archive(tmp_path / "c.tar.gz", files))


def test_broken_cifar_is_one_sentence(tmp_path):
    path = archive(tmp_path / "c.tar.gz", whole_cifar())
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(PoolError, match="damaged or cut short"):
        cifar.read(path)
    path.write_bytes(b"no tar at all")
    with pytest.raises(PoolError, match="damaged or cut short"):
        cifar.read(path)


# --- NPZ ------------------------------------------------------------------------------------------
X = RNG.integers(0, 256, (9, 6, 5, 3), dtype=np.uint8)
Y = (np.arange(9) % 3).astype(np.uint8)[:, None]
KERAS = {"x_train": X, "y_train": Y, "x_test": X[:3], "y_test": Y[:3]}
MEDMNIST = {
    "train_images": X, "train_labels": Y, "val_images": X[:2], "val_labels": Y[:2],
    "test_images": X[:3], "test_labels": Y[:3],
}  # fmt: skip


def npz(tmp_path, arrays) -> str:
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    return f"npz:{tmp_path / 'a.npz'}"


def test_keras_names(tmp_path):
    said = []
    data = load(npz(tmp_path, KERAS), tell=said.append)
    assert data.train_images.shape == (9, 3, 6, 5)
    assert np.array_equal(data.train_images, np.moveaxis(X, 3, 1))
    assert data.train_labels.tolist() == [0, 1, 2] * 3
    assert data.classes == ("0", "1", "2")
    assert said == ["read as (N, H, W, C): the last axis holds 3 channels"]


def test_medmnist_names(tmp_path):
    data = load(npz(tmp_path, MEDMNIST))
    assert len(data.train_labels) == 11
    assert len(data.test_labels) == 3
    assert "validation images join the training images" in data.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y_test": None}, "holds x_test, x_train, y_train; wanted are x_train, y_train"),
        ({"y_train": Y.astype(float)}, "labels are of type float64"),
        ({"y_train": Y.astype(int) - 1}, "label -1"),
        ({"y_train": Y[:4]}, "9 images and 4 labels"),
        ({"x_test": X[:3, :, :, 0]}, "mixes images of 1 and 3 channels"),
        ({"x_train": np.array([1, "a"], object)}, "no NPZ file of plain arrays"),
    ],
)
def test_a_strange_npz_is_one_sentence(change, words, tmp_path):
    arrays = {n: a for n, a in (KERAS | change).items() if a is not None}
    with pytest.raises(PoolError, match=words):
        load(npz(tmp_path, arrays))


def test_validation_of_another_shape_is_one_sentence(tmp_path):
    with pytest.raises(PoolError, match="which do not go together"):
        load(npz(tmp_path, MEDMNIST | {"val_images": X[:2, :2]}))


def test_a_broken_npz_is_one_sentence(tmp_path):
    name = npz(tmp_path, KERAS)
    path = tmp_path / "a.npz"
    whole = path.read_bytes()
    for raw, words in (
        (whole[:200], "damaged or cut short|no NPZ file"),
        (whole[:200] + b"\xff" * 50 + whole[250:], "damaged or cut short"),
        (b"", "damaged or cut short"),
        (b"hello", "no NPZ file of plain arrays"),
        (b"\x93NUMPY", "no NPZ file of plain arrays"),
    ):
        path.write_bytes(raw)
        with pytest.raises(PoolError, match=words):
            load(name)
    np.save(tmp_path / "b.npy", X)
    with pytest.raises(PoolError, match="no NPZ file of plain arrays"):
        load(f"npz:{tmp_path / 'b.npy'}")
    with pytest.raises(PoolError, match=r"cannot read .*none.npz: no such file"):
        load(f"npz:{tmp_path / 'none.npz'}")


# --- folders --------------------------------------------------------------------------------------
def picture(size=(9, 7), mode="L", value=None):
    rows, columns = size
    shape = (rows, columns) if mode == "L" else (rows, columns, 3)
    values = RNG.integers(0, 256, shape, dtype=np.uint8) if value is None else np.full(shape, value)
    return Image.fromarray(values.astype(np.uint8))


@pytest.fixture
def album(tmp_path):
    """A folder of two classes with five grey pictures each; give it and a way to add more."""

    def add(place, image=None, **options):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        (image or picture()).save(path, **options)
        return path

    for name in ("cat", "dog"):
        for i in range(5):
            add(f"{name}/{i}.png")
    add.path = tmp_path
    return add


def read(album, **options):
    return load(f"folder:{album.path}", **options)


def test_class_folders_become_classes(album):
    data = read(album)
    assert data.classes == ("cat", "dog")
    assert data.train_images.shape == (8, 1, 9, 7)
    assert data.test_images.shape == (2, 1, 9, 7)
    assert data.test_labels.tolist() == [0, 1]
    assert data.note == ""
    first = np.asarray(Image.open(album.path / "cat" / "0.png"))
    everything = [*data.train_images, *data.test_images]
    assert any(np.array_equal(image[0], first) for image in everything)
    assert read(album).digest == data.digest


def test_pictures_of_many_sizes_make_a_ragged_set(album):
    album("dog/tall.png", picture((20, 5)))
    data = read(album)
    assert data.ragged
    assert {image.shape for image in data.train_images} == {(1, 9, 7), (1, 20, 5)}


def test_train_and_test_folders_are_kept_apart(tmp_path, album):
    for part, count in (("train", 3), ("val", 1), ("test", 2)):
        for name in ("a", "b"):
            for i in range(count):
                album(f"split/{part}/{name}/{i}.png")
    data = load(f"folder:{tmp_path / 'split'}")
    assert len(data.train_labels) == 8  # the validation pictures are learnt from
    assert data.test_labels.tolist() == [0, 0, 1, 1]


def test_large_pictures_are_scaled_down_and_it_is_said(album):
    album("cat/large.png", picture((300, 150)))
    said = []
    data = read(album, tell=said.append)
    assert (1, 96, 48) in {image.shape for image in data.train_images}
    assert data.note == "1 of 11 pictures were scaled down to 96 pixels, longest edge"
    assert data.note in said
    assert (1, 300, 150) in {image.shape for image in read(album, longest=None).train_images}
    thin = album("cat/thin.png", picture((900, 1)))
    assert (1, 96, 1) in {image.shape for image in read(album).train_images}
    thin.unlink()


def test_grey_pictures_join_coloured_ones(album):
    album("dog/red.png", picture(mode="RGB"))
    data = read(album)
    assert data.train_images.shape[1] == 3
    grey = np.asarray(Image.open(album.path / "cat" / "0.png"))
    everything = [*data.train_images, *data.test_images]
    assert any(np.array_equal(image, np.stack([grey] * 3)) for image in everything)


def test_every_kind_of_picture_is_read(album):
    deep = Image.fromarray(np.full((9, 7), 0x8000, np.uint16))
    clear = Image.new("RGBA", (7, 9), (200, 0, 0, 0))
    palette = picture(mode="RGB").convert("P")
    turned = picture((7, 9), "RGB")
    exif = turned.getexif()
    exif[0x0112] = 6
    for place, image, options in (
        ("kinds/deep.png", deep, {}),
        ("kinds/clear.png", clear, {}),
        ("kinds/palette.png", palette, {}),
        ("kinds/turned.jpg", turned, {"exif": exif}),
        ("kinds/one.png", picture().convert("1"), {}),
    ):
        album(place, image, **options)
    data = read(album)
    assert data.train_images.shape[1:] == (3, 9, 7)  # the turned one stands upright
    everything = [*data.train_images, *data.test_images]
    assert any((image == 255).all() for image in everything)  # transparent shows white
    assert any((image == 128).all() for image in everything)  # 0x8000 of 16 bits


def test_what_is_no_picture_is_passed_over(album):
    before = read(album).digest
    album.path.joinpath("readme.txt").write_text("hello")
    album.path.joinpath("cat/notes.txt").write_text("hello")
    album.path.joinpath("cat/.hidden.png").write_text("hello")
    album(".thumbs/0.png")
    album("cat/.thumbs/0.png")
    assert read(album).digest == before


def test_pictures_deeper_down_belong_to_the_class(album):
    album("cat/monday/0.png")
    assert len(read(album).train_labels) == 9


def test_corrupt_pictures_are_named_and_refused_or_skipped(album):
    for i in range(6):
        (album.path / f"cat/bad{i}.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    whole = (album.path / "dog/0.png").read_bytes()
    (album.path / "dog/cut.png").write_bytes(whole[:-30])
    with pytest.raises(PoolError, match=r"7 of 17 pictures .*cat/bad0.png.* and 2 more.*skip"):
        read(album)
    data = read(album, skip_corrupt=True)
    assert len(data.train_labels) + len(data.test_labels) == 10
    assert data.note.startswith("7 of 17 pictures cannot be read and are left out: cat/bad0.png")


def test_a_test_set_of_corrupt_pictures_alone_is_refused(tmp_path):
    strange(tmp_path)
    (tmp_path / "test/c").rename(tmp_path / "test/b")
    for file in tmp_path.glob("test/*/*.png"):
        file.write_bytes(b"rubbish")
    with pytest.raises(PoolError, match="the test set is empty"):
        load(f"folder:{tmp_path}", skip_corrupt=True)


def empty(path):
    for name in ("a", "b"):
        (path / name).mkdir(parents=True)


def one_class(path):
    (path / "a").mkdir()
    picture().save(path / "a/0.png")


def few(path):
    for name, count in (("a", 9), ("b", 2)):
        (path / name).mkdir()
        for i in range(count):
            picture().save(path / name / f"{i}.png")


def bare(path):
    few(path)
    (path / "c").mkdir()


def half(path):
    (path / "train/a").mkdir(parents=True)


def untested(path):
    strange(path)
    for file in path.glob("test/*/*.png"):
        file.unlink()


def strange(path):
    for place in ("train/a", "train/b", "test/a", "test/c"):
        (path / place).mkdir(parents=True)
        for i in range(3):
            picture().save(path / place / f"{i}.png")


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (empty, "holds no class folders"),
        (one_class, "holds pictures of the one class a; two or more"),
        (few, "2 pictures of b to split; every class needs at least 3"),
        (bare, "/c holds no pictures; remove it"),
        (half, "a folder train but no folder test"),
        (strange, "test has the class c, which train lacks"),
        (untested, "/test holds no pictures; fill it"),
    ],
)
def test_a_folder_that_is_no_set_is_one_sentence(fill, words, tmp_path):
    fill(tmp_path)
    with pytest.raises(PoolError, match=words):
        load(f"folder:{tmp_path}")


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(PoolError, match=r"cannot read .*none: no such file"):
        load(f"folder:{tmp_path / 'none'}")
    (tmp_path / "file").write_text("")
    with pytest.raises(PoolError, match=r"cannot read .*file: not a directory"):
        load(f"folder:{tmp_path / 'file'}")


def test_a_senseless_size_is_one_sentence(album):
    with pytest.raises(PoolError, match="longest edge is 0 pixels; it must be 1 or more"):
        read(album, longest=0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_counts_as_corrupt(album):
    (album.path / "cat/0.png").chmod(0)
    with pytest.raises(PoolError, match="1 of 10 pictures"):
        read(album)
