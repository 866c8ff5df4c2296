"""The GPU's kernels in Triton's interpreter, on CPU tensors: values, indices, derivatives, bits.

The interpreter computes with NumPy: it shows that the kernels mean what the reference means, and
nothing of the rounding of a card's own exponentials. It cuts bfloat16 off instead of rounding.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("the interpreter is off (TRITON_INTERPRET=1)", allow_module_level=True)
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("triton", reason="Triton is not installed (pip install triton)")

import anypool as ap  # noqa: E402
import anypool.torch as at  # noqa: E402
import anypool.torch.functional as F  # noqa: E402, N812
from anypool import reference  # noqa: E402
from anypool.torch import call, gpu, gpulay, gpurun, ways  # noqa: E402
from cases import CASES, DTYPES, REDUCTIONS, ULP, Case, sample, scale_of  # noqa: E402
from same import assert_same  # noqa: E402
from same_torch import LAYOUTS, assert_tensors, gradient, tensor  # noqa: E402
from strategies import mask_of, problems  # noqa: E402

W = ap.windows
KINDS = ("max", "min", "mean", "sum", "lp", "gem", "lse", "soft", "std", "var")
OURS = [c for c in CASES if c.reduction.name in KINDS and c.label not in ("fractional", "4d")]
SHORT = [c for i, c in enumerate(OURS) if i % 6 == 0 or c.dtype.kind in "biu"]
GRIDS = {
    "sliding": W.sliding(3, 2, 1),
    "dilated": W.sliding(2, 1, (1, 0), 2, True),
    "adaptive": W.adaptive((2, 3)),
    "more": W.adaptive((7, None)),
    "split": W.split((2, 4)),
    "whole": W.whole(),
    "pyramid": W.pyramid((1, 2)),
}
EACH = pytest.mark.parametrize("kind", KINDS)
EVERY = pytest.mark.parametrize("windows", GRIDS)


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """CPU tensors take the way of CUDA tensors; the kernels of every launch, in order."""
    seen: list[str] = []
    real = gpurun.launch

    def launch(kernel, how, like, **tensors):
        seen.append(kernel.__name__)
        with np.errstate(all="ignore"):
            real(kernel, how, like, **tensors)

    monkeypatch.setattr(gpurun, "launch", launch)
    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    for room in (ways, call):
        monkeypatch.setattr(room, "ordinary", lambda x: False)
    return seen


def plainly(monkeypatch, function, *args):
    """The same in plain tensor operations."""
    with monkeypatch.context() as patch:
        patch.setattr(gpu, "DEVICES", set())
        return function(*args)


def planes(shape=(2, 2, 5, 6), seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    """Distinct positive numbers, an eighth apart."""
    made = torch.Generator().manual_seed(seed)
    order = torch.randperm(torch.Size(shape).numel(), generator=made).to(dtype)
    return (0.5 + order / 8).reshape(shape).requires_grad_()


# -- the table ----------------------------------------------------------------------------------


def check_case(case: Case) -> None:
    x, windows, reduce = case.data(), case.windows.build(), case.reduction.build()
    want = reference.pool(x, windows, reduce, axes=case.axes)
    got = ap.pool(torch.from_numpy(x), windows, reduce, axes=case.axes)
    scale = scale_of(case.reduction, x, windows, axes=case.axes)
    assert_same(got.numpy(), want, ulp=case.ulp, scale=scale)


@pytest.mark.parametrize("case", SHORT, ids=str)
def test_the_table_in_short(case, interpreted):
    check_case(case)
    assert "pool" in interpreted


@pytest.mark.nightly
@pytest.mark.parametrize("case", OURS, ids=str)
def test_the_table(case, interpreted):
    check_case(case)
    assert "pool" in interpreted


EXTREMES = [c for c in OURS if c.reduction.name == "max" and c.dtype.kind == "f"]


@pytest.mark.parametrize("case", EXTREMES, ids=str)
def test_indices(case, interpreted):
    x, windows = case.data(), case.windows.build()
    y, spot = ap.pool(torch.from_numpy(x), windows, "max", axes=case.axes, return_indices=True)
    want, places = reference.pool(x, windows, "max", axes=case.axes, return_indices=True)
    assert_same(y.numpy(), want)
    assert_same(spot.numpy(), places)
    assert "pool" in interpreted


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    """Unsigned ones of more than a byte too; sums and means in the dtypes of the design."""
    x = sample((1, 2, 6, 7), dtype, kind="plain")
    for name in ("max", "min", "sum", "mean"):
        want = reference.pool(x, W.sliding(3, 2, 1), name, axes=(2, 3))
        got = ap.pool(torch.from_numpy(x), W.sliding(3, 2, 1), name, axes=(2, 3)).numpy()
        scale = scale_of(REDUCTIONS[name], x, W.sliding(3, 2, 1), axes=(2, 3))
        assert_same(got, want, ulp=ULP["sum"] if name in ("sum", "mean") else 0, scale=scale)


@pytest.mark.parametrize("kind", ["max", "mean", "soft"])
def test_bfloat16(kind, monkeypatch):
    x = tensor((2, 3, 9, 10), torch.bfloat16, kind="plain", grad=True)
    y = ap.pool(x, W.sliding(3, 2, 1), kind)
    want = plainly(monkeypatch, lambda: ap.pool(x, W.sliding(3, 2, 1), kind))
    assert_tensors(y, want, ulp=0 if kind == "max" else 1)
    assert_tensors(gradient(y, x), gradient(want, x), ulp=2, scale=1.0)


KIND = st.sampled_from(["max", "min", "mean", "sum", "gem", "soft", "var"])
PROBLEMS = problems((np.float64, np.float32), data=("ties", "plain"),
                    layouts=("C", "F", "sliced", "turned"))  # fmt: skip


@settings(max_examples=int(os.environ.get("ANYPOOL_GPU_EXAMPLES", "20")), deadline=None)
@given(PROBLEMS, KIND, st.booleans())
def test_any_windows_on_any_axes(problem, kind, masked):
    """Any kind of windows on any one to three axes; what has no kernel goes another way."""
    x, windows = problem.x, problem.windows.build()
    common = problem.common(**({"mask": mask_of(x.shape, 1)} if masked else {}))
    want = reference.pool(x, windows, kind, **common)
    scale = scale_of(REDUCTIONS[kind], x, windows, axes=problem.axes)
    scale = np.abs(x).sum() if kind == "sum" else scale
    assert_same(ap.pool(torch.from_numpy(x), windows, kind, **common).numpy(), want,
                ulp=2 * ULP["smooth"], scale=scale)  # fmt: skip
    if kind in ("max", "min"):
        _, spots = ap.pool(torch.from_numpy(x), windows, kind, return_indices=True, **common)
        _, places = reference.pool(x, windows, kind, return_indices=True, **common)
        assert_same(spots.numpy(), places)


@settings(max_examples=int(os.environ.get("ANYPOOL_GPU_EXAMPLES", "20")) // 2, deadline=None)
@given(PROBLEMS, KIND)
def test_derivatives_of_any_windows(problem, kind):
    """The sum of what arrives: equal to the plain way's, element by element."""
    x = torch.from_numpy(problem.x).double().requires_grad_()
    windows = problem.windows.build()
    found, shapes = [], set()
    for devices in ({"cpu"}, set()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gpu, "DEVICES", devices)
            y = ap.pool(x, windows, kind, axes=problem.axes)
            found.append(gradient(y, x))
            shapes.add(y.shape)
    # plain operations drop every window beyond the end in ceil mode, the rule only the last one
    assume(len(shapes) == 1)
    assert_tensors(*found, ulp=512, scale=float(x.detach().abs().max()) + 8, layout=False)


# -- what windows may hold ----------------------------------------------------------------------


@pytest.mark.parametrize("nan", ["propagate", "skip"])
@pytest.mark.parametrize("windows", ["sliding", "adaptive", "whole"])
@EACH
def test_nan_and_infinity(kind, windows, nan):
    x = sample((2, 2, 7, 8), np.float64, seed=3)
    rng = np.random.default_rng(4)
    for value, share in ((np.nan, 0.1), (-np.inf, 0.1), (np.inf, 0.05)):
        x[rng.random(x.shape) < share] = value
    x[0, 0] = -np.inf
    with np.errstate(all="ignore"):
        want = ap.pool(x, GRIDS[windows], kind, axes=(2, 3), nan=nan)
    got = ap.pool(torch.from_numpy(x), GRIDS[windows], kind, axes=(2, 3), nan=nan)
    assert_same(got.numpy(), want, ulp=64, scale=10.0)


def test_the_last_nan_has_the_index():
    x = torch.tensor([[[1.0, float("nan"), 3, float("nan"), 2, 5]]])
    y, spot = ap.pool(x, W.sliding(3), "max", axes=(2,), return_indices=True)
    assert spot.tolist() == [[[1, 3]]]
    assert y.isnan().all()


def test_windows_with_nothing_real():
    x = tensor((1, 2, 4, 5), torch.float64, grad=True)
    y, spot = ap.pool(x, W.sliding(2, padding=3), "max", fill=-7, return_indices=True)
    assert_same(y.detach().numpy(), reference.pool(x.detach().numpy(), W.sliding(2, padding=3),
                                                   "max", axes=(2, 3), fill=-7))  # fmt: skip
    assert (spot[..., 0, :] == -1).all()
    assert gradient(y, x).isfinite().all()


@pytest.mark.parametrize("ties", ["first", "split"])
@pytest.mark.parametrize("kind", ["max", "min"])
def test_ties(kind, ties, monkeypatch):
    x = torch.randint(0, 3, (2, 2, 6, 7), generator=torch.Generator().manual_seed(0)).double()
    x.requires_grad_()
    for windows in (W.sliding(3, 2, 1), W.adaptive(2), W.whole()):
        pool = lambda: ap.pool(x, windows, kind, axes=(2, 3), ties=ties)  # noqa: B023, E731
        y, want = pool(), plainly(monkeypatch, pool)
        assert_tensors(y, want)
        assert_tensors(gradient(y, x), gradient(want, x), ulp=8, scale=1.0, layout=False)


# -- mask, weights, sizes, parameters -----------------------------------------------------------


def extras(what: str, x: torch.Tensor) -> dict:
    made = torch.Generator().manual_seed(1)
    mask = torch.rand(x.shape[1:], generator=made) < 0.7
    weights = 0.25 + torch.rand(x.shape[-2:], generator=made, dtype=x.dtype)
    sizes = torch.tensor([[3, 6], [5, 2]])
    pairs = torch.tensor([[[1, 4], [0, 6]], [[0, 5], [3, 5]]])
    return {
        "mask": {"mask": mask}, "weights": {"weights": weights.requires_grad_()},
        "both": {"mask": mask, "weights": weights.requires_grad_()},
        "sizes": {"sizes": sizes}, "pairs": {"sizes": pairs, "fill": 3},
    }[what]  # fmt: skip


@pytest.mark.parametrize("windows", ["sliding", "adaptive", "split", "whole"])
@pytest.mark.parametrize("what", ["mask", "weights", "both", "sizes", "pairs"])
@pytest.mark.parametrize("kind", ["max", "mean", "gem", "std"])
def test_what_is_real(kind, what, windows, monkeypatch, interpreted):
    x = planes()
    common = extras(what, x)
    leaves = [t for t in (x, *common.values()) if isinstance(t, torch.Tensor) and t.requires_grad]
    leaves = leaves if kind != "max" else leaves[:1]

    def both() -> list:
        y = ap.pool(x, GRIDS[windows], kind, axes=(2, 3), **common)
        g = torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) / 8
        return [y, *torch.autograd.grad(y, leaves, g, allow_unused=True)]

    ours = both()
    assert {"pool", "spread"} <= set(interpreted)
    for mine, theirs in zip(ours, plainly(monkeypatch, both), strict=True):
        assert_tensors(mine, theirs, ulp=256, scale=8.0, layout=False)


@pytest.mark.parametrize("kind", ["lp", "gem", "lse", "soft"])
def test_a_parameter_that_is_learnt(kind, monkeypatch, interpreted):
    x = (planes().detach() / 8).requires_grad_()
    value = torch.tensor(2.5, dtype=torch.float64, requires_grad=True)

    def both() -> list:
        y = at.pool(x, W.sliding(3, 2, 1), kind, parameter=value)
        return [y, *torch.autograd.grad(y.square().sum(), (x, value))]

    ours = both()
    assert interpreted.count("spread") == 2
    for mine, theirs in zip(ours, plainly(monkeypatch, both), strict=True):
        assert_tensors(mine, theirs, ulp=512, scale=8.0)


# -- derivatives --------------------------------------------------------------------------------


@EVERY
@EACH
def test_derivatives(kind, windows, monkeypatch, interpreted):
    x = planes()
    pool = lambda: ap.pool(x, GRIDS[windows], kind, axes=(2, 3))  # noqa: E731
    y = pool()
    got = gradient(y, x)
    assert "spread" in interpreted
    want = plainly(monkeypatch, lambda: gradient(pool(), x))
    assert_tensors(got, want, ulp=256, scale=8.0, layout=False)


@pytest.mark.parametrize(
    ("kind", "windows"), [("max", "sliding"), ("mean", "adaptive"), ("gem", "sliding")]
)
def test_derivatives_of_derivatives(kind, windows):
    x = planes((1, 1, 4, 5))
    pool = lambda x: ap.pool(x, GRIDS[windows], kind, axes=(2, 3))  # noqa: E731
    assert torch.autograd.gradgradcheck(pool, x, fast_mode=True)


@pytest.mark.nightly
@EVERY
@EACH
def test_gradcheck(kind, windows):
    x = planes()
    pool = lambda x: ap.pool(x, GRIDS[windows], kind, axes=(2, 3))  # noqa: E731
    assert torch.autograd.gradcheck(pool, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(pool, x, fast_mode=True)


@pytest.mark.parametrize("kind", ["max", "mean", "gem"])
def test_many_derivatives_at_once(kind):
    x = planes((1, 2, 4, 5))
    y = ap.pool(x, W.sliding(3, 2, 1), kind)
    g = torch.randn((3, *y.shape), generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    [many] = torch.autograd.grad(y, x, g, is_grads_batched=True, retain_graph=True)
    for one, together in zip(g, many, strict=True):
        assert_tensors(together, torch.autograd.grad(y, x, one, retain_graph=True)[0],
                       ulp=64, scale=1.0)  # fmt: skip


@pytest.mark.parametrize("kind", ["max", "sum", "mean", "lse"])
def test_a_skipped_nan_has_no_derivative(kind, monkeypatch):
    x = planes()
    with torch.no_grad():
        x[0, 0, 1, 2] = x[1, 1] = float("nan")
    pool = lambda: ap.pool(x, W.sliding(3, 2, 1), kind, nan="skip")  # noqa: E731
    want = plainly(monkeypatch, lambda: gradient(pool(), x))
    got = gradient(pool(), x)
    assert_tensors(got, want, ulp=64, scale=8.0, layout=False)
    assert (got[1, 1] == 0).all()


# -- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 3, 6, 7), (2, 17, 5, 4), (1, 2, 4, 5, 6)], ids=str)
@pytest.mark.parametrize("kind", ["max", "soft"])
def test_layouts(kind, shape, layout):
    x = tensor(shape, torch.float64, layout=layout, kind="plain").requires_grad_()
    axes = tuple(range(2, len(shape)))
    y = ap.pool(x, W.sliding(2, 2, 1), kind, axes=axes)
    dense = x.detach().contiguous().requires_grad_()
    want = ap.pool(dense, W.sliding(2, 2, 1), kind, axes=axes)
    assert_tensors(y, want, layout=False)
    assert_tensors(gradient(y, x), gradient(want, dense), layout=False)


def test_an_incoming_derivative_that_only_repeats():
    x = planes()
    ap.pool(x, W.sliding(3, 2, 1), "max").sum().backward()
    assert x.grad is not None
    assert x.grad.sum() == 2 * 2 * 3 * 3


@pytest.fixture
def afresh():
    """Launches worked out anew, before and after."""
    for made in (gpulay.pooling, gpulay.spreading, gpulay.finding):
        made.cache_clear()
    yield
    for made in (gpulay.pooling, gpulay.spreading, gpulay.finding):
        made.cache_clear()


@pytest.mark.parametrize("layout", ["dense", "channels_last"])
@EACH
def test_windows_cut_into_pieces(kind, layout, monkeypatch, interpreted, afresh):
    for name, value in (("PIECE", 16), ("ONE_LANE", 1), ("WRITTEN_OUT", 1)):
        monkeypatch.setattr(gpulay, name, value)
    monkeypatch.setattr(gpulay, "_tile", lambda size, last: (4, 8))
    x = tensor((2, 3, 9, 10), torch.float64, kind="plain", layout=layout, grad=True)
    y = ap.pool(x, W.whole(), kind)
    assert interpreted == ["pool", "join"]
    want = reference.pool(x.detach().numpy(), W.whole(), kind, axes=(2, 3))
    assert_same(y.detach().numpy(), want, ulp=64, scale=8.0)
    theirs = plainly(monkeypatch, lambda: gradient(ap.pool(x, W.whole(), kind), x))
    assert_tensors(gradient(y, x), theirs, ulp=256, scale=1.0, layout=False)


@pytest.mark.parametrize("kind", ["max", "min", "mean", "gem", "soft", "var"])
def test_lanes(kind, monkeypatch, afresh):
    """Large windows are read by many lanes side by side: here all are."""
    monkeypatch.setattr(gpulay, "WRITTEN_OUT", 1)
    monkeypatch.setattr(gpulay, "_tile", lambda size, last: (16, 4))
    x = sample((2, 3, 9, 10), np.float64, kind="plain")
    x[0, 0, 3:5, 3:5] = np.nan
    for windows in (W.sliding(3, 2, 1), W.adaptive((4, 7))):
        want = reference.pool(x, windows, kind, axes=(2, 3))
        got = ap.pool(torch.from_numpy(x), windows, kind, axes=(2, 3))
        assert_same(got.numpy(), want, ulp=64, scale=8.0)


def test_places_beyond_32_bits(monkeypatch, afresh):
    """The same with 64-bit places, which arrays of two thousand million elements need."""
    x = planes()
    near = ap.pool(x, W.sliding(3, 2, 1), "max", return_indices=True)
    slope = gradient(near, x)
    monkeypatch.setattr(gpulay, "NARROW", 1)
    for made in (gpulay.pooling, gpulay.spreading, gpulay.finding):
        made.cache_clear()
    far = ap.pool(x, W.sliding(3, 2, 1), "max", return_indices=True)
    assert_tensors(far, near)
    assert_tensors(gradient(far, x), slope)


def test_one_byte_is_kept_for_each_output_of_max():
    x = tensor((2, 3, 12, 12), grad=True)
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = ap.pool(x, W.sliding(3, 2, 1), "max")
        assert sum(t.numel() * t.element_size() for t in kept) == y.numel()
        kept.clear()
        ap.pool(x, W.adaptive(5), "mean")
        assert not kept


class Guarded:
    """Memory with a page on either side that nobody may touch: who does dies at once."""

    def __init__(self, at_end: bool) -> None:
        self.at_end, self.kept = at_end, []
        self.protect = ctypes.CDLL(None, use_errno=True).mprotect
        self.protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

    def tensor(self, shape, stride, dtype=torch.float32, device=None) -> torch.Tensor:
        """An empty tensor that begins or ends where its memory does."""
        size = 1 + sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
        page, width = mmap.PAGESIZE, torch.empty(0, dtype=dtype).element_size()
        inner = -(-size * width // page) * page
        memory = mmap.mmap(-1, inner + 2 * page)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for guard in (address, address + page + inner):
            assert self.protect(guard, page, 0) == 0
        self.kept.append(memory)
        first = page + (inner - size * width if self.at_end else 0)
        flat = torch.frombuffer(memory, dtype=dtype, count=size, offset=first)
        return flat.as_strided(tuple(shape), tuple(stride))


@pytest.mark.skipif(sys.platform != "linux", reason="mprotect as Linux has it")
@pytest.mark.parametrize("at_end", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("layout", ["dense", "channels_last"])
def test_nothing_beside_the_tensors_is_touched(layout, at_end, monkeypatch):
    guarded = Guarded(at_end)
    like = tensor((2, 3, 9, 10), layout=layout)
    monkeypatch.setattr(gpurun.torch, "empty_strided", guarded.tensor)
    for windows in (W.sliding(3, 2, 2), W.adaptive((4, 7))):
        for kind in ("max", "gem"):
            x = guarded.tensor(like.shape, like.stride()).copy_(like).requires_grad_()
            y, g = ap.pool(x, windows, kind, axes=(2, 3)), None
            g = guarded.tensor(y.shape, y.stride()).fill_(1.0)
            assert torch.autograd.grad(y, x, g)[0].isfinite().all()


@EACH
def test_a_second_run_gives_the_same_bits(kind):
    x = tensor((2, 3, 9, 10), kind="plain", grad=True)
    runs = []
    for _ in range(2):
        y = ap.pool(x, W.adaptive((4, 7)), kind)
        runs.append((y.detach().numpy().tobytes(), gradient(y, x).numpy().tobytes()))
    assert runs[0] == runs[1]


# -- the names of PyTorch -----------------------------------------------------------------------

NAMES = {
    "max_pool2d": lambda f, x: f.max_pool2d(x, 3, 2, 1),
    "max_pool2d with indices": lambda f, x: f.max_pool2d(x, 3, 2, 1, return_indices=True),
    "avg_pool2d": lambda f, x: f.avg_pool2d(x, 3, 2, 1, True, False),
    "adaptive_avg_pool2d": lambda f, x: f.adaptive_avg_pool2d(x, (3, 4)),
    "adaptive_max_pool2d": lambda f, x: f.adaptive_max_pool2d(x, 4, return_indices=True),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_pytorch(name, interpreted):
    x = tensor((2, 3, 9, 10), kind="distinct", grad=True)
    y, want = NAMES[name](F, x), NAMES[name](torch.nn.functional, x)
    assert interpreted == ["pool"]
    assert_tensors(y, want, ulp=4)
    assert_tensors(gradient(y, x), gradient(want, x), ulp=4, scale=1.0)


def test_what_pytorch_refuses_is_refused():
    with pytest.raises(ap.PoolError, match="pad"):
        F.max_pool2d(tensor((2, 3, 9, 10)), 2, padding=2)
    with pytest.raises(ap.PoolError, match="axis 2"):
        ap.pool(tensor((2, 3, 9, 10)), W.sliding(20), "max")


def test_everything_else_goes_on_as_before(interpreted):
    x = tensor((2, 3, 9, 10), torch.float64)
    for reduce, windows in (("median", W.sliding(3)), ("max", W.fractional(2, 3))):
        got = ap.pool(x, windows, reduce, axes=(2, 3))
        assert_same(got.numpy(), reference.pool(x.numpy(), windows, reduce, axes=(2, 3)))
    assert interpreted == []
