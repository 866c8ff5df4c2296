"""A study from its plan to its verdict: nothing runs twice, everything can be asked for later."""

import json
import sqlite3

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
for package in ("scipy", "sqlalchemy", "sklearn", "pooch", "jinja2", "matplotlib"):
    pytest.importorskip(package, reason=f"the study extra is not installed: {package}")
from anypool import study  # noqa: E402
from anypool.errors import PoolError  # noqa: E402
from anypool.study.progress import Json, Progress  # noqa: E402
from study_toys import filters, shapes, tiny  # noqa: E402

SETTINGS = {"epochs": 1, "batch": 40, "share": 0.2}


class Heard:
    """A stream that keeps what the driver told."""

    def __init__(self):
        self.events = []

    def write(self, text):
        self.events += [json.loads(line) for line in text.splitlines() if line.strip()]

    def flush(self):
        pass

    def count(self, kind):
        return sum(event["event"] == kind for event in self.events)


@pytest.fixture(scope="module")
def data():
    return shapes()


@pytest.fixture
def go(data, tmp_path):
    """Run a plan on the shapes in this process; gives the study and what was told."""

    def run(arms=("avg", "max"), seeds=2, network=None, **more):
        heard = Heard()
        told = {"network": "shapes net"} if network else {"network": "plain"}
        asked = study.plan(data, arms, seeds=seeds, **told, **SETTINGS, **more)
        found = study.run(
            asked, tmp_path / "study.db", data=[data], network=network, executor=study.Here(),
            progress=Progress(Json(heard)), cache=tmp_path / "cache",
        )  # fmt: skip
        return found, heard

    return run


def test_what_is_finished_is_not_run_again(go, tmp_path):
    found, heard = go()
    assert heard.count("done") == 4
    assert not (tmp_path / "study.db.work").exists()
    accuracies = found.outcomes[0].measures
    again, heard = go()
    assert heard.count("done") == 0
    assert again.outcomes[0].measures == accuracies


def test_seeds_and_arms_come_later(go):
    go()
    found, heard = go(arms=("avg", "max", "gem"), seeds=3)
    assert heard.count("done") == 5
    assert found.plan.arms == ("avg", "max", "gem")
    assert found.outcomes[0].seeds == (0, 1, 2)


def test_another_network_under_the_same_name_is_refused(go, data, tmp_path):
    go()
    other = study.plan(data, network="small", **SETTINGS)
    with pytest.raises(PoolError, match="network"):
        study.run(other, tmp_path / "study.db", data=[data], executor=study.Here())


def test_the_verdict_says_that_two_seeds_are_too_few(go):
    verdict = go()[0].verdict()
    assert {pair.word for pair in verdict.comparisons} == {"too few seeds"}
    assert "seeds" in verdict.sentence


def test_two_arms_can_be_compared(go):
    found, _ = go(arms=("avg", "max", "gem"))
    [pair] = found.compare("gem", "avg")
    assert {pair.a, pair.b} == {"gem", "avg"}
    with pytest.raises(PoolError, match="no arm 'agv'; did you mean avg"):
        found.compare("agv", "max")
    with pytest.raises(PoolError, match="cannot be compared with itself"):
        found.compare("max", "max")


def test_a_network_given_as_an_object(go, data):
    found, _ = go(network=tiny)
    again = found.network("max", 1, factory=tiny)
    right = again.predict(data.test_images).argmax(1) == data.test_labels
    np.testing.assert_array_equal(right, found.outcomes[0].correct["max"][1])


def test_a_factory_that_cannot_travel_is_refused(data, tmp_path):
    asked = study.plan(data, network="mine", **SETTINGS)
    with pytest.raises(PoolError, match="define it with def at the top of a module"):
        study.run(asked, tmp_path / "s.db", data=[data], executor=study.Here(),
                  network=lambda pool, classes: tiny(pool, 1, classes))  # fmt: skip


def test_trained_networks_are_kept(go, data):
    found, _ = go()
    best = found.network()
    assert best.classes == data.classes
    with pytest.raises(PoolError, match="no finished trial of arm max, seed 7; finished are"):
        found.network("max", 7)


def test_report_export_and_status(go, tmp_path):
    found, _ = go()
    names = {path.name for path in found.report(tmp_path / "report", dpi=60)}
    assert {"report.html", "table.tex", "verdict.json"} <= names
    assert found.verdict().sentence in (tmp_path / "report" / "verdict.json").read_text("utf-8")
    assert found.export(tmp_path / "all.json")
    assert found.status()[0].endswith("4 done")
    told = found.provenance()
    assert told["data"] == {"shapes": found.outcomes and told["data"]["shapes"]}
    assert len(told["data"]["shapes"]) == 64
    assert told["machine"]["torch"] == torch.__version__


def test_every_arm_tries_as_many_rates(go, tmp_path):
    found, heard = go(tune=3)
    assert heard.count("done") == 2 * 3 + 4
    assert set(found.plan.tuned) == {"shapes avg", "shapes max"}
    assert found.verdict().tuned
    with sqlite3.connect(tmp_path / "study.db") as raw:
        specs = [json.loads(row[0]) for row in raw.execute("select spec from trial")]
    for arm in ("avg", "max"):
        mine = [s for s in specs if s["arm"] == arm]
        tried = [s["recipe"]["rate"] for s in mine if s["purpose"] == "tune"]
        assert len(set(tried)) == 3
        used = {s["recipe"]["rate"] for s in mine if s["purpose"] == "measure"}
        assert used == {found.plan.tuned[f"shapes {arm}"]["rate"]} <= set(tried)
        assert not {s["seed"] for s in mine if s["purpose"] == "tune"} & {0, 1}
    again, heard = go(tune=3)
    assert heard.count("done") == 0
    assert again.plan.tuned == found.plan.tuned


def test_the_tutorials_recipe_cannot_be_tuned(data, tmp_path):
    asked = study.plan(data, network="plain", recipe="tutorial", epochs=1, tune=2)
    with pytest.raises(PoolError, match="tuning needs a validation split"):
        study.run(asked, tmp_path / "s.db", data=[data], executor=study.Here())


def test_the_faster_precision_is_kept(go):
    found, _ = go(precision="auto")
    assert found.plan.precision in ("float32", "bfloat16")
    again, heard = go(precision="auto")
    assert again.plan.precision == found.plan.precision
    assert heard.count("done") == 0


def test_images_of_many_sizes_refuse_a_head_of_one_size(tmp_path):
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 255, (1, 12 + i % 3, 12), np.uint8) for i in range(40)]
    labels = np.arange(40) % 2
    ragged = study.from_arrays("many", images[:20], labels[:20], images[20:], labels[20:])
    asked = study.plan(ragged, ["avg", "flatten"], network="plain", **SETTINGS)
    with pytest.raises(PoolError, match="the head flatten takes images of one size"):
        study.run(asked, tmp_path / "s.db", data=[ragged], executor=study.Here())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"arms": ["agv"]}, "no head is called 'agv'; did you mean avg"),
        ({"seeds": 0}, "seeds is 0"),
        ({"seeds": [-1]}, "seeds is"),
        ({"margin": 0}, "margin is 0; give a share"),
        ({"precision": "half"}, "precision is 'half'"),
        ({"reference": "gem"}, "reference 'gem' is no arm"),
        ({"recipe": "slow"}, "no recipe is called 'slow'"),
        ({"tune": -1}, "tune is -1"),
        ({"epoch": 3}, "no setting 'epoch'"),
    ],
)
def test_plans_that_make_no_sense(told, words):
    with pytest.raises(PoolError, match=words):
        study.plan("digits", **told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "winner"),
    [
        ("target", "max"),
        pytest.param("texture", "avg", marks=pytest.mark.nightly),
        pytest.param("tie", None, marks=pytest.mark.nightly),
    ],
)
def test_known_winners_are_found_and_a_tie_is_called_a_tie(name, winner, tmp_path):
    """The tool itself: trainings on made data whose answer is known, end to end."""
    made = f"{name}:train=2000,test=1000"
    asked = study.plan(made, ["avg", "max"], network="filters", seeds=6, margin=0.02, epochs=6,
                       batch=100, rate=1e-2)  # fmt: skip
    found = study.run(asked, tmp_path / "study.db", network=filters, cache=tmp_path / "cache")
    [pair] = found.verdict().comparisons
    if winner is None:
        assert pair.word == "equivalent", pair.sentence
    else:
        won = {"better": pair.a, "worse": pair.b}.get(pair.word)
        assert won == winner, pair.sentence
