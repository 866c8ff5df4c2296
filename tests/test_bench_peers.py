"""anypool.bench: jobs, turns, workers, and that the peers give what we give.

No test asks how fast anything is: clocks are injected, and bursts are of a few calls.
"""

import json
import os
import signal

import numpy as np
import pytest

import anypool as ap
from anypool.bench import Job, limit, peers, told, turns, worker
from anypool.bench.recipes import CannotError
from anypool.errors import PoolError

FIRST, LAST = (2, 4, 14, 21), (2, 14, 21, 4)
TWO = {"kernel_size": 2, "stride": 2}
THREE = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)}


def job(operation="max", kind="sliding", shape=FIRST, windows=TWO, **more):
    return Job(operation, kind, shape, windows, **more)


# -- jobs ------------------------------------------------------------------------------------------

KINDS = [
    ("sliding", TWO), ("sliding", THREE), ("sliding", {"kernel_size": 3, "dilation": 2}),
    ("adaptive", {"output_size": 7}), ("adaptive", {"output_size": (5, 30)}), ("whole", {}),
    ("pyramid", {"bins": (1, 2, 4)}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "windows"), KINDS)
@pytest.mark.parametrize("layout", ["first", "last"])
def test_a_job_counts_what_explain_counts(kind, windows, layout):
    made = job(kind=kind, windows=windows, layout=layout, shape=LAST if layout == "last" else FIRST)
    where = getattr(ap.windows, kind)(**windows)
    y = ap.pool(made.data(), where, "sum", axes=made.axes)
    assert made.results == y.size
    ones = np.ones(made.shape, np.float32)
    real = ap.pool(ones, where, "sum", axes=made.axes)
    counted = np.broadcast_to(made.laid(made.counts(padded=False)), real.shape)
    assert np.array_equal(counted, real)
    assert made.taps >= real.sum()
    assert Job.of(json.loads(json.dumps(made.plain()))) == made


@pytest.mark.parametrize(
    ("kind", "windows", "blocks"),
    [
        ("sliding", TWO, None),  # 21 is odd
        ("sliding", {"kernel_size": 7}, (7, 7)),
        ("sliding", THREE, None),
        ("adaptive", {"output_size": 7}, (2, 3)),
        ("adaptive", {"output_size": 5}, None),
        ("adaptive", {"output_size": 30}, None),
        ("whole", {}, (14, 21)),
        ("pyramid", {}, None),
    ],
)
def test_blocks_are_found(kind, windows, blocks):
    assert job(kind=kind, windows=windows).blocks == blocks


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"operation": "mode"}, "operation 'mode' is not measured"),
        ({"kind": "boxes"}, "windows 'boxes'"),
        ({"shape": (3, 3)}, "3x3 has 2 numbers"),
        ({"dtype": "int8"}, "dtype 'int8'"),
        ({"layout": "middle"}, "layout 'middle'"),
        ({"dtype": "uint8", "backward": True}, "uint8 has no derivative"),
        ({"operation": "max and indices", "backward": True}, "max and indices has no derivative"),
    ],
)
def test_a_job_that_cannot_be_is_refused(more, words):
    with pytest.raises(PoolError, match=words):
        job(**more)


# -- turns, on a clock of their own ----------------------------------------------------------------


class Fake:
    """A worker that answers at once; notes what it was asked."""

    def __init__(self, name, log, takes=0.001, made=None, once=0.001):
        self.name, self.log, self.takes = name, log, takes
        self.made = made or {"once": once}

    def ask(self, order, wait):
        self.log.append((self.name, order["do"]))
        if self.takes is None and order["do"] == "burst":
            raise turns.Lost("no answer within 1 s")
        return {"make": self.made, "fill": {"count": 3}, "drop": {},
                "burst": {"seconds": self.takes}}[order["do"]]  # fmt: skip


EFFORT = turns.Effort(4, 0.01, 0.25, 1.0)


def taken(made=None, **fakes):
    """A job measured on fakes, and what they were asked."""
    log = []
    there = {"anypool": Fake("anypool", log, 0.002)}
    there |= {name: Fake(name, log, **how) for name, how in fakes.items()}
    return turns.measure(made or job(), there, EFFORT, clock=lambda: 0.0), log


def test_they_take_turns():
    found, log = taken(a={"takes": 0.004}, b={"takes": 0.001})
    assert [who for who, did in log if did == "burst"] == ["anypool", "a", "b"] * EFFORT.turns
    assert [who for who, did in log if did == "make"] == ["anypool", "a", "b"]
    assert found["ratio"]["a"] == {"median": 2.0, "low": 2.0, "high": 2.0}
    assert found["ratio"]["b"]["median"] == 0.5
    assert found["absent"] == {}
    assert json.loads(json.dumps(found))["median"]["anypool"] == 0.002


@pytest.mark.parametrize(("once", "count"), [(0.1, 4), (0.3, 2), (3.0, 1)])
def test_a_slow_peer_has_fewer_turns(once, count):
    found, log = taken(a={"takes": 3.0, "once": once})
    assert log.count(("a", "burst")) == count
    assert log.count(("anypool", "burst")) == EFFORT.turns
    assert found["ratio"]["a"]["median"] == 1500


def test_who_cannot_differs_or_is_lost_is_named():
    found, _ = taken(a={"made": {"cannot": "no such thing"}}, b={"made": {"differs": "other"}},
                     c={"takes": None}, d={})  # fmt: skip
    assert found["absent"] == {"a": "no such thing", "b": "other"}
    assert set(found["ratio"]) == {"d"}


def test_without_us_a_row_fails():
    log = []
    found = turns.measure(job(), {"anypool": Fake("", log, made={"cannot": "why"})}, EFFORT)
    assert found["error"] == "why"
    assert turns.measure(job(), {"anypool": Fake("", log, None)}, EFFORT)["error"].startswith(
        "anyp"
    )


def test_who_reads_every_window_anew_is_spared_the_largest():
    large = job(shape=(64, 64, 112, 112), windows={"kernel_size": 63, "stride": 1, "padding": 31})
    found, log = taken(large, torch={}, scipy={})
    assert "billion" in found["absent"]["torch"]
    assert ("torch", "make") not in log
    assert "scipy" in found["ratio"]


# -- the worker ------------------------------------------------------------------------------------


SIX = np.arange(6.0)


class Library:
    """A peer's file."""

    def __init__(self, gives=SIX, clock=None):
        self.gives, self.clock = gives, clock
        self.calls = 0

    def make(self, job):
        if self.gives is None:
            raise CannotError("never")
        return peers.Ready(self.call, np.asarray)

    def call(self):
        self.calls += 1
        if self.clock:
            self.clock.now += 2.0
        return self.gives


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def made(name, library, file, clock=None):
    """A worker that was told to make a job, and its answer."""
    there = worker.Worker(name, library, clock or Clock())
    order = {"do": "make", "job": job().plain(), "numbers": str(file)}
    return there, there.do(order)


def test_a_worker_compares_with_ours_first(tmp_path):
    file = tmp_path / "n.npz"
    assert "once" in made("anypool", Library(), file)[1]
    assert "once" in made("b", Library(np.arange(6.0) + 1e-7), file)[1]
    other = made("b", Library(np.arange(6.0) + 1), file)[1]
    assert other == {"differs": "it gives other numbers, up to 1 apart"}
    shape = made("b", Library(np.zeros((2, 3))), file)[1]
    assert shape == {"differs": "it gives shape (2, 3), anypool (6,)"}
    assert made("b", Library(None), file)[1] == {"cannot": "never"}


def test_a_library_that_fails_says_so_in_one_sentence(tmp_path):
    class Broken:
        def make(self, job):
            raise ValueError("\n  first line\nsecond")

    there, answer = made("b", Broken(), tmp_path / "n")
    assert answer == {"cannot": "ValueError: first line"}
    assert there.do({"do": "burst", "count": 1}) == {"cannot": "nothing is ready"}


def test_a_burst_warms_up_first_and_counts_the_rest(tmp_path):
    clock = Clock()
    library = Library(clock=clock)
    there, answer = made("anypool", library, tmp_path / "n.npz", clock)
    assert answer == {"once": 2.0}
    assert there.do({"do": "fill", "least": 1.0}) == {"count": 1}
    before = library.calls
    assert there.do({"do": "burst", "count": 3}) == {"seconds": 2.0}
    assert library.calls == before + 4
    assert there.do({"do": "drop"}) == {}


def test_no_pattern_hides_in_the_sample():
    flat = np.tile([0.0, 1.0], worker.SAMPLE * 2)
    assert 0.4 < worker._sample(flat).mean() < 0.6


# -- the limit -------------------------------------------------------------------------------------


def test_what_must_move():
    plain = job(shape=(1, 1, 8, 8))
    assert limit.moved(plain) == (256, 64)
    assert limit.moved(job(shape=(1, 1, 8, 8), backward=True)) == (64, 256)
    assert limit.moved(job("max and indices", shape=(1, 1, 8, 8))) == (256, 64 + 128)
    assert limit.moved(job("avg", shape=(1, 1, 8, 8), dtype="uint8")) == (64, 16 * 8)
    assert limit.moved(job(shape=(1, 2, 8, 8), masked=True)) == (512 + 64, 128)


def test_a_copy_takes_as_long_as_the_copy_that_was_measured():
    rates = {"read": 20.0, "copy": 10.0}
    copy = job(shape=(1, 1, 1, 10**6), windows={"kernel_size": 1})
    assert limit.least_seconds(copy, rates) == pytest.approx(8e6 / 10e9)


def test_the_bandwidth_is_measured():
    rates = limit.bandwidth(2, limit.Effort(2, 1e-4), size=1 << 20)
    assert rates["read"] > 0
    assert rates["copy"] > 0
    assert limit.better({"read": 1.0, "copy": 3.0}, {"read": 2.0, "copy": 1.0}) == {
        "read": 2.0, "copy": 3.0,
    }  # fmt: skip


# -- the peers themselves --------------------------------------------------------------------------

# who must take part in what; layouts, dtypes and masks that a peer is known to serve
SERVED = {
    "numpy": [job("max", windows={"kernel_size": 7}), job("gem", "whole", windows={}),
              job("avg", windows={"kernel_size": 7}, masked=True),
              job("median", windows={"kernel_size": 3, "stride": 2, "dilation": 2})],
    "scikit-image": [job("std", windows={"kernel_size": 7}), job("median", "whole", windows={})],
    "scipy": [job(op, windows={"kernel_size": 3, "stride": 1, "padding": 1})
              for op in ("max", "min", "avg")]
             + [job("median", windows={"kernel_size": 3, "stride": 1})],
    "numbagg": [job("avg", shape=(2, 3, 40), windows={"kernel_size": 5, "stride": 1, "padding": 2}),
                job("min", "whole", windows={})],
    "xarray": [job("avg", windows={"kernel_size": 7})],
    "torch": [*(job(op, windows=THREE) for op in ("max", "max and indices", "min", "avg", "sum",
                                                  "lp", "gem", "lse", "soft", "std")),
              *(job(op, "pyramid", windows={}, layout="last", shape=LAST) for op in ("max", "avg")),
              job("max and indices", windows=THREE, masked=True),
              job("max and indices", "pyramid", windows={}, layout="last", shape=LAST),
              job("avg", windows=THREE, backward=True), job("gem", windows=THREE, masked=True),
              job("max", windows=THREE, masked=True, backward=True),
              job("median", windows={"kernel_size": 3, "stride": 2}),
              job("max", windows=THREE, dtype="bfloat16", layout="last", shape=LAST)],
    "torch.compile": [job("avg", windows=THREE)],
    "onnxruntime": [*(job(op, windows=THREE) for op in ("max", "max and indices", "min", "avg",
                                                        "lp", "gem", "lse", "soft")),
                    job("avg", windows=THREE, masked=True)],
    "openvino": [*(job(op, windows=THREE) for op in ("max", "max and indices", "min", "avg", "gem",
                                                     "lse")),
                 *(job(op, "adaptive", windows={"output_size": 5}) for op in ("max", "avg")),
                 job("max", windows=THREE, masked=True), job("min", windows=THREE, dtype="uint8")],
    "jax": [*(job(op, windows=THREE) for op in ("max", "min", "avg", "lp", "lse", "soft", "std")),
            job("max", "pyramid", windows={}, layout="last", shape=LAST),
            job("avg", "adaptive", windows={"output_size": 5}, backward=True),
            job("gem", windows=THREE, masked=True)],
    "tensorflow": [*(job(op, windows=THREE, layout="last", shape=LAST)
                     for op in ("max", "min", "avg", "gem", "soft")),
                   job("max and indices", layout="last", shape=LAST),
                   job("max", windows=THREE, layout="last", shape=LAST, backward=True),
                   job("avg", windows=THREE, layout="last", shape=LAST, masked=True)],
}  # fmt: skip


COMPILED = pytest.param("torch.compile", marks=pytest.mark.nightly)  # compiles for half a minute


@pytest.mark.slow
@pytest.mark.parametrize("name", [COMPILED if n == "torch.compile" else n for n in SERVED])
def test_a_peer_gives_our_numbers(name):
    if peers.missing(name):
        pytest.skip(f"{name} is not installed")
    with turns.workers(["anypool", name], 1) as there:
        for made in SERVED[name]:
            found = turns.measure(made, there, turns.QUICK._replace(wait=120.0))
            if "C++ compiler" in found["absent"].get(name, ""):
                pytest.skip("there is no C++ compiler")
            assert name in found["ratio"], (made.name, found["absent"])


def test_every_peer_is_tried():
    assert set(SERVED) == set(peers.PEERS) - {"anypool"}


def test_a_process_that_ends_is_started_anew():
    with turns.workers(["anypool"], 1) as there:
        process = there["anypool"]
        assert "error" not in turns.measure(job(), there, turns.QUICK)
        process.child.kill()
        process.child.wait()
        assert "ended" in turns.measure(job(), there, turns.QUICK)["error"]
        assert "error" not in turns.measure(job(), there, turns.QUICK)
    assert process.child is None


def test_who_gives_no_answer_is_not_waited_for():
    with turns.workers(["numpy"], 1) as there:
        process = there["numpy"]
        assert process.ask({"do": "drop"}, 60.0) == {}
        os.kill(process.child.pid, signal.SIGSTOP)  # it hears, and says nothing
        with pytest.raises(turns.Lost, match="no answer within"):
            process.ask({"do": "drop"}, 0.1)
        assert process.child is None


def test_an_unknown_or_missing_peer_is_refused(monkeypatch):
    assert peers.chosen(["numpy"]) == ["anypool", "numpy"]
    with pytest.raises(PoolError, match="'cupy' is no peer; one of torch"):
        peers.chosen(["cupy"])
    with pytest.raises(PoolError, match="say against whom"):
        peers.chosen([])
    monkeypatch.setattr(peers, "missing", lambda name: ["it"])
    with pytest.raises(PoolError, match="numpy is not installed: pip install numpy"):
        peers.chosen(["numpy"])


# -- told ------------------------------------------------------------------------------------------


def figures(made=None):
    """A measured job with the limit, without measuring."""
    made = made or job()
    found, _ = taken(made, numpy={"takes": 0.004}, scipy={"made": {"cannot": "it has none"}})
    return told.limited(found, made, {"read": 20.0, "copy": 10.0}) | {"machine": told.facts(2)}


def test_the_lines_are_sorted_and_end_with_the_limit():
    lines = told.lines(figures())
    assert [line[0] for line in lines] == ["anypool", "numpy", told.LIMIT]
    assert [line[2] for line in lines][:2] == ["1", "2.00"]
    assert all(len(line) == len(told.head()) for line in lines)


def test_the_notes_name_the_machine_and_who_is_absent():
    notes = told.notes(figures())
    assert "scipy: it has none" in notes
    assert any("cache" in note for note in notes)
    large = figures(job(shape=(64, 64, 112, 112)))
    assert not any("cache" in note for note in told.notes(large))


def test_the_picture_says_what_the_table_says():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    figure = told.drawn(figures())
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["4 ms", "2 ms"]
    assert figure.axes[0].get_title(loc="left") == job().name
