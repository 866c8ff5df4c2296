"""ONNX of both exporters, run by onnxruntime at the traced size and at sizes that do not divide.

The table is what docs say: every row gives eager's numbers, at every size where sizes are dynamic.
"""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import pytest

import anypool as ap
from anypool.reductions import resolve

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
from anypool.torch import plain  # noqa: E402 - only where PyTorch is

W, R = ap.windows, ap.reductions
CASES = {
    "adaptive-avg-7": (W.adaptive(7), "mean"),
    "adaptive-avg-2x3": (W.adaptive((2, 3)), "mean"),
    "adaptive-avg-none": (W.adaptive((None, 3)), "mean"),
    "adaptive-avg-1": (W.adaptive(1), "mean"),
    "adaptive-max-7": (W.adaptive(7), "max"),
    "adaptive-max-none": (W.adaptive((None, 3)), "max"),
    "adaptive-max-1": (W.adaptive(1), "max"),
    "adaptive-min": (W.adaptive((2, 3)), "min"),
    "split": (W.split(5), "mean"),
    "global-avg": (W.whole(), "mean"),
    "global-max": (W.whole(keepdims=False), "max"),
    "pyramid-max": (W.pyramid((1, 2, 3)), "max"),
    "pyramid-avg": (W.pyramid((1, 2, 3)), "mean"),
    "gem": (W.whole(), "gem"),
    "adaptive-gem": (W.adaptive(5), R.gem(p=4.5)),
    "lse": (W.adaptive(5), "lse"),
    "soft": (W.sliding(2), "soft"),
    "lp": (W.sliding(3, 2, 1), R.lp(p=3)),
    "std": (W.adaptive(5), "std"),
    "var": (W.whole(), "var"),
    "median": (W.sliding(3, 2, 1), "median"),
    "quantile": (W.sliding(3), R.quantile(q=0.3)),
    "mode": (W.sliding(2), "mode"),
    "topk": (W.sliding(3), R.topk(k=2)),
    "stochastic": (W.sliding(3), "stochastic"),
    "any": (W.sliding(3), "any"),
    "sum": (W.sliding(3, 2, 1), "sum"),
    "sliding-avg": (W.sliding(3, 2, 1), "mean"),
    "sliding-max": (W.sliding(3, 2, 1), "max"),
    "sliding-avg-override": (W.sliding(3, 2, 1), "mean", {"divisor_override": 4}),
    "sliding-avg-dilated": (W.sliding(3, 2, 2, 2), "mean"),
    "sliding-avg-asymmetric": (W.sliding(3, 2, ((1, 2), (0, 1))), "mean"),
    "sliding-avg-ceil": (W.sliding(3, 2, 1, 1, True), "mean"),
    "sliding-max-ceil": (W.sliding(3, 2, 0, 1, True), "max"),
    "same-avg": (W.sliding(3, 2, "same"), "mean"),
    "same-max": (W.sliding(3, 2, "same_lower"), "max"),
    "fractional": (W.fractional(2, output_ratio=0.5), "max"),
    "indices": (W.adaptive(3), "max", {"return_indices": True}),
    "empty-windows": (W.sliding(2, 2, 3), "max", {"fill": -1.5}),
}
STATIC = ("adaptive-avg-7", "adaptive-max-7", "global-max", "pyramid-avg", "sliding-avg-ceil")
TRACED, OTHERS = (32, 32), ((48, 48), (33, 47))
# PyTorch's own words while it exports, none of them about what is exported
OWN_WARNINGS = [
    ("You are using the legacy TorchScript-based ONNX export", DeprecationWarning),
    ("The feature will be removed", DeprecationWarning),
    (".*torch.jit.*deprecated", DeprecationWarning),
    ("Constant folding", UserWarning),
    (".*isinstance.treespec, LeafSpec", FutureWarning),
]


class Pool(torch.nn.Module):
    def __init__(self, windows, reduce, common=None):
        super().__init__()
        self.windows, self.reduce, self.common = windows, resolve(reduce), common or {}

    def forward(self, x):
        return plain.pool(x, self.windows, self.reduce, (2, 3), **self.common)


def export(module, path, dynamo, dynamic):
    x, dims = torch.zeros(2, 3, *TRACED), {2: "h", 3: "w"}
    if dynamo:
        shapes = {axis: torch.export.Dim(name, min=4, max=999) for axis, name in dims.items()}
        how = {"dynamic_shapes": (shapes,) if dynamic else None, "external_data": False}
    else:
        how = {"dynamic_axes": {"x": dims} if dynamic else None, "opset_version": 17}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        for message, category in OWN_WARNINGS:
            warnings.filterwarnings("ignore", message, category)
        torch.onnx.export(module, (x,), str(path), dynamo=dynamo, input_names=["x"], **how)


def agree(module, path, sizes):
    quiet = runtime.SessionOptions()
    quiet.log_severity_level = 3
    session = runtime.InferenceSession(path, quiet, providers=["CPUExecutionProvider"])
    for seed, size in enumerate(sizes):
        x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))
        for own in (x, x.relu()):
            want = module(own)
            want = want if isinstance(want, tuple) else (want,)
            for got, w in zip(session.run(None, {"x": own.numpy()}), want, strict=True):
                assert (got.shape, got.dtype) == (w.shape, w.numpy().dtype)
                np.testing.assert_allclose(got, w.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
@pytest.mark.parametrize("name", CASES)
def test_dynamic_sizes(name, dynamo, tmp_path):
    module = Pool(*CASES[name]).eval()
    export(module, tmp_path / "pool.onnx", dynamo, dynamic=True)
    agree(module, tmp_path / "pool.onnx", (TRACED, *OTHERS))


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
@pytest.mark.parametrize("name", STATIC)
def test_fixed_sizes(name, dynamo, tmp_path):
    module = Pool(*CASES[name]).eval()
    export(module, tmp_path / "pool.onnx", dynamo, dynamic=False)
    agree(module, tmp_path / "pool.onnx", (TRACED,))


def test_small_graphs(tmp_path):
    """An adaptive mean is two matrix products; sliding windows are the runtime's own pooling."""
    for name, kinds in {
        "adaptive-avg-7": {"MatMul": 2, "Div": 1},
        "sliding-avg": {"AveragePool": 1},
        "sliding-max": {"MaxPool": 1},
        "adaptive-max-1": {"ReduceMax": 1},
    }.items():
        path = tmp_path / f"{name}.onnx"
        export(Pool(*CASES[name]).eval(), path, dynamo=True, dynamic=False)
        found = [node.op_type for node in onnx.load(path).graph.node]
        assert {kind: found.count(kind) for kind in found if kind in kinds} == kinds
        assert len(found) <= sum(kinds.values()) + 2


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
def test_a_mask_and_sizes_are_inputs(dynamo, tmp_path):
    class Masked(torch.nn.Module):
        def forward(self, x, mask, sizes):
            windows = W.adaptive(3)
            a = plain.pool(x, windows, R.mean(), (2, 3), mask=mask)
            return a, plain.pool(x, windows, R.max(), (2, 3), sizes=sizes)

    module, path = Masked().eval(), tmp_path / "pool.onnx"
    given = (torch.randn(2, 3, 11, 10), torch.rand(2, 1, 11, 10) < 0.6,
             torch.tensor([[5, 10], [11, 4]]))  # fmt: skip
    names = ["x", "mask", "sizes"]
    how = {"external_data": False} if dynamo else {"opset_version": 17}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        for message, category in OWN_WARNINGS:
            warnings.filterwarnings("ignore", message, category)
        torch.onnx.export(module, given, str(path), dynamo=dynamo, input_names=names, **how)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    other = (torch.randn(2, 3, 11, 10), torch.rand(2, 1, 11, 10) < 0.4,
             torch.tensor([[11, 1], [2, 9]]))  # fmt: skip
    for call in (given, other):
        feed = {name: t.numpy() for name, t in zip(names, call, strict=True)}
        for got, want in zip(session.run(None, feed), module(*call), strict=True):
            np.testing.assert_allclose(got, want.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "script"])
def test_what_cannot_be_exported_says_so(dynamo, tmp_path):
    module = Pool(W.sliding(2), "max", {"fill": None}).eval()
    with pytest.raises(Exception, match="fill=None needs to look at the numbers"):
        export(module, tmp_path / "pool.onnx", dynamo, dynamic=False)
