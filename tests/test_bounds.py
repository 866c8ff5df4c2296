"""No kernel reads or writes beyond its arrays: they lie between pages that may not be touched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anypool as ap

HERE = Path(__file__).parent
SRC = Path(ap.__file__).parents[1]
pytest.importorskip("numba", reason="numba is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made for Linux")


def child(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of ours in a process of its own, which may die."""
    path = os.pathsep.join([str(SRC), str(HERE)])
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path, **env}, timeout=1800,
    )  # fmt: skip


def pooled(seed: int, calls: int, *more: str, **env: str) -> None:
    done = child(str(HERE / "guards.py"), str(seed), str(calls), *more, **env)
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-3000:]}"
    assert int(done.stdout) == calls


@pytest.mark.timeout(1800)
def test_random_calls_between_guards():
    pooled(0, 30)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(1, 9))
def test_many_more(seed):
    pooled(seed, 500, "every")


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("cpu", ["generic", "nehalem", "haswell"])
def test_on_lesser_processors(cpu):
    """Code for processors without AVX-512, AVX2 or F16C stays in its bounds, too."""
    pooled(20, 100, NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES="")


@pytest.mark.parametrize("step", ["x[n]", "x[-1]"])
def test_the_guards_are_not_blind(step):
    """A kernel with a fault on purpose dies."""
    program = (
        "import numpy as np, guards\n"
        "from anypool.kernels import vectors as vc\n"
        "from anypool.kernels.cache import compile\n"
        "read, memory = vc.read, vc.memory\n"
        "def kernel(x, i):\n    return read(memory(x), i)\n"
        "kernel = compile(kernel, 'a_kernel_at_fault', disk=False)\n"
        f"x = guards.like(np.arange(100), {step == 'x[n]'})\n"
        "print(kernel(x, 99), kernel(x, 0), flush=True)\n"
        f"kernel(x, {100 if step == 'x[n]' else -1})\n"
    )
    done = child("-c", program)
    assert done.stdout == "99 0\n"
    assert done.returncode == -11  # SIGSEGV
