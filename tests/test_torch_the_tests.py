"""The tests of the PyTorch front notice a broken kernel: values, derivatives, indices, the op."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
from anypool import kernels  # noqa: E402
from anypool.torch import call, eager  # noqa: E402

functional = pytest.importorskip("test_torch_functional", reason="torch is not installed")

if kernels.why_not():
    pytest.skip("numba is not installed: PyTorch pools itself", allow_module_level=True)


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    monkeypatch.setattr(call, "SMALL", False)
    eager.JOBS.clear()
    yield
    eager.JOBS.clear()


def one_off(t):
    """One element, in the middle, off by one."""
    t = t.clone()
    t.view(-1)[t.numel() // 2] += 1
    return t


def check():
    functional.test_large("max", 2, "dense")
    functional.test_large("avg", 2, "dense")


def test_the_check_passes_when_nothing_is_broken():
    check()


@pytest.mark.parametrize("step", ["infer", "back", "places", "keep"])
def test_a_fault_is_noticed(monkeypatch, step):
    own = getattr(eager.Job, step)

    def wrong(self, *asked):
        made = own(self, *asked)
        return (one_off(made[0]), *made[1:]) if isinstance(made, tuple) else one_off(made)

    monkeypatch.setattr(eager.Job, step, wrong)
    with pytest.raises(AssertionError, match="differ"):
        check()
