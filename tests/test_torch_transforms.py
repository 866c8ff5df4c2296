"""Every transform of PyTorch on the plain form: vmap, jvp, vjp, fake, meta, trace, export."""

from __future__ import annotations

import warnings

import pytest

from anypool.reductions import resolve
from cases import REDUCTIONS, WINDOWS, sample

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch._subclasses import FakeTensorMode  # noqa: E402 - only where PyTorch is

import anypool as ap  # noqa: E402
from anypool.errors import PoolError  # noqa: E402
from anypool.torch import plain  # noqa: E402

EACH = pytest.mark.parametrize("reduction", REDUCTIONS.values(), ids=REDUCTIONS)
SMOOTH = {name: r for name, r in REDUCTIONS.items() if r.gradient}
SLOPED = pytest.mark.parametrize("reduction", SMOOTH.values(), ids=SMOOTH)


@pytest.fixture
def x():
    return torch.from_numpy(sample((2, 2, 9, 10), float, 1, "distinct"))


@pytest.fixture(scope="module", autouse=True)
def forward_derivatives():
    """The first forward derivative imports decompositions, with a warning of PyTorch's own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)
        torch.func.jvp(torch.linalg.det, (torch.eye(2),), (torch.eye(2),))


def last_two(windows, reduction, **common):
    """Pool the last two axes."""
    reduce = resolve(reduction)
    return lambda t: plain.pool(t, windows, reduce, (t.ndim - 2, t.ndim - 1), **common)


def forms(reduction):
    return [last_two(spec.build(), reduction.build()) for spec in WINDOWS.values()]


def same(a, b):
    return torch.allclose(a.double(), b.double(), rtol=1e-12, equal_nan=True)


@EACH
def test_tensors_without_numbers(reduction, x):
    for form in forms(reduction):
        want = form(x)
        meta = form(x.to("meta"))
        with FakeTensorMode() as mode:
            fake = form(mode.from_tensor(x))
        for got in (meta, fake):
            assert (got.shape, got.dtype) == (want.shape, want.dtype)


@EACH
def test_vmap(reduction, x):
    for form in forms(reduction):
        want = form(x)
        assert same(torch.vmap(form)(x), want)
        turned = torch.vmap(form, in_dims=-1, out_dims=-1)(x.movedim(0, -1))
        assert same(turned.movedim(-1, 0), want)


@SLOPED
def test_forward_and_backward_derivatives_agree(reduction, x):
    for form in forms(reduction):
        t = torch.sin(torch.arange(x.numel(), dtype=x.dtype)).reshape(x.shape)
        y, forward = torch.func.jvp(form, (x,), (t,))
        g = torch.cos(torch.arange(y.numel(), dtype=x.dtype)).reshape(y.shape)
        (backward,) = torch.func.vjp(form, x)[1](g)
        assert same((g * forward).sum(), (t * backward).sum())
        each = torch.vmap(torch.func.grad(lambda s, form=form: form(s).sum()))(x)
        assert same(each, torch.func.grad(lambda s, form=form: form(s).sum())(x))


def test_vmap_over_a_parameter(x):
    form = ap.reductions.gem()
    x = x.abs() + 0.1
    p = torch.tensor([1.0, 2.5, 4.0], dtype=x.dtype)

    def pool(p):
        return plain.pool(x, ap.windows.adaptive(3), form, (2, 3), parameter=p)

    want = [plain.pool(x, ap.windows.adaptive(3), ap.reductions.gem(v), (2, 3)) for v in p.tolist()]
    assert same(torch.vmap(pool)(p), torch.stack(want))


@EACH
def test_export_gives_aten_alone_and_stays_dynamic(reduction, x):
    h, w = torch.export.Dim("h", min=6, max=99), torch.export.Dim("w", min=6, max=99)
    for label in ("k3s2p1-ceil", "adaptive"):
        form = last_two(WINDOWS[label].build(), reduction.build())
        for dynamic in (None, ({2: h, 3: w},)):
            made = torch.export.export(Module(form), (x,), dynamic_shapes=dynamic, strict=False)
            for node in made.graph.nodes:
                known = node.op != "call_function" or namespace(node.target) in OPERATORS
                assert known, node.target
            for size in ((9, 10), (12, 12), (11, 17)) if dynamic else ((9, 10),):
                other = torch.randn(2, 2, *size, dtype=x.dtype)
                assert same(made.module()(other), form(other))


@pytest.mark.parametrize("label", ["k2", "same", "pairs", "whole", "pyramid", "fractional"])
@pytest.mark.parametrize("name", ["max", "mean", "std"])
def test_every_kind_of_windows_exports_with_dynamic_sizes(name, label, x):
    h, w = torch.export.Dim("h", min=6, max=99), torch.export.Dim("w", min=6, max=99)
    form = last_two(WINDOWS[label].build(), name)
    made = torch.export.export(Module(form), (x,), dynamic_shapes=({2: h, 3: w},), strict=False)
    for size in ((9, 10), (12, 12), (11, 17)):
        other = torch.randn(2, 2, *size, dtype=x.dtype)
        assert same(made.module()(other), form(other))


OPERATORS = ("aten", "_operator", "math", "torch.sym_ops")


def namespace(target):
    if hasattr(target, "namespace"):
        return target.namespace
    return "torch.sym_ops" if target.__name__.startswith("sym_") else target.__module__


class Module(torch.nn.Module):
    def __init__(self, form):
        super().__init__()
        self.form = form

    def forward(self, x):
        return self.form(x)


@EACH
def test_a_trace_stays_right_at_other_sizes(reduction, x):
    for label in ("k3s2p1-ceil", "same", "adaptive", "whole", "pyramid", "fractional"):
        form = last_two(WINDOWS[label].build(), reduction.build())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*torch.jit.trace", DeprecationWarning)
            traced = torch.jit.trace(form, (x,), check_trace=False)
        for size in ((9, 10), (12, 12), (11, 17)):
            other = torch.randn(3, 2, *size, dtype=x.dtype)
            assert same(traced(other), form(other))


@pytest.mark.parametrize(
    ("reduce", "common", "words"),
    [
        ("max", {"fill": None}, "fill=None"),
        ("max", {"nan": "raise"}, "nan="),
        (ap.reductions.stochastic(rng=0), {}, "draws="),
        (ap.reductions.custom(lambda v: v, max), {}, "Python functions"),
    ],
)
def test_what_cannot_be_said_is_refused(reduce, common, words, x):
    with pytest.raises(PoolError, match=words):
        last_two(ap.windows.sliding(2), reduce, **common)(x)
