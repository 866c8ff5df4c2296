"""Derivatives of tensors' poolings: first, second and forward, under every transform of PyTorch's.

The learnable parameter and the weights have theirs. Numbers are compared with finite differences
in float64 (gradcheck), and with plain PyTorch where it has the same.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import anypool.torch.functional as F  # noqa: N812
from anypool.torch import call, eager
from same_torch import assert_tensors, tensor

# PyTorch's own forward mode warns of PyTorch's own torch.jit.script
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

sliding, adaptive, whole = ap.windows.sliding, ap.windows.adaptive, ap.windows.whole
KINDS = ["max", "min", "mean", "sum", "lp", "gem", "lse", "soft", "std", "var", "median", "topk"]
WINDOWS = {
    "sliding": sliding(3, 2, 1),
    "dilated": sliding(2, 1, (1, 0), 2, True),
    "adaptive": adaptive((2, 3)),
    "whole": whole(),
    "pyramid": ap.windows.pyramid((1, 2)),
}
WEIGHED = ["mean", "sum", "lp", "gem", "lse", "soft", "std", "var"]


@pytest.fixture(autouse=True)
def kernels_for_all(monkeypatch):
    """Our kernels do what PyTorch would do faster, too."""
    monkeypatch.setattr(eager, "JOBS", {})
    monkeypatch.setattr(call, "SMALL", False)


def reduction(kind: str):
    return ap.reductions.topk(2) if kind == "topk" else kind


def planes(seed: int = 0, shape=(2, 2, 5, 6)) -> torch.Tensor:
    """Distinct positive numbers, an eighth apart: a small step changes no order."""
    made = torch.Generator().manual_seed(seed)
    size = torch.Size(shape).numel()
    order = torch.randperm(size, generator=made).double()
    return (0.5 + order / 8).reshape(shape).requires_grad_()


def mask_of(x: torch.Tensor, seed: int = 1) -> torch.Tensor:
    made = torch.Generator().manual_seed(seed)
    return torch.rand(x.shape, generator=made) < 0.7


def weights_of(x: torch.Tensor, seed: int = 2) -> torch.Tensor:
    made = torch.Generator().manual_seed(seed)
    return (0.25 + torch.rand(x.shape, generator=made, dtype=torch.float64)).requires_grad_()


def check(function, *inputs, forward: bool = True, second: bool = True) -> None:
    """First and second derivatives, backward and forward, against finite differences."""
    assert torch.autograd.gradcheck(function, inputs, check_forward_ad=forward, fast_mode=True)
    if second:
        assert torch.autograd.gradgradcheck(function, inputs, fast_mode=True)


# -- against finite differences -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["max", "mean", "lse"])
def test_pooled_axes_in_the_order_of_the_user(kind):
    """The second derivative asks for the windows once more: for the same axes."""
    check(lambda x: ap.pool(x, sliding((1, 2, 3)), kind, axes=(3, 1, 2)), planes())


@pytest.mark.parametrize("windows", WINDOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck(kind, windows):
    second = windows in ("sliding", "adaptive")
    check(lambda x: at.pool(x, WINDOWS[windows], reduction(kind), axes=(2, 3)), planes(),
          second=second)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_in_full(kind):
    """Every element of the Jacobian, not one random direction."""
    x = planes(shape=(1, 1, 4, 4))
    assert torch.autograd.gradcheck(lambda x: at.pool(x, sliding(2, 2), reduction(kind)), x)


@pytest.mark.parametrize("windows", ["sliding", "adaptive", "whole"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_with_mask(kind, windows):
    x = planes()
    given = {"axes": (2, 3), "mask": mask_of(x)}
    check(lambda x: at.pool(x, WINDOWS[windows], reduction(kind), **given), x,
          second=windows == "sliding")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_with_sizes(kind):
    sizes = torch.tensor([[3, 6], [5, 2]])
    check(lambda x: at.pool(x, adaptive(2), reduction(kind), sizes=sizes), planes())


@pytest.mark.parametrize("kind", WEIGHED)
def test_gradcheck_with_weights(kind):
    x = planes()
    check(lambda x, w: at.pool(x, sliding(3, 2), kind, weights=w), x, weights_of(x))


@pytest.mark.parametrize("kind", ["max", "min", "median", "topk"])
def test_gradcheck_where_weights_have_no_derivative(kind):
    x = planes()
    weights = weights_of(x).detach()
    check(lambda x: at.pool(x, sliding(3, 2), reduction(kind), weights=weights), x)


@pytest.mark.parametrize("many", [False, True], ids=["one", "per channel"])
@pytest.mark.parametrize("kind", ["gem", "lse", "soft"])
def test_gradcheck_of_the_parameter(kind, many):
    value = torch.tensor([1.5, 2.5] if many else [2.0], dtype=torch.float64, requires_grad=True)
    name = {"gem": "p", "lse": "r", "soft": "beta"}[kind]
    x = (planes().detach() / 8).requires_grad_()
    function = getattr(F, f"{kind}_pool2d")
    check(lambda x, v: function(x, 3, 2, 1, **{name: v}), x, value)


def test_ties_may_share():
    x = torch.zeros(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    at.pool(x, sliding(2), "max", ties="split").sum().backward()
    assert_tensors(x.grad, torch.full_like(x, 0.25).detach())


# -- transforms ---------------------------------------------------------------------------------

FORMS = {
    "max": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max with indices": lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0],
    "avg": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, 3),
    "adaptive avg": lambda x: F.adaptive_avg_pool2d(x, 3),
    "lp": lambda x: F.lp_pool2d(x, 3, 3, 2, True),
    "min": lambda x: F.min_pool2d(x, 3, 2, 1),
    "gem": lambda x: F.gem_pool2d(x, 3, 2, 1),
    "soft": lambda x: F.soft_pool2d(x, 2),
    "std": lambda x: F.std_pool2d(x, 2),
    "median": lambda x: F.median_pool2d(x, 3),
    "masked": lambda x: at.pool(x, sliding(2), "mean", mask=x.detach() > 2.05),
    "blur": F.blur_pool,
    "pyramid": F.pyramid_pool,
    "global": lambda x: F.global_pool(x, "lse"),
}
FORM = pytest.mark.parametrize("form", FORMS)
ONE = (1, 2, 5, 6)


@FORM
def test_functorch(form):
    """grad, vjp, jvp and vmap of one sample equal autograd of the batch."""
    f = FORMS[form]
    x, v = planes(), planes(5).detach()
    (want,) = torch.autograd.grad(f(x).sin().sum(), x)
    got = torch.func.grad(lambda x: f(x).sin().sum())(x.detach())
    assert_tensors(got, want, ulp=64, scale=1.0, layout=False)
    each = torch.func.vmap(lambda one: f(one[None])[0])(x.detach())
    assert_tensors(each, f(x.detach()), ulp=64, scale=1.0, layout=False)
    slopes = torch.func.vmap(torch.func.grad(lambda one: f(one[None]).sin().sum()))(x.detach())
    assert_tensors(slopes, want, ulp=64, scale=1.0, layout=False)
    y, step = torch.func.jvp(f, (x.detach(),), (v,))
    g = torch.ones_like(y)
    assert_tensors(y, f(x.detach()), ulp=64, scale=1.0, layout=False)
    (back,) = torch.autograd.grad(f(x), x, g)
    assert_tensors((g * step).sum(), (back * v).sum(), ulp=1024, scale=1.0)


@FORM
def test_jacobian(form):
    f, x = FORMS[form], planes(shape=ONE).detach()
    one = torch.autograd.functional.jacobian(f, x)
    many = torch.autograd.functional.jacobian(f, x, vectorize=True)
    assert_tensors(many, one, ulp=64, scale=1.0, layout=False)
    ahead = torch.func.jacfwd(f)(x)
    assert_tensors(ahead, one, ulp=64, scale=1.0, layout=False)


@FORM
def test_batched_incoming_gradients(form):
    x = planes()
    y = FORMS[form](x)
    g = tensor((3, *y.shape), torch.float64, seed=3)
    many = torch.autograd.grad(y, x, g, is_grads_batched=True, retain_graph=True)[0]
    for one, slope in zip(g, many, strict=True):
        want = torch.autograd.grad(y, x, one, retain_graph=True)[0]
        assert_tensors(slope, want, ulp=64, scale=1.0, layout=False)


@FORM
def test_hessian(form):
    """Second derivatives by both ways of taking them."""
    x = planes(shape=(1, 1, 4, 4)).detach()
    f = lambda x: (FORMS[form](x) ** 2).sum()  # noqa: E731
    want = torch.autograd.functional.hessian(f, x)
    assert_tensors(torch.func.hessian(f)(x), want, ulp=1024, scale=1.0, layout=False)


@FORM
def test_checkpoint(form):
    x = planes()
    (want,) = torch.autograd.grad(FORMS[form](x).sin().sum(), x)
    y = torch.utils.checkpoint.checkpoint(FORMS[form], x, use_reentrant=False)
    assert_tensors(torch.autograd.grad(y.sin().sum(), x)[0], want)


@FORM
def test_deterministic_algorithms(form):
    x = tensor((2, 3, 24, 25), seed=4, kind="plain").abs().requires_grad_()
    torch.use_deterministic_algorithms(True)
    try:
        y = FORMS[form](x)
        (g,) = torch.autograd.grad(y.sin().sum(), x, create_graph=True)
        torch.autograd.grad(g.sum(), x, allow_unused=True, materialize_grads=True)
    finally:
        torch.use_deterministic_algorithms(False)


@FORM
@pytest.mark.parametrize("small", [True, False], ids=["small", "large"])
def test_forward_mode(form, small):
    """A dual tensor through the same call; max goes by what was found."""
    f, x = FORMS[form], planes(shape=ONE if small else (2, 8, 15, 16)).detach()
    v = tensor(x.shape, torch.float64, seed=9)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, v)
        y, step = torch.autograd.forward_ad.unpack_dual(f(dual))
    assert step is not None
    near = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
    assert_tensors(y, f(x), ulp=64, scale=1.0, layout=False)
    assert torch.allclose(step, near, rtol=1e-5, atol=1e-5)
