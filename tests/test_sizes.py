"""sizes, return_sizes, lists of arrays and boxes: each sample is pooled as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import anypool as ap
import brute
from cases import REDUCTIONS, ULP, sample, scale_of, windows
from same import assert_same
from strategies import mask_of, sliding, weights_of, windows_on

EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
SHAPE, AXES = (4, 2, 9, 8), (2, 3)
EXTENTS = np.array([[9, 8], [5, 4], [1, 8], [6, 3]])
PAIRS = np.array([[[0, 9], [0, 8]], [[4, 9], [4, 8]], [[2, 8], [0, 3]], [[3, 4], [2, 7]]])
# Laid out on each sample's own extent.
OWN = {
    "adaptive": windows("adaptive", output_size=(3, 5)),
    "adaptive-small": windows("adaptive", output_size=(1, 2)),
    "split": windows("split", output_size=(1, 3)),
    "whole": windows("whole"),
    "whole-squeezed": windows("whole", keepdims=False),
    "pyramid": windows("pyramid", bins=(1, 2, 3)),
}
SLIDING = {
    "k2": windows("sliding", kernel_size=(2, 2), stride=(2, 1)),
    "k3s2p1": windows("sliding", kernel_size=3, stride=2, padding=1),
    "ceil": windows("sliding", kernel_size=(1, 3), stride=(2, 2), ceil_mode=True),
    "dilated": windows("sliding", kernel_size=(1, 2), stride=1, dilation=2),
    "uneven": windows("sliding", kernel_size=2, stride=2, padding=((0, 1), (1, 1))),
}


def padded(sizes: np.ndarray, dtype=np.float64, garbage: float = np.nan) -> np.ndarray:
    """A batch whose elements outside the sizes are garbage."""
    x = sample(SHAPE, dtype)
    inside = np.zeros(SHAPE, bool)
    for i, (rows, cols) in enumerate(cuts_of(sizes)):
        inside[i, :, rows, cols] = True
    return np.where(inside, x, garbage) if x.dtype.kind == "f" else x


def cuts_of(sizes: np.ndarray) -> list[tuple[slice, slice]]:
    if sizes.ndim == 2:
        return [(slice(0, h), slice(0, w)) for h, w in sizes.tolist()]
    return [tuple(slice(*pair) for pair in row) for row in sizes.tolist()]


def alone(x, sizes, spec, reduction, **common):
    """Each sample cut out and pooled by itself; its mean divides by what is real."""
    for i, (rows, cols) in enumerate(cuts_of(sizes)):
        part = np.ascontiguousarray(x[i : i + 1, :, rows, cols])
        real = np.ones(part.shape, bool)
        yield ap.pool(part, spec.build(), reduction.build(), axes=AXES, mask=real, **common)


def room(reduction, x, spec) -> dict:
    clean = np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)
    wide = float(np.abs(clean).sum()) if reduction.name == "sum" else None
    scale = wide or scale_of(reduction, clean, spec.build(), axes=AXES)
    return {"ulp": 2 * ULP[reduction.tolerance], "scale": scale}


@EACH
@pytest.mark.parametrize("spec", OWN.values(), ids=OWN)
@pytest.mark.parametrize("sizes", [EXTENTS, PAIRS], ids=["extents", "pairs"])
def test_a_padded_sample_equals_the_sample_alone(sizes, spec, reduction):
    if spec.kind == "split" and sizes is EXTENTS:
        sizes = np.maximum(sizes, 3)
    for garbage in (np.nan, np.inf):
        x = padded(sizes, garbage=garbage)
        got = ap.pool(x, spec.build(), reduction.build(), axes=AXES, sizes=sizes)
        want = np.concatenate(list(alone(x, sizes, spec, reduction)))
        assert_same(got, want, **room(reduction, x, spec))


@EACH
@pytest.mark.parametrize("spec", SLIDING.values(), ids=SLIDING)
@pytest.mark.parametrize("pairs", [False, True], ids=["extents", "pairs"])
def test_sliding_windows_inside_a_sample_equal_the_sample_alone(pairs, spec, reduction):
    sizes = np.array([[9, 8], [5, 4], [3, 8], [6, 3]])
    if pairs:  # the starts stand on the grid of the strides
        sizes = np.array([[[0, 9], [0, 8]], [[4, 9], [4, 8]], [[2, 8], [0, 3]], [[4, 7], [2, 7]]])
    x = padded(sizes)
    y, out = ap.pool(x, spec.build(), reduction.build(), axes=AXES, sizes=sizes, return_sizes=True)
    assert out.shape == sizes.shape
    ours = room(reduction, x, spec)
    for i, want in enumerate(alone(x, sizes, spec, reduction)):
        rows, cols = cuts_of(out)[i]
        assert_same(y[i : i + 1, :, rows, cols], want, **ours)


@pytest.mark.parametrize("spec", OWN.values(), ids=OWN)
@pytest.mark.parametrize("name", ["max", "mean", "sum", "median", "mode", "std", "lse"])
def test_sizes_with_a_mask_and_weights(name, spec):
    """All three at once: real is what is inside, unmasked and weighs something."""
    reduction, sizes = REDUCTIONS[name], np.maximum(EXTENTS, 3)
    x, mask, weights = padded(sizes), mask_of(SHAPE, 1), weights_of(SHAPE, 2)
    common = {"axes": AXES, "fill": -1}
    got = ap.pool(
        x, spec.build(), reduction.build(), sizes=sizes, mask=mask, weights=weights, **common
    )
    for i, (rows, cols) in enumerate(cuts_of(sizes)):
        part, real, w = (a[i : i + 1, :, rows, cols] for a in (x, mask, weights))
        want = brute.pool(
            part, spec, name, AXES, mask=real, weights=w, fill=-1, params=reduction.params
        )
        assert_same(got[i : i + 1], want, **room(reduction, x, spec))


@EACH
def test_sliding_sizes_are_a_mask(reduction):
    spec, sizes = SLIDING["k3s2p1"], EXTENTS
    x = padded(sizes)
    common = {"axes": AXES, "fill": 1}
    got = ap.pool(x, spec.build(), reduction.build(), sizes=sizes, **common)
    want = ap.pool(x, spec.build(), reduction.build(), mask=~np.isnan(x), **common)
    assert_same(got, want, **room(reduction, x, spec))


@given(st.data())
def test_random_sizes(data):
    """Random windows and random extents, starts at zero; max and mean."""
    seed = data.draw(st.integers(0, 2**16))
    x = sample((3, 1, 7, 6), np.float64, seed)
    rows = [[data.draw(st.integers(1, n)) for n in (7, 6)] for _ in range(3)]
    least = np.min(rows, axis=0).tolist()
    kinds = ("adaptive", "split", "whole", "pyramid")
    spec = data.draw(st.one_of(windows_on(least, kinds), sliding(least)))
    if spec.kind == "adaptive":  # None would keep the padded length
        spec = windows("adaptive", output_size=tuple(n or 2 for n in spec.kwargs["output_size"]))
    sizes = np.array(rows)
    for name in ("max", "mean"):
        reduction = REDUCTIONS[name]
        y, out = ap.pool(x, spec.build(), name, axes=AXES, sizes=sizes, return_sizes=True, fill=0)
        for i, want in enumerate(alone(x, sizes, spec, reduction)):
            mine = y[i : i + 1]
            if spec.kind == "sliding":
                mine = mine[:, :, : out[i, 0], : out[i, 1]]
            assert_same(mine, want, ulp=8, scale=8.0)


def test_return_sizes_of_windows_with_a_fixed_output():
    x = padded(EXTENTS)
    y, out = ap.adaptive_max_pool(x, (3, 5), sizes=EXTENTS, return_sizes=True)
    assert y.shape == (4, 2, 3, 5)
    assert_same(out, np.tile([3, 5], (4, 1)), check_dtype=False)


def test_sizes_travel_through_two_layers():
    x, sizes = padded(EXTENTS), np.array([[9, 8], [5, 4], [3, 8], [6, 5]])
    y, out = ap.max_pool(x, 3, 2, 1, sizes=sizes, return_sizes=True)
    got = ap.global_avg_pool(y, sizes=out)
    for i, (h, w) in enumerate(sizes.tolist()):
        part = ap.max_pool(x[i : i + 1, :, :h, :w], 3, 2, 1)
        assert_same(got[i : i + 1], ap.global_avg_pool(part), ulp=4, scale=4.0)


def test_order_of_what_comes_back():
    x = padded(EXTENTS)
    y, indices, out = ap.max_pool(x, 2, sizes=EXTENTS, return_indices=True, return_sizes=True)
    assert indices.shape == y.shape
    assert out.shape == EXTENTS.shape


def test_indices_are_those_of_the_padded_plane():
    x = padded(PAIRS)
    y, found = ap.adaptive_max_pool(x, (2, 2), sizes=PAIRS, return_indices=True)
    flat = x.reshape(4, 2, -1)
    assert_same(np.take_along_axis(flat, found.reshape(4, 2, -1), -1).reshape(y.shape), y)


@EACH
def test_a_sample_of_no_elements_is_filled(reduction):
    sizes = EXTENTS * np.array([[1], [0], [1], [1]])
    x = padded(sizes)
    y = ap.pool(x, ap.windows.adaptive((1, 2)), reduction.build(), axes=AXES, sizes=sizes, fill=1)
    assert_same(y[1], np.ones_like(y[1]))


def test_gradient_of_padded_samples():
    """Zero outside, and inside that of the sample alone."""
    x, spec = padded(PAIRS), windows("adaptive", output_size=(2, 3))
    g = sample((4, 2, 2, 3), np.float64, 1)
    for name in ("max", "mean", "gem", "median"):
        _, pullback = ap.vjp(x, spec.build(), name, axes=AXES, sizes=PAIRS)
        gx = pullback(g)
        want = np.zeros_like(x)
        for i, (rows, cols) in enumerate(cuts_of(PAIRS)):
            part = x[i : i + 1, :, rows, cols]
            _, back = ap.vjp(np.ascontiguousarray(part), spec.build(), name, axes=AXES)
            want[i : i + 1, :, rows, cols] = back(g[i : i + 1])
        assert_same(gx, want, ulp=8, scale=4.0)


# --- lists of arrays of different sizes ----------------------------------------------------------

LISTS = {
    "images": ([(3, 5, 7), (3, 4, 4), (3, 9, 2)], windows("adaptive", output_size=(2, 3))),
    "volumes": ([(2, 3, 4, 5), (2, 6, 2, 2)], windows("adaptive", output_size=(2, 2, 1))),
    "planes": ([(5, 7), (4, 4)], windows("adaptive", output_size=2)),
    "signals": ([(5,), (9,), (2,)], windows("split", output_size=2)),
    "whole": ([(3, 5, 7), (3, 4, 4)], windows("whole")),
    "whole-squeezed": ([(3, 5, 7), (3, 4, 4)], windows("whole", keepdims=False)),
    "pyramid": ([(3, 5, 7), (3, 4, 4)], windows("pyramid", bins=(1, 3))),
}


@pytest.mark.parametrize(("shapes", "spec"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("container", [list, tuple])
def test_list_of_arrays(container, shapes, spec):
    samples = [sample(shape, np.float32, i) for i, shape in enumerate(shapes)]
    axes = tuple(range(1, len(shapes[0]))) if len(shapes[0]) > 2 else tuple(range(len(shapes[0])))
    for name in ("max", "mean", "median", "gem", "mode"):
        got = ap.pool(container(samples), spec.build(), name)
        parts = [brute.pool(x, spec, name, axes).astype(np.float32) for x in samples]
        assert_same(got, np.stack(parts), ulp=16, scale=4.0)


def test_list_of_images_in_one_call():
    """Tutorial T6: images of different sizes become one batch."""
    images = [
        np.full((3, h, w), i, np.float32) for i, (h, w) in enumerate([(321, 481), (481, 321)])
    ]
    y = ap.adaptive_avg_pool(images, (7, 7))
    assert_same(y, np.broadcast_to(np.float32([0, 1]).reshape(2, 1, 1, 1), (2, 3, 7, 7)))
    assert ap.global_max_pool(images).shape == (2, 3, 1, 1)
    assert ap.pyramid_pool(images).shape == (2, 3, 21)


# --- boxes ---------------------------------------------------------------------------------------

BOXES = np.array([[0, 0, 0, 9, 8], [1, 2, 3, 5, 8], [0, 4, 4, 5, 5], [3, 1, 0, 8, 2]])


@EACH
def test_a_box_equals_the_crop(reduction):
    x, spec = sample(SHAPE, np.float64), windows("adaptive", output_size=(3, 2))
    got = ap.roi_pool(x, BOXES, (3, 2), reduce=reduction.build())
    for y, (n, top, left, bottom, right) in zip(got, BOXES.tolist(), strict=True):
        crop = np.ascontiguousarray(x[n : n + 1, :, top:bottom, left:right])
        want = ap.pool(crop, spec.build(), reduction.build(), axes=AXES)
        assert_same(y[None], want, **room(reduction, x, spec))


def test_boxes_in_other_ranks():
    x = sample((2, 3, 20), np.float64)
    y = ap.roi_pool(x, np.array([[1, 4, 13]]), (4,), axes=(2,))
    assert_same(y, ap.adaptive_max_pool(x[1:, :, 4:13], (4,)))
    x = sample((1, 2, 5, 6, 7), np.float64)
    y = ap.roi_pool(x, np.array([[0, 1, 2, 3, 4, 5, 7]]), 2, reduce="mean")
    assert_same(y, ap.adaptive_avg_pool(x[:, :, 1:4, 2:5, 3:7], 2), ulp=4, scale=4.0)


def test_no_boxes_give_no_outputs():
    y = ap.roi_pool(sample(SHAPE, np.float64), np.zeros((0, 5), int), (3, 2))
    assert y.shape == (0, 2, 3, 2)
