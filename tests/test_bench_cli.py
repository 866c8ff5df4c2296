"""anypool bench, the command: what it prints, draws and refuses. Nothing is timed."""

import contextlib
import json

import pytest

from anypool.bench import Job, told
from anypool.cli import main

CALL = ("bench", "2x4x14x21", "--kernel", "2")


class Fake:
    """A worker that answers at once; keeps the jobs it was asked for."""

    def __init__(self, name, jobs):
        self.name, self.jobs = name, jobs

    def ask(self, order, wait):
        if order["do"] == "make":
            self.jobs.append(Job.of(order["job"]))
            if self.name == "scipy":
                return {"cannot": "it has [no] such windows"}
        seconds = 0.001 if self.name == "anypool" else 0.003
        return {"once": seconds, "count": 1, "seconds": seconds}


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command; give its exit code, output, complaint, and the jobs."""
    monkeypatch.chdir(tmp_path)
    jobs, asked = [], []

    @contextlib.contextmanager
    def fakes(names, threads):
        asked.append((tuple(names), threads))
        yield {name: Fake(name, jobs) for name in names}

    monkeypatch.setattr(told, "workers", fakes)
    monkeypatch.setattr(told, "bandwidth", lambda threads: {"read": 20.0, "copy": 20.0})
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments):
        code = main([str(word) for word in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    call.jobs, call.asked = jobs, asked
    return call


def test_a_table_with_ratios_and_the_limit(run):
    pytest.importorskip("scipy", reason="scipy is not installed")
    code, out, err = run(*CALL, "--against", "numpy,scipy", "--threads", "2")
    assert (code, err) == (0, "")
    for words in ("max k2 s2 of 2x4x14x21", "numpy", "3.00", "1 ms", told.LIMIT, "20 GB/s"):
        assert words in out
    assert "scipy: it has [no] such windows" in out
    assert run.asked == [(("anypool", "numpy", "scipy"), 2)]


def test_all_that_is_installed_is_asked_and_the_rest_named(run, monkeypatch):
    monkeypatch.setattr(told.peers, "missing", lambda name: ["jax"] * (name == "jax"))
    _, out, _ = run(*CALL)
    [(names, _)] = run.asked
    assert "jax" not in names
    assert names[0] == "anypool"
    assert "jax: not installed: pip install jax" in out


def test_json_is_all_that_is_printed(run):
    code, out, err = run(*CALL, "--against", "numpy", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["ratio"]["numpy"]["median"] == 3.0
    assert {"job", "median", "seconds", "bandwidth", "limit", "machine", "absent"} <= set(found)
    assert found["machine"]["versions"]["numpy"]


def test_a_picture(run, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    code, out, _ = run(*CALL, "--against", "numpy", "--plot", "a.svg")
    assert code == 0
    assert out.endswith("wrote a.svg\n")
    assert "max k2 s2 of" in (tmp_path / "a.svg").read_text("utf-8")
    code, out, err = run(*CALL, "--against", "numpy", "--plot", "b.svg", "--json")
    assert json.loads(out)
    assert err == "wrote b.svg\n"


@pytest.mark.parametrize(
    ("words", "job"),
    [
        (["2x3x9x9", "--kernel", "3x2", "--stride", "1", "--padding", "1x0", "--reduce", "mean"],
         Job("avg", "sliding", (2, 3, 9, 9), {"kernel_size": (3, 2), "stride": 1,
                                              "padding": (1, 0), "dilation": 1})),
        (["2x9x9x3", "--adaptive", "7", "--layout", "last", "--dtype", "float16", "--backward"],
         Job("max", "adaptive", (2, 9, 9, 3), {"output_size": 7}, "last", "float16", True)),
        (["2x3x9", "--whole", "--reduce", "gem", "--mask"],
         Job("gem", "whole", (2, 3, 9), {}, masked=True)),
        (["1x1x9x9x9", "--pyramid", "1,2", "--indices"],
         Job("max and indices", "pyramid", (1, 1, 9, 9, 9), {"bins": (1, 2)})),
    ],
)  # fmt: skip
def test_what_is_asked_is_what_is_measured(run, words, job):
    code, _, err = run("bench", *words, "--against", "numpy", "--json")
    assert (code, err) == (0, "")
    assert run.jobs[0] == job


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["2x4x14x21"], "say which windows: --kernel 3"),
        (["2x4", "--kernel", "2"], "2x4 has 2 numbers; give batch, channels and one to three"),
        (["2x4xa", "--kernel", "2"], "SHAPE is '2x4xa'"),
        (["2x4x4x4", "--kernel", "9"], "window 9 does not fit axis 2"),
        (["2x4x4x4", "--kernel", "2x2x2"], "kernel_size has 3 numbers for 2 pooled axes"),
        ([*CALL[1:], "--whole"], "not several at once"),
        ([*CALL[1:], "--dtype", "int8"], "dtype 'int8' is not measured"),
        ([*CALL[1:], "--reduce", "mode"], "--reduce is 'mode'; one of max, min"),
        ([*CALL[1:], "--reduce", "avg", "--indices"], "--indices are of max"),
        ([*CALL[1:], "--layout", "middle"], "layout 'middle'"),
        ([*CALL[1:], "--padding", "same"], "--padding is 'same'; give numbers"),
        ([*CALL[1:], "--backward", "--dtype", "uint8"], "uint8 has no derivative"),
        ([*CALL[1:], "--device", "cuda"], "measures on the CPU only, today"),
        ([*CALL[1:], "--against", "cupy"], "'cupy' is no peer"),
        ([*CALL[1:], "--against", ","], "say against whom"),
        ([*CALL[1:], "--threads", "0"], "threads is 0"),
        ([*CALL[1:], "--turns", "0"], "--turns is 0"),
        ([*CALL[1:], "--plot", "a.gif"], "--plot is 'a.gif'"),
    ],
)
def test_bad_input_is_one_clear_sentence(run, words, sentence):
    code, out, err = run("bench", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert run.jobs == []


def test_it_runs_without_fakes(capsys):
    assert main([*CALL, "--against", "numpy", "--threads", "1", "--turns", "1"]) == 0
    assert told.LIMIT in capsys.readouterr().out
