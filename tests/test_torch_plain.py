"""The plain tensor form: NumPy's numbers, derivatives of any order, every transform of PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import anypool as ap
import anypool.kernels
from anypool import reference
from anypool.reductions import resolve
from cases import CASES, PLANE, REDUCTIONS, ULP, WINDOWS, Case, sample, scale_of
from same import assert_same
from strategies import mask_of, weights_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from anypool.torch import plain  # noqa: E402 - only where PyTorch is

SHAPE, AXES = (2, 3, *PLANE), (2, 3)
EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
EVERY = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS)
SMOOTH = {name: r for name, r in REDUCTIONS.items() if r.gradient}
SLOPED = pytest.mark.parametrize("reduction", SMOOTH.values(), ids=SMOOTH)
SIZES = np.array([[5, 10], [9, 3]])
PAIRS = np.array([[[1, 6], [0, 10]], [[0, 9], [4, 4]]])
TURNED = [c for c in CASES if list(c.axes) == sorted(c.axes)]


@pytest.fixture(autouse=True)
def numpy_alone(monkeypatch):
    """Compare with NumPy's own operations: the kernels equal them, and take minutes to compile."""
    monkeypatch.setattr(ap.kernels, "why_not", lambda: "not in these tests")


def pool(x, windows, reduce, axes=AXES, **common):
    return plain.pool(x, windows, resolve(reduce), axes, **common)


def tensors(common):
    return {k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in common.items()}


def compare(x, spec, reduction, fill=-3, slack=1, **common):
    """The plain form gives what NumPy gives, and the same gradients."""
    windows, reduce = spec.build(), reduction.build()
    fill = fill if reduction.name not in ("any", "all") else 1
    given, t = tensors(common), torch.from_numpy(x)
    if reduction.gradient:
        t.requires_grad_()
    got = pool(t, windows, reduce, fill=fill, **given)
    want = ap.pool(x, windows, reduce, axes=AXES, fill=fill, **common)
    known = {k: v for k, v in common.items() if k != "ties"}
    scale = scale_of(reduction, x, windows, axes=AXES, **known)
    assert_same(got.detach().numpy(), want, ulp=slack * ULP[reduction.tolerance], scale=scale)
    if not reduction.gradient or np.isnan(want).any():
        return
    _, pullback = ap.vjp(x, windows, reduce, axes=AXES, fill=fill, **common)
    g = sample(want.shape, float, 9, "plain")
    made = pullback(g)
    got.backward(torch.from_numpy(g))
    slopes = made[0] if isinstance(made, tuple) else made
    assert_same(t.grad.numpy(), slopes, ulp=1e5, scale=np.abs(g).max())


# --- the numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", TURNED, ids=str)
@pytest.mark.parametrize("sloped", [False, True], ids=["values", "sloped"])
def test_the_case_table(case: Case, sloped):
    x, windows = case.data(), case.windows.build()
    t = torch.from_numpy(x)
    if sloped and x.dtype.kind == "f":  # another way through max and min
        t.requires_grad_()
    got = pool(t, windows, case.reduction.build(), case.axes).detach().numpy()
    want = ap.pool(x, windows, case.reduction.build(), axes=case.axes)
    scale = scale_of(case.reduction, x, windows, axes=case.axes)
    assert_same(got, want, ulp=case.ulp, scale=scale)


@pytest.mark.parametrize("case", [c for c in TURNED if c.reduction.name in ("max", "min")], ids=str)
def test_indices(case: Case):
    x, windows, name = case.data(), case.windows.build(), case.reduction.name
    for mask in (None, mask_of(x.shape, 1, 0.3)):
        given = tensors({"mask": mask, "fill": 1})
        y, found = pool(torch.from_numpy(x), windows, name, case.axes, return_indices=True, **given)
        want = ap.pool(x, windows, name, axes=case.axes, return_indices=True, mask=mask, fill=1)
        assert_same(y.numpy(), want[0])
        assert_same(found.numpy(), want[1])


@EVERY
@EACH
def test_mask(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, mask=mask_of(SHAPE, 1))


@EVERY
@EACH
def test_weights(reduction, spec):
    compare(sample(SHAPE, float), spec, reduction, slack=2, weights=weights_of(SHAPE, 2))


@pytest.mark.parametrize("label", [name for name in WINDOWS if name != "fractional"])
@EACH
def test_sizes(reduction, label):
    x, spec = sample(SHAPE, float), WINDOWS[label]
    compare(x, spec, reduction, sizes=SIZES)
    compare(x, spec, reduction, slack=2, sizes=PAIRS, mask=mask_of((10,), 3))


@pytest.mark.parametrize("label", ["k3s2p1", "adaptive", "whole", "pyramid"])
@pytest.mark.parametrize("name", ["max", "min"])
def test_shared_ties(name, label):
    x = sample(SHAPE, float)
    compare(x, WINDOWS[label], REDUCTIONS[name], ties="split")
    compare(x, WINDOWS[label], REDUCTIONS[name], ties="split", mask=mask_of((2, 1, 9, 10), 4))


@pytest.mark.parametrize(
    "reduce", [ap.reductions.lp(p=np.inf), ap.reductions.gem(p=np.inf)], ids=str
)
def test_endless_powers(reduce):
    x, windows = sample(SHAPE, float), WINDOWS["k3s2p1"].build()
    t = torch.from_numpy(x).requires_grad_()
    y, pullback = ap.vjp(x, windows, reduce, axes=AXES)
    got = pool(t, windows, reduce)
    assert_same(got.detach().numpy(), y)
    got.sum().backward()
    assert_same(t.grad.numpy(), pullback(np.ones(y.shape))[0], ulp=1e3, scale=1)


@pytest.mark.parametrize("dtype", [f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)])
@EACH
def test_integers(reduction, dtype):
    x, windows = sample(SHAPE, dtype, 3, "plain"), WINDOWS["k3s2p1"].build()
    want = ap.reference.pool(x[:1, :1], windows, reduction.build(), axes=AXES)
    got = pool(torch.from_numpy(x[:1, :1]), windows, reduction.build())
    scale = (
        scale_of(reduction, x, windows, axes=AXES)[:1, :1] if reduction.name == "sum" else 2.0**64
    )
    assert_same(got.numpy(), want, ulp=ULP[reduction.tolerance], scale=scale)


def test_bools():
    x = sample(SHAPE, bool, 3)
    for reduction in REDUCTIONS.values():
        want = ap.reference.pool(x, ap.windows.adaptive(3), reduction.build(), axes=AXES)
        got = pool(torch.from_numpy(x), ap.windows.adaptive(3), reduction.build())
        assert_same(got.numpy(), want, ulp=ULP[reduction.tolerance], scale=2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@EACH
def test_halves_are_rounded_once(reduction, dtype):
    x = torch.from_numpy(sample(SHAPE, np.float32, 4, "plain")).to(dtype)
    for label in ("k3s2p1", "adaptive", "whole"):
        windows = WINDOWS[label].build()
        wide = pool(x.float(), windows, reduction.build())
        got = pool(x, windows, reduction.build())
        assert got.dtype == (torch.bool if wide.dtype == torch.bool else dtype)
        assert torch.equal(got, wide.to(got.dtype))


def test_boxes():
    x = sample(SHAPE, float)
    windows = ap.windows.boxes([[0, 0, 0, 4, 6], [1, 2, 3, 9, 10], [1, 0, 0, 1, 1]], (3, 2))
    for name in ("max", "mean", "median", "std"):
        got = pool(torch.from_numpy(x), windows, name).numpy()
        assert_same(got, ap.pool(x, windows, name, axes=AXES), ulp=16, scale=4)


def test_random_places_follow_the_draws_as_pytorch():
    x, u = torch.randn(2, 3, 9, 10, dtype=torch.float64), torch.rand(2, 3, 2, dtype=torch.float64)
    windows = ap.windows.fractional((2, 3), output_size=(5, 4), rng=0)
    got = pool(x, windows, "max", draws=u)
    # PyTorch's draws name the last axis first
    want = torch.nn.functional.fractional_max_pool2d(
        x, (2, 3), (5, 4), _random_samples=u.flip(-1).contiguous()
    )
    assert torch.equal(got, want)


@pytest.mark.parametrize("label", ["k3s2p1", "whole-squeezed", "pyramid"])
def test_draws_of_elements(label):
    x, windows = sample(SHAPE, float, 5), WINDOWS[label].build()
    reduce = ap.reductions.stochastic(rng=0)
    want = ap.pool(x, windows, "sum", axes=AXES)
    u = torch.rand(want.shape, dtype=torch.float64)
    got = pool(torch.from_numpy(x), windows, reduce, draws=u)
    assert got.shape == u.shape
    for low, high in ((torch.zeros_like(u), u), (u, torch.ones_like(u) - 1e-9)):
        assert pool(torch.from_numpy(x), windows, reduce, draws=low).shape == high.shape
    elements = set(np.unique(x)) | {0.0}
    assert set(np.unique(got.numpy())) <= elements


def test_divisors():
    x = sample(SHAPE, float)
    for label in ("k3s2p1", "k3s2p1-ceil", "dilated", "pairs", "same", "empty-windows"):
        for common in (
            {"count_include_pad": False}, {"count_include_pad": True}, {"divisor_override": 5},
            {"divisor_override": -2, "mask": mask_of(SHAPE, 6)},
        ):  # fmt: skip
            windows = WINDOWS[label].build()
            got = pool(torch.from_numpy(x), windows, "mean", fill=2, **tensors(common)).numpy()
            want = ap.pool(x, windows, "mean", axes=AXES, fill=2, **common)
            assert_same(got, want, ulp=16, scale=4)


def test_complex_sums_and_means():
    x = sample(SHAPE, np.complex128)
    for name in ("sum", "mean"):
        for spec in WINDOWS.values():
            got = pool(torch.from_numpy(x), spec.build(), name).numpy()
            assert_same(got, ap.reference.pool(x, spec.build(), name, axes=AXES), ulp=32, scale=99)


# --- NaN and infinities ------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("nan", ["propagate", "skip"])
def test_nan(reduction, nan):
    x = sample(SHAPE, float, 7, "plain")
    x[np.random.default_rng(8).random(SHAPE) < 0.05] = np.nan
    for label in ("k3s2p1", "adaptive", "whole"):
        windows = WINDOWS[label].build()
        got = pool(torch.from_numpy(x), windows, reduction.build(), nan=nan)
        want = ap.pool(x, windows, reduction.build(), axes=AXES, nan=nan)
        assert_same(got.numpy(), want, ulp=2 * ULP[reduction.tolerance], scale=8**2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@SLOPED
def test_content_of_the_padding_does_not_matter(reduction, value):
    x, mask = sample(SHAPE, float), mask_of(SHAPE, 10)
    parameter = torch.tensor(2.5, dtype=torch.float64, requires_grad=True)
    for label in ("k3s2p1", "adaptive", "whole"):
        found = []
        for hidden in (0.0, value):
            t = torch.from_numpy(np.where(mask, x, hidden)).requires_grad_()
            w = torch.from_numpy(weights_of(SHAPE, 12)).requires_grad_()
            extra = {"parameter": parameter} if reduction.parameter else {}
            y = pool(t, WINDOWS[label].build(), reduction.build(), mask=torch.from_numpy(mask),
                     weights=w, **extra)  # fmt: skip
            inputs = (t, w, *extra.values())
            found.append((y, *torch.autograd.grad(y.cos().sum(), inputs, allow_unused=True)))
        for a, b in zip(*found, strict=True):
            assert a is b is None or torch.equal(a, b)
            assert a is None or torch.isfinite(a).all()
        assert (found[0][1][torch.from_numpy(~mask)] == 0).all()


def test_infinities_stay_in_their_windows():
    x = torch.arange(16.0).reshape(1, 1, 4, 4).clone()
    x[0, 0, 0, 0] = float("inf")
    for name in ("mean", "sum", "max", "lse", "soft", "gem", "lp"):
        y = pool(x, ap.windows.adaptive(2), name)
        assert torch.isinf(y[0, 0, 0, 0])
        assert torch.isfinite(y.flatten()[1:]).all()


# --- derivatives -------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["k3s1p1", "dilated", "adaptive", "whole", "pyramid"])
@SLOPED
def test_derivatives_to_the_second_order(reduction, label):
    x = torch.from_numpy(sample((1, 1, 5, 6), float, 1, "distinct")).requires_grad_()
    w = torch.from_numpy(weights_of((1, 1, 5, 6), 2) + 0.5).requires_grad_()
    windows = WINDOWS[label].build()
    p = torch.tensor([[[2.5]]], dtype=torch.float64, requires_grad=True)
    if reduction.name in ("gem", "stochastic"):  # both have a kink at 0
        x = (x.detach().abs() / 4 + 0.1).requires_grad_()

    def own(x, w, p):
        extra = {"parameter": p} if reduction.parameter else {}
        extra |= {"weights": w} if reduction.weights == "weighs" else {}
        return pool(x, windows, reduction.build(), **extra)

    with warnings.catch_warnings():  # the first forward derivative imports decompositions
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        assert torch.autograd.gradcheck(own, (x, w, p), check_forward_ad=True, fast_mode=True)
        assert torch.autograd.gradgradcheck(own, (x, w, p), fast_mode=True)


@pytest.mark.parametrize("kind", ["max", "mean", "median"])
@pytest.mark.parametrize(
    "windows",
    [ap.windows.sliding((2, 3), (1, 2)), ap.windows.adaptive((2, 5)), ap.windows.split((3, 1))],
    ids=str,
)
def test_axes_in_any_order(windows, kind, monkeypatch):
    """The sizes of windows go with the axes as they were asked for, not as x has them."""
    from anypool.torch import ways

    x = torch.from_numpy(sample((2, 3, 6, 7), np.float64, kind="plain"))
    want = reference.pool(x.numpy(), windows, kind, axes=(3, 2))
    monkeypatch.setattr(ways, "ordinary", lambda *a: False)
    got = ap.pool(x, windows, kind, axes=(3, 2))
    assert_same(got.numpy(), want, ulp=8, scale=8.0)
