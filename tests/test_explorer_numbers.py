"""Every number that the explorer shows is anypool's: random settings, read off the page."""

import math
import re
from fractions import Fraction
from itertools import cycle, islice

import numpy as np
import pytest

import anypool as ap
from anypool.see.explorer import explorer
from explorer_address import address
from explorer_browser import chromium, opened, show
from explorer_cases import DATA, KINDS, NAMES, NO_GRADIENT, Case, Draw
from explorer_checks import SLOPES, has_columns, place_of, pullback, same

READ = """() => {
    const all = (selector, root = document) => [...root.querySelectorAll(selector)];
    const words = panel => all(`[data-panel=${panel}]:not([hidden]) svg text`)
        .map(t => [Number(t.dataset.cell), t.dataset.value, t.textContent]);
    const cell = td => ({
        value: td.dataset.value,
        text: td.querySelector("span").textContent,
        weight: td.querySelector("small")?.dataset.weight ?? null,
        weightText: td.querySelector("small")?.textContent ?? null,
        won: td.classList.contains("won"),
    });
    const card = one => ({
        value: one.querySelector("output")?.dataset.value ?? null,
        text: one.querySelector("output")?.textContent ?? null,
        sentence: one.querySelector(".sentence").textContent,
        cols: all("thead th", one).map(th => Number(th.textContent)),
        table: all("tbody tr", one).map(line => ({
            row: Number(line.querySelector("th").textContent), cells: all("td", line).map(cell) })),
        fed: all(".fed li:not(.more)", one).map(li => {
            const small = li.querySelector("small");
            return [li.firstChild.textContent, small.dataset.weight, small.textContent];
        }),
        facts: Object.fromEntries(
            all("dd", one).map(dd => [dd.dataset.fact, [dd.dataset.value, dd.textContent]])),
    });
    const grid = g => g && [g.rows, g.cols, g.values.map(String)];
    return {
        panels: Object.fromEntries(["input", "a", "b", "d"].map(p => [p, words(p)])),
        cards: Object.fromEntries(all(".card").map(one => [one.dataset.side, card(one)])),
        a: grid(explorer.output("a")),
        b: grid(explorer.output("b")),
        notes: document.querySelector("#notes").textContent,
        blanks: all("[data-panel]:not([hidden]) .blank:not([hidden]) p").map(p => p.textContent),
    };
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A large window, so that many cells have room for their numbers."""
    file = explorer().save(tmp_path_factory.mktemp("explorer") / "page.html")
    with chromium() as browser, opened(browser, file, size=(2200, 1300)) as shared:
        yield shared


# --- what a text says -----------------------------------------------------------------------------


def float_of(word: str) -> float:
    """A data attribute's number."""
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(word) or float(word)


def check_text(text: str, value: float) -> None:
    """A text is its number, rounded at its last figure; a fraction is its number."""
    if not says(text, value):
        raise AssertionError(f"{text} is written for {value}")


def says(text: str, value: float) -> bool:
    plain = text.removeprefix("×").replace("−", "-").replace("∞", "inf")
    if "/" in plain:
        return abs(float(Fraction(plain)) - value) < 1e-9
    shown = float(plain)
    if math.isnan(value) or math.isinf(value):
        return bool(np.array_equal([shown], [value], equal_nan=True))
    mantissa, _, power = plain.partition("e")
    figures = len(mantissa.partition(".")[2]) - int(power or 0)
    rounded = abs(shown - value) <= 0.5 * 10.0**-figures * (1 + 1e-9) + 1e-12
    # zeros at the end are dropped: fewer figures may stand for three decimals, or half a percent
    return rounded and (bool(power) or abs(shown - value) <= max(0.005 * abs(value), 0.0005))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7.5", 7.6),
        ("1/9", 0.112),
        ("9", 8.4),
        ("NaN", 1.0),
        ("∞", 9.0),
        ("−3", 3.0),
        ("1.2e6", 1.3e6),
    ],
)
def test_a_wrong_text_is_noticed(text, value):
    with pytest.raises(AssertionError, match="is written for"):
        check_text(text, value)


# --- settings -------------------------------------------------------------------------------------


def second(draw: Draw, first: Case) -> Case:
    """Another pooling of the same numbers; half the time over the same windows."""
    while True:
        name = draw.one(NAMES)
        pooling = draw.case(draw.one(KINDS), name, "ties").pooling
        if draw.number(0, 1):
            pooling["windows"] = first.pooling["windows"]
        case = Case(pooling, first.x)
        try:
            ap.pool(case.x, *case.anypool, **case.common)
        except (ap.PoolError, ZeroDivisionError):
            continue
        return case


def settings(seed: int, rounds: int):
    """Pairs of poolings: every kind of windows, every reduction, every sort of data in turn."""
    draw = Draw(seed)
    turns = zip(cycle(KINDS), cycle(NAMES), cycle(DATA), strict=False)
    for kind, name, data in islice(turns, rounds):
        first = draw.fitting(kind, name, data)
        first.x = np.round(first.x, 2)  # so that numbers are short and many find room
        try:
            ap.pool(first.x, *first.anypool, **first.common)
        except ap.PoolError:
            continue
        yield draw, first, second(draw, first)


# --- the page against anypool ---------------------------------------------------------------------


def outputs(case: Case) -> np.ndarray:
    y = np.asarray(ap.pool(case.x, *case.anypool, **case.common), float)
    return y.reshape(1, -1) if case.pooling["windows"]["kind"] == "pyramid" else y


def check_panel(shown, wanted: np.ndarray, case: Case, what: str, slack: float = 4) -> int:
    """The texts of a panel: each its number, each number the one that is wanted."""
    cells = [number for number, *_ in shown]
    same(case, [float_of(value) for _, value, _ in shown], wanted.ravel()[cells], what, slack)
    for _, value, text in shown:
        check_text(text, float_of(value))
    return len(cells)


def check_outputs(seen, cases: dict[str, Case]) -> int:
    compared = 0
    for side, case in cases.items():
        rows, cols, values = seen[side]
        y = outputs(case)
        assert (rows, cols) == y.shape, case.pooling
        same(case, [float_of(v) for v in values], y, "outputs")
        compared += len(values) + check_panel(seen["panels"][side], y, case, "texts")
    return compared


def check_difference(seen, cases: dict[str, Case]) -> int:
    a, b = (np.array([float_of(v) for v in seen[side][2]]) for side in "ab")
    if a.shape != b.shape or seen["a"][:2] != seen["b"][:2]:
        assert "there is no difference cell by cell" in " ".join(seen["blanks"])
        return 0
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0, a - b)
    shown = seen["panels"]["d"]
    for number, value, text in shown:
        assert np.array_equal([float_of(value)], [apart[number]], equal_nan=True)
        check_text(text, float_of(value))
    return len(shown)


def check_input(seen, case: Case, view: str) -> int:
    """The input's numbers, how often each is read, or what flows back."""
    if view == "values":
        return check_panel(seen["panels"]["input"], case.x, case, "inputs")
    if view == "coverage":
        _, back = ap.vjp(case.x, case.anypool[0], "sum")
        read = back(np.ones_like(ap.pool(case.x, case.anypool[0], "sum")))
        return check_panel(seen["panels"]["input"], read, case, "coverage")
    if case.name in NO_GRADIENT:
        assert f"{case.name} has no derivative" in " ".join(seen["blanks"])
        return 0
    y, back = pullback(case)
    return check_panel(seen["panels"]["input"], back(np.ones_like(y)), case, "gradient", SLOPES)


def check_window(card, case: Case, flat: int) -> int:
    """The card of an output: its window, numbers, weights, winner, divisor and value."""
    y = outputs(case)
    same(case, float_of(card["value"]), y.ravel()[flat], "the card's value")
    check_text(card["text"], float_of(card["value"]))
    reads, divisor = window_of(case, flat)
    count = len(reads[0]) * len(reads[1])
    assert card["facts"]["reads"] == [str(count), str(count)]
    assert float(card["facts"]["covers"][0]) >= count
    if case.pooling["countPadding"] is None:
        assert float(card["facts"]["divides by"][0]) == divisor
        divides = str(divisor) if case.name == "mean" else "unused"
        assert card["facts"]["divides by"][1] == divides
    if case.name == "mean" and count and np.isfinite(case.x).all():
        total = case.x[np.ix_(*reads)].sum()
        same(case, total / float(card["facts"]["divides by"][0]), y.ravel()[flat], "the divisor")
    if not card["table"] or not count:
        return 1
    assert card["cols"] == reads[1], "cols are not those of ap.explain"
    assert [line["row"] for line in card["table"]] == reads[0]
    cells = [cell for line in card["table"] for cell in line["cells"]]
    np.testing.assert_array_equal(
        [float_of(c["value"]) for c in cells], case.x[np.ix_(*reads)].ravel()
    )
    for shown in cells:
        check_text(shown["text"], float_of(shown["value"]))
    check_weights(card, cells, case, flat, reads)
    return len(cells)


def window_of(case: Case, flat: int):
    """What an output reads along each axis, by ap.explain; and what a mean divides by."""
    table = ap.explain(case.shape, case.anypool[0]).table
    rows = {(r.grid, r.axis, r.output): r for r in table}
    grids = sorted({r.grid for r in table})
    sizes = [[sum(r.grid == g and r.axis == axis for r in table) for axis in (0, 1)] for g in grids]
    offsets = [0, *np.cumsum(np.prod(sizes, axis=1))[:-1].tolist()]
    layout = [
        {"offset": offset, "cols": {"start": range(size[1])}}
        for offset, size in zip(offsets, sizes, strict=True)
    ]
    own = [rows[key] for key in place_of({"layout": {"grids": layout}}, flat)]
    return [list(range(r.start, r.stop, r.step)) for r in own], own[0].divisor * own[1].divisor


def check_weights(card, cells, case: Case, flat: int, reads) -> None:
    weights = [cell["weight"] for cell in cells]
    if case.name in NO_GRADIENT:
        assert set(weights) == {None}
        return
    for cell in cells:
        check_text(cell["weightText"], float_of(cell["weight"]))
    won = [number for number, cell in enumerate(cells) if cell["won"]]
    assert len(won) <= 1
    if case.name in ("max", "min"):
        assert [float(weights[place]) for place in won] == [1.0]
    if won and not math.isnan(float_of(card["value"])):
        same(case, float_of(cells[won[0]]["value"]), float_of(card["value"]), "the winner")
    if has_columns(case):
        one = np.zeros(outputs(case).size)
        one[flat] = 1
        y, back = pullback(case)
        wanted = back(one.reshape(y.shape))[np.ix_(*reads)]
        same(case, [float_of(w) for w in weights], wanted, "weights", SLOPES)


def check_fed(card, case: Case, place: int) -> int:
    """The card of an input: the outputs that it feeds, each with its weight."""
    if case.name in NO_GRADIENT:
        assert {text for _, _, text in card["fed"]} <= {"no derivative"}
        return 0
    if not has_columns(case):
        return 0
    y, back = pullback(case)
    jacobian = np.array([back(g.reshape(y.shape)).ravel() for g in np.eye(y.size)])
    cols = outputs(case).shape[1]
    readers = [k for k in range(y.size) if place in flat_places(case, window_of(case, k)[0])]
    told = re.match(r"Read by ([\d,]+) outputs?\.|No output reads it\.", card["sentence"])
    assert told
    assert int((told[1] or "0").replace(",", "")) == len(readers)
    fed = [tuple(map(int, re.findall(r"\d+", where))) for where, *_ in card["fed"]]
    assert fed == [divmod(k, cols) for k in readers[: len(fed)]]
    shown = [float_of(weight) for _, weight, _ in card["fed"]]
    same(case, shown, jacobian[readers[: len(fed)], place], "weights of what is fed", SLOPES)
    for _, weight, text in card["fed"]:
        check_text(text, float_of(weight))
    return len(fed)


def flat_places(case: Case, reads) -> set[int]:
    return {i * case.shape[1] + j for i in reads[0] for j in reads[1]}


def same_place(own: Case, other: Case, flat: int) -> int | None:
    """The output of the other pooling that lies over the same place; a pyramid's have none."""
    (rows, cols), (more, wide) = outputs(own).shape, outputs(other).shape
    if (rows, cols) == (more, wide):
        return flat
    if "pyramid" in (own.pooling["windows"]["kind"], other.pooling["windows"]["kind"]):
        return None
    r, c = divmod(flat, cols)
    return (2 * r + 1) * more // (2 * rows) * wide + (2 * c + 1) * wide // (2 * cols)


def check_setting(page, draw: Draw, first: Case, other: Case, number: int) -> int:
    """One setting, looked at twice: at an output, and at an input."""
    cases = {"a": first, "b": other}
    view = ("values", "coverage", "gradient")[number % 3]
    of = "ab"[number // 3 % 2]
    compared = 0
    flat = draw.number(0, outputs(cases[of]).size - 1)
    common = {"view": view, "of": of}
    show(page, address(first.x, first.pooling, other.pooling, at=f"{of}.{flat}", **common))
    seen = page.evaluate(READ)
    assert seen["notes"] == ""
    compared += check_outputs(seen, cases) + check_difference(seen, cases)
    compared += check_input(seen, cases[of], view)
    compared += check_window(seen["cards"][of], cases[of], flat)
    linked = "ba"["ab".index(of)]
    place = same_place(cases[of], cases[linked], flat)
    if place is not None:
        compared += check_window(seen["cards"][linked], cases[linked], place)
    place = draw.number(0, first.x.size - 1)
    show(page, address(first.x, first.pooling, other.pooling, at=f"input.{place}", **common))
    seen = page.evaluate(READ)
    for side, case in cases.items():
        if case.x.size * outputs(case).size < 4000:
            compared += check_fed(seen["cards"][side], case, place)
    return compared


def test_every_number_is_anypools(page):
    compared = 0
    for number, (draw, first, other) in enumerate(settings(5, 60)):
        compared += check_setting(page, draw, first, other, number)
    assert compared > 6000


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 110))
def test_every_number_is_anypools_for_long(page, seed):
    compared = sum(
        check_setting(page, draw, first, other, number)
        for number, (draw, first, other) in enumerate(settings(seed, 340))
    )
    assert compared > 30000


FAULTS = {
    "value": "the card's value differ",
    "weight": "weights differ",
    "divisor": "77",
    "place": "cols",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_number_is_noticed(page, fault):
    """The comparisons above, with one number spoilt on its way."""
    where = {"kind": "sliding", "kernel": [3, 3], "stride": [1, 1], "padding": [[1, 1], [1, 1]],
             "dilation": [1, 1], "ceil": False}  # fmt: skip
    pooling = {"reduce": "mean", "params": {}, "countPadding": None, "windows": where}
    case = Case(pooling, Draw(1).plane(5, 5, "positive").round(1))
    show(page, address(case.x, case.pooling, None, at="a.0"))
    seen = page.evaluate(READ)
    check_outputs(seen, {"a": case})
    check_window(seen["cards"]["a"], case, 0)
    card = seen["cards"]["a"]
    if fault == "value":
        card["value"] = str(float(card["value"]) * 1.001)
    elif fault == "weight":
        card["table"][0]["cells"][0]["weight"] = "0.001"
        card["table"][0]["cells"][0]["weightText"] = "×0.001"
    elif fault == "divisor":
        card["facts"]["divides by"][0] = "77"
    else:
        card["cols"] = [c + 1 for c in card["cols"]]
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check_window(card, case, 0)
