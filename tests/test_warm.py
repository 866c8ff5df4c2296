"""anypool warm: what it says it compiled is there, and nothing common is compiled after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anypool as ap
from anypool import warm
from anypool.cli import main

pytest.importorskip("numba", reason="numba is not installed")
SRC = Path(ap.__file__).parents[1]
FEW = "from anypool import warm as w; w.WINDOWS, w.ARRAYS = w.WINDOWS[:1], w.ARRAYS[:1]; "


def fresh(code: str, **env: str) -> list[str]:
    """What `code` prints in a new process, line by line."""
    env = {**os.environ, "PYTHONPATH": str(SRC), **env}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_what_is_warm_is_compiled_once(tmp_path):
    kept = {"ANYPOOL_CACHE_DIR": str(tmp_path)}
    ask = f"{FEW}print(w.warm(['max']).kernels)"
    [first], [again] = fresh(ask, **kept), fresh(ask, **kept)
    assert int(first) >= 3  # there, there with places, back
    assert again == "0"
    used = (
        "import numpy as np, anypool as ap; from anypool.kernels.cache import status\n"
        "before = status()['files']\n"
        "x = np.ones((3, 7, 90, 41), np.float32)\n"
        "y, back = ap.vjp(x, ap.windows.sliding(2), 'max', axes=(2, 3)); back(y)\n"
        "ap.max_pool(x, 2)\n"
        "print(before, status()['files'])\n"
    )
    before, after = fresh(used, **kept)
    assert before == after == first


@pytest.mark.nightly
def test_everything_common_is_warm(tmp_path):
    kept = {"ANYPOOL_CACHE_DIR": str(tmp_path)}
    ask = "from anypool.warm import warm; print(warm(['max', 'mean', 'gem']).kernels)"
    assert int(fresh(ask, **kept)[0]) > 30
    assert fresh(ask, **kept) == ["0"]


def test_every_call_is_told(monkeypatch):
    monkeypatch.setattr(warm, "WINDOWS", (ap.windows.whole(),))
    told: list[str] = []
    warm.warm(["max"], ["float32"], training=False, tell=told.append)
    assert told == ["max of float32, Whole(keepdims=True)"] * 3


def test_integers_have_no_way_back(monkeypatch):
    monkeypatch.setattr(warm, "WINDOWS", (ap.windows.whole(),))
    assert warm.warm(["max"], ["uint8"]).seconds > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dtype", "flot"], "dtype 'flot' is not known to NumPy"),
        (["--pool", "mix"], "reduce is 'mix'; use one of max, min"),
    ],
)
def test_bad_input(arguments, words, capsys):
    assert main(["warm", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_kernels_or_a_place_for_them(monkeypatch):
    monkeypatch.setattr(warm, "status", lambda: {"enabled": False, "reason": "ANYPOOL_CACHE=0"})
    with pytest.raises(ap.PoolError, match="compiled kernels are not kept here: ANYPOOL_CACHE=0"):
        warm.warm()
    monkeypatch.setattr(warm, "why_not", lambda: "numba is not installed")
    with pytest.raises(ap.PoolError, match="there are no kernels to compile: numba is not"):
        warm.warm()


def test_the_command_says_what_it_did(monkeypatch, capsys):
    monkeypatch.setattr(warm, "WINDOWS", (ap.windows.whole(),))
    assert main(["warm", "--pool", "max", "--forward-only"]) == 0
    told = capsys.readouterr()
    assert "new kernels in" in told.out
    assert "max of float32, Whole" in told.err
