"""The training of the study: exact recipes, the same chances for every arm, stops without trace."""

import dataclasses
import io
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("scipy", reason="the study extra is not installed")
pytest.importorskip("sklearn", reason="the study extra is not installed")
from anypool.errors import PoolError  # noqa: E402
from anypool.study import data as sets  # noqa: E402
from anypool.study import recipes  # noqa: E402
from anypool.study.checkpoint import save  # noqa: E402
from anypool.study.predict import revive  # noqa: E402
from anypool.study.records import Trial  # noqa: E402
from anypool.study.trial import Job, network, prepare, run  # noqa: E402

SHORT = {"epochs": 2, "batch": 100}


@pytest.fixture(scope="module")
def digits():
    return sets.load("digits")


@pytest.fixture(scope="module")
def kept(digits, tmp_path_factory):
    return str(sets.keep(digits, tmp_path_factory.mktemp("sets")))


def trial(data, arm="avg", seed=0, network="plain", name="fast", place="head", **settings):
    told = recipes.recipe(name, **{**SHORT, **settings})
    return Trial(data.name, data.digest, network, place, arm, told, seed)


def job(trial, kept, tmp_path, **more):
    return Job(trial, kept, str(tmp_path / "scratch"), **more)


def same_result(one, other):
    """Everything but the time it took."""
    timed = {"seconds", "cpu_seconds", "peak_bytes"}
    for a, b in zip(one.epochs, other.epochs, strict=True):
        assert {k: v for k, v in a.items() if k not in timed} == {
            k: v for k, v in b.items() if k not in timed
        }
    np.testing.assert_array_equal(one.losses, other.losses)
    np.testing.assert_array_equal(one.correct, other.correct)
    assert {k: v for k, v in one.measures.items() if k not in timed} == {
        k: v for k, v in other.measures.items() if k not in timed
    }
    first, second = (torch.load(io.BytesIO(r.weights))["state"] for r in (one, other))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_trial_says_what_it_found(digits, kept, tmp_path):
    result = run(job(trial(digits, network="small", epochs=4), kept, tmp_path))
    assert [row["epoch"] for row in result.epochs] == [1, 2, 3, 4]
    assert result.losses.shape == (4 * int(np.ceil(len(digits.train_labels) * 0.9 / 100)),)
    assert result.measures["accuracy"] == result.correct.mean() > 0.9
    assert result.losses[-5:].mean() < result.losses[:5].mean()
    assert 0.3 < result.measures["shift_consistency"] <= 1
    assert {"accuracy@6x6", "accuracy@10x10", "accuracy@12x12"} <= set(result.measures)
    assert result.measures["parameters"] == 112362
    assert result.measures["peak_bytes"] > 1e7
    assert not list((tmp_path / "scratch").iterdir())


def test_the_same_trial_ends_the_same(digits, kept, tmp_path):
    one, other = (run(job(trial(digits), kept, tmp_path / n)) for n in "ab")
    same_result(one, other)


CHILD = """
import pickle, sys
from anypool.study.trial import run
job = pickle.load(open(sys.argv[1], "rb"))
print("ready", flush=True)
run(job)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "arm", "settings"),
    [
        (signal.SIGTERM, "avg", {"average": 0.9}),
        (signal.SIGKILL, "flatten", {"shift": 1, "erase": 0.5}),  # dropout, every augmentation
        (signal.SIGTERM, "stochastic", {"optimiser": "sgd", "rate": 0.05}),
    ],
    ids=["averaged", "augmented", "stochastic"],
)
def test_a_killed_trial_goes_on_bit_for_bit(number, arm, settings, digits, kept, tmp_path):
    import pickle

    asked = job(trial(digits, arm, epochs=8, **settings), kept, tmp_path, every=0.0)
    whole = run(dataclasses.replace(asked, scratch=str(tmp_path / "apart"), every=60.0))
    (tmp_path / "job").write_bytes(pickle.dumps(asked))
    draw = random.Random(os.urandom(4))
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path / "job")], stdout=subprocess.PIPE
        )
        child.stdout.readline()
        place = tmp_path / "scratch" / f"{asked.trial.key}.pt"
        until = time.monotonic() + 60
        while not place.exists() and child.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.5))
        child.send_signal(number)
        child.communicate()
        # a SIGTERM that comes before the training begins finds nobody to hear it
        assert child.returncode in (0, -signal.SIGKILL, 143, -signal.SIGTERM)
    same_result(run(asked), whole)


@pytest.mark.parametrize("at", [1, 12, 13, 14, 26])
def test_a_training_goes_on_from_any_step(at, digits, kept, tmp_path, monkeypatch):
    """13 batches an epoch: before, at and after the end of one, and at the very end."""
    asked = job(trial(digits), kept, tmp_path, every=0.0)
    whole = run(dataclasses.replace(asked, scratch=str(tmp_path / "apart"), every=60.0))

    def save_and_leave(path, state):
        save(path, state)
        if state["step"] == at:
            raise SystemExit(143)

    monkeypatch.setattr("anypool.study.trial.save", save_and_leave)
    with pytest.raises(SystemExit, match="143"):
        run(asked)
    monkeypatch.undo()
    same_result(run(asked), whole)


def test_a_spoilt_checkpoint_is_begun_anew(digits, kept, tmp_path):
    asked = job(trial(digits, epochs=1), kept, tmp_path)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / f"{asked.trial.key}.pt").write_bytes(b"PK half a file")
    same_result(run(asked), run(job(trial(digits, epochs=1), kept, tmp_path / "other")))


def test_every_arm_gets_the_same_chances(digits):
    tasks = [prepare(trial(digits, arm, seed=3), digits)[0] for arm in ("avg", "max")]
    assert torch.equal(tasks[0].labels, tasks[1].labels)
    assert torch.equal(tasks[0].images.held, tasks[1].images.held)
    assert torch.equal(tasks[0].order(1), tasks[1].order(1))
    assert not torch.equal(tasks[0].order(0), tasks[0].order(1))
    models = [network(trial(digits, arm, seed=3), digits) for arm in ("avg", "gem")]
    for name, tensor in models[0].state_dict().items():
        assert torch.equal(tensor, models[1].state_dict()[name])
    other = prepare(trial(digits, seed=4), digits)[0]
    assert not torch.equal(other.labels, tasks[0].labels)


def test_the_tutorials_recipe_is_the_tutorials(digits):
    asked = trial(digits, name="tutorial", network="tutorial", epochs=60, batch=64)
    task, test, truth = prepare(asked, digits)
    recipe = task.recipe
    assert (recipe.epochs, recipe.batch, recipe.rate, recipe.optimiser) == (60, 64, 3e-4, "adam")
    assert torch.equal(task.order(5), torch.arange(len(digits.train_labels)))  # no shuffling
    assert len(task.labels) == len(digits.train_labels)  # all of them are trained on
    assert task.held_out is test
    assert torch.equal(task.held_out_labels, truth)
    batch = task.images.batch(torch.arange(3))
    want = torch.from_numpy(np.array(digits.train_images[:3])) / 255  # ToTensor, nothing more
    torch.testing.assert_close(batch, want)
    for module in network(asked, digits).modules():
        if isinstance(module, torch.nn.Conv2d):
            fan = sum(torch.nn.init._calculate_fan_in_and_fan_out(module.weight))
            assert torch.all(module.bias == torch.tensor(0.01))
            assert module.weight.abs().max() <= (6 / fan) ** 0.5
            assert module.weight.abs().max() > 0.8 * (6 / fan) ** 0.5


def test_the_tutorials_training_is_a_plain_loop(digits, kept, tmp_path):
    """Held against the tutorial's steps written out with torch.nn and nothing of ours."""
    from torch import nn

    asked = trial(digits, name="tutorial", network="tutorial", epochs=1, batch=64)
    ours = run(job(asked, kept, tmp_path))
    model = network(asked, digits).to(memory_format=torch.contiguous_format)
    model.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for place, module in enumerate(model.features):
        if type(module).__name__ == "MaxPool2d":
            model.features[place] = nn.MaxPool2d(2)
    optimiser = torch.optim.Adam(model.parameters(), 3e-4)
    x, y = torch.from_numpy(digits.train_images / np.float32(255)), digits.train_labels
    losses = []
    for images, labels in zip(x.split(64), torch.from_numpy(y.copy()).split(64), strict=True):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    np.testing.assert_allclose(ours.losses, losses, rtol=1e-4)


def test_a_training_that_diverges_is_a_result(digits, kept, tmp_path):
    result = run(
        job(trial(digits, rate=1e30, optimiser="sgd", schedule="constant"), kept, tmp_path)
    )
    assert result.measures["diverged"] == 1
    assert result.epochs[-1]["loss"] is None
    assert result.measures["accuracy"] < 0.3
    assert result.correct.shape == digits.test_labels.shape


def test_tuning_never_sees_the_test_images(digits, kept, tmp_path, monkeypatch):
    asked = dataclasses.replace(trial(digits), purpose="tune")
    plain = run(job(asked, kept, tmp_path))
    blind = dataclasses.replace(digits, test_images=np.zeros_like(digits.test_images))
    monkeypatch.setattr("anypool.study.trial.recall", lambda folder: blind)
    same = run(job(asked, kept, tmp_path))
    assert plain.measures["accuracy"] == same.measures["accuracy"]
    assert plain.correct.size == 0
    assert plain.measures["accuracy"] == plain.measures["validation_accuracy"]


def test_bfloat16_and_float32_agree_roughly(digits, kept, tmp_path):
    full = trial(digits, network="small", epochs=4)
    half = dataclasses.replace(full, precision="bfloat16")
    accuracies = [run(job(t, kept, tmp_path)).measures["accuracy"] for t in (full, half)]
    assert abs(accuracies[0] - accuracies[1]) < 0.05


def ragged():
    """Stripes across or upright, in images of many sizes."""
    draw = np.random.default_rng(0)

    def image(kind):
        rows, columns = draw.integers(16, 24, 2)
        lines = np.arange(rows)[:, None] if kind else np.arange(columns)[None]
        stripes = np.broadcast_to((lines + draw.integers(4)) // 2 % 2, (rows, columns))
        return (stripes[None] * 200 + draw.integers(0, 50, (1, rows, columns))).astype(np.uint8)

    kinds = np.arange(160) % 2
    images = [image(k) for k in kinds]
    return sets.from_arrays("stripes", images[:120], kinds[:120], images[120:], kinds[120:])


def test_images_of_different_sizes(tmp_path):
    data = ragged()
    assert data.ragged
    kept = str(sets.keep(data, tmp_path / "sets"))
    asked = trial(
        data, network="small", epochs=4, batch=16, share=0.2, flip=True, shift=1, erase=0.2
    )
    result = run(job(asked, kept, tmp_path))
    assert result.measures["accuracy"] >= 0.9
    found = revive(asked, result.weights)
    right = found.predict(data.test_images).argmax(1) == data.test_labels
    np.testing.assert_array_equal(right, result.correct)


def test_predictions_are_those_that_were_measured(digits, kept, tmp_path):
    asked = trial(digits, "gem", network="small", epochs=3)
    result = run(job(asked, kept, tmp_path))
    found = revive(asked, result.weights)
    shares = found.predict(digits.test_images)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(shares.argmax(1) == digits.test_labels, result.correct)


def test_predictions_take_images_as_they_come(digits, kept, tmp_path):
    asked = trial(digits, epochs=1)
    found = revive(asked, run(job(asked, kept, tmp_path)).weights)
    grey = digits.test_images[0]
    ways = [grey[0], grey, np.repeat(grey, 3, 0), np.repeat(np.moveaxis(grey, 0, 2), 3, 2),
            grey[0] / np.float32(255)]  # fmt: skip
    shares = [found.predict([way])[0] for way in ways]
    for other in shares[1:]:
        np.testing.assert_allclose(shares[0], other, atol=1e-5)
    assert found.predict([np.zeros((50, 30), np.uint8)]).shape == (1, 10)
    assert found.predict([]).shape == (0, 10)
    with pytest.raises(PoolError, match="image 0 is int64"):
        found.predict([np.zeros((8, 8), np.int64)])
    with pytest.raises(PoolError, match="not finite"):
        found.predict([np.full((8, 8), np.nan)])
    with pytest.raises(PoolError, match="has 4 axes"):
        found.predict([np.zeros((1, 1, 8, 8))])


def test_one_cycle_rises_and_falls():
    recipe = recipes.Recipe(rate=1.0)
    rates = [recipes.rate(recipe, s, 100) for s in range(100)]
    top = int(np.argmax(rates))
    assert top == 25
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert 0 < rates[-1] < 0.01


def test_augmentations_do_what_they_say():
    chances = torch.Generator().manual_seed(0)
    x = torch.arange(6.0 * 1 * 7 * 9).reshape(6, 1, 7, 9) + 1
    plain = recipes.Recipe(flip=False)
    assert torch.equal(recipes.augment(x, plain, chances), x)
    flipped = recipes.augment(x, dataclasses.replace(plain, flip=True), chances)
    ways = [
        torch.equal(f, o) or torch.equal(f, o.flip(-1)) for f, o in zip(flipped, x, strict=True)
    ]
    assert all(ways)
    assert not torch.equal(flipped, x)
    moved = recipes.augment(x, dataclasses.replace(plain, shift=2), chances)
    inside = moved[:, :, 2:-2, 2:-2] - x[:, :, 2:-2, 2:-2]
    assert torch.equal(inside, inside[:, :, :1, :1].expand_as(inside))  # all by the same step
    assert inside.unique().numel() > 2
    erased = recipes.augment(x, dataclasses.replace(plain, erase=1.0), chances)
    assert ((erased == 0).sum((1, 2, 3)) == 4).all()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("fats", {}, "no recipe is called 'fats'; did you mean fast"),
        ("fast", {"epoch": 3}, "no setting 'epoch'; did you mean epochs"),
        ("fast", {"epochs": 0}, "epochs is 0; it must be at least 1"),
        ("fast", {"epochs": 2.5}, "epochs is 2.5; it must be of type int"),
        ("fast", {"flip": 1}, "flip is 1; it must be of type bool"),
        ("fast", {"smoothing": 1.0}, "smoothing is 1.0; it must be at least 0.0 and at most 0.99"),
        ("fast", {"optimiser": "adamm"}, "optimiser is 'adamm'; it may be adamw, adam, sgd"),
        ("fast", {"rate": float("nan")}, "rate is nan"),
    ],
)
def test_recipes_that_make_no_sense(name, settings, words):
    with pytest.raises(PoolError, match=words):
        recipes.recipe(name, **settings)
