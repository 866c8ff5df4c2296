"""Comparisons of the explorer's arithmetic with anypool; each raises where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import anypool as ap
from explorer_cases import DATA, EXACT, KINDS, NAMES, NO_GRADIENT, Case, Draw
from explorer_node import Node

EPS = float(np.finfo(float).eps)
SLOPES = 64.0  # derivatives add up over many windows


def cases(kind: str, rounds: int, names: Sequence[str] = NAMES) -> Iterator[Case]:
    """The same random cases in every run, each reduction on each sort of data."""
    draw = Draw(KINDS.index(kind))
    for _ in range(rounds):
        for name in names:
            for data in DATA:
                yield draw.fitting(kind, name, data)


def same(case: Case, found: Any, wanted: Any, what: str, slack: float = 4) -> None:
    """Raise unless the numbers agree: to the bit, or within a few roundings where they are sums."""
    unit = slack * EPS * float(np.abs(case.x[np.isfinite(case.x)]).max(initial=1.0))
    unit *= {"sum": case.x.size, "var": unit / EPS}.get(case.name, 1)
    exact = case.name in EXACT and (slack < SLOPES or case.name != "quantile")
    np.testing.assert_allclose(
        np.asarray(found, float).ravel(), np.asarray(wanted, float).ravel(),
        err_msg=f"{what} differ for {case.pooling} on {case.shape}",
        **({"rtol": 0} if exact else {"rtol": 64 * EPS, "atol": unit}),
    )  # fmt: skip


def pullback(case: Case) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """The outputs, and how a derivative flows back to the inputs."""
    y, back = ap.vjp(case.x, *case.anypool, **case.common)

    def to_x(g: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # grids of a pyramid may add inf and -inf
            made = back(g)
        return made[0] if isinstance(made, tuple) else made

    return y, to_x


def check_values(node: Node, case: Case) -> int:
    pooled = node.one(*case.steps)
    y = ap.pool(case.x, *case.anypool, **case.common)
    rows, cols = (1, y.size) if case.pooling["windows"]["kind"] == "pyramid" else y.shape
    assert (pooled["rows"], pooled["cols"]) == (rows, cols), f"sizes differ for {case.pooling}"
    same(case, pooled["values"], y, "values")
    return y.size


def check_layout(node: Node, case: Case) -> None:
    wanted = ap.explain(case.shape, case.anypool[0])
    layout = node.one("lay", case.pooling["windows"], *case.shape)
    lengths = [len(g[axis]["start"]) for g in layout["grids"] for axis in ("rows", "cols")]
    told = f"windows differ for {case.pooling} on {case.shape}"
    assert sum(lengths) == len(wanted.table), told
    for row in wanted.table:
        table = layout["grids"][row.grid][("rows", "cols")[row.axis]]
        start, stop = table["start"][row.output], table["stop"][row.output]
        assert (start, stop, table["step"]) == (row.start, row.stop, row.step), told
        padded = case.anypool[0].pads
        assert not padded or table["span"][row.output] == row.divisor, told
    sizes = [[len(g["rows"]["start"]), len(g["cols"]["start"])] for g in layout["grids"]]
    assert [0, *np.cumsum(np.prod(sizes, axis=1))[:-1]] == [g["offset"] for g in layout["grids"]], (
        told
    )


def check_coverage(node: Node, case: Case) -> None:
    """How often each input is read is the derivative of a sum."""
    _, back = ap.vjp(case.x, case.anypool[0], "sum")
    ones = np.ones_like(ap.pool(case.x, case.anypool[0], "sum"))
    found = node.run(case.steps, ("coverage", "$0"))[1]
    np.testing.assert_array_equal(found, back(ones).ravel())


def check_flow(node: Node, case: Case) -> None:
    found = node.run(case.steps, ("flow", "$0"))[1]
    if case.name in NO_GRADIENT:
        assert found is None
        return
    y, back = pullback(case)
    same(case, found, back(np.ones_like(y)), "what flows back", SLOPES)


def spots_of(pooled: dict[str, Any]) -> list[tuple[int, int, int]]:
    """A few outputs: flat, row and column."""
    total = len(pooled["values"])
    chosen = np.unique(np.linspace(0, total - 1, 7).astype(int))
    return [(int(i), int(i) // int(pooled["cols"]), int(i) % int(pooled["cols"])) for i in chosen]


def has_columns(case: Case) -> bool:
    """Whether one output's derivative can be asked for alone: 0 times NaN would spoil others."""
    y = ap.pool(case.x, *case.anypool, **case.common)
    finite = np.isfinite(case.x).all() and np.isfinite(y).all()
    return case.name not in NO_GRADIENT and bool(finite)


def check_inspect(node: Node, case: Case) -> None:
    pooled = node.one(*case.steps)
    spots = spots_of(pooled)
    found = node.run(case.steps, *[("inspect", "$0", r, c) for _, r, c in spots])[1:]
    back = pullback(case)[1] if has_columns(case) else None
    y = ap.pool(case.x, *case.anypool, **case.common)
    rows = {(r.grid, r.axis, r.output): r for r in ap.explain(case.shape, case.anypool[0]).table}
    for (flat, _, _), seen in zip(spots, found, strict=True):
        own = [rows[key] for key in place_of(pooled, flat)]
        reads = [list(range(r.start, r.stop, r.step)) for r in own]
        told = f"cells differ for {case.pooling} on {case.shape}"
        assert [seen["rowIndices"], seen["colIndices"]] == reads, told
        np.testing.assert_array_equal(seen["values"], case.x[np.ix_(*reads)].ravel())
        same(case, seen["value"], y.ravel()[flat], "values")
        if case.pooling["countPadding"] is None:
            assert seen["divisor"] == own[0].divisor * own[1].divisor, told
        if back is not None:
            one = np.zeros_like(y, dtype=float)
            one.flat[flat] = 1
            same(case, scattered(case, reads, seen["slopes"]), back(one), "slopes", SLOPES)


def place_of(pooled: dict[str, Any], flat: int) -> list[tuple[int, int, int]]:
    """Which windows of which grid make an output."""
    grids = pooled["layout"]["grids"]
    number = max(i for i, grid in enumerate(grids) if grid["offset"] <= flat)
    wide = len(grids[number]["cols"]["start"])
    inner = flat - int(grids[number]["offset"])
    return [(number, 0, inner // wide), (number, 1, inner % wide)]


def scattered(case: Case, reads: list[list[int]], slopes: list[float]) -> np.ndarray:
    made = np.zeros(case.shape)
    made[np.ix_(*reads)] = np.reshape(slopes, [len(r) for r in reads])
    return made


def check_winner(node: Node, case: Case) -> None:
    """The winners of max and min are the indices that anypool gives."""
    _, places = ap.pool(case.x, *case.anypool, return_indices=True)
    pooled = node.one(*case.steps)
    spots = spots_of(pooled)
    found = node.run(case.steps, *[("inspect", "$0", r, c) for _, r, c in spots])[1:]
    for (flat, _, _), seen in zip(spots, found, strict=True):
        won = seen["winner"]
        place = -1 if won is None else won["row"] * case.shape[1] + won["col"]
        assert place == places.ravel()[flat], f"winners differ for {case.pooling}"


def check_feeds(node: Node, case: Case) -> None:
    """Who reads an input, and the derivative of each: one column of the whole derivative."""
    if not has_columns(case):
        return
    y, back = pullback(case)
    full = np.array([back(g.reshape(y.shape)).ravel() for g in np.eye(y.size)])
    steps = [("feeds", "$0", i, j) for i in range(case.shape[0]) for j in range(case.shape[1])]
    pooled, cover, *found = node.run(case.steps, ("coverage", "$0"), *steps)
    for place, readers in enumerate(found):
        assert len(readers) == cover[place], f"readers differ for {case.pooling}"
        column = np.zeros(y.size)
        for reader in readers:
            column[int(reader["r"] * pooled["cols"] + reader["c"])] = reader["weight"]
        same(case, column, full[:, place], "weights of what is fed", SLOPES)
