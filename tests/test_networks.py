"""Networks of minima and maxima by the 0-1 principle: what orders 0 and 1 orders everything."""

from __future__ import annotations

import numpy as np
import pytest

from anypool import kernels

if kernels.why_not():
    pytest.skip("the kernels need numba", allow_module_level=True)
from anypool.kernels import networks

SIZES = [(1, 1), (1, 2), (2, 1), (1, 5), (3, 3), (2, 8), (4, 4), (3, 5), (16, 1), (5, 3), (1, 16)]


def zeros_and_ones(n: int) -> np.ndarray:
    if n <= 16:
        return np.arange(1 << n) >> np.arange(n)[:, None] & 1
    rng = np.random.default_rng(n)
    return (rng.random((n, 5000)) < rng.random(5000)).astype(np.int64)


@pytest.mark.parametrize("ordered", [False, True], ids=["any", "sorted columns"])
@pytest.mark.parametrize(("height", "width"), [*SIZES, (5, 5), (9, 3), (7, 7), (8, 8)])
def test_every_rank_is_found(height: int, width: int, ordered: bool) -> None:
    n = height * width
    x = zeros_and_ones(n)
    if ordered:
        x = np.sort(x.reshape(width, height, -1), axis=1).reshape(n, -1)
    right = np.sort(x, axis=0)
    every = range(n) if n < 10 else (0, 1, n // 3, (n - 1) // 2, n // 2, n - 2, n - 1)
    some = {(r,) for r in every} | {(r, min(r + 1, n - 1)) for r in every}
    for wanted in sorted(some | {tuple(range(n - 1, max(n - 5, -1), -1))}):
        network = networks.selector(height, width, wanted, ordered)
        found = networks.apply(network, list(x), np.minimum, np.maximum)
        assert all(np.array_equal(f, right[r]) for f, r in zip(found, wanted, strict=True))


@pytest.mark.parametrize("n", range(1, 17))
def test_sorters_sort(n: int) -> None:
    found = networks.apply(networks.sorter(n), list(zeros_and_ones(n)), np.minimum, np.maximum)
    assert np.array_equal(np.stack(found), np.sort(zeros_and_ones(n), axis=0))


def test_a_median_takes_few_steps() -> None:
    assert len(networks.selector(3, 3, (4,), True).steps) == 12
    assert len(networks.selector(7, 7, (24,), True).steps) < 350
