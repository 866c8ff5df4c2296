"""torch.compile: the same values and derivatives, no break in the graph, no storm of recompiles."""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import anypool.torch.functional as F  # noqa: N812
from anypool.torch import compiled
from same_torch import assert_tensors, tensor

pytestmark = [
    pytest.mark.slow,
    # PyTorch's own compiler warns of PyTorch's own
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]
SHAPES = {1: [(2, 3, 60), (3, 3, 77)], 2: [(2, 3, 20, 24), (3, 3, 25, 18)],
          3: [(2, 3, 8, 9, 10), (3, 3, 9, 12, 8)]}  # fmt: skip
FORMS = {
    "small": (2, lambda x: F.max_pool2d(x, 3, 2, 1)),
    "small avg": (2, lambda x: F.avg_pool2d(x, 2)),
    "large": (2, lambda x: F.max_pool2d(x, 7, 3, 3)),
    "large avg": (2, lambda x: F.avg_pool2d(x, 7, 3, 3, ceil_mode=True)),
    "indices": (2, lambda x: F.max_pool2d(x, 3, return_indices=True)[0]),
    "line": (1, lambda x: F.max_pool1d(x, 30, 7)),
    "line avg": (1, lambda x: F.avg_pool1d(x, 3)),
    "volume": (3, lambda x: F.max_pool3d(x, 2)),
    "volume avg": (3, lambda x: F.avg_pool3d(x, 3, 2, 1)),
    "adaptive": (2, lambda x: F.adaptive_avg_pool2d(x, 3)),
    "adaptive max": (2, lambda x: F.adaptive_max_pool2d(x, (3, 2))),
    "one": (2, lambda x: F.adaptive_avg_pool2d(x, 1)),
    "lp": (2, lambda x: F.lp_pool2d(x, 2, 3, 2, True)),
    "min": (2, lambda x: F.min_pool2d(x, 7, 3)),
    "gem": (2, lambda x: F.gem_pool2d(x, 3, 2)),
    "lse": (2, lambda x: F.lse_pool2d(x, 3, 2, r=2.5)),
    "soft": (2, lambda x: F.soft_pool2d(x, 2)),
    "quantile": (2, lambda x: F.quantile_pool2d(x, 3, 2, q=0.25)),
    "topk": (2, lambda x: F.topk_pool2d(x, 3, 2, k=2)),
    "masked": (2, lambda x: at.pool(x, ap.windows.sliding(3), "mean", mask=x.detach() > 0.55)),
    "pyramid": (2, F.pyramid_pool),
    "blur": (2, F.blur_pool),
    "by ap": (2, lambda x: ap.max_pool(x, 7, 2)),
    "adaptive by ap": (2, lambda x: ap.adaptive_avg_pool(x, 3)),
    "global by ap": (2, lambda x: ap.global_pool(x, "max")),
}


@pytest.fixture(autouse=True)
def afresh():
    torch._dynamo.reset()
    compiled.rebuilt.cache_clear()
    compiled.read.cache_clear()
    yield
    torch._dynamo.reset()


class Counting:
    """A backend of PyTorch's that counts its graphs."""

    def __init__(self, name: str = "eager") -> None:
        self.inner, self.graphs = torch._dynamo.lookup_backend(name), 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        return self.inner(graph, inputs)


def data(rank: int, number: int) -> torch.Tensor:
    return (tensor(SHAPES[rank][number], seed=number, kind="plain").abs() + 0.1).requires_grad_()


def assert_alike(function, f, x: torch.Tensor) -> None:
    """Value and derivative, with something before and after to fuse with."""
    want, got = (g(x) for g in (f, function))
    assert_tensors(got, want, ulp=64, scale=4.0, layout=False)
    slopes = [torch.autograd.grad(y.square().sum(), x)[0] for y in (got, want)]
    assert_tensors(*slopes, ulp=256, scale=64.0, layout=False)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("form", FORMS)
def test_graphs(form, dynamic):
    """One graph; with dynamic sizes one for all of them."""
    rank, f = FORMS[form]
    counter = Counting("aot_eager")

    def whole(x: torch.Tensor) -> torch.Tensor:
        return f(x * 1.5).sin() + 1

    function = torch.compile(whole, fullgraph=True, dynamic=dynamic, backend=counter)
    for number in (0, 1, 0):
        assert_alike(function, whole, data(rank, number))
    # Dynamo starts anew when it learns that the float eps is a constant: two graphs made, one kept
    assert counter.graphs <= (1 if dynamic and form != "gem" else 2)


@pytest.mark.parametrize("form", ["small", "large", "adaptive", "volume", "masked"])
def test_inductor(form):
    rank, f = FORMS[form]
    function = torch.compile(lambda x: f(x.relu()) * 2, fullgraph=True)
    assert_alike(function, lambda x: f(x.relu()) * 2, data(rank, 0))
    with torch.no_grad():
        x = data(rank, 0).detach()
        assert_tensors(function(x), f(x.relu()) * 2, ulp=64, scale=4.0, layout=False)


def test_modules_and_a_learnt_parameter():
    """A network of ours in one graph; GeM's p has its derivative."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), at.MaxPool2d(2), at.MedianPool2d(3, 1), at.GeMPool2d(2),
        at.GlobalGeMPool2d(channels=4), torch.nn.Flatten(),
    )  # fmt: skip
    function = torch.compile(net, fullgraph=True, backend="aot_eager")
    x = torch.rand(2, 3, 24, 26)
    want, got = net(x), function(x)
    assert torch.allclose(got, want, atol=1e-6)
    for one, other in zip(*(torch.autograd.grad(y.sum(), list(net.parameters()))
                            for y in (got, want)), strict=True):  # fmt: skip
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_many_batch_sizes_make_few_graphs():
    counter = Counting()
    function = torch.compile(lambda x: F.max_pool2d(x, 7, 2).sum(), fullgraph=True, backend=counter)
    for batch in range(2, 12):
        function(torch.rand(batch, 3, 20, 20 + batch))
    assert counter.graphs <= 3


def test_random_poolings_say_no():
    function = torch.compile(lambda x: F.stochastic_pool2d(x, 2, rng=1), fullgraph=True)
    with pytest.raises(Exception, match="random pooling cannot be compiled"):
        function(torch.rand(1, 1, 4, 4))


# -- the operator -------------------------------------------------------------------------------

CALLS = {
    "max": (ap.windows.sliding(7, 2, 3), "max", 2),
    "min": (ap.windows.sliding(3, 2), "min", 2),
    "mean": (ap.windows.sliding(7, 3, ceil_mode=True), "mean", 2),
    "sum": (ap.windows.sliding(2), "sum", 3),
    "adaptive": (ap.windows.adaptive((3, 5)), "mean", 2),
    "adaptive max": (ap.windows.adaptive((3, 5)), "max", 2),
    "large": (ap.windows.sliding(17), "max", 2),
}


@pytest.mark.parametrize("layout", ["dense", "channels_last", "sliced"])
@pytest.mark.parametrize("name", CALLS)
def test_opcheck(name, layout):
    """PyTorch's own tests of an operator: schema, derivative, shapes without memory, tracing."""
    windows, reduce, rank = CALLS[name]
    request = compiled.Request(windows, ap.reductions.resolve(reduce), tuple(range(-rank, 0)), {})
    how = repr((*compiled.spelled(request), request.axes, ()))
    shape = (2, 3, 20, 24) if rank == 2 else (2, 3, 6, 8, 7)
    x = tensor(shape, kind="plain", layout=layout)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor",
             "test_aot_dispatch_dynamic")  # fmt: skip
    for grad in (False, True):
        torch.library.opcheck(torch.ops.anypool.pool.default, (x.clone().requires_grad_(grad), how,
                              grad), test_utils=tests)  # fmt: skip


# -- tensors without memory ---------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_meta_and_fake(form):
    """The shape and dtype are known without the data."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    if form == "masked":
        pytest.skip("its mask is made of the data")
    rank, f = FORMS[form]
    x = data(rank, 0).detach()
    want = f(x)
    for y in (f(x.to("meta")), _faked(f, FakeTensorMode(), x)):
        assert (y.shape, y.dtype) == (want.shape, want.dtype)
    assert f(x.to("meta")).is_meta


def _faked(f, mode, x: torch.Tensor) -> torch.Tensor:
    with mode:
        return f(mode.from_tensor(x))
