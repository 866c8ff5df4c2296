"""What every test file shares: the path to the helpers and the two hypothesis profiles."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# cases.py, same.py, brute.py and strategies.py are read by name, by bench/ too.
sys.path.insert(0, str(Path(__file__).parent))

# The first call of a kernel compiles it, so no deadline holds. The short profile is the same in
# every run, so that a red run can be repeated; the long one looks for new trouble each night.
_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "print_blob": True,
    "phases": [phase for phase in Phase if phase is not Phase.explain],
}
settings.register_profile("short", max_examples=40, derandomize=True, **_COMMON)
settings.register_profile("long", max_examples=3000, **_COMMON)
settings.load_profile(os.environ.get("ANYPOOL_HYPOTHESIS", "short"))


@pytest.fixture(scope="module")
def every_kernel():
    """What is too little for a kernel made for its windows gets one all the same."""
    from anypool import engine
    from anypool.kernels import fast

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "LEAST_READ", 0)
        yield
    engine.QUICK.clear()  # it would go on calling them


# Of these suites one test in so many runs by day (see `daily`), at night all of them. In the first
# four nearly each test compiles kernels of its own, the others are tables of all with all.
DAILY = {
    "test_fast_masks": 3, "test_large": 3, "test_order": 2, "test_smooth": 3,
    "test_dtypes": 2, "test_gradients": 2, "test_masks": 3, "test_nan": 2, "test_plain": 3,
    "test_sizes": 2, "test_table": 2, "test_torch_plain": 3, "test_training": 2,
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what waits for the night."""
    import daily

    for item in daily.left(items, lambda item: DAILY.get(item.path.stem, 1)):
        item.add_marker(pytest.mark.nightly)
