"""The verdict: its laws, its words, its sentences, and what it does with poor studies."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed")

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as peer

from anypool.errors import PoolError
from anypool.study.verdict import judge
from anypool.study.words import mirrored
from worlds import World, outcomes

WORDS = {"better", "worse", "equivalent", "undecided", "too few seeds"}
NUMBERS = [
    "difference",
    "low",
    "high",
    "low_here",
    "high_here",
    "low_90",
    "high_90",
    "p",
    "share",
    "share_low",
    "share_high",
]


def drawn(number, arms=3, seeds=7, examples=60):
    rng = np.random.default_rng(number)
    levels = rng.normal(0.8, 0.4, arms)
    right = rng.random((arms, seeds, examples)) < 1 / (1 + np.exp(-levels))[:, None, None]
    return outcomes(right, arms=tuple("abcdefghijkl"[:arms]))


studies = st.builds(
    drawn, st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 9), st.integers(2, 80)
)


def same_numbers(ours, theirs):
    return all(
        getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-12) for name in NUMBERS
    )


@given(studies)
def test_turning_the_arms_round_mirrors_everything(study):
    straight = {(c.a, c.b): c for c in judge([study]).comparisons}
    turned = judge([replace(study, arms=study.arms[::-1])]).comparisons
    assert len(turned) == len(straight)
    for c in turned:
        other = mirrored(c)
        assert same_numbers(other, straight[c.b, c.a])
        assert (other.word, other.more) == (straight[c.b, c.a].word, straight[c.b, c.a].more)


@given(studies, st.randoms(use_true_random=False))
def test_the_order_of_examples_and_seeds_is_nothing(study, random):
    examples = np.array(random.sample(range(study.labels.size), study.labels.size))
    seeds = random.sample(study.seeds, len(study.seeds))
    shuffled = {
        arm: {seeds[seed]: right[examples] for seed, right in own.items()}
        for arm, own in study.correct.items()
    }
    before = judge([study]).comparisons
    after = judge([replace(study, correct=shuffled)]).comparisons
    assert all(same_numbers(*two) for two in zip(before, after, strict=True))


@given(studies)
def test_the_word_follows_from_the_numbers(study):
    verdict = judge([study], margin=0.05)
    for c in verdict.comparisons:
        assert c.word in WORDS
        assert (c.word == "too few seeds") == (len(c.seeds) < 6)
        if c.word in WORDS - {"too few seeds"}:
            proven = c.p < 0.05 and (c.low > 0 or c.high < 0)
            within = c.low_90 > -0.05 and c.high_90 < 0.05
            expected = ("better" if c.low > 0 else "worse") if proven else None
            assert c.word == (expected or ("equivalent" if within else "undecided"))
        assert c.more is None or (c.word == "undecided" and c.more > 0)


@given(studies)
def test_the_intervals_lie_in_each_other(study):
    for c in judge([study]).comparisons:
        assert -1 <= c.low <= c.low_90 <= c.difference <= c.high_90 <= c.high <= 1
        assert c.low_here <= c.difference <= c.high_here
        assert 0 <= c.share_low <= c.share <= c.share_high <= 1
        assert 0 < c.p <= 1
        assert c.difference == pytest.approx(np.mean(c.per_seed))


@given(studies)
def test_one_more_arm_leaves_the_differences_alone(study):
    perfect = {seed: np.ones(study.labels.size, bool) for seed in study.seeds}
    more = replace(study, arms=(*study.arms, "z"), correct={**study.correct, "z": perfect})
    before = {(c.a, c.b): c for c in judge([study]).comparisons}
    for c in judge([more]).comparisons:
        if c.b == "z":
            right = [own.mean() for own in study.correct[c.a].values()]
            assert c.difference == pytest.approx(np.mean(right) - 1)
        else:
            old = before[c.a, c.b]
            assert (c.difference, c.low, c.high) == (old.difference, old.low, old.high)


@given(studies)
def test_a_verdict_is_json_and_the_same_again(study):
    verdict = judge([study])
    text = json.dumps(verdict.document(), allow_nan=False)
    assert text == json.dumps(judge([study]).document(), allow_nan=False)
    assert verdict.sentence.endswith(".")
    assert "nan" not in verdict.sentence


def test_two_arms_have_scipys_numbers():
    study = drawn(3, arms=2, seeds=8, examples=300)
    (c,) = judge([study]).comparisons
    a, b = ([study.correct[arm][seed].mean() for seed in range(8)] for arm in "ab")
    theirs = peer.ttest_rel(a, b).confidence_interval(0.95)
    assert (c.low_here, c.high_here) == pytest.approx(tuple(theirs))
    assert c.share == np.mean([(x > y) + (x == y) / 2 for x, y in zip(a, b, strict=True)])
    flips = peer.permutation_test(
        (np.subtract(a, b),), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert c.p >= flips.pvalue - 1e-12
    assert (c.p < 0.05) <= (c.low > 0 or c.high < 0)  # of one pair both say the same of new data


def test_the_draw_of_the_examples_is_chance_too():
    """Two arms, each right on its own examples whatever the seed: no seed ever disagrees."""
    right = np.zeros((2, 8, 200), bool)
    right[0, :, :60], right[1, :, 60:110] = True, True
    (c,) = judge([outcomes(right)]).comparisons
    assert (c.low_here, c.high_here, c.share) == (0.05, 0.05, 1)
    assert c.low < 0 < c.high
    assert (c.word, c.p > 0.2) == ("undecided", True)


def fashion(*levels, seeds=10, examples=10_000, names=("avg", "max", "gem", "lse"), **nature):
    world = World(levels, seeds, examples, **{"taste": 0.2, "luck": 0.05, **nature})
    right, _ = world.draw(np.random.default_rng(11))
    return outcomes(right, "Fashion-MNIST", names[: len(levels)])


def test_a_winner_in_one_sentence():
    verdict = judge([fashion(1.5, 1.3)])
    (c,) = verdict.comparisons
    assert re.fullmatch(
        r"On Fashion-MNIST avg is better than max by (\d\.\d) points"
        r" \(95 % interval (\d\.\d) to (\d\.\d), 10 seeds\)\.",
        verdict.sentence,
    )
    printed = [float(number) for number in re.findall(r"\d\.\d", verdict.sentence)]
    assert printed == [round(100 * value, 1) for value in (c.difference, c.low, c.high)]
    assert verdict.sentence == c.sentence


def test_the_sentence_names_the_winner_first():
    verdict = judge([fashion(1.3, 1.5)])
    assert verdict.comparisons[0].word == "worse"
    assert verdict.sentence.startswith("On Fashion-MNIST max is better than avg by ")


def test_a_proven_trifle_is_called_one():
    sentence = judge([fashion(1.5, 1.45)], margin=0.02).sentence
    assert "is better than" in sentence
    assert "yet by less than the margin of 2 points" in sentence


def test_a_tie_in_one_sentence():
    sentence = judge([fashion(1.4, 1.4, taste=0.05, luck=0.01)], margin=0.005).sentence
    assert sentence.startswith("On Fashion-MNIST no real difference between ")
    assert "equivalent within 0.5 points (90 % interval " in sentence


def test_three_equals_in_one_sentence():
    study = fashion(1.4, 1.4, 1.4, taste=0.05, luck=0.01)
    sentence = judge([study], margin=0.006).sentence
    expected = (
        "no real difference between avg, max and gem: equivalent within 0.6 points (10 seeds)"
    )
    assert sentence == f"On Fashion-MNIST {expected}."


def test_an_open_question_says_what_would_settle_it():
    study = fashion(1.42, 1.4, seeds=6, luck=0.2)
    (c,) = judge([study]).comparisons
    assert (c.word, c.more is not None) == ("undecided", True)
    assert c.sentence.endswith(f"; about {c.more} more seeds would decide.")


def test_a_small_test_set_is_blamed_where_it_is_to_blame():
    study = fashion(1.45, 1.4, examples=300, luck=0.0, taste=1.0)
    (c,) = judge([study]).comparisons
    assert (c.word, c.more) == ("undecided", None)
    assert "no number of seeds would decide, only a test set at least" in c.sentence


def test_the_best_of_three():
    sentence = judge([fashion(1.3, 1.7, 1.5)]).sentence
    assert re.fullmatch(
        r"On Fashion-MNIST max is the best of 3: better than gem and avg by \d\.\d to \d\.\d"
        r" points \(10 seeds\)\.",
        sentence,
    )


def test_a_leader_with_an_equal():
    study = fashion(1.5, 1.2, 1.5, taste=0.05, luck=0.01)
    sentence = judge([study], margin=0.006).sentence
    assert re.match(r"On Fashion-MNIST (avg|gem) leads: better than max by ", sentence)
    assert re.search(r"equivalent to (gem|avg) within 0\.6 points", sentence)


def test_ten_arms_in_one_sentence():
    levels = tuple(1.2 + 0.03 * place for place in range(10))
    names = tuple(f"p{place}" for place in range(10))
    study = fashion(*levels, names=names, examples=2000)
    verdict = judge([study])
    assert len(verdict.comparisons) == 45
    assert re.match(r"On Fashion-MNIST p\d leads: better than p", verdict.sentence)
    assert set(re.findall(r"p\d", verdict.sentence)) == set(names)


def test_against_a_reference():
    study = fashion(1.5, 1.2, 1.7, 1.5, taste=0.05, luck=0.01)
    verdict = judge([study], reference="avg", margin=0.006)
    assert [(c.a, c.b) for c in verdict.comparisons] == [
        (arm, "avg") for arm in ("max", "gem", "lse")
    ]
    assert re.fullmatch(
        r"On Fashion-MNIST, against avg, gem is better by \S+ points; max is worse by \S+ points;"
        r" lse is equivalent within 0\.6 points \(10 seeds\)\.",
        verdict.sentence,
    )


def test_fewer_pairs_leave_a_smaller_p():
    study = drawn(12, arms=4, seeds=10, examples=200)
    everything = {(c.a, c.b): c.p for c in judge([study]).comparisons}
    against = judge([study], reference="d").comparisons
    assert all(c.p <= everything[c.a, c.b] for c in against)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_never_decide(seeds):
    right = np.zeros((2, seeds, 500), bool)
    right[0] = True
    verdict = judge([outcomes(right, "digits", ("avg", "max"))])
    (c,) = verdict.comparisons
    assert (c.word, c.more) == ("too few seeds", None)
    count = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
    assert verdict.sentence == (
        f"On digits {count} too few for a verdict between avg and max, where avg leads by 100.0"
        " points so far: at least 6 are needed."
    )


def test_few_seeds_for_many_arms():
    sentence = judge([fashion(1.5, 1.4, 1.3, seeds=3)]).sentence
    assert "3 seeds are too few for a verdict on 3 arms: at least 6 are needed (" in sentence


def test_six_seeds_can_decide():
    right = np.zeros((2, 6, 500), bool)
    right[0] = True
    (c,) = judge([outcomes(right)]).comparisons
    assert (c.word, c.p, c.share) == ("better", 2 / 2**6, 1)


def test_identical_arms_on_a_large_test_set_are_equivalent():
    right = np.random.default_rng(0).random((1, 6, 10_000)) < 0.9
    (c,) = judge([outcomes(np.concatenate([right, right]))]).comparisons
    assert (c.word, c.difference, c.p, c.share) == ("equivalent", 0, 1, 0.5)


def test_identical_arms_on_a_small_test_set_are_not_known_to_be():
    right = np.ones((2, 6, 50), bool)
    (c,) = judge([outcomes(right)]).comparisons
    assert (c.word, c.more) == ("undecided", None)
    assert "they are level" in c.sentence
    assert "only a test set at least" in c.sentence


def without(study, arm, *seeds, reason="MemoryError: out of memory"):
    left = {seed: right for seed, right in study.correct[arm].items() if seed not in seeds}
    failed = {**study.failed, arm: dict.fromkeys(seeds, reason)}
    return replace(study, correct={**study.correct, arm: left}, failed=failed)


def test_a_crashed_trial_costs_only_its_own_pairs():
    study = without(fashion(1.5, 1.3, 1.4), "gem", 2, 5)
    verdict = judge([study])
    seeds = {(c.a, c.b): len(c.seeds) for c in verdict.comparisons}
    assert seeds == {("avg", "max"): 10, ("avg", "gem"): 8, ("max", "gem"): 8}
    assert (
        "On Fashion-MNIST the trial of gem with seed 2 crashed and is not counted:"
        " MemoryError: out of memory" in verdict.notes
    )
    assert any("different numbers of seeds" in note for note in verdict.notes)


def test_of_a_traceback_the_last_line_is_told():
    reason = 'Traceback (most recent call last):\n  File "x"\nOSError: no space left\n'
    study = without(fashion(1.5, 1.3), "max", 0, reason=reason)
    assert any(
        note.endswith("not counted: OSError: no space left") for note in judge([study]).notes
    )


def test_an_arm_with_few_seeds_does_not_silence_the_others():
    study = without(fashion(1.6, 1.3, 1.4), "gem", *range(3, 10))
    words = {(c.a, c.b): c.word for c in judge([study]).comparisons}
    assert words["avg", "max"] == "better"
    assert words["avg", "gem"] == words["max", "gem"] == "too few seeds"


def test_an_arm_that_never_finished_is_left_out_and_named():
    study = without(fashion(1.5, 1.3, 1.4), "gem", *range(10))
    verdict = judge([study])
    assert [(c.a, c.b) for c in verdict.comparisons] == [("avg", "max")]
    assert "On Fashion-MNIST gem has no finished trial and is left out." in verdict.notes


def test_a_diverged_training_counts_and_is_named():
    study = fashion(1.5, 1.3)
    study.correct["max"][4][:] = np.arange(10_000) % 10 == 0
    measures = {"max": {4: {"diverged": 1.0}, 5: {"diverged": 0.0}}}
    verdict = judge([replace(study, measures=measures)])
    assert len(verdict.comparisons[0].seeds) == 10
    assert verdict.comparisons[0].per_seed[4] > 0.7
    assert (
        "On Fashion-MNIST 1 of 10 trainings of max diverged; it counts as it ended."
        in verdict.notes
    )


def test_one_arm_alone():
    study = fashion(1.5, 1.3)
    alone = replace(study, arms=("avg",), correct={"avg": study.correct["avg"]})
    verdict = judge([alone])
    assert verdict.comparisons == verdict.across == ()
    assert re.fullmatch(
        r"On Fashion-MNIST only avg has finished trials \(\d\d\.\d % right, 10 seeds\):"
        r" there is nothing to compare it with\.",
        verdict.sentence,
    )


def test_nothing_finished():
    study = fashion(1.5, 1.3)
    verdict = judge([replace(study, correct={})])
    assert verdict.sentence == "No trial has finished: there is nothing to judge yet."


def test_no_shared_seed():
    study = without(without(fashion(1.5, 1.3), "avg", *range(5)), "max", *range(5, 10))
    assert judge([study]).sentence.startswith("avg and max share no finished seed")


@pytest.mark.parametrize(
    ("tuned", "said"), [(True, "same number of learning rates"), (False, "not tuned")]
)
def test_tuning_is_said_in_the_notes_only(tuned, said):
    verdict = judge([fashion(1.5, 1.3)], tuned=tuned)
    assert any(said in note for note in verdict.notes)
    assert "tuned" not in verdict.sentence
    assert verdict.tuned is tuned


def sets(count, *levels, seeds=6, spread=0.05, examples=1000):
    rng = np.random.default_rng(count)
    names = ("avg", "max", "gem", "lse")[: len(levels)]
    worlds = [
        World(tuple(levels + rng.normal(0, spread, len(levels))), seeds, examples)
        for _ in range(count)
    ]
    return [
        outcomes(world.draw(rng)[0], f"set {number}", names) for number, world in enumerate(worlds)
    ]


def test_two_data_sets_are_averaged_with_equal_weight():
    verdict = judge(sets(2, 1.8, 1.2))
    (over,) = verdict.across
    one, two = verdict.comparisons
    assert over.data == "these data sets"
    assert over.difference == pytest.approx((one.difference + two.difference) / 2)
    assert over.per_seed == one.per_seed + two.per_seed
    assert over.seeds == one.seeds + two.seeds
    assert re.match(
        r"Over these 2 data sets avg is better than max by \S+ points"
        r" \(95 % interval \S+ to \S+, 6 seeds each\)\.",
        verdict.sentence,
    )
    assert any(note.startswith("Too few data sets for a general claim") for note in verdict.notes)


def test_it_depends_on_the_data():
    one, two = sets(1, 1.8, 1.2)[0], sets(1, 1.2, 1.8)[0]
    sentence = judge([one, replace(two, data="other")]).sentence
    assert re.fullmatch(
        r"It depends on the data: (avg|max) is better than (max|avg) by \S+ points on [\w ]+, and"
        r" (max|avg) is better than (avg|max) by \S+ points on [\w ]+\.",
        sentence,
    )


def test_many_arms_may_depend_on_the_data_too():
    one, two = sets(1, 1.8, 1.2, 0.6)[0], sets(1, 1.2, 1.8, 0.6)[0]
    sentence = judge([one, replace(two, data="other")]).sentence
    assert sentence.startswith("Over these 2 data sets ")
    assert "; but it depends on the data: " in sentence


def test_six_data_sets_allow_a_general_claim():
    verdict = judge(sets(6, 1.9, 1.2))
    these, new = verdict.across
    assert (these.data, new.data) == ("these data sets", "new data sets")
    means = [c.difference for c in verdict.comparisons]
    theirs = peer.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (new.low, new.high) == pytest.approx(tuple(theirs))
    assert (new.per_seed, new.seeds, new.p) == (pytest.approx(means), (), 2 / 2**6)
    assert peer.wilcoxon(means).pvalue == pytest.approx(new.p)
    assert new.sentence.startswith("For new data sets like these 6 avg is better than max by ")


def test_more_data_sets_are_not_more_seeds():
    new = judge(sets(7, 1.45, 1.4, spread=0.4)).across[-1]
    assert (new.word, new.more) == ("undecided", None)
    assert re.search(r"about \d+ more data sets would decide\.$", new.sentence)


def test_ten_data_sets_are_ranked():
    notes = judge(sets(10, 1.9, 1.2, 1.5, examples=300)).notes
    assert any(
        re.match(r"Average ranks over 10 data sets \(1 is best\): avg 1\.\d\d, gem 2", note)
        for note in notes
    )


def test_data_sets_of_different_sizes():
    one, two = sets(1, 1.8, 1.2, examples=300)[0], sets(1, 1.8, 1.2, examples=2000)[0]
    verdict = judge([one, replace(two, data="large")])
    assert verdict.across[0].word == "better"


def test_an_arm_missing_on_one_data_set_stays_out_of_the_mean():
    one, two = sets(1, 1.8, 1.2, 1.5)[0], sets(1, 1.8, 1.2)[0]
    verdict = judge([one, replace(two, data="other")])
    assert [(c.a, c.b) for c in verdict.across] == [("avg", "max")]


def test_few_seeds_on_one_data_set_hold_back_the_claim():
    one, two = sets(2, 1.8, 1.2)
    verdict = judge([one, without(two, "max", 0, 1)])
    assert verdict.across[0].word == "too few seeds"
    assert "4 to 6 seeds each are too few" in verdict.sentence


@pytest.mark.parametrize("margin", [0, 1, -0.1, float("nan")])
def test_a_margin_is_a_share(margin):
    with pytest.raises(PoolError, match="it is a share between 0 and 1"):
        judge([fashion(1.5, 1.3)], margin=margin)


def test_no_outcomes():
    with pytest.raises(PoolError, match="at least one data set; there are none"):
        judge([])


def test_a_data_set_comes_once():
    study = drawn(0)
    with pytest.raises(PoolError, match="each data set comes once"):
        judge([study, study])


def test_an_unknown_reference_gets_the_nearest_names():
    with pytest.raises(PoolError, match=r"'agv' is not an arm on Fashion-MNIST; did you mean avg"):
        judge([fashion(1.5, 1.3)], reference="agv")
    with pytest.raises(PoolError, match="there are avg and max"):
        judge([fashion(1.5, 1.3)], reference="zzzz")


def test_outcomes_of_another_length():
    study = fashion(1.5, 1.3)
    study.correct["max"][3] = np.ones(9000, bool)
    with pytest.raises(PoolError, match=r"max with seed 3 has outcomes of shape \(9000,\)"):
        judge([study])


def test_one_test_example():
    with pytest.raises(PoolError, match="at least 2 test examples, not 1"):
        judge([drawn(0, examples=1)])
