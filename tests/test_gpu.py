"""The GPU's kernels, without a GPU: in Triton's interpreter and through its compiler, each in a
process of its own (Triton reads TRITON_INTERPRET once); and what happens where they cannot run.
"""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import importlib.util
import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
import anypool.torch as at
import apart
from anypool.torch import gpu, ways
from same_torch import assert_tensors, gradient, tensor

TRITON = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="Triton is not installed (pip install triton)",
)
pytestmark = pytest.mark.timeout(1800)


@TRITON
def test_the_kernels_in_the_interpreter(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert apart.run("gpu_values", every=5) > 75


@TRITON
def test_the_kernels_as_machine_code(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    assert apart.run("gpu_compiled", "gpu_graphs") > 25


@TRITON
@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_all_of_them(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert apart.run("gpu_values", marks="", most=5000) > 740
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    assert apart.run("gpu_compiled", marks="nightly") > 80


# -- where there are none -----------------------------------------------------------------------


@pytest.fixture
def as_cuda(monkeypatch):
    """CPU tensors take the way of CUDA tensors."""
    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    monkeypatch.setattr(ways, "ordinary", lambda x: False)
    gpu.say.cache_clear()
    yield monkeypatch
    gpu.say.cache_clear()


def test_without_triton_it_is_said_once_and_the_values_are_the_same(as_cuda):
    as_cuda.setattr(gpu, "why_not", lambda: "Triton is not installed; pip install 'anypool[gpu]'")
    x = tensor((2, 3, 9, 10), grad=True)
    with pytest.warns(UserWarning, match=r"plain PyTorch operations.*pip install 'anypool\[gpu\]'"):
        y = ap.pool(x, ap.windows.sliding(3, 2, 1), "max")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ap.pool(x, ap.windows.sliding(3, 2, 1), "mean")
    want = torch.nn.functional.max_pool2d(x, 3, 2, 1)
    assert_tensors(y, want)
    assert_tensors(gradient(y, x), gradient(want, x))


def test_kernels_that_are_switched_off_are_not_spoken_of(as_cuda):
    as_cuda.setattr(gpu, "why_not", lambda: gpu.SWITCHED_OFF)
    x = tensor((2, 3, 9, 10))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        y = ap.pool(x, ap.windows.sliding(3, 2, 1), "max")
    assert not told
    assert_tensors(y, torch.nn.functional.max_pool2d(x, 3, 2, 1))


def test_tracers_are_not_at_hand(monkeypatch):
    """Their sizes may be symbols, which nobody can look up."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    monkeypatch.setattr(gpu, "DEVICES", {"cpu"})
    assert gpu.at_hand(torch.empty(2, 3))
    with FakeTensorMode():
        assert not gpu.at_hand(torch.empty(2, 3))


def test_a_copy_stays_on_its_device():
    from anypool.torch import eager

    g = torch.empty((2, 3), device="meta").expand(2, 3)
    assert eager.alike(g, (1, 2)).device.type == "meta"


def test_triton_that_does_not_load_is_no_failure(monkeypatch):
    def broken(name, *rest):
        if name == "triton":
            raise OSError("no such library")
        return real(name, *rest)

    import builtins

    real = builtins.__import__
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(builtins, "__import__", broken)
    monkeypatch.setenv("ANYPOOL_KERNELS", "1")
    assert gpu.why_not.__wrapped__() == "Triton does not load: no such library"


def test_an_old_card_is_told(monkeypatch):
    monkeypatch.setattr(torch.version, "hip", None, raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Old Card")
    found = gpu._too_old.__wrapped__(torch.device("cuda", 0))
    assert found == "Old Card has compute capability 6.1; Triton needs 7.0"


def test_tensors_on_two_devices():
    x, mask = tensor((2, 3, 9, 10)), torch.ones(9, 10, dtype=torch.bool, device="meta")
    with pytest.raises(ap.PoolError, match=r"mask is on meta, x on cpu; use mask.to\(x.device\)"):
        at.pool(x, ap.windows.sliding(3), "max", mask=mask)


def test_memory_that_runs_out_is_the_frameworks_own_error(as_cuda):
    """Nobody tries again, or something smaller."""
    tries = []

    def empty(*args, **kwargs):
        tries.append(args)
        raise torch.OutOfMemoryError("CUDA out of memory")

    as_cuda.setattr(gpu, "why_not", lambda: "")
    pytest.importorskip("triton", reason="Triton is not installed (pip install triton)")
    as_cuda.setattr(torch, "empty_strided", empty)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        ap.pool(tensor((2, 3, 9, 10)), ap.windows.sliding(3, 2, 1), "max")
    assert len(tries) == 1


def test_triton_is_not_loaded_for_cpu_tensors():
    import subprocess
    import sys

    program = (
        "import torch, anypool as ap, sys\n"
        "ap.pool(torch.ones(1, 1, 4, 4), ap.windows.sliding(2), 'max')\n"
        "assert 'anypool.kernels.gpu' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
