"""Arrays of other libraries: read where they lie, or pooled by their own namespace."""

from __future__ import annotations

import array
import sys
from typing import Any

import numpy as np
import pytest

import anypool as ap
from anypool import engine
from anypool.arrayapi import views
from anypool.errors import PoolError
from cases import CASES, REDUCTIONS, ULP, WINDOWS, sample, scale_of
from same import assert_same
from strategies import mask_of, weights_of

xp = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")

SHAPE, AXES = (2, 3, 9, 10), (2, 3)
SIZES = np.array([[5, 10], [9, 3]])
FEW = [name for name in REDUCTIONS if name not in ("lp", "gem", "lse", "soft", "var")]


def strict(a: Any) -> Any:
    return xp.asarray(np.array(a))


@pytest.fixture
def kept_away(monkeypatch):
    """Strict arrays as if they lay on a device: NumPy cannot read them, and no ufunc takes them."""
    kind = type(strict([1.0]))
    monkeypatch.setattr(kind, "__dlpack_device__", lambda self: (2, 0))
    device = xp.Device("device1")

    def away(a: Any) -> Any:
        return xp.asarray(np.array(a), device=device)

    assert views.viewed(away([1.0])) is None
    return away


def home(a: Any) -> np.ndarray:
    """A strict array of any device as NumPy's."""
    return np.array(a._array)


# --- zero-copy: what lies in CPU memory ----------------------------------------------------------


def test_numpy_reads_where_it_lies(monkeypatch):
    x = strict(sample(SHAPE, np.float32))
    seen = []
    prepare = engine.prepare

    def watched(a, *rest, **more):
        seen.append(a)
        return prepare(a, *rest, **more)

    monkeypatch.setattr(engine, "prepare", watched)
    ap.max_pool(x, 3)
    assert np.shares_memory(seen[0], x._array)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "median_pool"])
def test_results_come_in_the_callers_library(name):
    x = sample(SHAPE, np.float32)
    y = getattr(ap, name)(strict(x), 3, 2)
    assert type(y) is type(strict(x))
    assert_same(home(y), getattr(ap, name)(x, 3, 2))


def test_indices_sizes_masks_and_weights():
    x, mask, weights = sample(SHAPE, float), mask_of(SHAPE, 1), weights_of(SHAPE, 2)
    y, at = ap.max_pool(strict(x), 3, mask=strict(mask), return_indices=True)
    want, place = ap.max_pool(x, 3, mask=mask, return_indices=True)
    assert_same(home(y), want)
    assert_same(home(at), place)
    y = ap.avg_pool(strict(x), 3, weights=strict(weights))
    assert_same(home(y), ap.avg_pool(x, 3, weights=weights))
    y, after = ap.avg_pool(strict(x), 3, sizes=strict(SIZES), return_sizes=True)
    want, left = ap.avg_pool(x, 3, sizes=SIZES, return_sizes=True)
    assert_same(home(y), want)
    assert_same(home(after), left)


def test_beside_x_plain_values_will_do():
    x, mask = sample(SHAPE, float), mask_of((9, 10), 1)
    y = ap.max_pool(strict(x), 3, mask=mask, sizes=SIZES.tolist())
    assert_same(home(y), ap.max_pool(x, 3, mask=mask, sizes=SIZES))


def test_a_list_becomes_one_batch():
    arrays = [sample((3, 5, 6), float), sample((3, 9, 4), float, 1)]
    y = ap.adaptive_max_pool([strict(a) for a in arrays], 2, axes=(2, 3))
    assert_same(home(y), ap.adaptive_max_pool(arrays, 2, axes=(2, 3)))


def test_derivatives():
    x, weights = sample(SHAPE, float, 0, "distinct"), weights_of(SHAPE, 3)
    windows = WINDOWS["k3s2p1"].build()
    y, back = ap.vjp(strict(x), windows, "mean", weights=strict(weights))
    want, pullback = ap.vjp(x, windows, "mean", weights=weights)
    g = np.random.default_rng(0).normal(size=want.shape)
    assert_same(home(y), want)
    for got, right in zip(back(strict(g)), pullback(g), strict=True):
        assert_same(home(got), right)
    y, back = ap.vjp(strict(x), windows, ap.reductions.gem(p=4))
    dx, by_p = back(strict(g))
    assert_same(home(dx), ap.vjp(x, windows, ap.reductions.gem(p=4))[1](g)[0])
    assert isinstance(by_p, float)


def test_what_is_not_pooling():
    x = sample(SHAPE, float)
    assert_same(home(ap.blur_pool(strict(x))), ap.blur_pool(x))
    y, at = ap.max_pool(x, 3, return_indices=True)
    assert_same(home(ap.max_unpool(strict(y), strict(at), (9, 10))), ap.max_unpool(y, at, (9, 10)))


def test_the_device_is_kept():
    x = xp.asarray(np.arange(6.0), device=xp.Device("device1"))  # strict's devices are the CPU's
    assert ap.max_pool(x, 2).device == x.device


class Capsule:
    """A library that speaks DLPack and nothing else."""

    def __init__(self, a: np.ndarray, device: tuple[int, int] = (1, 0)) -> None:
        self.a, self.device_ = a, device

    def __dlpack__(self, **how: Any) -> Any:
        return self.a.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device_


def test_dlpack_alone(monkeypatch):
    x = sample(SHAPE, np.float32)
    y = ap.max_pool(Capsule(x), 3, mask=Capsule(mask_of(SHAPE, 1)))
    assert type(y) is np.ndarray  # its library says no way back
    assert_same(y, ap.max_pool(x, 3, mask=mask_of(SHAPE, 1)))
    monkeypatch.setattr(sys.modules[__name__], "from_dlpack", Capsule, raising=False)
    y, at = ap.max_pool(Capsule(x), 3, return_indices=True)
    assert type(y) is type(at) is Capsule
    assert_same(y.a, ap.max_pool(x, 3))
    with pytest.raises(PoolError, match=r"x is a .* Capsule that NumPy cannot read where it"):
        ap.max_pool(Capsule(x, (2, 0)), 3)
    with pytest.raises(PoolError, match=r"mask is a .* Capsule that cannot be read as x is"):
        ap.max_pool(strict(x), 3, mask=Capsule(x > 0, (2, 0)))


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint64", "bool", "float32"])
def test_dlpack_of_every_kind(dtype):
    x = sample(SHAPE, np.dtype(dtype))
    assert_same(ap.max_pool(Capsule(x), 3), ap.max_pool(x, 3))


class Buffer:
    """An array that only lends its buffer, behind a DLPack that it cannot hand over (MLX)."""

    def __init__(self, a: np.ndarray) -> None:
        self.a = memoryview(a)

    def __dlpack__(self, **_: Any) -> Any:
        raise BufferError("not here")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 8, 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes lend buffers since Python 3.12")
def test_buffers_behind_dlpack():
    x = sample(SHAPE, np.float32)
    Buffer.__buffer__ = lambda self, _flags: self.a
    assert_same(ap.max_pool(Buffer(x), 3), ap.max_pool(x, 3))


def test_numpys_own_protocol():
    """An array with a namespace and ``__array__``, but no DLPack (labelled arrays)."""

    class Labelled:
        def __init__(self, a: np.ndarray) -> None:
            self.a = a

        def __array__(self, *_: Any, **__: Any) -> np.ndarray:
            return self.a

        def __array_namespace__(self) -> Any:
            return np

    x = sample(SHAPE, np.float32)
    y = ap.max_pool(Labelled(x), 3)
    assert type(y) is np.ndarray
    assert_same(y, ap.max_pool(x, 3))


def test_what_numpy_knows_itself():
    """Subclasses, scalars' arrays, buffers: NumPy's results."""

    class Own(np.ndarray):
        """A subclass of a user."""

    x = sample((6, 8), np.float32)
    want = ap.max_pool(x, 2)
    for given in (x.view(Own), memoryview(x), np.ma.masked_array(x), x.tolist()):
        y = ap.max_pool(given, 2)
        assert type(y) is np.ndarray
        assert_same(y, want, check_dtype=False)
    assert_same(ap.max_pool(array.array("d", [1, 5, 2, 3]), 2), np.array([5.0, 3]))


# --- arrays that NumPy cannot read ---------------------------------------------------------------


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("label", ["k3s2p1-ceil", "dilated", "adaptive", "pyramid", "whole"])
def test_plain_operations_of_the_namespace(kept_away, name, label):
    reduction, x = REDUCTIONS[name], sample(SHAPE, np.float32)
    windows, reduce = WINDOWS[label].build(), reduction.build()
    y = ap.pool(kept_away(x), windows, reduce, axes=AXES)
    assert y.device == xp.Device("device1")
    scale = scale_of(reduction, x, windows, axes=AXES)
    assert_same(home(y), ap.pool(x, windows, reduce, axes=AXES), ulp=ULP[reduction.tolerance],
                scale=scale)  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_whole_table(kept_away, case):
    if case.dtype == np.float16:
        pytest.skip("array-api-strict has no float16")
    x, windows, reduce = case.data(), case.windows.build(), case.reduction.build()
    y = ap.pool(kept_away(x), windows, reduce, axes=case.axes)
    want = ap.pool(x, windows, reduce, axes=case.axes)
    scale = scale_of(case.reduction, x, windows, axes=case.axes)
    assert_same(home(y), want, ulp=case.ulp, scale=scale)


@pytest.mark.parametrize("name", ["max", "mean", "gem-p=4.5", "median", "topk-k=2"])
def test_everything_beside_x(kept_away, name):
    x, reduction = sample(SHAPE, float), REDUCTIONS[name]
    windows, reduce = WINDOWS["k3s2p1"].build(), reduction.build()
    beside = {"mask": mask_of(SHAPE, 1), "weights": weights_of(SHAPE, 2)}
    y = ap.pool(kept_away(x), windows, reduce, axes=AXES,
                **{k: kept_away(v) for k, v in beside.items()})  # fmt: skip
    want = ap.pool(x, windows, reduce, axes=AXES, **beside)
    assert_same(home(y), want, ulp=32, scale=9)
    adaptive = ap.windows.adaptive(3)
    y, after = ap.pool(kept_away(x), adaptive, reduce, axes=AXES, sizes=kept_away(SIZES),
                       return_sizes=True)  # fmt: skip
    want, left = ap.pool(x, adaptive, reduce, axes=AXES, sizes=SIZES, return_sizes=True)
    assert_same(home(y), want, ulp=32, scale=9)
    assert_same(home(after), left)


def test_indices_of_the_namespace(kept_away):
    x = sample(SHAPE, float)
    y, at = ap.max_pool(kept_away(x), 3, mask=mask_of(SHAPE, 1), return_indices=True)
    want, place = ap.max_pool(x, 3, mask=mask_of(SHAPE, 1), return_indices=True)
    assert_same(home(y), want)
    assert_same(home(at), place)


@pytest.mark.parametrize("seed", [3, None], ids=["seed", "generator"])
def test_draws_are_numpys(kept_away, seed):
    x = np.abs(sample(SHAPE, float))
    for windows, reduce in (
        (ap.windows.sliding(3), ap.reductions.stochastic(rng=0)),
        (ap.windows.fractional(2, output_size=4, rng=0), "max"),
    ):
        source = [np.random.default_rng(5) if seed is None else seed for _ in range(2)]
        y = ap.pool(kept_away(x), windows, reduce, axes=AXES, rng=source[0])
        want = ap.pool(x, windows, reduce, axes=AXES, rng=source[1])
        assert_same(home(y), want)


SLOPED = {name: r for name, r in REDUCTIONS.items() if r.gradient}


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("label", ["k3s2p1-ceil", "adaptive", "whole-squeezed", "pyramid"])
def test_derivatives_of_the_namespace(kept_away, name, label):
    x = np.abs(sample(SHAPE, float, 1, "distinct")) + 1
    compare_slopes(kept_away, x, WINDOWS[label].build(), SLOPED[name].build())


@pytest.mark.parametrize("name", [n for n, r in SLOPED.items() if r.weights == "weighs"])
def test_derivatives_beside_masks_weights_and_sizes(kept_away, name):
    x = np.abs(sample(SHAPE, float, 1, "distinct")) + 1
    windows, reduce = ap.windows.adaptive((4, 3)), SLOPED[name].build()
    beside = {"mask": mask_of(SHAPE, 1), "weights": weights_of((1, 1, 9, 10), 2)}
    compare_slopes(kept_away, x, windows, reduce, **beside)
    compare_slopes(kept_away, x, windows, reduce, sizes=SIZES)
    boxes = ap.windows.boxes([[1, 0, 0, 5, 6], [1, 1, 2, 4, 4]], 2)
    compare_slopes(kept_away, x, boxes, reduce)


def test_derivatives_of_ties_draws_and_nan(kept_away):
    x = sample(SHAPE, float)
    windows = ap.windows.sliding(3)
    compare_slopes(kept_away, x, windows, "max", ties="split")
    compare_slopes(kept_away, x, windows, ap.reductions.stochastic(rng=0), rng=4)
    compare_slopes(kept_away, x, ap.windows.fractional(2, output_size=4, rng=0), "max", rng=4)
    x[0, 0, 4] = np.nan
    compare_slopes(kept_away, x, windows, "mean", nan="skip")
    compare_slopes(kept_away, x, ap.windows.sliding(2, padding=3), "mean", fill=2)


def compare_slopes(away, x, windows, reduce, **common):
    """Pullbacks of plain operations and of NumPy's kernels, on the same incoming derivative."""
    given = {k: away(v) if isinstance(v, np.ndarray) else v for k, v in common.items()}
    y, back = ap.vjp(away(x), windows, reduce, axes=AXES, **given)
    want, pullback = ap.vjp(x, windows, reduce, axes=AXES, **common)
    g = np.random.default_rng(2).normal(size=want.shape)
    assert_same(home(y), want, ulp=64, scale=np.nanmax(np.abs(x)))
    made, right = back(away(g)), pullback(g)
    assert isinstance(made, tuple) == isinstance(right, tuple)
    pairs = zip(made, right, strict=True) if isinstance(made, tuple) else [(made, right)]
    for got, must in pairs:
        own = got if isinstance(got, float) else home(got)
        np.testing.assert_allclose(own, must, rtol=1e-9, atol=1e-9)


# --- bad input -----------------------------------------------------------------------------------


class Lazy:
    """An array that does not know its sizes yet."""

    shape, dtype, ndim = (2, None), xp.float32, 2

    def __array_namespace__(self) -> Any:
        return xp


def test_bad_input(kept_away):
    x = kept_away(sample(SHAPE, float))
    with pytest.raises(PoolError, match="of which not every size is known: it is evaluated lazily"):
        ap.max_pool(Lazy(), 2)
    with pytest.raises(PoolError, match="becomes one batch only in CPU memory"):
        ap.adaptive_max_pool([x, x], 2)
    with pytest.raises(PoolError, match="out is for NumPy arrays"):
        ap.max_pool(x, 2, out=np.zeros(3))
    with pytest.raises(PoolError, match="weights must be finite and not negative"):
        ap.avg_pool(x, 2, weights=kept_away(-np.ones(SHAPE)))
    with pytest.raises(PoolError, match="mask has dtype float64; it must be bool"):
        ap.avg_pool(x, 2, mask=x)
    with pytest.raises(PoolError, match="fill is None"):
        ap.max_pool(x, 2, padding=3, fill=None)
    with pytest.raises(PoolError, match="mode has no gradient"):
        ap.vjp(x, ap.windows.sliding(2), "mode")
    with pytest.raises(PoolError, match="the incoming gradient has shape"):
        ap.vjp(x, ap.windows.sliding(2), "max")[1](x)
    with pytest.raises(PoolError, match="return_sizes needs sizes"):
        ap.max_pool(x, 2, return_sizes=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'kernel'"):
        ap.pool(x, ap.windows.sliding(2), kernel=3)
    own = ap.reductions.custom(lambda x, w: x, lambda s, x, w: s + x, lambda s: s)
    with pytest.raises(PoolError, match="one number for each window, and fail"):
        ap.pool(x, ap.windows.sliding(2), own)


def test_an_old_namespace_names_what_it_lacks(kept_away, monkeypatch):
    monkeypatch.delattr(xp, "take_along_axis")
    with pytest.raises(PoolError, match="array_api_strict has no take_along_axis, which this pool"):
        ap.median_pool(kept_away(sample(SHAPE, float)), 3)


def test_a_namespace_that_departs_from_the_standard(kept_away, monkeypatch):
    monkeypatch.setattr(xp, "argsort", lambda a, axis: a)
    with pytest.raises(PoolError, match="array_api_strict departs from the array API standard"):
        ap.median_pool(kept_away(sample(SHAPE, float)), 3)


def test_a_narrow_namespace(kept_away, monkeypatch):
    """Without 64-bit floats the widest there are will do (MLX)."""
    from anypool.arrayapi.space import ArraySpace

    monkeypatch.delattr(xp, "float64")
    assert ArraySpace.of(strict([1]), xp).float64 == xp.float32
    x = sample(SHAPE, np.float32)
    assert_same(home(ap.median_pool(kept_away(x), 3)), ap.median_pool(x, 3))
