"""What a pooling leaves in the graph of autograd: what it keeps, what it allows, the same bits.

Max and min keep one byte for each output and let go of x; sum and mean keep nothing.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import gc
import weakref

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import anypool.torch.functional as F  # noqa: N812
from anypool import kernels
from anypool.torch import call, eager
from same_torch import assert_tensors, gradient, tensor, whole_numbers

nn = torch.nn.functional


@pytest.fixture(autouse=True)
def _kernels_take_small_inputs_too(monkeypatch):
    monkeypatch.setattr(call, "SMALL", False)
    eager.JOBS.clear()
    yield
    eager.JOBS.clear()


SHAPE = (2, 8, 24, 26)
FAST = {
    "max": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max with indices": lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0],
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, 5),
    "min": lambda x: F.min_pool2d(x, 3, 2, 1),
    "avg": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "adaptive avg": lambda x: F.adaptive_avg_pool2d(x, 5),
    "sum": lambda x: F.sum_pool2d(x, 3, 2),
}
SAVING = {
    "lp": lambda x: F.lp_pool2d(x, 2, 3, 2),
    "gem": lambda x: F.gem_pool2d(x, 3, 2),
    "lse": lambda x: F.lse_pool2d(x, 3, 2),
    "soft": lambda x: F.soft_pool2d(x, 3, 2),
    "std": lambda x: F.std_pool2d(x, 3, 2),
    "median": lambda x: F.median_pool2d(x, 3, 2),
    "topk": lambda x: F.topk_pool2d(x, 3, 2, k=2),
    "masked": lambda x: at.pool(x, ap.windows.sliding(3), "mean", mask=torch.ones_like(x) > 0),
}
ALL = {**FAST, **SAVING}
NEEDS_KERNELS = pytest.mark.skipif(
    bool(kernels.why_not()), reason="no numba: PyTorch's own operations are used, and they keep x"
)


@pytest.fixture(autouse=True)
def kernels_for_all(monkeypatch):
    """Our kernels do what PyTorch would do faster, too."""
    monkeypatch.setattr(eager, "JOBS", {})
    monkeypatch.setattr(call, "SMALL", False)


def leaf(seed: int = 0, dtype: torch.dtype = torch.float32, layout: str = "dense") -> torch.Tensor:
    return tensor(SHAPE, dtype, seed, "plain", layout).requires_grad_()


def saved(form, x: torch.Tensor) -> list[torch.Tensor]:
    """What the graph keeps."""
    kept: list[torch.Tensor] = []

    def pack(t: torch.Tensor) -> torch.Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        form(x)
    return kept


# -- what is kept -------------------------------------------------------------------------------


@NEEDS_KERNELS
@pytest.mark.parametrize("layout", ["dense", "channels_last"])
@pytest.mark.parametrize("form", ["max", "adaptive max", "min", "max with indices"])
def test_max_keeps_one_byte_for_each_output(form, layout):
    x = leaf(layout=layout)
    kept = saved(FAST[form], x)
    assert sum(t.numel() * t.element_size() for t in kept) == FAST[form](x).numel()


@NEEDS_KERNELS
@pytest.mark.parametrize("form", ["avg", "adaptive avg", "sum"])
def test_sums_keep_nothing(form):
    assert saved(FAST[form], leaf()) == []


@NEEDS_KERNELS
@pytest.mark.parametrize("form", FAST)
def test_x_is_let_go(form):
    x = leaf()
    inner = x * 1
    there = weakref.ref(inner)
    y = FAST[form](inner)
    (want,) = torch.autograd.grad(FAST[form](x), x, whole_numbers(y))
    del inner
    gc.collect()
    assert there() is None
    assert_tensors(torch.autograd.grad(y, x, whole_numbers(y))[0], want)


@NEEDS_KERNELS
@pytest.mark.parametrize("form", FAST)
def test_x_may_change_after(form):
    """As after a ReLU in place: what was found stays found."""
    x = leaf()
    want = gradient(FAST[form](x), x)
    inner = x * 1
    y = FAST[form](inner)
    inner.relu_()
    assert_tensors(gradient(y, x), want)


@pytest.mark.parametrize("form", SAVING)
def test_a_change_of_kept_x_is_noticed(form):
    x = leaf()
    inner = x.abs() + 1
    y = SAVING[form](inner)
    inner.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("what", ["weights", "parameter", "mask"])
def test_a_change_of_what_stands_beside_x_is_noticed(what):
    x = leaf()
    beside = {
        "weights": torch.rand(SHAPE, requires_grad=True) * 1,
        "parameter": torch.tensor(2.0, requires_grad=True) * 1,
        "mask": torch.rand(SHAPE) < 0.5,
    }[what]
    y = at.pool(x, ap.windows.sliding(3), "gem", **{what: beside})
    if what == "mask":
        beside.logical_not_()
    else:
        beside.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# -- again, and again the same ------------------------------------------------------------------


@pytest.mark.parametrize("form", ALL)
def test_backward_twice(form):
    x = leaf()
    y = ALL[form](x)
    g = whole_numbers(y)
    first, second = (torch.autograd.grad(y, x, g, retain_graph=True)[0] for _ in range(2))
    assert first.equal(second)
    torch.autograd.grad(y, x, g)
    if form not in ("avg", "adaptive avg", "sum"):  # those keep nothing that could be gone
        with pytest.raises(RuntimeError, match="a second time"):
            torch.autograd.grad(y, x, g)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("form", ALL)
def test_the_same_bits_for_any_number_of_threads(form, dtype):
    x = leaf(dtype=dtype)
    before, made = torch.get_num_threads(), []
    try:
        for run in range(20):
            torch.set_num_threads(1 + run % 2)
            y = ALL[form](x)
            made.append((y.detach(), torch.autograd.grad(y.float().sin().sum(), x)[0]))
    finally:
        torch.set_num_threads(before)
    for y, g in made[1:]:
        assert torch.equal(y.nan_to_num(), made[0][0].nan_to_num())
        assert torch.equal(g.nan_to_num(), made[0][1].nan_to_num())


# -- views, incoming gradients, modes -----------------------------------------------------------


@pytest.mark.parametrize("form", ALL)
def test_views(form):
    base = tensor((2, 9, 25, 27), kind="plain", grad=True)
    view = base[:, 1:, 1:].movedim(1, 2)[..., :-1].movedim(2, 1)
    assert view._is_view()
    y = ALL[form](view)
    apart = view.detach().clone().requires_grad_()
    want = torch.zeros_like(base)
    want[:, 1:, 1:, :-1] = gradient(ALL[form](apart), apart)
    assert_tensors(gradient(y, base), want, ulp=16, scale=8.0, layout=False)


@pytest.mark.parametrize("form", ALL)
def test_views_that_only_say_so(form):
    """The imaginary part of a conjugate is a view with the sign to be turned."""
    x = leaf().detach()
    lazy = torch.complex(x, x).conj().imag
    assert lazy.is_neg()
    assert_tensors(ALL[form](lazy), ALL[form](-x), layout=False)
    lazy = torch._neg_view(leaf())
    assert_tensors(gradient(ALL[form](lazy), lazy), gradient(ALL[form](y := -leaf()), y))


@pytest.mark.parametrize(
    "how", ["expanded", "transposed", "sliced", "channels_last", "zero", "negative"]
)
@pytest.mark.parametrize("form", ALL)
def test_incoming_gradients_of_any_layout(form, how):
    x = leaf()
    y = ALL[form](x)
    if how == "zero":
        g = torch._efficientzerotensor(y.shape)
    elif how == "negative":  # a view that says: turn the sign
        g = torch._neg_view(tensor(y.shape, seed=1))
    elif how == "expanded":
        g = torch.tensor(0.5).expand(y.shape)
    else:
        g = tensor(y.shape, seed=1, layout=how)
    (want,) = torch.autograd.grad(y, x, g.clone(memory_format=torch.contiguous_format),
                                  retain_graph=True)  # fmt: skip
    assert_tensors(torch.autograd.grad(y, x, g)[0], want, layout=False)


@pytest.mark.parametrize("form", ALL)
def test_modes_without_derivative(form):
    x = leaf()
    want = ALL[form](x)
    with torch.no_grad():
        y = ALL[form](x)
    assert_tensors(y, want.detach(), ulp=8, scale=4.0, layout=False)
    with torch.inference_mode():
        z = ALL[form](x)
        assert z.is_inference()
    assert_tensors(z, y)
    with torch.inference_mode():
        inner = x * 1
    assert_tensors(ALL[form](inner).clone(), y)


@pytest.mark.parametrize("form", ["avg", "adaptive avg", "max"])
def test_frozen_input(form):
    assert not FAST[form](leaf().detach()).requires_grad


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "max_pool3d",
                                  "avg_pool3d", "adaptive_max_pool3d", "adaptive_avg_pool3d",
                                  "lp_pool1d"])  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_autocast(name, dtype):
    """The same dtypes as PyTorch's, which widens some poolings and leaves others."""
    rank = int(name[-2])
    x = tensor((2, 8, *(300, 20, 8)[rank - 1 : rank], *(20, 8)[: rank - 1]), dtype)
    arguments = (2.0, 3) if name.startswith("lp") else (3,)
    with torch.autocast("cpu", torch.bfloat16):
        want, got = (getattr(m, name)(x.abs() + 1, *arguments) for m in (nn, F))
        conv = torch.nn.functional.conv2d(torch.rand(1, 8, 40, 40), torch.rand(8, 8, 3, 3))
        assert F.max_pool2d(conv, 2).dtype == nn.max_pool2d(conv, 2).dtype == torch.bfloat16
    assert_tensors(got, want, ulp=2 if dtype.itemsize == 2 else 64, scale=4.0, layout=False)


@pytest.mark.parametrize("form", ALL)
def test_autocast_with_derivative(form):
    x = leaf(dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y = ALL[form](x)
    (g,) = torch.autograd.grad(y.float().sum(), x)
    assert g.dtype == torch.bfloat16
    assert g.isfinite().all()


def test_a_mask_is_let_go():
    """Nothing that is remembered between calls may keep the arguments of one alive."""
    mask = torch.rand(SHAPE) > 0.5
    gone = weakref.ref(mask)
    at.pool(leaf().detach(), ap.windows.sliding(3), "max", mask=mask)
    del mask
    gc.collect()
    assert gone() is None
