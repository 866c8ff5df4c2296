"""Which front an array comes to: found without loading any framework."""

import subprocess
import sys

import numpy as np
import pytest

from anypool import doors


@pytest.mark.parametrize("x", [np.zeros(3), [1, 2], [], (), 3.0, "words", [np.zeros(2)], None])
def test_what_numpy_does(x):
    assert doors.home(x) == ""
    assert doors.front(x) is None


def test_what_torch_does():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Own(torch.Tensor):
        """A subclass of a user."""

    tensors = [torch.zeros(2), torch.nn.Parameter(torch.zeros(2)), torch.zeros(2).as_subclass(Own)]
    for x in [*tensors, tensors, tuple(tensors)]:
        assert doors.home(x) == "torch"


def test_arrays_of_numpy_load_no_front():
    pytest.importorskip("torch", reason="torch is not installed")
    program = (
        "import sys, torch, numpy as np, anypool as ap\n"
        "ap.max_pool(np.arange(6.0), 2)\n"
        "assert 'anypool.torch' not in sys.modules\n"
        "ap.max_pool(torch.arange(6.0), 2)\n"
        "assert 'anypool.torch.front' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
