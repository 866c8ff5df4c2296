"""Tensors pooled where processes are hard to live in: a DataLoader's workers, other threads."""

# ruff: noqa: E402 - what needs PyTorch is imported only where PyTorch is

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import anypool as ap
from anypool import kernels

SRC = Path(__file__).resolve().parents[1] / "src"

LOADER = """
import sys, warnings
import torch, anypool, anypool.torch.functional as F

class Pooled(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        x = torch.arange(3 * 64 * 66.0).reshape(3, 64, 66).roll(i) % 97
        best = F.max_pool2d(x, 2)
        own = anypool.avg_pool(x.numpy(), (3, 3))
        x.requires_grad_()
        (slope,) = torch.autograd.grad(F.gem_pool2d(x, 2).sum(), x)
        return best, own, slope

def main():
    warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: forking beside threads
    data = Pooled()
    told = [data[i] for i in range(6)]  # the parent has pooled before its workers are born
    loader = torch.utils.data.DataLoader(
        data, 2, num_workers=2, multiprocessing_context=sys.argv[1], timeout=200)
    for _ in range(2):
        got = [torch.cat(part) for part in zip(*loader)]
        for k, part in enumerate(got):
            want = torch.stack([torch.as_tensor(t[k]) for t in told])
            if not torch.equal(part, want):
                print(False, k)
                return
    print(True)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_pooling_in_the_workers_of_a_loader(way, tmp_path):
    if way != "spawn" and not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    script = tmp_path / "loader.py"
    script.write_text(LOADER)
    where = os.environ.get("PYTHONPATH", str(SRC))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), way],
        env={**os.environ, "PYTHONPATH": where},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_pooling_and_training_in_many_threads_at_once():
    """One model in many threads: each gets its own result and derivative."""
    from concurrent.futures import ThreadPoolExecutor

    import anypool.torch.functional as F  # noqa: N812

    def one(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.rand(2, 4, 40, 42, generator=torch.Generator().manual_seed(seed % 4))
        x.requires_grad_()
        y = F.max_pool2d(x, 3, 2, 1) + F.avg_pool2d(x, 3, 2, 1)
        (g,) = torch.autograd.grad(y.square().sum(), x)
        return (y.detach(), g)

    told = [one(seed) for seed in range(4)]
    with ThreadPoolExecutor(16) as pool:
        for number, (y, g) in enumerate(pool.map(one, range(64))):
            assert y.equal(told[number % 4][0])
            assert g.equal(told[number % 4][1])


@pytest.mark.skipif(bool(kernels.why_not()), reason="no numba: there are no threads to count")
def test_the_number_of_threads_of_torch_is_honoured(monkeypatch):
    """torch.set_num_threads(1) means one for our kernels too."""
    import anypool.torch as at
    from anypool.kernels import threads

    asked: list[int] = []
    plain = threads.count

    def count(*a: int | None) -> int:
        asked.append(plain(*a))
        return asked[-1]

    monkeypatch.setattr(threads, "count", count)
    before = torch.get_num_threads()
    x = torch.rand(8, 16, 100, 100)
    try:
        torch.set_num_threads(1)
        at.pool(x, ap.windows.sliding(3, 2), "lse", axes=(2, 3))
        at.pool(x.requires_grad_(), ap.windows.sliding(5, 2), axes=(2, 3)).sum().backward()
    finally:
        torch.set_num_threads(before)
    assert set(asked) == {1}
