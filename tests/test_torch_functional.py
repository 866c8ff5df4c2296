"""anypool.torch.functional is torch.nn.functional's pooling: names, signatures, PyTorch's samples.

PyTorch's own sample inputs (its OpInfo database) go through both. Where PyTorch is wrong is the
matter of test_torch_right.py.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import inspect
import sys
import types
import unittest
import warnings
from functools import cache
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch.functional as ours
from anypool.torch import call, eager
from same_torch import LAYOUTS, assert_tensors, gradient, tensor

F = torch.nn.functional
NAMES = [name for name in dir(F) if "pool" in name and not name.startswith("_")]
SHOWN = 24  # samples of an operation and dtype that are tried, spread over all there are
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
SAMPLED = [f"{kind}_pool{r}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg")
           for r in (1, 2, 3)] + ["max_unpool1d", "max_unpool2d", "max_unpool3d"]  # fmt: skip


@pytest.fixture(params=["ours", "as it comes"])
def who(request, monkeypatch):
    """Small tensors by our kernels too, or by whoever serves them."""
    monkeypatch.setattr(eager, "JOBS", {})
    if request.param == "ours":
        monkeypatch.setattr(call, "SMALL", False)


@cache
def samples_of(name: str, variant: str = "") -> Any:
    """PyTorch's own entry for an operation; expecttest, which its tests use, is not needed."""
    stand_in = types.SimpleNamespace(TestCase=unittest.TestCase, ACCEPT=False)
    sys.modules.setdefault("expecttest", stand_in)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db

    full = (f"nn.functional.{name}", variant)
    (found,) = (op for op in op_db if (op.name, op.variant_test_name) == full)
    return found


@cache
def samples(name: str, dtype: torch.dtype, grad: bool, variant: str = "") -> list[Any]:
    made = list(samples_of(name, variant).sample_inputs("cpu", dtype, requires_grad=grad))
    return made[:: -(-len(made) // SHOWN)]


def signature_of(name: str) -> inspect.Signature:
    """PyTorch's; for functions of two faces that of the one that gives the indices."""
    known = {
        "avg_pool1d": "input, kernel_size, stride=None, padding=0, ceil_mode=False, "
        "count_include_pad=True",
        "adaptive_avg_pool1d": "input, output_size",
    }
    for r in (2, 3):
        known[f"avg_pool{r}d"] = known["avg_pool1d"] + ", divisor_override=None"
    if name in known:  # built in: their signature stands in their documentation
        return inspect.signature(eval(f"lambda {known[name]}: 0"))
    face = f"{name}_with_indices"
    return inspect.signature(getattr(F, face if hasattr(F, face) else name))


# -- names and signatures -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_signature(name):
    assert name in ours.__all__
    mine, theirs = inspect.signature(getattr(ours, name)), signature_of(name)
    for one, other in zip(mine.parameters.values(), theirs.parameters.values(), strict=True):
        assert (one.name, one.default, one.kind) == (other.name, other.default, other.kind)


@pytest.mark.parametrize("name", ["avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d"])
def test_signature_of_built_in_functions_is_the_documented_one(name):
    told = " ".join(getattr(F, name).__doc__.split("->")[0].split())
    for parameter in signature_of(name).parameters:
        assert parameter in told


# -- PyTorch's own samples ----------------------------------------------------------------------


def ulp_of(name: str, dtype: torch.dtype) -> float:
    """Max is exact; sums in another order are a few units off."""
    return 0 if "max" in name else 8 if dtype.itemsize > 2 else 1


def assert_sample(name: str, sample: Any, grad: bool, ulp: float) -> None:
    x = sample.input
    want = getattr(F, name)(x, *sample.args, **sample.kwargs)
    got = getattr(ours, name)(x, *sample.args, **sample.kwargs)
    scale = float(x.detach().abs().max()) if x.numel() else 0.0
    assert_tensors(got, want, ulp=ulp, scale=scale, layout="unpool" not in name)
    if grad and x.numel():
        assert_tensors(gradient(got, x), gradient(want, x), ulp=2 * ulp, scale=8.0, layout=False)


@pytest.mark.usefixtures("who")
@pytest.mark.parametrize(("name", "dtype"), [
    (name, dtype) for name in SAMPLED for dtype in DTYPES
    if name != "avg_pool3d" or dtype.itemsize > 2  # PyTorch has none of halves
], ids=str)  # fmt: skip
def test_samples(name, dtype):
    grad = "unpool" not in name  # those samples overlap: see test_samples_of_unpooling
    ulp = ulp_of(name, dtype)
    if name == "adaptive_avg_pool3d" and dtype.itemsize == 2:
        ulp = 32  # PyTorch adds up halves in halves here
    for sample in samples(name, dtype, grad):
        assert_sample(name, sample, grad, ulp)


@pytest.mark.usefixtures("who")
@pytest.mark.parametrize(("name", "dtype"), [
    *((f"max_pool{r}d", d) for r in (2, 3) for d in (torch.uint8, torch.int16, torch.int64)),
    *((f"avg_pool{r}d", torch.int64) for r in (1, 2, 3)),
], ids=str)  # fmt: skip
def test_samples_of_ints(name, dtype):
    for sample in samples(name, dtype, False):
        assert_sample(name, sample, False, 0)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_samples_of_unpooling(rank):
    """Windows that do not overlap: no place is claimed twice, so the derivatives agree too."""
    for sample in samples(f"max_unpool{rank}d", torch.float64, True, "grad"):
        assert_sample(f"max_unpool{rank}d", sample, True, 0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rank", [2, 3])
def test_samples_of_fractional(rank, dtype):
    """The same numbers are drawn in the same order."""
    name = f"fractional_max_pool{rank}d"
    for number, sample in enumerate(samples(name, dtype, True)):
        made = []
        for module in (F, ours):
            torch.manual_seed(number)
            made.append(getattr(module, name)(sample.input, *sample.args, **sample.kwargs))
        assert_tensors(*made)
        assert_tensors(*(gradient(y, sample.input) for y in made))


@pytest.mark.usefixtures("who")
@pytest.mark.parametrize("name", SAMPLED)
def test_errors_of_samples(name):
    """What PyTorch's tests say must be refused is refused, by the same kind of error."""
    for bad in samples_of(name).error_inputs("cpu"):
        sample = bad.sample_input
        with pytest.raises(ap.PoolError, match=r"\w{3}") as error:
            getattr(ours, name)(sample.input, *sample.args, **sample.kwargs)
        assert isinstance(error.value, bad.error_type)


# -- large tensors and memory formats -----------------------------------------------------------

ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "max": [
        {"kernel_size": 3, "stride": 2, "padding": 1, "return_indices": True},
        {"kernel_size": 2},
        {"kernel_size": 3, "dilation": 2, "ceil_mode": True},
    ],
    "avg": [
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
        {"kernel_size": 4, "stride": 3, "ceil_mode": True},
    ],
    "adaptive_max": [{"output_size": 7, "return_indices": True}, {"output_size": 1}],
    "adaptive_avg": [{"output_size": 7}, {"output_size": 1}],
}
SHAPES = {1: (3, 8, 300), 2: (3, 8, 30, 27), 3: (2, 8, 12, 11, 13)}


@pytest.mark.usefixtures("who")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_large(kind, rank, layout):
    """Values, strides and derivatives of tensors that are large enough for our kernels."""
    for number, arguments in enumerate(ARGUMENTS[kind]):
        name = f"{kind}_pool{rank}d"
        x = tensor(SHAPES[rank], seed=number, layout=layout).requires_grad_()
        with torch.no_grad():
            want, got = (getattr(module, name)(x, **arguments) for module in (F, ours))
            # the strides of PyTorch's max_pool1d depend on whether a derivative is wanted
            same = name != "max_pool1d"
            assert_tensors(got, want, ulp=ulp_of(name, x.dtype), scale=3.0, layout=same)
        want, got = (getattr(module, name)(x, **arguments) for module in (F, ours))
        assert_tensors(got, want, ulp=ulp_of(name, x.dtype), scale=3.0)
        assert_tensors(gradient(got, x), gradient(want, x), ulp=16, scale=8.0, layout=False)


@pytest.mark.usefixtures("who")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "max_pool3d"])
def test_large_halves(name, dtype):
    rank = int(name[-2])
    for arguments in ARGUMENTS[name[: name.index("_pool")]]:
        x = tensor(SHAPES[rank], dtype, kind="plain").requires_grad_()
        want, got = (getattr(module, name)(x, **arguments) for module in (F, ours))
        assert_tensors(got, want, ulp=ulp_of(name, dtype), scale=4.0)
        assert_tensors(gradient(got, x), gradient(want, x), ulp=4, scale=8.0, layout=False)
