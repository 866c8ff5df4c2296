"""What a study trains on: the GPU by itself where one works, else the CPU, in a sentence."""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("scipy", reason="the study needs scipy")

from anypool.study import device
from anypool.study.images import half
from anypool.study.pools import Here


class Number:
    """A tensor on a card that is not there."""

    def add_(self, other):
        return self

    def item(self):
        return 1.0


@pytest.fixture
def card(monkeypatch):
    """A GPU that works, as far as a study asks."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some Card")
    monkeypatch.setattr(torch, "zeros", lambda *a, **k: Number())
    return monkeypatch


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose() == ("cpu", "trains on the CPU: PyTorch sees no GPU", {})


@pytest.mark.parametrize("executor", [None, Here()], ids=["processes", "here"])
def test_with_a_gpu(card, executor):
    found = device.choose(executor)
    assert found == ("cuda", "trains on the GPU, Some Card", {"device": "Some Card"})


def test_a_gpu_that_does_not_work_is_told(card):
    def broken(*args, **kwargs):
        raise RuntimeError("CUDA error: no kernel image is available\nand more")

    card.setattr(torch, "zeros", broken)
    found = device.choose()
    assert found.device == "cpu"
    assert found.words == (
        "trains on the CPU: the GPU does not work: CUDA error: no kernel image is available"
    )


def test_trials_on_other_machines_stay_on_their_cpus(card):
    with ThreadPoolExecutor(1) as elsewhere:
        assert device.choose(elsewhere).device == "cpu"


def test_on_a_gpu_determinism_is_asked_for_and_put_back(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.allow_tf32
    with device.exact("cuda"):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not cudnn.allow_tf32
    assert (torch.are_deterministic_algorithms_enabled(), cudnn.allow_tf32) == before
    with device.exact("cpu"):
        assert torch.are_deterministic_algorithms_enabled() == before[0]


def test_batches_follow_the_network():
    model = torch.nn.Linear(2, 2).to("meta")
    assert device.device_of(model).type == "meta"
    assert device.device_of(torch.nn.ReLU()).type == "cpu"
    images = [torch.ones(1, 2, 2), torch.ones(1, 3, 3)]
    assert all(t.is_meta for t in device.moved(images, torch.device("meta")))
    assert device.moved(images[0], torch.device("meta")).is_meta
    assert not half("float32", "cuda" if torch.cuda.is_available() else "cpu")._enabled
