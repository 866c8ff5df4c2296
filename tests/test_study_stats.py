"""The numbers of a verdict against scipy and against loops that spell the formulas out."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed")

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as peer

from anypool.errors import PoolError
from anypool.study import across, flips, forecast, stats


def table_of(rng, seeds, examples):
    return rng.choice([-1, 0, 0, 0, 1], size=(seeds, examples)).astype(np.int8)


def mean_squares_by_loops(table):
    """Seeds, examples, rest: sums of squares written as the textbook has them."""
    seeds, examples = table.shape
    d = [[float(value) for value in row] for row in table]
    grand = sum(map(sum, d)) / (seeds * examples)
    row = [sum(values) / examples for values in d]
    column = [sum(d[s][x] for s in range(seeds)) / seeds for x in range(examples)]
    by_seed = sum(examples * (m - grand) ** 2 for m in row)
    by_example = sum(seeds * (m - grand) ** 2 for m in column)
    rest = sum(
        (d[s][x] - row[s] - column[x] + grand) ** 2 for s in range(seeds) for x in range(examples)
    )
    return (
        by_seed / (seeds - 1),
        by_example / (examples - 1),
        rest / ((seeds - 1) * (examples - 1)),
    )


@pytest.mark.parametrize("seeds", [2, 5, 9])
@pytest.mark.parametrize("examples", [2, 7, 40])
def test_the_crossed_error_is_the_textbooks(seeds, examples):
    table = table_of(np.random.default_rng(seeds * examples), seeds, examples)
    by_seed, by_example, rest = mean_squares_by_loops(table)
    total = max(by_seed + by_example - rest, by_seed)
    spread = stats.crossed(table)
    assert spread.mean == pytest.approx(table.mean())
    assert spread.error**2 == pytest.approx(max(total / table.size, 2 / examples**2))
    assert spread.error_here**2 == pytest.approx(by_seed / table.size, abs=1e-15)


def test_the_degrees_of_freedom_are_satterthwaites():
    seeds, examples = 6, 50
    table = table_of(np.random.default_rng(3), seeds, examples)
    table[:, :10], table[:, 10:15] = 1, -1  # examples that tell the arms apart again and again
    by_seed, by_example, rest = mean_squares_by_loops(table)
    assert by_example > rest
    below = (
        by_seed**2 / (seeds - 1)
        + by_example**2 / (examples - 1)
        + rest**2 / ((seeds - 1) * (examples - 1))
    )
    total = by_seed + by_example - rest
    assert stats.crossed(table).df == pytest.approx(max(total**2 / below, seeds - 1))


def test_the_interval_of_this_test_set_is_the_paired_t():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 8, 300)) < 0.8
    spread = stats.crossed(a.astype(np.int8) - b.astype(np.int8))
    ours = stats.interval(spread.mean, spread.error_here, spread.df_here, 0.95)
    theirs = peer.ttest_rel(a.mean(axis=1), b.mean(axis=1)).confidence_interval(0.95)
    assert ours == pytest.approx(tuple(theirs))


def test_arms_that_never_differ_are_not_known_to_be_the_same():
    spread = stats.crossed(np.zeros((6, 100), np.int8))
    low, high = stats.interval(spread.mean, spread.error, spread.df, 0.95)
    # none of 100 differed: up to 3 of 100 new ones may
    assert (low, high) == pytest.approx((-0.036, 0.036), abs=0.001)
    assert (spread.error_here, spread.df) == (0, 5)


def test_one_seed_leaves_everything_open():
    spread = stats.crossed(np.ones((1, 10), np.int8))
    assert stats.interval(spread.mean, spread.error, spread.df, 0.95) == (-1, 1)
    assert stats.two_sided(spread) == 1


@pytest.mark.parametrize("examples", [0, 1])
def test_a_test_set_needs_examples(examples):
    with pytest.raises(PoolError, match=f"at least 2 test examples, not {examples}"):
        stats.crossed(np.zeros((3, examples), np.int8))


def test_a_plain_sample_is_the_one_sample_t():
    values = np.random.default_rng(1).normal(0.3, 1, 9)
    spread, theirs = stats.sample(values), peer.ttest_1samp(values, 0)
    assert stats.two_sided(spread) == pytest.approx(theirs.pvalue)
    ours = stats.interval(spread.mean, spread.error, spread.df, 0.9)
    clipped = np.clip(theirs.confidence_interval(0.9), -1, 1)
    assert ours == pytest.approx(tuple(clipped))


def test_over_data_sets_the_errors_add_up():
    rng = np.random.default_rng(2)
    spreads = [stats.crossed(table_of(rng, 6, 200)) for _ in range(3)]
    over = stats.over_sets(spreads)
    assert over.mean == pytest.approx(np.mean([s.mean for s in spreads]))
    assert over.error == pytest.approx(sum(s.error**2 for s in spreads) ** 0.5 / 3)
    welch = sum(s.error**2 for s in spreads) ** 2 / sum(s.error**4 / s.df for s in spreads)
    assert over.df == pytest.approx(welch)
    assert min(s.df for s in spreads) <= over.df


@given(st.integers(0, 40), st.integers(1, 40))
def test_wilson_is_scipys(hits, count):
    hits = min(hits, count)
    theirs = peer.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert stats.wilson(hits / count, count) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_a_tie_is_half_a_win():
    assert stats.won(np.array([0.1, 0.0, -0.2, 0.3])) == 0.625


@pytest.mark.parametrize("rows", [1, 2, 6, 12])
def test_every_flip_is_there_once(rows):
    ours = {tuple(flip) for flip in flips.signs(rows)}
    assert ours == {flip for flip in product((1.0, -1.0), repeat=rows) if flip[0] == 1}
    assert len(ours) == len(flips.signs(rows))
    assert (flips.signs(rows)[0] == 1).all()


def test_many_rows_are_drawn_alike_each_time():
    first = flips.signs(13).copy()
    flips.signs.cache_clear()
    assert (flips.signs(13) == first).all()
    assert first.shape == (10_001, 13)
    assert abs(first[1:].mean()) < 0.02


def largest_t_by_loops(differences):
    """Adjusted p by its definition: every flip of 2 ** rows, a paired t for every pair."""

    def t(values):
        error = np.std(values, ddof=1) / len(values) ** 0.5
        return abs(np.mean(values)) / error if error > 1e-12 else np.inf * abs(np.mean(values))

    rows, pairs = differences.shape
    seen = [t(differences[:, pair]) for pair in range(pairs)]
    largest = [
        max(t(np.array(flip) * differences[:, pair]) for pair in range(pairs))
        for flip in product((1, -1), repeat=rows)
    ]
    return [np.mean([top >= own * (1 - 1e-9) for top in largest]) for own in seen]


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_joint_flips_are_their_definition(arms):
    rng = np.random.default_rng(arms)
    accuracies = rng.normal(0.9, 0.01, (6, arms)) + np.linspace(0, 0.02, arms)
    pairs = list(combinations(range(arms), 2))
    differences = np.column_stack([accuracies[:, i] - accuracies[:, j] for i, j in pairs])
    ours = flips.adjusted(differences)
    assert ours == pytest.approx(largest_t_by_loops(differences))


@pytest.mark.parametrize("rows", [6, 9, 12])
def test_one_pair_is_scipys_permutation_test(rows):
    values = np.random.default_rng(rows).normal(0.5, 1, rows)
    theirs = peer.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    ours = flips.adjusted(values[:, None])
    assert ours == pytest.approx([theirs.pvalue])


def test_drawn_flips_come_near_the_exact_ones():
    values = np.random.default_rng(5).normal(0.45, 1, 16)
    theirs = peer.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    (ours,) = flips.adjusted(values[:, None])
    assert ours == pytest.approx(theirs.pvalue, abs=0.01)


def test_a_missing_row_is_no_row():
    rng = np.random.default_rng(6)
    values = rng.normal(1, 1, 7)
    padded = np.concatenate([values, [0.0, 0.0]])
    alone = flips.adjusted(values[:, None])
    with_gaps = flips.adjusted(padded[:, None])
    assert alone == pytest.approx(with_gaps)


def test_no_difference_at_all_has_p_one():
    assert flips.adjusted(np.zeros((6, 2))) == [1, 1]
    assert stats.sidak([stats.crossed(np.zeros((6, 50), np.int8))] * 2) == [1, 1]


@given(st.floats(-50, 50), st.integers(2, 12))
def test_the_score_orders_flips_as_t_does(t, rows):
    values = np.random.default_rng(rows).normal(0, 1, rows)
    values = (values - values.mean()) / values.std(ddof=1) + t / rows**0.5  # this t exactly
    score = flips.scores(values[:, None])[0, 0]
    assert score == pytest.approx(abs(t) * (rows / (rows - 1 + t * t)) ** 0.5, abs=1e-9)


def test_sidak_of_one_is_the_t_itself():
    values = np.random.default_rng(9).normal(0.01, 0.02, 8)
    assert stats.sidak([stats.sample(values)]) == pytest.approx(
        [peer.ttest_1samp(values, 0).pvalue]
    )


def test_sidak_of_many_is_one_minus_the_chance_of_none():
    columns = np.random.default_rng(10).normal(0.01, 0.02, (5, 8))
    each = [peer.ttest_1samp(values, 0).pvalue for values in columns]
    ours = stats.sidak([stats.sample(values) for values in columns])
    assert ours == pytest.approx([1 - (1 - p) ** 5 for p in each])


def test_a_calm_pair_gets_no_more_freedom_than_all_pairs():
    calm = stats.Spread(0.01, 0.004, 500.0, 0.001, 7.0, 1.5e-5, 0.0, 8)
    wild = stats.Spread(0.0, 0.03, 7.0, 0.03, 7.0, 0.0, 0.0, 8)
    alone, _ = stats.sidak([calm, replace(calm, mean=0.0)])
    beside, _ = stats.sidak([calm, wild])
    assert alone < beside
    assert beside == pytest.approx(
        1 - (1 - 2 * peer.t.sf(2.5, 7 * (1 + 1.5e-5 / 9.01e-4) ** 2)) ** 2
    )


@pytest.mark.parametrize("ties", [False, True])
def test_friedman_is_scipys(ties):
    scores = np.random.default_rng(7).normal(0.8, 0.1, (12, 5))
    scores = scores.round(1) if ties else scores
    found = across.friedman(scores, "abcde")
    assert found.p == pytest.approx(peer.friedmanchisquare(*scores.T).pvalue)
    assert sum(found.ranks) == pytest.approx(15)


@pytest.mark.parametrize(("arms", "q"), [(3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_the_printed_tables(arms, q):
    found = across.friedman(np.random.default_rng(8).random((20, arms)), range(arms))
    assert found.critical == pytest.approx(q * (arms * (arms + 1) / (6 * 20)) ** 0.5, rel=1e-3)


def test_arms_that_all_tie_have_no_ranking():
    found = across.friedman(np.full((10, 3), 0.5), "abc")
    assert (found.ranks, found.p) == ((2, 2, 2), 1)


def plain(mean, sd, seeds, examples=0.0):
    here = sd / seeds**0.5
    return stats.Spread(
        mean, (here**2 + examples) ** 0.5, seeds - 1.0, here, seeds - 1.0, examples, 0.0, seeds
    )


# difference, sd, seeds that 80 % power takes (a paired t; measured for the notes)
@pytest.mark.parametrize(
    ("mean", "sd", "needed"), [(0.003, 0.003, 10), (0.002, 0.003, 20), (0.001, 0.003, 73)]
)
def test_the_forecast_is_the_power_of_a_paired_t(mean, sd, needed):
    more = forecast.seeds_to_decide(plain(mean, sd, 6), 1e-6, 1)
    assert more is not None
    assert more + 6 == pytest.approx(needed, abs=1)


def test_more_pairs_need_more_seeds():
    spread = plain(0.004, 0.005, 6)
    needed = [forecast.seeds_to_decide(spread, 1e-6, pairs) for pairs in (1, 3, 45)]
    assert needed == sorted(needed)
    assert needed[0] < needed[2]


def test_a_tie_is_decided_by_the_margin():
    near = forecast.seeds_to_decide(plain(0.0, 0.005, 6), 0.003, 1)
    wide = forecast.seeds_to_decide(plain(0.0, 0.005, 6), 0.006, 1)
    assert near > wide > 0


def test_seeds_cannot_make_up_for_examples():
    spread = plain(0.001, 0.001, 8, examples=0.002**2)
    assert forecast.seeds_to_decide(spread, 0.003, 1) is None
    growth = forecast.growth_of_test_set(spread, 0.003, 1)
    larger = plain(0.001, 0.001, 8, examples=0.002**2 / (1.05 * growth))
    smaller = plain(0.001, 0.001, 8, examples=0.002**2 / (0.95 * growth))
    assert growth > 1
    assert forecast.seeds_to_decide(larger, 0.003, 1) is not None
    assert forecast.seeds_to_decide(smaller, 0.003, 1) is None
