"""What PyTorch refuses is refused, by an error that is a PoolError and PyTorch's kind at once.

And what only anypool can be asked wrongly: masks, sizes, parameters, seeds. Every message says
what was asked.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import anypool.torch.functional as ours

F = torch.nn.functional
X = {1: torch.rand(2, 3, 40), 2: torch.rand(2, 3, 20, 30), 3: torch.rand(2, 3, 8, 9, 10)}
P = X[2]
SOME = ("max", "avg", "lp")


def called(name: str, *args: Any, **kwargs: Any) -> Any:
    """A call of a function by its name, on x of its rank unless the first argument is a tensor."""
    if not args or not isinstance(args[0], torch.Tensor):
        args = (X[int(name[-2])], *args)
    return name, args, kwargs


def each(kinds: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """The same call of every rank."""
    made = []
    for kind in kinds:
        norm = (2.0,) if kind == "lp" else ()
        made += [called(f"{kind}_pool{r}d", *norm, *args, **kwargs) for r in (1, 2, 3)]
    return made


def on(x: torch.Tensor, *names: str, args: Any = (2,)) -> list[Any]:
    """The same tensor to several functions."""
    return [called(n, x, *((2.0,) if n.startswith("lp") else ()), *args) for n in names]


PLANE = ("max_pool2d", "avg_pool2d", "lp_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d")
REAL = [name for name in PLANE if name != "lp_pool2d"]
# calls that PyTorch refuses
REFUSED: dict[str, list[Any]] = {
    "kernel 0": each(SOME, 0),
    "kernel negative": each(SOME, -2),
    "kernel of a fraction": each(SOME, 2.5),
    "kernel a word": each(SOME, "3"),
    "kernel None": each(("max", "avg"), None),
    "kernel too long": each(SOME, (2, 2, 2, 2)),
    "kernel larger than x": each(SOME, 50),
    "kernel enormous": each(("max", "avg"), 1 << 70),
    "kernel a dict": each(("max", "avg"), {}),
    "kernel a tensor of two": [called("max_pool2d", torch.tensor([2.5, 2.0]))],
    "stride 0": [*each(("max",), 2, 0), called("avg_pool2d", 2, 0), called("avg_pool3d", 2, 0)],
    "stride negative": each(("max",), 2, -1),
    "stride of a fraction": each(("max", "avg"), 2, 1.5),
    "padding over half": each(("max", "avg"), 2, 2, 2),
    "padding negative": each(("max", "avg"), 2, 2, -1),
    "padding a word": each(("max", "avg"), 2, 2, "same"),
    "dilation 0": each(("max",), 2, 2, 0, 0),
    "dilation negative": each(("max",), 2, 2, 0, -1),
    "dilated beyond x": each(("max",), 3, 1, 0, 40),
    "divisor 0": [called(f"avg_pool{r}d", 2, divisor_override=0) for r in (2, 3)],
    "divisor of a fraction": [called("avg_pool2d", 2, divisor_override=1.5)],
    "no such keyword": each(("max", "avg"), 2, kernel=3),
    "too many arguments": [called("adaptive_avg_pool2d", 2, 3, 4)],
    "output size too long": each(("adaptive_max", "adaptive_avg"), (1, 2, 3, 4)),
    "output size negative": each(("adaptive_max", "adaptive_avg"), -1),
    "output size of a fraction": each(("adaptive_max", "adaptive_avg"), 2.5),
    "output size a word": each(("adaptive_max", "adaptive_avg"), "2"),
    "output size None in 1-D": [called("adaptive_avg_pool1d", None)],
    "one axis": on(torch.rand(9), "max_pool1d", "avg_pool1d", *PLANE),
    "too few axes": on(torch.rand(30, 30), *PLANE, "max_pool3d", "avg_pool3d"),
    "too many axes": on(torch.rand(2, 2, 2, 9, 9), *PLANE, "max_pool1d", "avg_pool1d"),
    "a number": on(torch.tensor(1.0), "max_pool1d", *PLANE),
    "no channels": on(torch.rand(2, 0, 9, 9), "max_pool2d", "avg_pool2d", "adaptive_max_pool2d"),
    "no pixels": on(torch.rand(2, 3, 0, 9), *PLANE),
    "complex": on(P.to(torch.complex64), *PLANE),
    "bool": on(P > 0.5, *REAL),
    "uint16": on(P.to(torch.uint16), *REAL),
    "ints": [
        *on(P.int(), "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d"),
        called("max_pool1d", X[1].int(), 2),
    ],
    "int64 in lp": on(P.long(), "adaptive_max_pool2d", "adaptive_avg_pool2d"),
    "halves in 3-D": [called("avg_pool3d", X[3].bfloat16(), 2)],
    "sparse": on(P.to_sparse(), *PLANE),
    "not a tensor": [(name, (P.tolist(), 2), {}) for name in REAL],
    "an array": [(name, (P.numpy(), 2), {}) for name in REAL],
    "None": [(name, (None, 2), {}) for name in REAL],
}
IDX = torch.zeros(2, 3, 5, 5, dtype=torch.int64)
V = torch.rand(2, 3, 5, 5)
REFUSED |= {
    "indices of int32": [called("max_unpool2d", V, IDX.int(), 2)],
    "indices of another shape": [called("max_unpool2d", V, IDX[..., :4], 2)],
    "indices too large": [called("max_unpool2d", V, IDX + 100, 2)],
    "indices negative": [called("max_unpool2d", V, IDX - 1, 2)],
    "unpool of a plane to a line": [called("max_unpool1d", V, IDX, 2)],
    "unpool of too few axes": [called("max_unpool2d", V[0, 0], IDX[0, 0], 2)],
    "unpool size too far": [called("max_unpool2d", V, IDX, 2, output_size=(20, 20))],
    "unpool size of one number": [called("max_unpool2d", V, IDX, 2, output_size=(10,))],
    "unpool of nothing": [called("max_unpool2d", V[:, :0], IDX[:, :0], 2)],
    "fractional without a size": [called("fractional_max_pool2d", 2)],
    "fractional ratio": [called("fractional_max_pool2d", 2, None, (1.5, 0.5))],
    "fractional too large": [called("fractional_max_pool2d", 3, 30)],
    "fractional of one axis": [called("fractional_max_pool2d", torch.rand(9), 2, 3)],
    "fractional samples": [
        called("fractional_max_pool2d", 2, 3, _random_samples=torch.rand(1, 3, 2))
    ],
}
CALLS = [(why, n, call) for why, calls in REFUSED.items() for n, call in enumerate(calls)]


@pytest.mark.parametrize(("call"), [c for *_, c in CALLS],
                         ids=[f"{why}-{c[0]}" for why, _, c in CALLS])  # fmt: skip
def test_refused_as_by_pytorch(call):
    name, args, kwargs = call
    try:
        getattr(F, name)(*args, **kwargs)
    except Exception as refusal:
        kind = type(refusal)
    else:
        raise AssertionError("PyTorch takes this: the table is wrong")
    wanted = RuntimeError if kind is ValueError else kind
    with pytest.raises(wanted, match=r"\w{3}.*\w{2}") as error:
        getattr(ours, name)(*args, **kwargs)
    if "keyword" not in str(error.value) and "positional" not in str(error.value):
        assert isinstance(error.value, ap.PoolError)  # Python itself speaks of its arguments


SIZES = {
    "list": [2, 3], "list of one": [2], "int64": np.int64(2), "int32s": (np.int32(2), 3),
    "Size": torch.Size((2, 3)), "tensor": torch.tensor(2), "tensors": (torch.tensor(2), 3),
    "bool": True, "range": range(2, 4),
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*REAL, "max_pool1d", "adaptive_avg_pool1d"])
def test_kinds_of_numbers(name, size):
    """Taken where PyTorch takes them, refused where not."""
    x, size = X[int(name[-2])], SIZES[size]
    try:
        want = getattr(F, name)(x, size)
    except (TypeError, RuntimeError) as refusal:
        with pytest.raises(type(refusal), match=r"\w{3}"):
            getattr(ours, name)(x, size)
    else:
        assert torch.allclose(getattr(ours, name)(x, size), want)


@pytest.mark.parametrize("name", REAL)
def test_empty_batches(name):
    empty = torch.rand(0, 3, 9, 9, requires_grad=True)
    y = getattr(ours, name)(empty, 3)
    assert y.shape == (0, 3, 3, 3)
    y.sum().backward()
    assert empty.grad.shape == empty.shape


@pytest.mark.parametrize("name", ["adaptive_max_pool2d", "adaptive_avg_pool2d"])
def test_output_size_0(name):
    assert getattr(ours, name)(P, (0, 2)).shape == (2, 3, 0, 2)


# -- what only anypool can be asked -------------------------------------------------------------

sliding, pool = ap.windows.sliding, at.pool
MASK = torch.rand(P.shape) < 0.5


def quantized() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch will drop them
        return torch.quantize_per_tensor(P, 0.1, 0, torch.quint8)


OWN: dict[str, Any] = {
    "mask dtype": (lambda: pool(P, sliding(2), mask=MASK.float()), "mask.*bool"),
    "mask shape": (lambda: pool(P, sliding(2), mask=MASK[..., :7]), "mask"),
    "mask device": (lambda: pool(P, sliding(2), mask=MASK.to("meta")), "mask is on meta, x on cpu"),
    "weights device": (lambda: pool(P, sliding(2), "mean", weights=P.to("meta")), "weights is on"),
    "sizes device": (
        lambda: pool(P, sliding(2), sizes=torch.ones(2, 2, dtype=int).to("meta")), "sizes is on"),
    "weights negative": (lambda: pool(P, sliding(2), "mean", weights=-P), "weights.*negative"),
    "weights shape": (lambda: pool(P, sliding(2), "mean", weights=P[..., :7]), "weights"),
    "sizes shape": (lambda: pool(P, sliding(2), sizes=torch.ones(3, 2, dtype=int)), "sizes"),
    "sizes of fractions": (lambda: pool(P, sliding(2), sizes=torch.rand(2, 2)), "sizes"),
    "sizes too large": (lambda: pool(P, sliding(2), sizes=torch.tensor([[20, 31]] * 2)), "31"),
    "return_sizes alone": (lambda: pool(P, sliding(2), return_sizes=True), "sizes"),
    "list and mask": (lambda: pool([P[0], P[1]], ap.windows.whole(), mask=MASK), "ragged"),
    "list and sizes": (
        lambda: pool([P[0], P[1]], ap.windows.whole(), sizes=torch.ones(2, 2)), "ragged"),
    "empty list": (lambda: pool([], ap.windows.whole()), "list of tensors"),
    "list of arrays": (lambda: pool([P[0].numpy()], ap.windows.whole()), "tensor"),
    "list of two dtypes": (lambda: pool([P[0], P[1].double()], ap.windows.whole()), "dtype|float"),
    "list of two channels": (lambda: pool([P[0], P[1, :2]], ap.windows.whole()), "axis|shape"),
    "list on two devices": (lambda: pool([P[0], P[1].to("meta")], ap.windows.whole()), "device"),
    "list to sliding": (lambda: pool([P[0], P[1, :, :9]], sliding(2)), "size|sliding"),
    "out": (lambda: pool(P, sliding(2), out=P), "out is for NumPy"),
    "out of ap": (lambda: ap.max_pool(P, 2, out=torch.empty(1)), "out is for NumPy"),
    "no such option": (lambda: pool(P, sliding(2), mode="x"), "mode"),
    "no such reduction": (lambda: pool(P, sliding(2), "maximum"), "maximum"),
    "nan word": (lambda: pool(P, sliding(2), nan="ignore"), "ignore"),
    "ties word": (lambda: pool(P, sliding(2), ties="last"), "last"),
    "nan met": (lambda: pool(P * float("nan"), sliding(2), nan="raise"), "[Nn]a[Nn]"),
    "nothing real": (lambda: pool(P, sliding(2), mask=MASK & False, fill=None), "real"),
    "max of complex": (lambda: pool(P + 0j, sliding(2)), "complex"),
    "sparse": (lambda: pool(P.to_sparse(), sliding(2)), "sparse.*to_dense"),
    "quantized": (lambda: pool(quantized(), sliding(2)), "quant"),
    "float8": (lambda: pool(P.to(torch.float8_e4m3fn), sliding(2)), "float8"),
    "axes absent": (lambda: pool(P, sliding(2), axes=(2, 4)), "axis 4"),
    "parameter of max": (lambda: pool(P, sliding(2), "max", parameter=torch.tensor(2.0)), "max"),
    "parameter shape": (
        lambda: ours.gem_pool2d(P, 2, p=torch.tensor([1.0, 2.0])), "parameter|p|channel"),
    "tensor for q": (lambda: ours.quantile_pool2d(P, 2, q=torch.tensor(0.5)), "derivative"),
    "correction": (lambda: ours.std_pool2d(P, 2, ddof=1), "ddof"),
    "k": (lambda: ours.topk_pool2d(P, 2, k=0), "k"),
    "seed a word": (lambda: ours.stochastic_pool2d(P, 2, rng="seed"), "rng"),
    "duplicates": (lambda: ap.max_unpool(V, IDX, (10, 10), duplicates="sum"), "last"),
    "boxes": (lambda: ours.roi_pool(P, torch.rand(2, 3), 2), "box"),
    "attribute": (lambda: at.GeMPool2d(2, q=3), "q"),
    "nothing to learn": (lambda: at.MedianPool2d(2, learnable=True), "nothing to learn"),
    "module kernel": (lambda: at.GeMPool2d(0), "kernel_size"),
    "share": (lambda: at.MixedPool2d(2, share=2), "share"),
    "empty order": (lambda: at.ConcatPool(()), "order"),
    "swap of a function": (lambda: at.swap(torch.relu), "Module"),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_refused(name):
    call, told = OWN[name]
    # of an unknown keyword Python itself speaks, as for arrays
    kinds = (ap.PoolError, TypeError) if name in ("no such option", "correction") else ap.PoolError
    with pytest.raises(kinds, match=told):
        call()
