"""The benchmark itself: that it measures in turns, notices who is slow, and keeps everything.

No test here asks how fast anything is. Most run on a clock of their own, which calls move on.
"""

import json
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from cases import SPEED

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "bench").exists():
    pytest.skip("needs the checkout: bench/ is not in the wheel", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from bench import contest, goals, memory, peers, publish, report, rows, start, timing  # noqa: E402

TURNS = timing.Effort(turns=3, least=10.0)
X = np.arange(4.0)


class Clock:
    """Time that passes only when a candidate works; notes who worked."""

    def __init__(self):
        self.now = 0.0
        self.worked = []

    def __call__(self):
        return self.now

    def candidate(self, name, takes, gives=X):
        def call():
            self.worked.append(name)
            self.now += takes() if callable(takes) else takes
            return gives

        return call


def measured(clock, ours, **theirs):
    """A row of calls, measured on the clock."""
    made = contest.Contest(ours, theirs)
    return contest.measure(contest.Row("group", "name", tuple(theirs), lambda: made), TURNS, clock)


def results(*measured, **more):
    """Results as a run keeps them."""
    facts = dict.fromkeys(("cpu", "cores", "threads", "python", "system", "commit", "when"), "-")
    facts |= {"versions": {}, "missing": {}, "load_before": None, "load_after": None}
    machine = facts | {"copy_gigabytes_per_second": {"one": 1.0, "two": 2.0}}
    empty = {"memory": [], "imports": {}, "first_calls": {}, "quick": False}
    return empty | {"rows": list(measured), "machine": machine} | more


# -- timing ----------------------------------------------------------------------------------------


def test_bursts_are_taken_in_turns():
    clock = Clock()
    calls = {name: clock.candidate(name, 1) for name in "abc"}
    taken = timing.side_by_side(calls, TURNS, clock)
    assert [name for name, _ in groupby(clock.worked)] == list("abc") * (1 + TURNS.turns)
    assert clock.worked[-30:] == ["a"] * 10 + ["b"] * 10 + ["c"] * 10
    assert taken == {name: [1.0] * 3 for name in "abc"}


def test_what_happens_only_once_is_not_timed():
    clock, first = Clock(), iter([1000.0])
    call = clock.candidate("a", lambda: next(first, 2.0))
    assert timing.side_by_side({"a": call}, TURNS, clock) == {"a": [2.0] * 3}


@pytest.mark.parametrize("takes", [0.003, 0.7, 40.0])
def test_a_burst_is_long_enough(takes):
    clock = Clock()
    count = timing.calls_in(TURNS.least, clock.candidate("a", takes), clock)
    assert count * takes >= TURNS.least * 0.999
    assert count == 1 or count * takes < 3 * TURNS.least


def test_the_counting_of_calls_ends_on_a_clock_that_stands():
    assert timing.calls_in(1.0, lambda: None, lambda: 0.0) == timing.MOST_CALLS


def test_a_ratio_is_taken_inside_each_turn():
    found = timing.times_faster([1.0, 10.0, 2.0], [3.0, 10.0, 4.0])
    assert found == (2.0, 1.0, 3.0)  # the ratio of the medians would be 4 / 2, of the sums 17 / 13
    assert timing.times_faster([1, 50, 2], [2, 100, 4]) == (2.0, 2.0, 2.0)


def test_turns_of_different_lengths_are_not_compared():
    with pytest.raises(ValueError, match="shorter"):
        timing.times_faster([1.0, 2.0], [1.0])


# -- rows ------------------------------------------------------------------------------------------


def test_a_slow_candidate_loses_and_is_named():
    clock = Clock()
    row = measured(clock, clock.candidate("ours", 3), fast=clock.candidate("fast", 1))
    assert row["ratio"]["fast"]["median"] == pytest.approx(1 / 3)
    assert goals.lost(results(row)) == ["group: name: 0.33x fast (0.33 to 0.33)"]


def test_a_fast_candidate_wins_and_a_draw_is_no_loss():
    clock = Clock()
    slow, even = clock.candidate("slow", 3), clock.candidate("even", 0.97)
    row = measured(clock, clock.candidate("ours", 1), slow=slow, even=even)
    assert row["ratio"]["slow"]["median"] == pytest.approx(3)
    assert goals.lost(results(row)) == []


@pytest.mark.parametrize(
    ("other", "said"), [(X + 1, "other numbers"), (X[:2], "shape"), (X * np.nan, "other numbers")]
)
def test_calls_that_give_other_numbers_are_not_compared(other, said):
    clock = Clock()
    row = measured(clock, clock.candidate("ours", 1), peer=clock.candidate("peer", 9, other))
    assert said in row["error"]
    assert "ratio" not in row
    assert said in goals.lost(results(row))[0]


def test_a_row_that_fails_does_not_hide_the_others():
    def broken():
        raise ZeroDivisionError("of no use")

    row = contest.measure(contest.Row("group", "name", (), broken), TURNS)
    assert goals.lost(results(row)) == ["group: name: ZeroDivisionError: of no use"]
    assert "of no use" in report.full(results(row))


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setattr(peers, "load", lambda peer: None)
    row = next(row for row in rows.all_rows(quick=True) if row.group == "call cost")
    found = contest.measure(row, timing.Effort(2, 1e-4))
    assert found["missing"] == ["torch"]
    assert found["ratio"] == {}
    assert "| torch | not installed |" in report.full(results(found))


def test_the_rows_are_the_shapes_of_the_table_in_both_layouts():
    titles = [row.title for row in rows.all_rows()]
    assert len(titles) == len(set(titles))
    for name in ("max", "avg"):
        for layout in ("channels first", "channels last"):
            for shape, where in SPEED:
                assert f"{name}, {layout}: {rows.said(where)} of {shape}" in titles


# -- goals -----------------------------------------------------------------------------------------


def layer(ratio, group="max, channels first"):
    part = {"median": ratio, "low": ratio, "high": ratio}
    plain = {"group": group, "name": "n", "goal": None, "peers": ["torch"], "missing": []}
    times = {"median": {"anypool": 1.0, "torch": ratio}, "gigabytes_per_second": 1.0}
    return plain | times | {"ratio": {"torch": part}}


def test_the_mean_of_ratios_is_geometric():
    means = goals.geometric_means(results(layer(2.0), layer(32.0), layer(5.0, "call cost")))
    assert means["max, channels first"]["torch"] == pytest.approx(8.0)
    assert means["call cost"]["torch"] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("ratios", "reached"), [((10, 20), (True, True)), ((200, 0.9), (True, False))]
)
def test_goals_are_judged(ratios, reached):
    found = goals.goals(results(*map(layer, ratios)))
    assert tuple(goal.reached for goal in found) == reached


def test_memory_beyond_the_bound_and_slow_starts_are_judged():
    case = {"dtype": "d", "layout": "l", "call": "c", "beyond": 6e6, "allowed": 5e6}
    took = {"median": 0.5, "low": 0.5, "high": 0.5}
    first = {"rows": {"call": "f", "kernel": "k", "compiled": took, "from_disk": took}}
    imports = {"anypool": took}
    given = results(memory=[case], imports=imports, first_calls=first)
    assert [goal.reached for goal in goals.goals(given)] == [False, False, True, False]
    assert goals.lost(given) == ["memory: c, d, l: 6.0 MB beyond the output"]


# -- memory and start ------------------------------------------------------------------------------

needs_proc = pytest.mark.skipif(bool(memory.why_not()), reason=memory.why_not() or "it is there")


@needs_proc
@pytest.mark.parametrize("scratch", [0, 40_000_000])
def test_scratch_memory_is_seen_from_both_sides(scratch):
    """In a process of its own, as always: other tests' threads take and give memory meanwhile."""
    program = (
        "import numpy as np\n"
        "from bench import memory\n"
        "def call():\n"
        f"    np.ones({scratch}, np.uint8)  # taken, touched and given back\n"
        "    return np.ones(8_000_000, np.uint8)\n"
        "seen = memory.watch(call, 1)\n"
        "print(seen.output, seen.numpy, seen.process)\n"
    )
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": path})  # fmt: skip
    output, numpy, process = map(float, done.stdout.split())
    assert output == 8_000_000
    # the result is made after the scratch was freed, so the two do not add up
    assert numpy == pytest.approx(max(scratch - 8_000_000, 0), abs=100_000)
    assert process == pytest.approx(max(scratch - 8_000_000, 0), abs=4_000_000)


@pytest.mark.parametrize("layout", memory.LAYOUTS)
def test_the_views_lie_in_memory_as_they_are_called(layout):
    x = memory.view("float32", layout, (1, 2, 8, 6))
    assert x.shape == ((1, 8, 6, 2) if layout == "last" else (1, 2, 8, 6))
    assert x.flags.c_contiguous == (layout in ("first", "last"))
    assert (min(x.strides) < 0) == (layout == "negative")
    assert all(memory.call_of(call, layout)(x).size for call in memory.CALLS)


@pytest.mark.parametrize("name", start.CALLS)
def test_the_first_calls_are_calls(name):
    scope = {"np": np, "ap": pytest.importorskip("anypool"), "x": np.zeros((1, 2, 8, 8), "f4")}
    first = start.CALLS[name]
    y = eval(first.call, scope)
    windows = eval(first.windows, scope)
    assert np.array_equal(y, scope["ap"].pool(scope["x"], windows, first.reduce, axes=(2, 3)))


# -- documents -------------------------------------------------------------------------------------


def test_only_what_stands_between_the_markers_changes():
    old = f"a\n{publish.START}\nold\n{publish.END}\nz\n"
    assert publish.between(old, "new") == f"a\n{publish.START}\nnew\n{publish.END}\nz\n"


@pytest.mark.parametrize(
    "document",
    ["none", publish.START, publish.END + publish.START, 2 * (publish.START + publish.END)],
)
def test_a_document_without_its_markers_is_refused(document):
    with pytest.raises(publish.NoMarkersError, match="bench:start"):
        publish.between(document, "new")


def test_the_documents_are_all_written_or_none(tmp_path, monkeypatch):
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text(f"{publish.START}{publish.END}")
    bad.write_text("")
    monkeypatch.setattr(publish, "DOCUMENTS", {good: report.full, bad: report.summary})
    with pytest.raises(publish.NoMarkersError, match=r"bad\.md"):
        publish.publish(results(layer(2.0)))
    assert good.read_text() == f"{publish.START}{publish.END}"
    bad.write_text(f"{publish.START}{publish.END}")
    assert publish.publish(results(layer(2.0))) == [good, bad]
    assert "| n | 2.00 |" in bad.read_text()


def test_the_page_has_a_place_for_figures():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "new" in publish.between(page, "new")


# -- the whole -------------------------------------------------------------------------------------


def bench(*words):
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_a_quick_run_measures_prints_and_keeps_everything(tmp_path):
    asked = "^call cost: max|images: max 4x4 of 64x64 uint8|memory: uint8 first max|start: import"
    done = bench("--quick", "--only", asked, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    [kept] = tmp_path.glob("*-quick.json")
    found = json.loads(kept.read_text())
    assert {row["group"] for row in found["rows"]} == {"call cost", "images"}
    for row in found["rows"]:
        turns = {name: len(taken) for name, taken in row["seconds"].items()}
        assert turns == dict.fromkeys(turns, timing.QUICK.turns)
        assert set(row["ratio"]) | set(row["missing"]) == set(row["peers"])
    facts = found["machine"]
    assert {"when", "commit", "cpu", "cores", "versions", "load_before", "load_after"} <= set(facts)
    assert {"anypool", "numpy"} <= set(facts["versions"])
    assert found["imports"]["anypool"]["median"] > 0
    assert len(found["memory"]) == (0 if memory.why_not() else 1)
    for said in ("call cost", "geometric means", "goals", "rows lost or failed", facts["cpu"]):
        assert said in done.stdout
    again = bench("--read", kept)
    assert again.stdout == done.stdout.partition("kept in")[0]


def test_figures_of_a_quick_run_are_not_for_documents():
    done = bench("--quick", "--readme")
    assert done.returncode == 2
    assert "leave out --quick" in done.stdout
