"""Pooling where processes are hard to live in: forks, many threads, exits, no place to write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

POOL = """
import sys
import numpy as np, anypool
if not hasattr(anypool, "max_pool"):
    print("null")
    sys.exit()
x = np.random.default_rng(0).random((1, 2, 600, 600), np.float32)
told = x.reshape(1, 2, 300, 2, 300, 2).max((3, 5))
"""


def pooled(code: str, without: str = "", **env: str) -> None:
    """Run `code` after POOL in a new process: it must print True and leave stderr empty."""
    env = {**os.environ, "PYTHONPATH": str(SRC), **env}
    env = {key: value for key, value in env.items() if key not in without.split()}
    command = [sys.executable, "-W", "error", "-c", POOL + code]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    if done.stdout == "null\n":
        pytest.skip("anypool.max_pool is not there yet")
    assert done.stdout == "True\n"


def test_pooling_from_a_read_only_installation_without_a_home(tmp_path):
    code = "print(np.array_equal(anypool.max_pool(x, 2), told))"
    nowhere = str(tmp_path / "file" / "kept")
    (tmp_path / "file").write_text("")
    pooled(code, without="HOME XDG_CACHE_HOME", ANYPOOL_CACHE_DIR=nowhere)


def test_pooling_in_32_threads_at_once():
    code = """
from concurrent.futures import ThreadPoolExecutor
def one(_):
    return all(np.array_equal(anypool.max_pool(x, 2, threads=2), told) for _ in range(3))
with ThreadPoolExecutor(32) as pool:
    print(all(pool.map(one, range(32))))"""
    pooled(code)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_pooling_in_a_forked_child(tmp_path):
    code = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: forking beside threads
def good(k):
    n = 600 // k
    best = x[:, :, :n * k, :n * k].reshape(1, 2, n, k, n, k).max((3, 5))
    return bool((anypool.max_pool(x, k, threads=2) == best).all())
assert good(2)
child = os.fork()
if child == 0:
    os._exit(0 if good(2) and good(3) else 1)
print(os.waitpid(child, 0)[1] == 0 and good(4) and good(3) and good(2))"""
    pooled(code, ANYPOOL_CACHE_DIR=str(tmp_path / "kept"))


def test_leaving_while_a_thread_pools():
    code = """
import threading, time
def forever():
    while True:
        anypool.max_pool(x, 2, threads=2)
anypool.max_pool(x, 2)
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
print(True)"""
    pooled(code)
