"""The store, on SQLite and on a real PostgreSQL: what goes in comes out, whole and only once."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from anypool.errors import PoolError
from anypool.study.records import Trial
from anypool.study.store import open_store
from stored import LABELS, PLAN, assert_same, begun, grid, result, trial

pytest_plugins = ["postgres"]


@pytest.fixture
def store(where):
    with begun(where) as opened:
        yield opened


def settle(store, trials, failed=()):
    """Finish all the trials but those that fail."""
    for one in trials:
        store.start(one, 1, "here")
        if one.key in failed:
            store.fail(one, 3, "Traceback ...\nMemoryError: no room\n", final=True)
        else:
            store.finish(one, result(one))


def test_a_result_comes_back_bit_for_bit(store, where):
    one = trial()
    assert store.finish(one, result(one))
    assert_same(store.result(one.key), result(one))
    with open_store(where, readonly=True) as again:
        assert_same(again.result(one.key), result(one))
        assert again.weights(one.key) == result(one).weights


def test_numbers_no_column_can_hold(store):
    one, left = trial(), result(trial())
    left.epochs = [
        {"epoch": 1, "loss": float("nan"), "train_accuracy": 0.1, "accuracy": None, "seconds": 0.1},
        {"epoch": 2, "loss": float("-inf"), "train_accuracy": 1 / 3, "accuracy": 0.2}
        | {"seconds": 9.0, "rate": 1e-300, "steps": 7},
    ]
    left.losses = np.array([np.nan, np.inf, -0.0, 1e-45], np.float32)
    left.measures = {"diverged": 1, "peak_bytes": 2**53, "accuracy@32x32": float("nan"), "x": 0.1}
    store.finish(one, left)
    assert_same(store.result(one.key), left)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 10_000])
def test_bits_of_any_number(count, tmp_path):
    left = result(trial())
    left.correct = np.random.default_rng(count).random(count) < 0.5
    with open_store(tmp_path / "s.db") as store:
        store.finish(trial(), left)
        assert_same(store.result(trial().key), left)


def test_numbers_of_numpy_are_numbers(store):
    left = result(trial())
    left.measures = {"accuracy": np.float32(0.5), "parameters": np.int64(3)}
    left.epochs = [{"epoch": np.int64(1), "loss": np.float32(0.25), "accuracy": np.float64("nan")}]
    store.finish(trial(), left)
    got = store.result(trial().key)
    assert got.measures == {"accuracy": 0.5, "parameters": 3}
    assert (got.epochs[0]["epoch"], got.epochs[0]["loss"]) == (1, 0.25)
    assert np.isnan(got.epochs[0]["accuracy"])


@pytest.mark.parametrize("weights", [b"", b"\0" * 100_000], ids=["none", "shrinking"])
def test_weights_of_every_kind(store, weights):
    left = replace(result(trial()), weights=weights)
    store.finish(trial(), left)
    assert store.weights(trial().key) == weights


def test_the_first_result_stays(store):
    one = trial()
    assert store.finish(one, result(one)) is True
    other = replace(result(one), measures={"accuracy": 0.0}, weights=b"other")
    assert store.finish(one, other) is False
    assert store.start(one, 2, "there") is False
    assert store.fail(one, 2, "late", final=True) is False
    assert_same(store.result(one.key), result(one))
    assert store.states([one.key]) == {one.key: "done"}


def test_a_call_whose_answer_got_lost_knows_its_own_work(store, monkeypatch):
    from anypool.study.store import store as room

    def twice(work, *_):
        work()
        return work()

    monkeypatch.setattr(room, "patiently", twice)
    assert store.finish(trial(), result(trial())) is True
    with store.lease("pilot") as held:
        assert held.notes == ()
    store.begin(PLAN, command="study run again", machine={})
    assert [each.command for each in store.sessions("pilot")] == ["study run", "study run again"]


def test_the_states_of_a_trial(store):
    one = trial()
    seen = [store.states([one.key])[one.key]]
    for attempt in (1, 2):
        store.start(one, attempt, "there")
        seen.append(store.states([one.key])[one.key])
        store.fail(one, attempt, f"crash {attempt}", final=attempt == 2)
        seen.append(store.states([one.key])[one.key])
    assert seen == ["waiting", "running", "waiting", "running", "failed"]
    entry = next(each for each in store.trials("pilot") if each.trial.key == one.key)
    assert (entry.attempt, entry.host, entry.error) == (2, "there", "crash 2")
    assert store.missing([one.key]) == {one.key}  # who runs the study again tries it again
    assert store.finish(one, result(one))
    assert store.missing([one.key]) == set()


def test_a_traceback_of_any_letters_is_kept(store):
    one = trial()
    store.fail(one, 1, "no \0 byte, no lone \udc80 half", final=True)
    assert "byte, no lone ? half" in store.trials("pilot")[0].error


def test_keys_never_seen_are_missing(store):
    keys = [f"{n:064x}" for n in range(1203)]
    assert store.missing(keys) == set(keys)
    assert set(store.states(keys).values()) == {"waiting"}
    assert store.finished(keys) == {}


def test_tuning_reads_its_trials(store):
    tuning = [replace(trial(), purpose="tune", recipe={"name": "fast", "lr": r}) for r in (0.1, 1)]
    store.enlist("pilot", tuning)
    store.finish(tuning[0], result(tuning[0]))
    done = store.finished([one.key for one in tuning])
    assert done == {tuning[0].key: result(tuning[0]).measures}
    assert store.outcomes("pilot") == []


def test_outcomes_are_what_a_verdict_reads(store):
    trials = grid()
    crashed = trials[3]  # max, seed 1
    diverged = replace(result(trials[0]), measures={"accuracy": 0.1, "diverged": 1})
    store.finish(trials[0], diverged)
    settle(store, trials[1:5], failed={crashed.key})
    (found,) = store.outcomes("pilot")
    assert (found.data, found.classes) == ("digits", ("a", "b", "c"))
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == LABELS.tolist()
    assert (found.arms, found.seeds) == (PLAN.arms, PLAN.seeds)
    assert {arm: sorted(seeds) for arm, seeds in found.correct.items()} == {
        "avg": [0, 1, 2],
        "max": [0],
    }
    for one in (trials[1], trials[2]):
        assert found.correct[one.arm][one.seed].tolist() == result(one).correct.tolist()
        assert found.curves[one.arm][one.seed] == result(one).epochs
    assert found.measures["avg"][0] == {"accuracy": 0.1, "diverged": 1}
    assert found.failed == {"max": {1: "MemoryError: no room"}}


def test_outcomes_of_several_data_sets_stand_in_the_plans_order(store):
    store.begin(replace(PLAN, data=("tie", "digits")), command="", machine={})
    store.remember("t", "tie", ["x", "y"], [0, 1])
    tie = trial(data="tie", digest="t")
    store.enlist("pilot", [tie, *grid()])
    store.finish(tie, replace(result(tie), correct=np.array([True, False])))
    store.finish(trial(), result(trial()))
    assert [each.data for each in store.outcomes("pilot")] == ["digits", "tie"]
    assert store.plan("pilot").data == ("digits", "tie")


def test_a_study_grows(store):
    more = replace(PLAN, arms=("gem",), seeds=(5, 4), data=("tie",), margin=0.01, tune=3)
    store.begin(replace(more, tuned={"avg": {"lr": 1.0}}), command="more", machine={"cores": 4})
    store.begin(replace(PLAN, tuned={"max": {"lr": 2.0}}), command="again", machine={})
    plan = store.plan("pilot")
    assert (plan.arms, plan.seeds) == (("avg", "max", "gem"), (0, 1, 2, 4, 5))
    assert (plan.data, plan.margin, plan.tune) == (("digits", "tie"), PLAN.margin, 3)
    assert plan.tuned == {"avg": {"lr": 1.0}, "max": {"lr": 2.0}}
    assert [each.command for each in store.sessions("pilot")] == ["study run", "more", "again"]
    assert store.sessions("pilot")[1].machine == {"cores": 4}


def test_a_plan_comes_back_as_it_went_in(store):
    assert store.plan("pilot") == PLAN


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"network": "tutorial"}, "network 'small' .now 'tutorial'."),
        ({"place": "inner"}, "place 'head'"),
        ({"precision": "bfloat16"}, "precision 'float32'"),
        ({"recipe": {"name": "fast", "lr": 0.1, "epochs": 2}}, r"recipe lr 0.01 \(now 0.1\);"),
        ({"recipe": {"name": "fast", "lr": 0.01}}, r"recipe epochs 2 \(now None\)"),
    ],
)
def test_another_study_under_the_same_name_is_refused(store, changed, named):
    with pytest.raises(PoolError, match=f"'pilot' was begun with .*{named}.*another name"):
        store.begin(replace(PLAN, **changed), command="", machine={})
    assert store.plan("pilot") == PLAN


def test_settings_are_compared_as_json_holds_them(store):
    plan = replace(PLAN, name="tuples", recipe={"sizes": (32, 32), "at": {"a": 1}})
    for _ in range(2):
        store.begin(plan, command="", machine={})
    assert store.plan("tuples").recipe == {"sizes": [32, 32], "at": {"a": 1}}


def test_settings_must_be_plain(store):
    for value in (float("nan"), object()):
        with pytest.raises(PoolError, match="the plan of a study must be plain values"):
            store.begin(replace(PLAN, name="x", recipe={"lr": value}), command="", machine={})


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 201, "\udc80", "a\0b"])
def test_names_of_studies_are_one_line(store, name):
    with pytest.raises(PoolError, match="a name is one line"):
        store.begin(replace(PLAN, name=name), command="", machine={})


def test_unknown_names_are_answered_by_near_ones(store):
    for ask in (store.plan, store.outcomes, store.trials, store.sessions):
        with pytest.raises(PoolError, match="has no study 'pilto'; it has 'pilot'"):
            ask("pilto")
    with pytest.raises(PoolError, match="has no study 'pilto'"):
        store.enlist("pilto", grid())
    with pytest.raises(PoolError, match="holds no trial 'abc'"):
        store.result("abc")
    with pytest.raises(PoolError, match="has no result: it is waiting"):
        store.weights(trial().key)


def test_an_empty_store_says_so(where):
    with open_store(where) as store:
        assert store.studies() == []
        with pytest.raises(PoolError, match="no study 'pilot'; it holds no study yet"):
            store.plan("pilot")


def test_studies_are_counted(store):
    trials = grid()
    settle(store, trials[:3], failed={trials[1].key})
    store.start(trials[4], 1, "here")
    store.begin(replace(PLAN, name="second"), command="", machine={})
    first, second = store.studies()
    assert (first.name, first.done, first.failed, first.missing) == ("pilot", 2, 1, 3)
    assert (second.name, second.done, second.failed, second.missing) == ("second", 0, 0, 0)
    assert second.created >= first.created > 1.7e9


def test_two_studies_share_their_trials(store):
    settle(store, grid())
    store.begin(replace(PLAN, name="second"), command="", machine={})
    store.enlist("second", grid())
    assert store.missing(one.key for one in grid()) == set()
    assert store.studies()[1].done == 6


@pytest.mark.parametrize(
    "changed",
    [{"versions": {"torch": "9"}}, {"digest": "d2"}, {"recipe": {"name": "fast", "lr": 3}}],
    ids=["versions", "data", "settings"],
)
def test_what_was_measured_otherwise_does_not_mix_in(store, changed):
    settle(store, grid())
    store.remember("d2", "digits", ["a", "b", "c"], LABELS)
    new = grid(**changed)
    assert store.enlist("pilot", new) == 6
    assert store.studies()[0].missing == 6
    settle(store, new[:1])
    (found,) = store.outcomes("pilot")
    assert found.correct["avg"][0].tolist() == result(new[0]).correct.tolist()
    assert list(found.correct) == ["avg"]
    assert store.enlist("pilot", grid()) == 6  # nothing was thrown away
    assert store.studies()[0].done == 6


def test_enlisting_again_changes_nothing(store):
    settle(store, grid()[:2])
    assert store.enlist("pilot", grid()) == 0
    assert store.enlist("pilot", grid()[:1]) == 0
    assert (store.studies()[0].done, store.studies()[0].missing) == (2, 4)


def test_bits_must_belong_to_the_data(store):
    short = replace(result(trial()), correct=np.ones(3, bool))
    with pytest.raises(PoolError, match=r"says of 3 test examples .* the data set has 21"):
        store.finish(trial(), short)
    assert store.missing([trial().key]) == {trial().key}


def test_labels_that_were_never_remembered(where):
    with open_store(where) as store:
        store.begin(PLAN, command="", machine={})
        store.enlist("pilot", grid())
        store.finish(trial(), result(trial()))
        with pytest.raises(PoolError, match="does not know the test labels of digits"):
            store.outcomes("pilot")


def test_a_result_that_cannot_be_kept_leaves_nothing(store):
    twice = replace(result(trial()), epochs=[{"epoch": 1}, {"epoch": 1}])
    with pytest.raises(PoolError, match="refuses a row"):
        store.finish(trial(), twice)
    assert store.finish(trial(), result(trial()))


def test_weights_too_large_for_a_row(store, monkeypatch):
    from anypool.study.store import packing

    monkeypatch.setattr(packing, "LARGEST", 10)
    with pytest.raises(PoolError, match=r"losses of a trial take 28 bytes; .* at most 10"):
        store.finish(trial(), result(trial()))


def test_damaged_weights_are_noticed(store):
    from sqlalchemy import update

    from anypool.study.store.tables import artifact

    store.finish(trial(), result(trial()))
    with store._place.writer.begin() as connection:
        connection.execute(update(artifact).values(bytes=b"rotten"))
    with pytest.raises(PoolError, match=r"weights of trial .* are damaged"):
        store.weights(trial().key)


def test_no_lease_no_beat(store):
    with pytest.raises(PoolError, match="no lease to renew"):
        store.beat()


@pytest.fixture
def ended(store):
    """A study with a result whose numbers JSON lacks, one crash and the rest waiting."""
    trials = grid()
    store.finish(trials[0], result(trials[0], loss=float("nan"), accuracy=0.5))
    settle(store, trials[1:3], failed={trials[2].key})
    return store


def test_export_to_json(ended, tmp_path):
    (path,) = ended.export("pilot", tmp_path / "out" / "pilot.json")

    def strict(word):
        raise AssertionError(word)

    found = json.loads(path.read_text(), parse_constant=strict)
    assert found["plan"]["name"] == "pilot"
    assert found["data"][0]["labels"] == LABELS.tolist()
    assert len(found["trials"]) == 6
    done = next(each for each in found["trials"] if each["key"] == trial().key)
    assert Trial(**{n: done[n] for n in trial().document()}).key == trial().key
    assert done["epochs"] == result(trial()).epochs
    assert done["measures"]["loss"] == "nan"
    assert [int(bit) for bit in done["correct"]] == result(trial()).correct.tolist()
    assert [each["state"] for each in found["trials"]].count("failed") == 1


def test_export_to_csv(ended, tmp_path):
    files = ended.export("pilot", tmp_path / "pilot.csv")
    assert [file.name for file in files] == [
        f"{name}.csv" for name in ("data", "trials", "epochs", "predictions")
    ]
    tables = {
        file.stem: list(csv.DictReader(file.read_text(encoding="utf-8").splitlines(True)))
        for file in files
    }
    assert len(tables["trials"]) == 6
    assert len(tables["epochs"]) == 4
    assert len(tables["predictions"]) == 2
    done = next(each for each in tables["trials"] if each["key"] == trial().key)
    assert (done["accuracy"], done["loss"], done["state"]) == ("0.5", "nan", "done")
    assert json.loads(done["recipe"]) == trial().recipe
    lost = next(each for each in tables["trials"] if each["state"] == "failed")
    assert lost["error"] == "Traceback ...\nMemoryError: no room\n"
    assert float(tables["epochs"][0]["loss"]) == result(trial()).epochs[0]["loss"]


def test_export_to_parquet(ended, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    files = ended.export("pilot", tmp_path / "pilot.parquet")
    tables = {file.stem: parquet.read_table(file).to_pylist() for file in files}
    done = next(each for each in tables["trials"] if each["key"] == trial().key)
    assert np.isnan(done["loss"])
    assert done["parameters"] == 1234
    assert tables["epochs"][0]["loss"] == result(trial()).epochs[0]["loss"]
    bits = "".join("01"[bit] for bit in result(trial()).correct.tolist())
    assert bits in [row["correct"] for row in tables["predictions"]]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
def test_a_study_without_a_result_is_exported_too(store, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    files = store.export("pilot", tmp_path / f"pilot{suffix}")
    assert all(file.exists() for file in files)


def test_an_export_is_whole_or_absent(ended, tmp_path, monkeypatch):
    from anypool.study.store import export

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export.TABLES, ".csv", full)
    with pytest.raises(PoolError, match=r"cannot write to .*: no space left on device"):
        ended.export("pilot", tmp_path / "pilot.csv")
    assert [file for file in tmp_path.iterdir() if not file.name.startswith("study.db")] == []


def test_exports_that_cannot_be(ended, tmp_path, monkeypatch):
    with pytest.raises(PoolError, match=r"must end in .json, .csv or .parquet"):
        ended.export("pilot", tmp_path / "pilot.xlsx")
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(PoolError, match="it is a folder; name a file"):
        ended.export("pilot", tmp_path / "taken.json")
    (tmp_path / "taken.csv").write_text("a file")
    with pytest.raises(PoolError, match="it is a file; name a folder"):
        ended.export("pilot", tmp_path / "taken.csv")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(PoolError, match=r"pip install 'anypool\[parquet\]'"):
        ended.export("pilot", tmp_path / "pilot.parquet")
    assert not (tmp_path / "pilot.parquet").exists()
