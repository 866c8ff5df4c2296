"""The GPU's kernels in graphs: ``torch.compile`` sees them, and no break. Traced on CPU tensors.

Nothing is launched, so nothing is compiled for a card; what is shown is the graph.
"""

from __future__ import annotations

import os

import pytest

import anypool as ap

if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("graphs hold compiled kernels, not interpreted ones", allow_module_level=True)
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("triton", reason="Triton is not installed (pip install triton)")

from torch._dynamo.testing import CompileCounterWithBackend  # noqa: E402
from torch._functorch.aot_autograd import aot_module_simplified  # noqa: E402

from anypool.torch import gpu, gpuops, ways  # noqa: E402
from same_torch import tensor  # noqa: E402

W = ap.windows


@pytest.fixture(autouse=True)
def as_cuda(monkeypatch):
    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    monkeypatch.setattr(ways, "ordinary", lambda x: False)
    monkeypatch.setattr(gpu, "available", lambda device: True)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def graphs(function, x) -> list[str]:
    """The code of the graphs forth and back that ``torch.compile`` hands to its backend."""
    found: list[str] = []

    def keep(module, inputs):
        del inputs
        found.append(module.code)
        return lambda *args: [None] * 9

    def backend(module, inputs):
        return aot_module_simplified(module, inputs, fw_compiler=keep, bw_compiler=keep)

    try:
        torch.compile(function, backend=backend, fullgraph=True, dynamic=False)(x)
    except Exception:
        if not found:
            raise
    return found
