"""The GPU's kernels in graphs: ``torch.compile`` sees them, without a break. Traced on CPU tensors.

Nothing is launched; what is shown is the graph, and that of a kernel's tensors only those count as
written that it writes.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

import anypool as ap

if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("graphs hold compiled kernels, not interpreted ones", allow_module_level=True)
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
triton = pytest.importorskip("triton", reason="Triton is not installed (pip install triton)")

from torch._functorch.aot_autograd import aot_module_simplified  # noqa: E402
from torch.fx.experimental.proxy_tensor import make_fx  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.runtime import driver  # noqa: E402

import anypool.torch.functional as F  # noqa: E402, N812
from anypool.torch import gpu, ways  # noqa: E402
from same_torch import tensor  # noqa: E402

W = ap.windows
STEP = "triton_kernel_wrapper_functional("
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore:.*TRITON_DEFAULT_FP_FUSION:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]


class Card:
    """As much of a card as a graph asks for."""

    def get_current_target(self) -> Any:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def as_cuda(monkeypatch):
    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    monkeypatch.setattr(gpu, "available", lambda device: True)
    monkeypatch.setattr(driver, "_active", Card())
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


class Seen(Exception):  # noqa: N818 - no error: it brings the graph out of the compiler
    """The graph that was to be compiled."""


def forward_graph(function: Any, x: Any) -> str:
    """The code that ``torch.compile`` hands on; a break in it is an error."""

    def stop(module: Any, inputs: Any) -> Any:
        raise Seen(module.code)

    def backend(module: Any, inputs: Any) -> Any:
        return aot_module_simplified(module, inputs, fw_compiler=stop)

    with pytest.raises(Exception, match="def forward") as caught:
        torch.compile(function, backend=backend, fullgraph=True, dynamic=False)(x)
    return str(caught.value)


POOLINGS = {
    "max of large windows": lambda x: ap.pool(x, W.sliding(7, 2, 1), "max", axes=(2, 3)),
    "adaptive mean": lambda x: ap.pool(x, W.adaptive(7), "mean", axes=(2, 3)),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, 5),
    "gem": lambda x: F.gem_pool2d(x, 2),
    "indices": lambda x: ap.pool(x, W.sliding(7), "max", axes=(2, 3), return_indices=True)[0],
    "masked": lambda x: ap.pool(x, W.sliding(3), "mean", axes=(2, 3), mask=x.detach() > 0),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_a_graph_shows_the_kernel(name):
    code = forward_graph(POOLINGS[name], tensor((2, 3, 20, 24), grad=True))
    assert STEP in code
    assert "aten.clone" not in code  # x is read, not written


def test_small_windows_are_left_to_the_compiler():
    code = forward_graph(lambda x: F.max_pool2d(x, 2), tensor((2, 3, 20, 24), grad=True))
    assert STEP not in code
    assert "max_pool2d" in code


@pytest.mark.parametrize("name", ["max of large windows", "adaptive mean", "gem"])
def test_the_way_back_is_a_step_too(name, monkeypatch):
    monkeypatch.setattr(gpu, "ordinary", lambda *a: True)
    monkeypatch.setattr(ways, "ordinary", lambda *a: False)

    def slope(x: Any) -> Any:
        return torch.autograd.grad(POOLINGS[name](x).sum(), x)[0]

    code = make_fx(slope, tracing_mode="fake")(tensor((2, 3, 20, 24), grad=True)).code
    assert "anypool.gpu_pool" in code
    assert "anypool.gpu_spread" in code
    assert "scatter" not in code
