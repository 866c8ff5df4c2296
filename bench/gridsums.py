"""What the grid says as a whole: means, lost and worst rows, share of the bandwidth, goals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from anypool.bench import Job, least_seconds
from bench.goals import Goal
from bench.report import Table, seconds

Found = dict[str, Any]  # one measured row
OURS = "anypool"
LOST, QUICK_CALL = 0.95, 20e-6
SHARE, HALF, GROWTH, MASKED, BACKWARD = 0.65, 0.5, 2.5, 2.0, 5.0
STREAMS = ("max", "min", "avg", "sum")  # of which the bandwidth is the limit
WITHIN = 0.15


def measured(rows: Iterable[Found]) -> list[Found]:
    """Rows with figures."""
    return [row for row in rows if "median" in row]


def best(row: Found) -> tuple[str, float]:
    """The fastest peer of a row, and how many times faster than it we are."""
    return min(((name, r["median"]) for name, r in row["ratio"].items()), key=lambda pair: pair[1])


def quick(row: Found) -> bool:
    """Calls so short that the way to the kernel is what counts: reported apart."""
    return row["median"][OURS] < QUICK_CALL


def against(rows: Iterable[Found]) -> list[Found]:
    """Rows that any peer takes part in, the quick calls left out."""
    return [row for row in measured(rows) if row["ratio"] and not quick(row)]


def mean(ratios: Sequence[float]) -> float | None:
    return statistics.geometric_mean(ratios) if ratios else None


def with_peer(rows: Iterable[Found], peer: str, *wanted: Callable[[Found], bool]) -> list[float]:
    """Our ratios against a peer, over the rows that are wanted."""
    return [row["ratio"][peer]["median"] for row in rows
            if peer in row["ratio"] and all(want(row) for want in wanted)]  # fmt: skip


def share(row: Found, rates: dict[str, float]) -> float:
    """Which part of the machine's bandwidth the call uses: the least time over ours."""
    return least_seconds(Job.of(row["job"]), rates) / row["median"][OURS]


def first(row: Found) -> bool:
    return row["job"]["layout"] == "first"


def back(row: Found) -> bool:
    return row["job"]["backward"]


def streams(rows: Iterable[Found]) -> list[Found]:
    """Out of the cache, plain and forth, of what the bandwidth limits."""
    return [row for row in measured(rows)
            if row["size"] == "memory" and row["job"]["operation"] in STREAMS
            and not back(row) and not row["job"]["masked"]]  # fmt: skip


# -- twins ----------------------------------------------------------------------------------------


def _twins(rows: Iterable[Found], key: str, one: Any, two: Any) -> list[tuple[str, float]]:
    """Rows alike but for one thing of the job, and how many times longer the second takes.

    Of windows the size is the thing.
    """
    found: dict[str, dict[Any, Found]] = {}
    for row in measured(rows):
        job = dict(row["job"])
        value = job.pop(key)
        value = Job.of(row["job"]).kernel[0] if key == "windows" else value
        if value in (one, two):
            found.setdefault(repr(sorted(job.items())), {})[value] = row
    return [(pair[two]["name"], pair[two]["median"][OURS] / pair[one]["median"][OURS])
            for pair in found.values() if len(pair) == 2]  # fmt: skip


def growth(rows: Iterable[Found]) -> list[tuple[str, float]]:
    """How many times longer windows of 63 take than windows of 7, at stride 1."""
    sliding = [row for row in rows if row["job"]["kind"] == "sliding"]
    steps = [row for row in sliding if set(Job.of(row["job"]).stride) == {1}]
    return _twins(steps, "windows", 7, 63)


def masked(rows: Iterable[Found]) -> list[tuple[str, float]]:
    """How many times longer a masked call takes than the plain one."""
    return _twins(rows, "masked", False, True)


# -- goals ----------------------------------------------------------------------------------------


def goals(results: dict[str, Any]) -> list[Goal]:
    """What was asked of the grid, and what these results say."""
    rows, rates = results["rows"], results["bandwidth"]
    told = against(rows)
    made: list[Goal | None] = [
        _mean_goal("channels first: 15x torch", with_peer(told, "torch", first), 15),
        _mean_goal("1.5x the best peer of each row", [best(row)[1] for row in told], 1.5),
        _mean_goal("2x the best peer where that stays below half of the bandwidth",
                   [ratio for row in told for name, ratio in [best(row)]
                    if share(row, rates) / ratio < HALF], 2),
        _mean_goal(f"backward: {BACKWARD:g}x torch", with_peer(told, "torch", back), BACKWARD),
        _most_goal("63/1 at most 2.5x of 7/1", growth(rows), GROWTH),
        _most_goal("masked at most 2x of unmasked", masked(rows), MASKED),
    ]  # fmt: skip
    if moved := streams(rows):
        least = min(moved, key=lambda row: share(row, rates))
        found = f"least {share(least, rates):.0%} ({least['name']})"
        asked = f"out of the cache at least {SHARE:.0%} of the bandwidth"
        made.append(Goal(asked, found, share(least, rates) >= SHARE))
    if told:
        losers = [row for row in told if best(row)[1] < LOST]
        common = sum(row["common"] for row in losers)
        found = f"{common} of them, {len(losers)} of all {len(told)}"
        made.append(Goal("no common row lost", found, not common))
    return [goal for goal in made if goal is not None]


def _mean_goal(asked: str, ratios: Sequence[float], least: float) -> Goal | None:
    found = mean(ratios)
    return (found and Goal(asked, f"{found:.2f}x over {len(ratios)} rows", found >= least)) or None


def _most_goal(asked: str, found: list[tuple[str, float]], most: float) -> Goal | None:
    if not found:
        return None
    name, worst = max(found, key=lambda pair: pair[1])
    return Goal(asked, f"most {worst:.2f}x ({name})", worst <= most)


# -- tables ---------------------------------------------------------------------------------------


def tables(results: dict[str, Any], worst: int = 15) -> list[Table]:
    """The grid's summary."""
    rows, rates = results["rows"], results["bandwidth"]
    made = [_means(rows), _by_operation(rows), _worst(rows, worst), _shares(rows, rates),
            _absent(rows),
            Table("grid: goals", ("asked", "found", "reached"),
                  [(g.asked, g.found, "yes" if g.reached else "NO") for g in goals(results)]),
            Table("grid: rows that failed", ("row", "why"),
                  [(row["name"], row["error"]) for row in rows if "error" in row])]  # fmt: skip
    return [table for table in made if table.rows]


def _means(rows: list[Found]) -> Table:
    """Against each peer: all rows, then parts of them; the best of each row last."""
    told = against(rows)
    names = list(dict.fromkeys(name for row in told for name in row["ratio"]))
    lines = [_mean_line(name, lambda row, n=name: row["ratio"].get(n, {}).get("median"), told)
             for name in names]  # fmt: skip
    lines.append(_mean_line("the best of each row", lambda row: best(row)[1], told))
    short = [row for row in measured(rows) if row["ratio"] and quick(row)]
    if short:
        apart = f"the best, calls under {QUICK_CALL * 1e6:g} µs"
        lines.append(_mean_line(apart, lambda row: best(row)[1], short))
    head = ("peer", "rows", "times faster", "channels first", "channels last", "backward", "masked",
            "least", "lost")  # fmt: skip
    return Table("grid: geometric means", head, lines)


def _mean_line(name: str, ratio: Callable[[Found], float | None], rows: list[Found]) -> list[str]:
    def over(*wanted: Callable[[Found], bool]) -> str:
        found = [r for row in rows if all(w(row) for w in wanted) and (r := ratio(row))]
        return times(mean(found))

    all_ = [r for row in rows if (r := ratio(row))]
    lost = sum(r < LOST for r in all_)
    return [name, f"{len(all_)}", over(), over(first), over(lambda row: not first(row)), over(back),
            over(lambda row: row["job"]["masked"]), times(min(all_, default=None)),
            f"{lost} ({lost / max(len(all_), 1):.0%})"]  # fmt: skip


def _by_operation(rows: list[Found]) -> Table:
    told = against(rows)
    lines = []
    for operation in dict.fromkeys(row["job"]["operation"] for row in told):
        some = [row for row in told if row["job"]["operation"] == operation]
        lost = sum(best(row)[1] < LOST for row in some)
        lines.append([operation, f"{len(some)}", times(mean(with_peer(some, "torch"))),
                      times(mean([best(row)[1] for row in some])), f"{lost}"])  # fmt: skip
    head = ("operation", "rows", "times torch", "times the best", "lost")
    return Table("grid: by operation", head, lines)


def _worst(rows: list[Found], most: int) -> Table:
    """The rows that lose most, each with its best peer."""
    told = sorted(((best(row), row) for row in against(rows)), key=lambda pair: pair[0][1])
    lines = [[row["name"], seconds(row["median"][OURS]), name, times(ratio), span(row, name)]
             for (name, ratio), row in told[:most]]  # fmt: skip
    return Table("grid: worst rows", ("row", "anypool", "best peer", "times faster",
                                      "least to most"), lines)  # fmt: skip


def lost(rows: list[Found]) -> list[Found]:
    """The rows that lose, the worst first."""
    return sorted((row for row in against(rows) if best(row)[1] < LOST), key=lambda r: best(r)[1])


def _shares(rows: list[Found], rates: dict[str, float]) -> Table:
    lines = [[row["name"], seconds(row["median"][OURS]), f"{share(row, rates):.0%}",
              *([best(row)[0], f"{share(row, rates) / best(row)[1]:.0%}"] if row["ratio"] else
                ["", ""])] for row in streams(rows)]  # fmt: skip
    return Table("grid: share of the bandwidth, out of the cache",
                 ("row", "anypool", "share", "best peer", "its share"), lines)  # fmt: skip


def _absent(rows: list[Found]) -> Table:
    """How often a peer took no part, and its most common word for why."""
    why: dict[str, list[str]] = {}
    for row in measured(rows):
        for name, words in row["absent"].items():
            why.setdefault(name, []).append(words)
    lines = [
        [
            name,
            f"{len(words)}",
            statistics.mode(words)[:90],
            f"{sum('other numbers' in w for w in words)}",
        ]
        for name, words in why.items()
    ]
    head = ("peer", "rows without it", "most often because", "other numbers")
    return Table("grid: who takes no part", head, lines)  # fmt: skip


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def span(row: Found, peer: str) -> str:
    ratio = row["ratio"][peer]
    return f"{times(ratio['low'])} to {times(ratio['high'])}"


# -- the same grid twice --------------------------------------------------------------------------


def again(results: dict[str, Any], before: dict[str, Any]) -> Table:
    """How many ratios stayed within 15 %, against each peer and in all."""
    old = {row["name"]: row for row in measured(before["rows"])}
    moved: dict[str, list[float]] = {}
    for row in measured(results["rows"]):
        for name, ratio in row["ratio"].items():
            was = old.get(row["name"], {}).get("ratio", {}).get(name)
            if was and not quick(row):
                moved.setdefault(name, []).append(ratio["median"] / was["median"])
    moved["all"] = [change for changes in moved.values() for change in changes]
    lines = [[name, f"{len(changes)}", f"{sum(map(_close, changes)) / len(changes):.0%}",
              f"{statistics.median(changes):.2f}", f"{min(changes):.2f} to {max(changes):.2f}"]
             for name, changes in moved.items() if changes]  # fmt: skip
    head = ("ratios against", "rows", f"within {WITHIN:.0%}", "middle change", "least to most")
    return Table("grid: the same again", head, lines)


def _close(change: float) -> bool:
    return 1 / (1 + WITHIN) <= change <= 1 + WITHIN
