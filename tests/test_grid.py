"""The public grid: that it covers every pair with few rows, and says what was measured.

No figure here is measured but those of one quick run; the others are made up.
"""

import json
import math
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "bench").exists():
    pytest.skip("needs the checkout: bench/ is not in the wheel", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from bench import grid, gridpage, gridrows, gridsums, publish  # noqa: E402

from anypool.bench import PEERS, Job  # noqa: E402


@pytest.fixture(scope="module")
def rows():
    return gridrows.rows()


# -- the rows --------------------------------------------------------------------------------------


def test_every_valid_pair_is_in_a_row(rows):
    wanted = {pair for levels in gridrows.every() for pair in gridrows.pairs_of(levels)}
    there = {pair for row in rows if row.levels for pair in gridrows.pairs_of(row.levels)}
    assert wanted - there == set()
    assert len(rows) <= gridrows.MOST


def test_only_what_has_no_derivative_is_left_out():
    names = gridrows.NAMES
    possible = {(i, a, j, b) for i in range(len(names)) for j in range(i + 1, len(names))
                for a in gridrows.FACTORS[names[i]]
                for b in gridrows.FACTORS[names[j]]}  # fmt: skip
    valid = {pair for levels in gridrows.every() for pair in gridrows.pairs_of(levels)}
    assert {(a, b) for _, a, _, b in possible - valid} == {
        ("max and indices", True), ("uint8", True), ("int32", True),
    }  # fmt: skip


def test_a_missing_pair_is_noticed(rows):
    there = {pair for row in rows[:-1] if row.levels for pair in gridrows.pairs_of(row.levels)}
    wanted = {pair for levels in gridrows.every() for pair in gridrows.pairs_of(levels)}
    assert wanted - there


def test_the_rows_are_what_their_levels_say(rows):
    assert len({row.job.name for row in rows}) == len(rows)
    for row in rows:
        if row.levels is None:
            continue
        job, levels = row.job, row.levels
        told = (job.operation, job.dtype, job.rank, job.backward, job.masked)
        assert told == (levels.operation, levels.dtype, levels.rank, levels.backward, levels.masked)
        channels = job.shape[1] if job.layout == "first" else job.shape[-1]
        assert levels.layout in ("NCHW", f"NHWC{channels}")
        size = job.itemsize * math.prod(job.shape)
        bounds = {"tiny": (0, gridrows.TINY * job.itemsize), "cache": (0, 2 << 20),
                  "memory": (gridrows.LEAST_MEMORY, gridrows.MOST_BYTES)}  # fmt: skip
        low, high = bounds[levels.size]
        assert low <= size <= high
        assert job.results > 0


def test_what_everybody_runs_is_there(rows):
    common = {row.job.name for row in rows if row.common}
    assert len(common) >= 70
    words = "max k3 s2 p1 of 1x56x56x64 float32 channels last"
    assert any(re.fullmatch(words.replace("1x56", r"\d+x56"), name) for name in common)


def test_torch_compile_is_asked_by_its_users_only(rows):
    asked = [row for row in rows if "torch.compile" in grid.asks(row, PEERS)]
    assert all(row.common or row.job.dtype in grid.COMPILED_DTYPES for row in asked)
    assert 60 < len(asked) < 150
    assert all("torch" in grid.asks(row, PEERS) for row in rows)


def test_the_small_ones_are_of_the_same_kind(rows):
    for row in rows:
        small = grid.smaller(row.job)
        assert (small.operation, small.kind, small.rank) == (
            row.job.operation, row.job.kind, row.job.rank,
        )  # fmt: skip
        assert small.results > 0
        assert math.prod(small.shape) <= 4 * math.prod(gridrows.sides_of("224 to 7", 3, ""))


# -- figures, made up ------------------------------------------------------------------------------

RATES = {"read": 20.0, "copy": 20.0}


def row(operation="max", ours=1e-3, kernel=2, size="cache", common=False, shape=(1, 8, 64, 64),
        windows=None, backward=False, masked=False, layout="first", **ratios):  # fmt: skip
    """A measured row: how many times faster we are than each peer."""
    windows = windows or {"kernel_size": (kernel, kernel), "stride": (1, 1)}
    job = Job(operation, "sliding", shape, windows, layout, "float32", backward, masked)
    return {
        "job": job.plain(), "name": job.name, "size": size, "common": common, "absent": {},
        "median": {"anypool": ours, **{p: r * ours for p, r in ratios.items()}},
        "ratio": {p: {"median": r, "low": r, "high": r} for p, r in ratios.items()},
    }  # fmt: skip


def results(*rows):
    machine = {"when": "2026-01-01T00:00:00+00:00", "took_seconds": 3, "cpu": "one", "cores": 2,
               "threads": 2, "commit": "abc"}  # fmt: skip
    return {"rows": [*rows], "bandwidth": RATES, "machine": machine, "quick": False}


def goal(found, start):
    [one] = [g for g in gridsums.goals(found) if g.asked.startswith(start)]
    return one


def test_the_best_peer_is_the_one_we_are_least_ahead_of():
    assert gridsums.best(row(torch=9.0, jax=0.5, numpy=3.0)) == ("jax", 0.5)


def test_short_calls_and_rows_without_peers_are_apart():
    short, alone = row(ours=1e-5, torch=0.1), row("min")
    found = results(row(torch=2.0), short, alone)
    assert gridsums.against(found["rows"]) == [found["rows"][0]]
    table = gridsums.tables(found)[0]
    by_name = {line[0]: line for line in table.rows}
    assert by_name["torch"][1:3] == ["1", "2.00"]
    assert by_name["the best, calls under 20 µs"][2] == "0.10"
    assert not gridsums.lost(found["rows"])


def test_lost_is_below_095_and_the_worst_come_first():
    found = results(row("max", torch=0.96), row("min", torch=0.94), row("avg", torch=0.5))
    assert [r["job"]["operation"] for r in gridsums.lost(found["rows"])] == ["avg", "min"]
    assert goal(found, "no common").found == "0 of them, 2 of all 3"
    assert goal(found, "no common").reached
    lost = results(row(torch=0.5, common=True))
    assert not goal(lost, "no common").reached


def test_goals_of_means():
    found = results(row("max", torch=20.0), row("min", torch=20.0, jax=1.0),
                    row("avg", torch=3.0, layout="last", shape=(1, 64, 64, 8)),
                    row("max", torch=4.0, backward=True))  # fmt: skip
    assert goal(found, "channels first").found == "11.70x over 3 rows"
    assert goal(found, "1.5x the best").reached
    assert goal(found, "backward").found == "4.00x over 1 rows"
    assert not goal(found, "backward").reached


@pytest.mark.parametrize(("times", "reached"), [(2.0, True), (3.0, False)])
def test_windows_must_not_cost_by_their_size(times, reached):
    seven, large = row(kernel=7, ours=1e-3), row(kernel=63, ours=times * 1e-3)
    found = goal(results(seven, large, row(kernel=5)), "63/1")
    assert found.reached is reached
    assert f"most {times:.2f}x" in found.found


@pytest.mark.parametrize(("times", "reached"), [(1.9, True), (2.1, False)])
def test_masks_must_not_cost_more_than_twice(times, reached):
    found = goal(results(row(), row(masked=True, ours=times * 1e-3)), "masked")
    assert found.reached is reached


def test_the_share_of_the_bandwidth():
    large = row(size="memory", ours=1e-3, shape=(1, 1, 1000, 1000), kernel=2,
                windows={"kernel_size": 2, "stride": 2}, numpy=2.0)  # fmt: skip
    assert gridsums.share(large, RATES) == pytest.approx(5e6 / 20e9 / 1e-3)
    found = goal(results(large), "out of the cache")
    assert found.found.startswith("least 25%")
    assert not found.reached
    table = next(t for t in gridsums.tables(results(large)) if "share" in t.title)
    assert table.rows[0][2:] == ["25%", "numpy", "12%"]


def test_the_same_again_is_counted():
    before = results(row("max", torch=2.0), row("min", torch=2.0))
    after = results(row("max", torch=2.2), row("min", torch=3.0))
    table = gridsums.again(after, before)
    assert table.rows[-1][:3] == ["all", "2", "50%"]


def test_failed_rows_are_named():
    broken = {"job": row()["job"], "name": "it", "error": "why", "size": "tiny", "common": True}
    [table] = [t for t in gridsums.tables(results(broken, row(torch=2.0))) if "failed" in t.title]
    assert table.rows == [("it", "why")]


# -- documents -------------------------------------------------------------------------------------


def test_the_page_names_what_loses_and_why(monkeypatch):
    found = results(row("max", torch=0.5), row("min", jax=0.9), row("avg", torch=3.0))
    monkeypatch.setattr(gridpage, "REASONS", [("^max", "torch", "because")])
    told = "\n\n".join(gridpage.page(found))
    assert re.search(r"\| max k2 .* \| torch \| 0.50 \| because \|", told)
    assert gridpage.UNKNOWN in told
    assert "channels first: 15x torch" in "\n".join(gridpage.front(found))


def test_without_a_grid_there_is_nothing_to_say():
    assert gridpage.page(None) == gridpage.front(None) == []


def test_a_grid_has_its_own_place_in_the_documents(tmp_path, monkeypatch):
    assert publish.GRIDS.keys() == publish.DOCUMENTS.keys()
    page = tmp_path / "page.md"
    rest = f"{publish.START}\nold\n{publish.END}"
    page.write_text(f"{publish.GRID_START}{publish.GRID_END}{rest}")
    monkeypatch.setattr(publish, "GRIDS", {page: lambda grid: grid["told"]})
    whole = {"told": "new", "quick": False, "only": ""}
    for part in ({"quick": True}, {"only": "max"}):
        with pytest.raises(publish.NotWholeError, match="the whole grid"):
            publish.publish_grid(whole | part)
    assert publish.publish_grid(whole) == [page]
    assert page.read_text() == f"{publish.GRID_START}\nnew\n{publish.GRID_END}{rest}"


# -- the run ---------------------------------------------------------------------------------------


class Fake:
    """Workers that answer at once."""

    def __init__(self):
        self.jobs = []

    def ask(self, order, wait):
        if order["do"] == "make":
            self.jobs.append(Job.of(order["job"]).name)
        return {"once": 0.001, "count": 1, "seconds": 0.001}


def test_a_stopped_run_goes_on_where_it_ended(rows, tmp_path, monkeypatch):
    fake = Fake()

    class Workers:
        def __enter__(self):
            return {"anypool": fake, "torch": fake}

        def __exit__(self, *args):
            return None

    monkeypatch.setattr(grid, "workers", lambda names, threads: Workers())
    partial, said = tmp_path / "p.jsonl", []

    def run(asked):
        return grid.run(asked, ["anypool", "torch"], 1, False, partial, said.append)

    assert len(run(rows[:2])) == 2
    with partial.open("a") as lines:
        lines.write('{"name": "cut o')
    assert [r["name"] for r in run(rows[:3])] == [r.job.name for r in rows[:3]]
    assert fake.jobs == [r.job.name for r in rows[:3] for _ in range(2)]
    assert said[0].startswith("1 of 2: max k2 s2")
    assert "1.00x torch" in said[0]


def test_a_quick_run_prints_keeps_and_compares(tmp_path, capsys):
    asked = ["--only", "grid: max k2 s2 of.*first", "--peers", "numpy"]
    assert grid.main(["--quick", *asked, "--results", str(tmp_path)]) == 0
    [kept] = tmp_path.glob("grid-*-quick.json")
    found = json.loads(kept.read_text())
    assert {"machine", "bandwidth", "rows"} <= set(found)
    assert all("numpy" in row["ratio"] for row in found["rows"])
    assert not (tmp_path / grid.PARTIAL).exists()
    said = capsys.readouterr()
    assert "grid: geometric means" in said.out
    assert "numpy" in said.err
    found["rows"] = [row(torch=2.0)]
    kept.write_text(json.dumps({"grid": found}))
    assert grid.main(["--read", str(kept), "--against", str(kept)]) == 0
    said = capsys.readouterr()
    for words in ("grid: worst rows", "grid: goals", "grid: the same again", "100%"):
        assert words in said.out


def test_the_names_are_listed(rows, capsys):
    assert grid.main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [row.job.name for row in rows]
