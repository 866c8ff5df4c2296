"""Data sets: named, checked, split alike everywhere, kept for the workers and found again."""

import hashlib
import json
import multiprocessing
import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("pooch", reason="pooch is not installed")
pytest.importorskip("PIL", reason="pillow is not installed")

from anypool import PoolError
from anypool.study.data import NAMES, Data, from_arrays, keep, load, recall, split
from anypool.study.data.draws import Draws
from anypool.study.data.registry import SOURCES

X = np.random.default_rng(3).integers(0, 256, (12, 1, 5, 4), dtype=np.uint8)
Y = np.arange(12) % 3


def mine(x=X, y=Y, tx=X[:6], ty=Y[:6], classes=None) -> Data:
    return from_arrays("mine", x, y, tx, ty, classes)


def ragged(dtype=np.uint8) -> Data:
    rng = np.random.default_rng(4)
    images = [rng.integers(0, 256, (3, 2 + i, 9 - i % 3)).astype(dtype) for i in range(8)]
    return from_arrays("ragged", images, [0, 1] * 4, images[:4], [0, 1] * 2, ["a", "b"])


def same_images(a, b) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- split ----------------------------------------------------------------------------------------
COUNTS = st.lists(st.integers(2, 40), min_size=1, max_size=8)


@given(COUNTS, st.integers(0, 2**40), st.floats(0.01, 0.99), st.integers(0, 9))
def test_a_split_is_stratified_disjoint_complete_and_repeatable(counts, seed, share, mix):
    labels = np.random.default_rng(mix).permutation(np.repeat(np.arange(len(counts)), counts))
    learn, validate = split(labels, seed, share)
    assert learn.dtype == validate.dtype == np.int64
    assert np.array_equal(np.sort(np.concatenate([learn, validate])), np.arange(len(labels)))
    assert (np.diff(learn) > 0).all()
    assert (np.diff(validate) > 0).all()
    for label, count in enumerate(counts):
        aside = int((labels[validate] == label).sum())
        assert abs(aside - share * count) < 1
        assert 1 <= aside < count
    assert all(map(np.array_equal, split(labels, seed, share), (learn, validate)))


def test_seeds_split_differently():
    labels = np.arange(1000) % 10
    some = {split(labels, seed)[1].tobytes() for seed in range(20)}
    assert len(some) == 20


def test_every_example_has_the_same_chance_to_be_validated():
    labels = np.arange(60) % 3
    hits = sum(np.bincount(split(labels, seed, 0.25)[1], minlength=60) for seed in range(400))
    assert abs(hits / 400 - 0.25).max() < 0.1  # 4.6 standard errors


def test_a_split_is_the_same_on_every_machine():
    learn, validate = split(np.arange(200) % 7, seed=5)
    assert validate.tolist()[:8] == [7, 8, 19, 23, 29, 31, 38, 48]
    assert hashlib.sha256(learn.tobytes()).hexdigest()[:12] == "ca4e37491cd9"


@pytest.mark.parametrize(
    ("labels", "seed", "share", "words"),
    [
        ([0, 0, 1], 0, 0.1, "class 1 has a single example"),
        ([], 0, 0.1, "no examples to split"),
        ([0, 0], 0, 0.0, "share for validation is 0.0; it must lie between"),
        ([0, 0], 0, 1.0, "share for validation is 1.0"),
        ([0, 0], 0, float("nan"), "share for validation is nan"),
        ([0, 0], -1, 0.5, "seed is -1; it must be a whole number"),
        ([0, 0], 1.5, 0.5, "seed is 1.5"),
        ([0, 0], True, 0.5, "seed is True"),
    ],
)
def test_a_bad_split_is_one_sentence(labels, seed, share, words):
    with pytest.raises(PoolError, match=words):
        split(np.array(labels, int), seed, share)


@given(st.integers(1, 300), st.integers(0, 2**31))
def test_draws_stay_in_their_range(most, seed):
    some = Draws(seed).below(most, 50)
    assert some.min() >= 0
    assert some.max() < most


# --- arrays ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("shape", "found", "word"),
    [
        ((6, 9, 8), (6, 1, 9, 8), ""),
        ((6, 9, 8, 3), (6, 3, 9, 8), "last axis holds 3 channels"),
        ((6, 3, 9, 8), (6, 3, 9, 8), ""),
        ((6, 3, 8, 3), (6, 3, 8, 3), ""),
        ((6, 1, 9, 8), (6, 1, 9, 8), ""),
    ],
)
def test_the_channels_are_found(shape, found, word):
    x = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    data = from_arrays("mine", x, Y[:6], x, Y[:6])
    assert data.train_images.shape == found
    assert word in data.note
    assert bool(data.note) == bool(word)
    if word:
        assert np.array_equal(data.train_images, np.moveaxis(x, 3, 1))


@pytest.mark.parametrize("kind", [np.int64, np.int16, np.uint16])
def test_small_whole_numbers_are_bytes(kind):
    data = mine(X.astype(kind), tx=X[:6].astype(kind))
    assert data.train_images.dtype == np.uint8
    assert np.array_equal(data.train_images, X)
    assert data.digest == mine().digest


def test_floats_become_float32_and_truth_values_black_and_white():
    assert mine(X / 255.0, tx=X[:6] / 255.0).train_images.dtype == np.float32
    assert np.unique(mine(X > 99, tx=X[:6] > 99).train_images).tolist() == [0, 255]


def test_labels_may_stand_in_a_column():
    data = mine(y=Y[:, None].astype(np.uint8))
    assert data.train_labels.dtype == np.int64
    assert np.array_equal(data.train_labels, Y)


def test_images_of_one_size_become_an_array_and_of_several_a_list():
    assert mine(list(X), tx=list(X[:6])).train_images.shape == X.shape
    assert not mine().ragged
    assert ragged().ragged
    both = from_arrays("two sizes", X, Y, X[:6, :, :3], Y[:6])
    assert both.ragged
    assert both.test_images[0].shape == (1, 3, 4)


NAN = np.where(X.max() == X, np.nan, X.astype(float))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": X[:0], "y": Y[:0]}, "training set is empty"),
        ({"x": [], "y": []}, "training set is empty|12 images and"),
        ({"y": Y[:5]}, "12 images and 5 labels"),
        ({"y": Y - 1}, "label -1; with 3 classes labels go from 0 to 2"),
        ({"ty": Y[:6] + 2, "classes": "abc"}, "test set has the label 4; with 3 classes"),
        ({"y": Y + 10**9}, "label 1000000002 but only 18 examples"),
        ({"y": Y / 1.0}, "labels are of type float64; they must be whole numbers"),
        ({"y": np.eye(3)[Y]}, r"labels have the shape \(12, 3\)"),
        ({"y": Y * 0, "ty": Y[:6] * 0}, "1 classes; a comparison needs two"),
        ({"x": NAN, "tx": X[:6] / 1.0}, "NaN or infinite"),
        ({"x": X * 1e300, "tx": X[:6] / 1.0}, "NaN or infinite"),
        ({"x": X.astype(int) * 300}, "whole numbers from .* to .*; scale them to 0..255"),
        ({"x": X.astype(int) - 1}, "whole numbers from -1 to"),
        ({"x": X.astype("U")}, "of type <U3; bytes or floats fit"),
        ({"x": X[0, 0]}, r"have the shape \(5, 4\)"),
        ({"x": np.zeros((12, 9, 7, 8), np.uint8)}, "neither axis 1 nor the last holds 1 to 4"),
        ({"x": np.zeros((12, 3, 5, 4), np.uint8)}, "mixes images of 1 and 3 channels"),
        ({"x": X / 1.0}, "mixes float32 and uint8 images"),
        ({"x": X[:, :, :0]}, "an image without pixels"),
        ({"x": [X]}, r"hold one of shape \(12, 1, 5, 4\)"),
    ],
)
def test_bad_arrays_are_one_sentence(change, words):
    with pytest.raises(PoolError, match=words) as caught:
        mine(**change)
    assert "\n" not in str(caught.value)


# --- the digest -----------------------------------------------------------------------------------
def test_the_digest_names_the_content_and_not_the_name():
    again = from_arrays("another name", X.copy(), Y, X[:6], Y[:6])
    assert again.digest == mine().digest
    assert re.fullmatch("[0-9a-f]{64}", again.digest)


def test_everything_that_matters_changes_the_digest():
    one = X.copy()
    one[0, 0, 0, 0] ^= 1
    labels = Y.copy()
    labels[[0, 1]] = labels[[1, 0]]
    others = [
        mine(one),
        mine(y=labels),
        mine(classes=("x", "y", "z")),
        mine(X[:11], Y[:11]),
        mine(tx=X[1:7]),
        mine(X.reshape(12, 1, 4, 5), tx=X[:6].reshape(6, 1, 4, 5)),
        mine(X / np.float32(1), tx=X[:6] / np.float32(1)),
        mine(X[:6], Y[:6], X, Y),
    ]
    assert len({data.digest for data in [mine(), *others]}) == 9


# --- keep and recall ------------------------------------------------------------------------------
SETS = {"bytes": mine, "floats": lambda: mine(X / 7, tx=X[:6] / 7), "ragged": ragged}
SETS["ragged floats"] = lambda: ragged(np.float32)


@pytest.mark.parametrize("make", SETS.values(), ids=SETS)
def test_what_is_kept_is_recalled(make, tmp_path):
    data = make()
    place = keep(data, tmp_path)
    assert place == tmp_path / data.digest
    again = recall(place)
    for name in ("name", "classes", "digest", "note", "ragged"):
        assert getattr(again, name) == getattr(data, name)
    assert same_images(again.train_images, data.train_images)
    assert same_images(again.test_images, data.test_images)
    assert again.train_images[0].dtype == data.train_images[0].dtype
    assert np.array_equal(again.train_labels, data.train_labels)
    assert again.test_labels.dtype == np.int64


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=12),
    st.integers(1, 4),
    st.sampled_from([np.uint8, np.float32]),
)
def test_any_set_survives_being_kept(tmp_path_factory, sizes, channels, kind):
    rng = np.random.default_rng(len(sizes))
    images = [rng.integers(0, 256, (channels, *size)).astype(kind) for size in sizes]
    labels = np.arange(len(images)) % 2
    data = from_arrays("any", images, labels, images[::-1], labels)
    again = recall(keep(data, tmp_path_factory.mktemp("any")))
    assert same_images(again.train_images, images)
    assert same_images(again.test_images, images[::-1])
    assert again.ragged == data.ragged == (len(set(sizes)) > 1)


def test_recalled_images_are_shared_and_not_to_be_written(tmp_path):
    for data in (mine(), ragged()):
        again = recall(keep(data, tmp_path))
        base = again.train_images[0]
        while base.base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            again.train_images[0][...] = 0


def test_a_set_is_written_once(tmp_path):
    place = keep(mine(), tmp_path)
    before = {file: file.stat().st_mtime_ns for file in place.iterdir()}
    keep(mine(), tmp_path)
    assert {file: file.stat().st_mtime_ns for file in place.iterdir()} == before
    assert list(tmp_path.iterdir()) == [place]


DAMAGE = {
    "cut": lambda p: p.write_bytes(p.read_bytes()[:-1]),
    "changed": lambda p: p.write_bytes(p.read_bytes()[:-1] + bytes([p.read_bytes()[-1] ^ 1])),
    "emptied": lambda p: p.write_bytes(b""),
    "removed": lambda p: p.unlink(),
    "no array": lambda p: p.write_bytes(b"hello, I am no array"),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("file", ["train_images", "test_labels"])
def test_a_damaged_copy_is_noticed_and_mended(how, file, tmp_path):
    place = keep(mine(), tmp_path)
    DAMAGE[how](place / f"{file}.npy")
    with pytest.raises(PoolError, match=rf"damaged: {file}\.npy is not as it was written"):
        recall(place)
    assert same_images(recall(keep(mine(), tmp_path)).train_images, X)


def test_damage_in_a_large_set_is_looked_for_all_over(tmp_path):
    x = np.zeros((4, 1, 512, 512), np.uint8)
    place = keep(from_arrays("large", x, [0, 1, 0, 1], x, [0, 1, 0, 1]), tmp_path)
    file = place / "train_images.npy"
    raw = bytearray(file.read_bytes())
    half = len(raw) // 2
    raw[half : half + 20000] = b"\x07" * 20000
    file.write_bytes(raw)
    with pytest.raises(PoolError, match="damaged"):
        recall(place)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged: set.json"),
        ("[]", "damaged: set.json"),
        ('{"format": 2}', "has the format 2, this anypool reads 1"),
    ],
)
def test_a_foreign_description_is_one_sentence(text, words, tmp_path):
    place = keep(mine(), tmp_path)
    (place / "set.json").write_text(text)
    with pytest.raises(PoolError, match=words):
        recall(place)


def test_nothing_kept_is_one_sentence(tmp_path):
    with pytest.raises(PoolError, match=r"no kept data set at .*none: no such file"):
        recall(tmp_path / "none")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PoolError, match="cannot write to"):
        keep(mine(), tmp_path / "file")


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(PoolError, match="no space left on device"):
        keep(mine(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def _keep_it(folder: str) -> str:
    return recall(keep(mine(), folder)).digest


def test_many_may_keep_one_set_at_once(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        digests = pool.map(_keep_it, [str(tmp_path)] * 24, chunksize=1)
    assert set(digests) == {mine().digest}
    assert os.listdir(tmp_path) == [mine().digest]


def test_the_description_is_readable(tmp_path):
    about = json.loads((keep(ragged(), tmp_path) / "set.json").read_text())
    assert about["classes"] == ["a", "b"]
    assert about["sums"]["train_shapes"].startswith("<i8 (8, 3)")


# --- names ----------------------------------------------------------------------------------------
def test_the_digits_need_no_download():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    data = load("digits")
    assert data.train_images.shape == (1438, 1, 8, 8)
    assert len(data.test_labels) == 359
    assert data.train_images.max() == 255
    assert np.bincount(data.test_labels).min() >= 34
    assert data.digest[:16] == "26db78715b502351"
    assert load("digits").digest == data.digest


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fashion", "no data set is called 'fashion'; there are fashion-mnist"),
        ("MNIST2", "there are mnist"),
        ("zzz", "there are digits, fashion-mnist, .*folder:PATH"),
        ("", "no data set is called ''"),
        ("folder", "lacks a path; write folder:PATH"),
        ("npz:", "lacks a path; write npz:PATH"),
        ("digits:8", "behind the colon; digits takes none"),
        ("target:size=3", "has the setting 'size=3'; write target:seed=3"),
        ("target:seed=-1", "has the setting 'seed=-1'"),
        ("tie:train=0", "training set is empty"),
        ("tie:test=100001", "asks for too many images; 100000 are the most"),
    ],
)
def test_a_bad_name_is_one_sentence(name, words):
    with pytest.raises(PoolError, match=words):
        load(name)


def test_every_name_says_what_it_is():
    assert set(SOURCES) <= set(NAMES)
    assert all(line and "\n" not in line and len(line) < 80 for line in NAMES.values())
